-- SPDX-License-Identifier: MIT
-- How stanzas of plans leave: serialised once, and what one turn of the host's loop brings to one session together.
local new_outbox = require "sx.muc.outbox".new;
local delivery = module:require "muc_scion_delivery";
local gate = delivery.gate;

local jid = require "util.jid";
local st = require "util.stanza";
local now = require "util.time".monotonic;

local hosts, full_sessions, bare_sessions = prosody.hosts, prosody.full_sessions, prosody.bare_sessions;
local here = module.host;
local new_form = delivery.new_form;

local outbox = new_outbox {
	now = now;
	soon = function (f) module:add_timer(0, function () f(); end); end;
	fail = function (err) module:log("error", "What rooms sent could not be delivered: %s", err); end;
	deliver = delivery.deliver;
	begin = gate.look_again;
};

-- The queue that a session is sent from.
local function key_of(session)
	if session.full_jid then
		return session.full_jid;
	end
	return session.direction == "incoming" and session.from_host or session.to_host;
end

-- A filter: what a session is sent by others comes after what waits for it.
local function pass(stanza, session)
	local key = key_of(session);
	if key and outbox.queues[key] then
		outbox:flush_key(key);
	end
	return stanza;
end
gate.know(pass, "own");

local watched = setmetatable({}, { __mode = "k" });

local function watch_session(session)
	if session and session.filters then
		watched[session] = true;
		gate.watch(session, pass);
	end
end

-- A session that is about to be closed still gets what waits for it.
local function on_close(event)
	local full_jid = event.session and event.session.full_jid;
	if full_jid then
		outbox:flush_key(full_jid);
	end
end

-- One that has lost its connection gets it where XEP-0198 keeps it. Else nobody would: the bytes would have been lost
-- on the way, and what cannot be delivered any more would come back as errors.
local function on_unbind(event)
	local session = event.session;
	if session.smacks then
		on_close(event);
	elseif session.full_jid then
		delivery.lose(outbox:drop(session.full_jid));
	end
end

-- One that goes on on another connection has other filters, which do not know of us.
local function on_resume(event)
	on_close({ session = event.resumed });
end

local watched_hosts = {};

-- A session that ends, or is replaced by another of its name, gets before that what waits for it.
local function watch_host(host)
	local events = hosts[host].events;
	if watched_hosts[host] ~= events then
		watched_hosts[host] = events;
		module:hook_object_event(events, "pre-session-close", on_close, 1000);
		module:hook_object_event(events, "pre-resource-unbind", on_unbind, 1000);
		module:hook_object_event(events, "smacks-hibernation-end", on_resume, 1000);
	end
end

-- To a local bare JID, or a host of ours: at once, and after what waits for its user's sessions.
local function send_direct(form, to)
	local user = bare_sessions[jid.bare(to)];
	for _, session in pairs(user and user.sessions or {}) do
		outbox:flush_key(session.full_jid);
	end
	delivery.send_stock(form, to, nil, "no session");
end

local function put_for_session(form, to, session, origin)
	if outbox:put(to, form, to, origin) then
		watch_host(session.host);
		watch_session(session);
	end
end

local function put(form, to)
	local session = full_sessions[to];
	if session then
		return put_for_session(form, to, session);
	end
	local host = jid.host(to);
	if not host or hosts[host] then
		return send_direct(form, to);
	elseif outbox:put(host, form, to) then
		watch_session(hosts[here].s2sout[host]);
	end
end

-- What rooms have sent: room -> tally.
local tallies = setmetatable({}, { __mode = "k" });
local of_none = { sent = 0, slow = 0, reasons = {} };

local fan = { counts = delivery.counts, outbox = outbox };

--- A function that finds a room by its JID; the rest is sent by none.
function fan.room_of()
	return nil;
end

--- What a room has sent: { sent, slow, reasons = { reason -> number } }.
function fan.tally_of(room)
	if not room then
		return of_none;
	end
	tallies[room] = tallies[room] or { sent = 0, slow = 0, reasons = {} };
	return tallies[room];
end

local function tally_for(stanza, number)
	local tally = fan.tally_of(fan.room_of(jid.bare(stanza.attr.from)));
	tally.sent = tally.sent + number;
	return tally;
end

local function form_of(stanza, number)
	local form = new_form(stanza, tally_for(stanza, number));
	outbox:hold(form);
	return form;
end

local lasting = setmetatable({}, { __mode = "k" }); -- stanza that will come again -> its form

local function listed_form(stanza, tally)
	local form = lasting[stanza];
	if form then
		return form;
	end
	form = new_form(stanza, tally);
	if stanza.is_lasting then
		lasting[stanza] = form;
	else
		outbox:hold(form);
	end
	return form;
end

-- The stock path for all.
local stock = {};

function stock.send(operation)
	module:send(operation.stanza);
end

function stock.fan(operation)
	local stanza = operation.stanza;
	for _, to in ipairs(operation.targets) do
		stanza.attr.to = to;
		module:send(stanza);
	end
end

function stock.list(operation)
	for _, stanza in ipairs(operation.stanzas) do
		local copy = st.clone(stanza);
		copy.attr.to = operation.to;
		module:send(copy);
	end
end

function stock.reply(operation)
	operation.origin.send(operation.stanza);
end

local fast = {};

function fast.send(operation)
	local stanza = operation.stanza;
	put(form_of(stanza, 1), stanza.attr.to);
end

function fast.fan(operation)
	local stanza = operation.stanza;
	local form = form_of(stanza, #operation.targets);
	for _, to in ipairs(operation.targets) do
		put(form, to);
	end
end

function fast.list(operation)
	local stanzas = operation.stanzas;
	local tally = tally_for(stanzas[1], #stanzas);
	for _, stanza in ipairs(stanzas) do
		put(listed_form(stanza, tally), operation.to);
	end
end

function fast.reply(operation)
	local stanza, origin = operation.stanza, operation.origin;
	local to = stanza.attr.to;
	if to and full_sessions[to] == origin then
		put_for_session(form_of(stanza, 1), to, origin, origin);
		return;
	end
	if to and not hosts[jid.host(to)] then
		outbox:flush_key(jid.host(to)); -- what is for that server comes first, whatever stream this goes by
	end
	origin.send(stanza);
end

--- The functions that carry out what plans send: send, fan, list and reply.
function fan.carriers(is_fast)
	return is_fast and fast or stock;
end

local is_over = false;

--- A plan has been carried out: what it has sent leaves soon, or `at_once`.
function fan.settle(at_once)
	if at_once or is_over then
		outbox:flush(true);
	else
		outbox:settle();
	end
end

--- Delivers what waits and takes our filter off all sessions.
function fan.stop()
	is_over = true;
	outbox:flush(true);
	for session in pairs(watched) do
		gate.unwatch(session, pass);
	end
end

return fan;
