-- SPDX-License-Identifier: MIT
-- Brings a batch to its recipient: in one write, past Prosody's routing, what muc_scion_gate lets through; the rest by
-- the stock path, in its place in the order.
local gate = module:require "muc_scion_gate";
local splice = require "sx.muc.splice";

local datetime = require "util.datetime".datetime;
local jid = require "util.jid";
local st = require "util.stanza";

local hosts, full_sessions = prosody.hosts, prosody.full_sessions;
local here = module.host;

local LARGE = 65536; -- bytes: what is larger is not copied for each recipient
local STREAM_PIECE = 65536; -- bytes in one write to a server, at most
local XMLNS_DELAY = "urn:xmpp:delay";

-- What the core notes about a batch: the sum of these for its stanzas, each once. Stanzas that have only the first four
-- go to most recipients as they are.
local KINDS = { ["message/full"] = 1, ["presence/full"] = 2, ["iq/full"] = 4 };
local HEARD = 8; -- archives and carbons would look at it
local SINGLE = 16; -- each is looked at by itself
local PLAIN_MOST = 16;

-- What was brought: path -> kind of session, or reason -> number.
local counts = { fast = {}, slow = {}, lost = {} };
local fast = counts.fast;

local function count(path, reason, number)
	counts[path][reason] = (counts[path][reason] or 0) + number;
end

-- Counts what goes the stock path: in all, and in the tally of a room.
local function count_slow(tally, reason, number)
	count("slow", reason, number);
	tally.slow = tally.slow + number;
	tally.reasons[reason] = (tally.reasons[reason] or 0) + number;
end

-- The stock path. A stanza that answers a session goes by its `send`.
local function send_stock(form, to, reason)
	count_slow(form.tally, reason, 1);
	local stanza, origin = form.stanza.is_lasting and splice.copy(form, to) or form.stanza, form.origin;
	if origin and not origin.destroyed then
		origin.send(stanza);
	else
		stanza.attr.to = to;
		module:send(stanza);
	end
	gate.look_again();
end

local queued = {}; -- host -> function that counts as mod_smacks there does

local function count_queued(host, number)
	if not queued[host] then
		local smacks = hosts[host] and hosts[host].modules.smacks;
		queued[host] = smacks and smacks.module:measure("tx_queued_stanzas", "counter") or function () end;
	end
	queued[host](number);
end

local stamped, stamp = nil, nil; -- second -> how it is written

local function stamp_now()
	local second = os.time();
	if second ~= stamped then
		stamped, stamp = second, datetime(second);
	end
	return stamp;
end

-- Puts into a session's queue of XEP-0198 what mod_smacks would.
local function keep(queue, form, to, session)
	local delay;
	if form.stanza.name ~= "iq" and not form.has_delay then
		local from = session.full_jid and session.username .. "@" .. session.host or session.host;
		delay = splice.element(form, "delay", { xmlns = XMLNS_DELAY, from = from, stamp = stamp_now() });
	end
	queue:push(splice.copy(form, to, delay));
end

local delivery = { counts = counts, gate = gate, send_stock = send_stock, count_slow = count_slow };

-- Where Prosody's own loop carries a connection and nothing waits there, what is written leaves now and not when the
-- loop comes round, which would cost two timers and two calls of epoll more.
local function is_idle(conn)
	return not (conn._wantwrite or conn._writing or conn._write_lock);
end

local function hurry(conn, ok)
	conn._writing = nil;
	if ok and conn.writebuffer then
		conn:onwritable();
	end
	return ok;
end

-- One write to a session. Nil: it is not taken.
local function send_bytes(send, conn, data)
	if not conn or not is_idle(conn) then
		return send(data);
	end
	conn._writing = true;
	return hurry(conn, send(data));
end

-- The same to a connection of Prosody's loop, of a session without filters of bytes.
local function write_bytes(conn, data)
	if conn._wantwrite or conn._writing or conn._write_lock then
		return conn:write(data);
	end
	conn._writing = true;
	local ok = conn:write(data);
	conn._writing = nil;
	if ok and conn.writebuffer then
		conn:onwritable();
	end
	return ok;
end

-- Whether the connection of a session takes no more for now.
local function is_full(session)
	local conn = session and session.conn;
	if conn and conn.backlogged then
		return conn:backlogged();
	end
	return conn and conn._wantwrite;
end

local function direct_conn(session)
	return gate.is_epoll(session.conn) and session.conn or nil;
end

--- Batches of which all goes one way

-- For each host and each sum of marks: whether a batch goes to sessions there as it is. Good until other code has run.
local plain, plain_looks = {}, nil;

local function judge_plain(host, marks)
	for event, mark in pairs(KINDS) do
		if marks % (2 * mark) >= mark then
			local verdict = gate.host(host, event);
			if verdict.reason or verdict.calls[1] or verdict.is_quiet and marks >= HEARD then
				return false;
			end
		end
	end
	return true;
end

local function is_plain(host, marks)
	local looks = gate.looks;
	if looks ~= plain_looks then
		plain, plain_looks = {}, looks;
	end
	local known = plain[host] or {};
	local verdict = known[marks];
	if verdict == nil then
		verdict = judge_plain(host, marks);
		plain[host], known[marks] = known, verdict;
	end
	return verdict;
