-- SPDX-License-Identifier: MIT
-- How stanzas of plans leave: serialised once, and what one turn of the host's loop brings to one session together.
local new_outbox = require "sx.muc.outbox".new;
local new_turns = require "sx.turns";
local splice = require "sx.muc.splice";
local delivery = module:require "muc_scion_delivery";
local gate = delivery.gate;
local load_core = module:require "sx".core;

local jid = require "util.jid";
local st = require "util.stanza";
local now = require "util.time".monotonic;

local hosts, full_sessions, bare_sessions = prosody.hosts, prosody.full_sessions, prosody.bare_sessions;
local here = module.host;
local new_form, deliver = delivery.new_form, delivery.deliver;

local core, why_none = load_core();
if not core then
	error("The core of rooms cannot be loaded: " .. why_none, 0);
end

local outbox;

-- The queue that a session is sent from.
local function key_of(session)
	if session.full_jid then
		return session.full_jid;
	end
	return session.direction == "incoming" and session.from_host or session.to_host;
end

local STANZAS = { message = true, presence = true, iq = true };

-- A filter: what a session is sent by others comes after what waits for it. What is no stanza has no place among them;
-- to come before <enabled/> (XEP-0198) would even be wrong, for what comes after it is counted. Nor do others wait for
-- the rooms where a server is slow to take what these have sent.
local function pass(stanza, session)
	local key = STANZAS[stanza.name] and key_of(session);
	if key and (session.full_jid or not outbox.held[key]) then
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
		outbox:release(full_jid);
		outbox:flush_key(full_jid);
	end
end

-- One that has lost its connection gets nothing written any more. Where XEP-0198 counts, what waits is not lost: it is
-- kept with what was not acknowledged, of a session that can be resumed by mod_smacks when it has begun to hibernate.
local function on_unbind(event)
	local session = event.session;
	local full_jid = session.full_jid;
	if not full_jid or session.smacks and session.resumption_token then
		return;
	elseif session.smacks then
		outbox:drop(full_jid, function (form, to) delivery.keep(form, to, session); end);
	else
		delivery.lose(outbox:drop(full_jid), "disconnected");
	end
	outbox:forget(full_jid);
end

local function on_hibernate(event)
	on_close({ session = event.origin });
end

-- One that goes on on another connection has other filters, which do not know of us.
local function on_resume(event)
	on_close({ session = event.resumed });
	watch_session(event.resumed);
end

local function on_bind(event)
	if outbox.addresses[event.session.full_jid] then
		watch_session(event.session);
	end
end

local function on_drain(event)
	local key = key_of(event.session);
	if key then
		outbox:release(key);
	end
end

local HOOKS = {
	["pre-session-close"] = on_close, ["pre-resource-unbind"] = on_unbind, ["resource-bind"] = on_bind,
	["smacks-hibernation-start"] = on_hibernate, ["smacks-hibernation-end"] = on_resume,
};
local watched_hosts = {};

-- A session that ends, or is replaced by another of its name, gets before that what waits for it.
local function watch_host(host)
	local events = hosts[host].events;
	if watched_hosts[host] ~= events then
		watched_hosts[host] = events;
		for name, handler in pairs(HOOKS) do
			module:hook_object_event(events, name, handler, 1000);
		end
	end
end

-- Connections say all the time that they have sent everything. It is heard while somebody waits for it.
local draining = {}; -- events -> true

local function watch_drain(key)
	local host = key:find("@", 1, true) and jid.host(key) or here;
	local events = hosts[host].events;
	if not draining[events] then
		draining[events] = true;
		module:hook_object_event(events, "c2s-ondrain", on_drain);
		module:hook_object_event(events, "s2s-ondrain", on_drain);
	end
end

local function forget_drain()
	for events in pairs(draining) do
		module:unhook_object_event(events, "c2s-ondrain", on_drain);
		module:unhook_object_event(events, "s2s-ondrain", on_drain);
		draining[events] = nil;
	end
end

-- Streams to servers begin and end while something waits for them.
local function on_stream(event)
	local session = event.session;
	if session and (session.from_host == here or session.to_host == here) then
		watch_session(session);
	end
end
module:hook("s2sout-established", on_stream, 1000);
module:hook("s2sin-established", on_stream, 1000);

-- What has waited for a stream that is no more waits for none, or makes another.
local function on_stream_end(event)
	local key = key_of(event.session);
	if key and (event.session.from_host == here or event.session.to_host == here) then
		outbox:release(key);
	end
end
module:hook("s2sout-destroyed", on_stream_end);
module:hook("s2sin-destroyed", on_stream_end);

-- To a local bare JID, or a host of ours: at once, and after what waits for its user's sessions.
local function send_direct(form, to)
	local user = bare_sessions[jid.bare(to)];
	for _, session in pairs(user and user.sessions or {}) do
		outbox:flush_key(session.full_jid);
	end
	delivery.send_stock(form, to, "no session");
