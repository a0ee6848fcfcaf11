-- SPDX-License-Identifier: MIT
-- Brings what rooms send to their recipients: serialised once, all of a turn in one write, past Prosody's routing where
-- muc_scion_gate holds that nobody can tell; else the stock way, in its place in the order.
local new_outbox = require "sx.muc.outbox".new;
local splice = require "sx.muc.splice";
local gate = module:require "muc_scion_gate";

local datetime = require "util.datetime".datetime;
local jid = require "util.jid";
local st = require "util.stanza";
local now = require "util.time".monotonic;

local hosts, full_sessions = prosody.hosts, prosody.full_sessions;
local here = module.host;

local LARGE = 65536; -- bytes that are not copied for each recipient
local STREAM_PIECE = 65536; -- bytes in one write to a server
local XMLNS_DELAY = "urn:xmpp:delay";

-- What was brought: path and reason -> number. "fast" counts by kind of session.
local counts = { fast = {}, slow = {} };

local function tally(form, path, reason)
	local by = counts[path];
	by[reason] = (by[reason] or 0) + 1;
	local room = form.tally;
	if room then
		by = room[path];
		by[reason] = (by[reason] or 0) + 1;
	end
end

-- The stock path. A stanza that answers a session goes by its `send`.
local function send_stock(form, to, origin, reason)
	tally(form, "slow", reason);
	local stanza = form.stanza.is_lasting and splice.copy(form, to) or form.stanza;
	if origin and not origin.destroyed then
		origin.send(stanza);
		return;
	end
	stanza.attr.to = to;
	module:send(stanza);
end

--- XEP-0198

local queued = {}; -- host -> function that counts, as mod_smacks does

local function count_queued(host)
	if not queued[host] then
		local smacks = hosts[host] and hosts[host].modules.smacks;
		queued[host] = smacks and smacks.module:measure("tx_queued_stanzas", "counter") or function () end;
	end
	queued[host](1);
end

-- What mod_smacks would keep until it is acknowledged.
local function keep(queue, form, to, session, host)
	local copy = splice.copy(form, to);
	if copy.name ~= "iq" and not form.has_delay then
		copy:tag("delay", {
			xmlns = XMLNS_DELAY, from = jid.bare(session.full_jid or session.host), stamp = datetime(),
		});
	end
	queue:push(copy);
	count_queued(host);
end

--- Local users

-- Reused: the pieces of one write.
local pieces, piece_count, piece_bytes = {}, 0, 0;

local function write_pieces(write)
	if piece_count == 0 then
		return true;
	end
	local data = table.concat(pieces, "", 1, piece_count);
	piece_count, piece_bytes = 0, 0;
	return write(data);
end

local function add_pieces(head, to, tail)
	local n = piece_count;
	pieces[n + 1], pieces[n + 2], pieces[n + 3] = head, to, tail;
	piece_count, piece_bytes = n + 3, piece_bytes + #head + #to + #tail;
end

-- Bytes of one stanza. Of what is large, all recipients share the tail.
local function write_one(session, form, to, is_framed)
	to = splice.escape(st, to);
	if is_framed then
		write_pieces(session.rawsend);
		session.rawsend(form.head .. to .. splice.framed_tail(form));
	elseif form.size > LARGE then
		write_pieces(session.rawsend);
		session.rawsend(form.head .. to);
		session.rawsend(form.tail);
	else
		add_pieces(form.head, to, form.tail);
	end
end

-- Asks those that may drop a stanza, as Prosody would: true when one has taken it.
local function is_taken(verdict, form, to)
	if not verdict.calls[1] then
		return false;
	end
	form.stanza.attr.to = to;
	local event = { origin = hosts[here], stanza = form.stanza };
	for _, handler in ipairs(verdict.calls) do
		if handler(event) ~= nil then
			return true;
		end
	end
	return false;
end

local function why_slow(form, verdict, origin, session)
	if form.fault or verdict.reason then
		return form.fault or verdict.reason;
	elseif origin then
		return origin ~= session and "origin" or nil;
	end
	return verdict.is_quiet and form.is_heard and "archive" or nil;
end

local NO_VERDICT = { calls = {} };

local function deliver_local(key, queue)
	local host = jid.host(key);
	local session = full_sessions[key];
	local reason, smacks, is_framed = gate.session(session);
	local kind = is_framed and "websocket" or smacks and "smacks" or "plain";
	for i = 1, queue.n, 3 do
		local form, to, origin = queue[i], queue[i + 1], queue[i + 2];
		local verdict = origin and NO_VERDICT or gate.host(host, form.event);
		local why = reason or why_slow(form, verdict, origin, session);
		if why then
			write_pieces(session and session.rawsend);
			send_stock(form, to, origin, why);
			session = full_sessions[key];
			reason, smacks, is_framed = gate.session(session);
		else
			tally(form, "fast", kind);
			if not is_taken(verdict, form, to) then
				if smacks then
					keep(smacks, form, to, session, host);
				end
				write_one(session, form, to, is_framed);
			end
		end
	end
	write_pieces(session and session.rawsend);