end

--- Batches of which each stanza is looked at

-- What is under way to one recipient: pieces of one write, the places of their stanzas in the batch, and what the gate
-- says of its session.
local function new_run(outbox, key, batch)
	return { outbox = outbox, key = key, batch = batch, count = 0, bytes = 0, fast = 0, places = {} };
end

-- A connection that takes nothing any more: the stock path knows what becomes of these stanzas. What XEP-0198 counts
-- comes back when the session ends.
local function give_up(run, number)
	if run.smacks then
		return;
	end
	run.fast = run.fast - number;
	for k = 1, number do
		local form, to = run.outbox:entry(run.batch, run.places[k]);
		send_stock(form, to, "closing");
	end
end

local function write(run)
	local n = run.count;
	if n == 0 then
		return;
	end
	local data = table.concat(run, "", 1, n);
	run.count, run.bytes = 0, 0;
	if not send_bytes(run.send, run.conn, data) then
		give_up(run, n / 3);
	end
end

local function settle(run)
	write(run);
	if run.fast > 0 then
		count("fast", run.kind, run.fast);
		run.fast = 0;
	end
end

local function add(run, form, to, tail)
	local n = run.count;
	run[n + 1], run[n + 2], run[n + 3] = form.head, to, tail or form.tail;
	run.count, run.bytes = n + 3, run.bytes + form.size;
	run.places[n / 3 + 1] = run.at;
end

-- Asks those that may drop a stanza, as Prosody would: true when one has taken it.
local function is_taken(verdict, form, to)
	form.stanza.attr.to = to;
	local event = { origin = hosts[here], stanza = form.stanza };
	for _, handler in ipairs(verdict.calls) do
		if handler(event) ~= nil then
			return true;
		end
	end
	return false;
end

local function judge_session(run)
	local session = full_sessions[run.key];
	local reason, smacks, framing = gate.session(session);
	run.session, run.reason, run.smacks, run.framing = session, reason, smacks, framing;
	run.send = session and (framing == "bosh" and session.send or session.rawsend);
	run.conn = not reason and direct_conn(session);
	run.kind = framing or smacks and "smacks" or "plain";
end

-- Why a stanza has to go the stock path to a session of ours, or nil; and what the session's host does with it.
local function why_not_local(run, form)
	if run.reason or form.fault then
		return run.reason or form.fault;
	elseif form.origin then
		return form.origin ~= run.session and "origin" or nil;
	end
	local verdict = gate.host(run.host, form.event);
	return verdict.reason or verdict.is_quiet and form.is_heard and "archive" or nil, verdict;
end

-- One stanza to a session of ours. Of a large one all recipients share the bytes.
local function add_local(run, form)
	if run.smacks then
		keep(run.smacks, form, run.key, run.session);
		count_queued(run.host, 1);
	end
	if run.framing == "websocket" then
		send_bytes(run.send, run.conn, form.head .. run.escaped .. splice.framed_tail(form));
	elseif run.framing then
		add(run, form, run.escaped, splice.framed_tail(form));
	elseif form.size > LARGE then
		write(run);
		run.send(form.head .. run.escaped);
		send_bytes(run.send, run.conn, form.tail);
	else
		add(run, form, run.escaped);
	end
end

local function deliver_local(run, form, to)
	local why, verdict = why_not_local(run, form);
	if why then
		settle(run);
		send_stock(form, to, why);
		judge_session(run);
		return;
	end
	run.fast = run.fast + 1;
	if not verdict or not verdict.calls[1] or not is_taken(verdict, form, to) then
		add_local(run, form);
	end
end

-- STREAM_PIECE, or less: Prosody 13.0 takes what is written at once for one stanza, which the peer may have bounded.
local function piece_of(session)
	return math.min(session and session.outgoing_stanza_size_limit or STREAM_PIECE, STREAM_PIECE);
end

local function judge_stream(run)
	local session, reason, smacks = gate.server(here, run.key);
	run.session, run.reason, run.smacks = session, reason, smacks;
	run.send, run.limit = session and session.sends2s, session and session.outgoing_stanza_size_limit;
	run.piece = piece_of(session);
	run.conn = not reason and direct_conn(session);
	run.kind = smacks and "s2s smacks" or "s2s";
end

local function why_not_remote(run, form, size)
	return run.reason or form.stanza.attr.xmlns and "namespace" or run.limit and size > run.limit and "size" or nil;
end

local function deliver_remote(run, form, to)
	local escaped = splice.escape(st, to);
	local size = form.size + #escaped;
	local why = why_not_remote(run, form, size);
	if why then
		settle(run);
		send_stock(form, to, why);
		judge_stream(run);
		return;
	end
	run.fast = run.fast + 1;
	if run.bytes + size > run.piece then
		write(run);
	end
	if run.smacks then
		keep(run.smacks, form, to, run.session);
		count_queued(here, 1);
	end
	add(run, form, escaped);
end