end

-- The queue of a recipient: its own, or that of its server; nil for what is no session of ours.
local function find_queue(to)
	local session = full_sessions[to];
	local host = jid.host(to);
	if session then
		watch_host(session.host);
		watch_session(session);
		return to, splice.escape(st, to);
	elseif host and not hosts[host] then
		watch_session(hosts[here].s2sout[host]);
		return host, splice.escape(st, to);
	end
end

local fan = { counts = delivery.counts };

--- Calls a function in the next turn of Prosody's loop.
fan.soon = new_turns(
	function (run) module:add_timer(0, run); end,
	function (err) module:log("error", "What rooms sent could not be delivered: %s", err); end);

--- Called with a session, or the domain of a server, that does not read what it is sent, so that too much waits for it.
function fan.overflow()
end

outbox = new_outbox {
	core = assert(core.fan()), now = now,
	soon = fan.soon;
	fail = function (err) module:log("error", "What rooms sent could not be delivered: %s", err); end;
	begin = gate.look_again; find = find_queue; direct = send_direct;
	deliver = function (key, batch, number, marks, largest, is_last, most)
		local is_full, following = deliver(outbox, key, batch, number, marks, largest, is_last, most);
		if is_full then
			watch_drain(key);
			outbox:hold(key);
		end
		return following;
	end;
	at_rest = forget_drain; lose = function (number) delivery.lose(number, "memory"); end;
	overflow = function (key)
		delivery.lose(outbox:drop(key), "overflow");
		fan.soon(function () fan.overflow(key); end);
	end;
};
fan.outbox = outbox;

-- What rooms have sent: room -> tally.
local tallies = setmetatable({}, { __mode = "k" });
local of_none = { sent = 0, slow = 0, reasons = {} };

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

local function form_of(stanza, number, origin)
	return new_form(stanza, tally_for(stanza, number), origin);
end

local lasting = setmetatable({}, { __mode = "k" }); -- stanza that will come again -> its form

local function listed_form(stanza, tally)
	local form = lasting[stanza];
	if form then
		return form;
	end
	form = new_form(stanza, tally);
	lasting[stanza] = stanza.is_lasting and form or nil;
	return form;
end

-- The stock path for all.
local stock = {};

local function count_stock(stanza, number)
	delivery.count_slow(tally_for(stanza, number), "off", number);
end

function stock.send(operation)
	count_stock(operation.stanza, 1);
	module:send(operation.stanza);
end

function stock.fan(operation)
	local stanza = operation.stanza;
	count_stock(stanza, #operation.targets);
	for _, to in ipairs(operation.targets) do
		stanza.attr.to = to;
		module:send(stanza);
	end
end

function stock.list(operation)
	count_stock(operation.stanzas[1], #operation.stanzas);
	for _, stanza in ipairs(operation.stanzas) do
		local copy = st.clone(stanza);
		copy.attr.to = operation.to;
		module:send(copy);
	end
end

function stock.reply(operation)
	count_stock(operation.stanza, 1);
	operation.origin.send(operation.stanza);
end

local fast = {};

function fast.send(operation)
	local stanza = operation.stanza;
	outbox:put(form_of(stanza, 1), stanza.attr.to);
end

function fast.fan(operation)
	outbox:fan(form_of(operation.stanza, #operation.targets), operation.targets);
end

function fast.list(operation)
	local stanzas = operation.stanzas;
	local tally = tally_for(stanzas[1], #stanzas);
	for _, stanza in ipairs(stanzas) do
		outbox:put(listed_form(stanza, tally), operation.to);
	end
end

function fast.reply(operation)
	local stanza, origin = operation.stanza, operation.origin;
	local to = stanza.attr.to;
	if to and full_sessions[to] == origin then
		outbox:put(form_of(stanza, 1, origin), to);
	elseif to and not hosts[jid.host(to)] then
		outbox:put(form_of(stanza, 1), to);
	else
		delivery.count_slow(tally_for(stanza, 1), "no session", 1);
		origin.send(stanza);
	end
end

--- The functions that carry out what plans send: send, fan, list and reply.
function fan.carriers(is_fast)
	return is_fast and fast or stock;
end

--- A plan has been carried out: what it has sent leaves soon, or `at_once`.
function fan.settle(at_once)
	if at_once then
		outbox:flush_all();
	else
		outbox:settle();
	end
end

--- Delivers what waits and takes our filter off all sessions. What is sent later goes the stock path.
function fan.stop()
	outbox:close();
	for name, carry in pairs(stock) do
		fast[name] = carry;
	end
	for session in pairs(watched) do
		gate.unwatch(session, pass);
	end
end
module:hook_global("server-stopped", fan.stop, 100);

return fan;