end

--- Servers

local function deliver_remote(domain, queue)
	local session, reason, smacks = gate.server(here, domain);
	local kind = smacks and "s2s smacks" or "s2s";
	for i = 1, queue.n, 3 do
		local form, to, origin = queue[i], queue[i + 1], queue[i + 2];
		local limit = session and session.outgoing_stanza_size_limit;
		local escaped = splice.escape(st, to);
		local size = form.size + #escaped;
		local why = reason or form.stanza.attr.xmlns and "namespace" or limit and size > limit and "size" or nil;
		if why then
			write_pieces(session and session.sends2s);
			send_stock(form, to, origin, why);
			session, reason, smacks = gate.server(here, domain);
		else
			tally(form, "fast", kind);
			if piece_bytes + size > (limit or STREAM_PIECE) then
				write_pieces(session.sends2s);
			end
			if smacks then
				keep(smacks, form, to, session, here);
			end
			add_pieces(form.head, escaped, form.tail);
		end
	end
	write_pieces(session and session.sends2s);
end

local outbox = new_outbox {
	now = now;
	soon = function (f) module:add_timer(0, function () f(); end); end;
	fail = function (err)
		piece_count, piece_bytes = 0, 0;
		module:log("error", "What rooms sent could not be delivered: %s", err);
	end;
	deliver = function (key, queue)
		local deliver = key:find("@", 1, true) and deliver_local or deliver_remote;
		deliver(key, queue);
	end;
};

--- Sessions with something in the outbox: what else they are sent comes after it.

local function key_of(session)
	if session.full_jid then
		return session.full_jid;
	end
	return session.direction == "incoming" and session.from_host or session.to_host;
end

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

local function flush_session(event)
	if event.session and event.session.full_jid then
		outbox:flush_key(event.session.full_jid);
	end
end

local watched_hosts = {};

-- A session that ends, or is replaced, gets what was for it before.
local function watch_host(host)
	local events = hosts[host].events;
	if watched_hosts[host] ~= events then
		watched_hosts[host] = events;
		module:hook_object_event(events, "pre-session-close", flush_session, 1000);
		module:hook_object_event(events, "pre-resource-unbind", flush_session, 1000);
	end
end

--- What plans bring

local function new_form(stanza, tally_of)
	local form = splice.new(st, stanza);
	form.event = stanza.name .. "/full";
	form.fault, form.is_heard = gate.fault_of(stanza, here);
	form.has_delay = stanza:get_child("delay", XMLNS_DELAY) ~= nil;
	form.tally = tally_of and tally_of(stanza);
	return form;
end

local lasting = setmetatable({}, { __mode = "k" }); -- stanza that comes again -> its form

local function form_of(stanza, tally_of)
	local form = lasting[stanza];
	if not form then
		form = new_form(stanza, tally_of);
		lasting[stanza] = stanza.is_lasting and form or nil;
	end
	form.tally = tally_of and tally_of(stanza);
	return form;
end

-- To a local bare JID, or a host of ours: at once, and after what its user's sessions still have to get.
local function send_direct(form, to, bare)
	local user = prosody.bare_sessions[bare];
	for _, session in pairs(user and user.sessions or {}) do
		outbox:flush_key(session.full_jid);
	end
	send_stock(form, to, nil, "bare");
end

local function put(form, to)
	local session = full_sessions[to];
	if session then
		watch_host(session.host);
		watch_session(session);
		outbox:put(to, form, to);
		return;
	end
	local host = jid.host(to);
	if not hosts[host] then
		watch_session(hosts[here].s2sout[host]);
		outbox:put(host, form, to);
	elseif hosts[host].type == "local" and jid.resource(to) and to:find("@", 1, true) then
		outbox:put(to, form, to);
	else
		send_direct(form, to, jid.bare(to));
	end
end

local fan = { counts = counts, outbox = outbox };

--- Sends a stanza to each of a list of JIDs. `tally_of(stanza)` returns { fast = {}, slow = {} } to count in, or nil.
function fan.send(stanza, targets, tally_of)
	local form = form_of(stanza, tally_of);
	for _, to in ipairs(targets) do
		put(form, to);
	end
end

--- Answers a session.
function fan.reply(stanza, origin, tally_of)
	local to = stanza.attr.to;
	if to and origin.full_jid == to and full_sessions[to] == origin then
		watch_host(origin.host);
		watch_session(origin);
		outbox:put(to, new_form(stanza, tally_of), to, origin);
		return;
	end
	origin.send(stanza);
end

--- A plan has been carried out: what it brought leaves soon, or `at_once`.
function fan.settle(at_once)
	if at_once then
		outbox:flush(true);
	end
	outbox:settle();
end

--- Delivers all that waits.
function fan.flush()
	outbox:flush(true);
end

--- Takes our filter off all sessions.
function fan.stop()
	outbox:flush(true);
	for session in pairs(watched) do
		gate.unwatch(session, pass);
	end
end

return fan;