local function deliver_each_local(outbox, key, batch, number, host)
	local run = new_run(outbox, key, batch);
	run.host, run.escaped = host, splice.escape(st, key);
	judge_session(run);
	for i = 1, number do
		run.at = i;
		deliver_local(run, outbox:entry(batch, i));
	end
	settle(run);
	return is_full(run.session);
end

local function deliver_each_remote(outbox, key, batch, number, is_last)
	local run, following = new_run(outbox, key, batch), 1;
	judge_stream(run);
	while following <= number and (is_last or run.reason or not is_full(run.session)) do
		run.at = following;
		deliver_remote(run, outbox:entry(batch, following));
		following = following + 1;
	end
	settle(run);
	return not run.reason and is_full(run.session), following;
end

--- All of a batch

local function keep_some(outbox, queue, batch, first, last, session)
	for i = first, last do
		local form, to = outbox:entry(batch, i);
		keep(queue, form, to, session);
	end
	count_queued(session.full_jid and session.host or here, last - first + 1);
end

-- What could not be written, from number `first` on, goes by the stock path.
local function give_up_from(outbox, batch, first, number)
	for i = first, number do
		local form, to = outbox:entry(batch, i);
		send_stock(form, to, "closing");
	end
end

local function deliver_to_session(outbox, key, session, batch, number, marks, most)
	local reason, smacks, framing, conn = gate.session(session);
	local host = session and session.host or jid.host(key);
	if reason or framing or marks >= PLAIN_MOST or not is_plain(host, marks) then
		return deliver_each_local(outbox, key, batch, number, host);
	end
	local data, following = outbox.core:bytes(batch, 1, most);
	if smacks then
		keep_some(outbox, smacks, batch, 1, following - 1, session);
	end
	local ok = conn and write_bytes(conn, data) or not conn and session.rawsend(data);
	if not ok and not smacks then
		give_up_from(outbox, batch, 1, number);
		return false;
	end
	local kind = smacks and "smacks" or "plain";
	fast[kind] = (fast[kind] or 0) + following - 1;
	if conn then
		return conn._wantwrite, following;
	end
	return is_full(session), following;
end

-- One piece of a batch to a server, from number `at` on: whether it was taken, and the number of the next. Into a
-- stream of ours the core writes it.
local function write_piece(outbox, batch, at, session, smacks)
	local conn, data = session.conn, nil;
	local following = conn and conn.write_batch and conn:write_batch(outbox.core, batch, at, STREAM_PIECE);
	local is_written = following;
	if not is_written then
		data, following = outbox.core:bytes(batch, at, piece_of(session));
	end
	if smacks then
		keep_some(outbox, smacks, batch, at, following - 1, session);
	end
	return is_written or send_bytes(session.sends2s, direct_conn(session), data), following;
end

local function deliver_to_server(outbox, key, batch, number, marks, largest, is_last)
	local session, reason, smacks = gate.server(here, key);
	local limit = session and session.outgoing_stanza_size_limit;
	if reason or marks >= PLAIN_MOST or limit and largest > limit then
		return deliver_each_remote(outbox, key, batch, number, is_last);
	end
	local at = 1;
	while at <= number and (is_last or not is_full(session)) do
		local ok, following = write_piece(outbox, batch, at, session, smacks);
		if not ok then
			give_up_from(outbox, batch, smacks and following or at, number);
			return false;
		end
		count("fast", smacks and "s2s smacks" or "s2s", following - at);
		at = following;
	end
	return is_full(session), at;
end

--- Delivers a batch of the outbox; `key` is a full JID of ours, which is brought everything, or about `most` bytes of
--- it, or a domain elsewhere. Returns whether its connection takes no more for now; then the number of the first that
--- was not taken, unless `is_last` is set.
function delivery.deliver(outbox, key, batch, number, marks, largest, is_last, most)
	local session = full_sessions[key];
	if session or key:find("@", 1, true) then
		return deliver_to_session(outbox, key, session, batch, number, marks, most);
	end
	return deliver_to_server(outbox, key, batch, number, marks, largest, is_last);
end

--- Puts a stanza where XEP-0198 keeps what a session has not acknowledged; nothing is written.
function delivery.keep(form, to, session)
	keep(session.outgoing_stanza_queue, form, to, session);
	count_queued(session.host, 1);
	count("fast", "smacks", 1);
end

--- Counts what was for sessions that are gone, or did not read.
function delivery.lose(number, reason)
	count("lost", reason, number);
end

local function marks_of(form)
	local is_single = form.fault or form.origin or form.size > LARGE;
	return KINDS[form.event] + (form.is_heard and HEARD or 0) + (is_single and SINGLE or 0);
end

--- What is known of a stanza before it goes to many. `tally` counts: { sent, slow, reasons = { reason -> number } }.
--- `origin`: the session that it answers.
function delivery.new_form(stanza, tally, origin)
	local form = splice.new(st, stanza);
	form.event = stanza.name .. "/full";
	form.fault, form.is_heard = gate.fault_of(stanza, here);
	form.has_delay = stanza:get_child("delay", XMLNS_DELAY) ~= nil;
	form.tally, form.origin = tally, origin;
	form.marks = marks_of(form);
	return form;
end

return delivery;
