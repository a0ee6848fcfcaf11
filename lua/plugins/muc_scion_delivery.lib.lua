-- SPDX-License-Identifier: MIT
-- Brings the queue of one recipient to it: in one write, past Prosody's routing, what muc_scion_gate lets through; the
-- rest by the stock path, in its place in the order.
local gate = module:require "muc_scion_gate";
local splice = require "sx.muc.splice";

local datetime = require "util.datetime".datetime;
local jid = require "util.jid";
local st = require "util.stanza";

local hosts, full_sessions = prosody.hosts, prosody.full_sessions;
local here = module.host;

local LARGE = 65536; -- bytes: what is larger is not copied for each recipient
local STREAM_PIECE = 65536; -- bytes in one write to a server
local XMLNS_DELAY = "urn:xmpp:delay";

-- What was brought: path -> kind of session, or reason -> number.
local counts = { fast = {}, slow = {}, lost = {} };

local function count(path, reason, number)
	counts[path][reason] = (counts[path][reason] or 0) + number;
end

-- The stock path. A stanza that answers a session goes by its `send`.
local function send_stock(form, to, origin, reason)
	count("slow", reason, 1);
	local tally = form.tally;
	tally.slow = tally.slow + 1;
	tally.reasons[reason] = (tally.reasons[reason] or 0) + 1;
	local stanza = form.stanza.is_lasting and splice.copy(form, to) or form.stanza;
	if origin and not origin.destroyed then
		origin.send(stanza);
	else
		stanza.attr.to = to;
		module:send(stanza);
	end
	gate.look_again();
end

local queued = {}; -- host -> function that counts as mod_smacks there does

local function count_queued(host)
	if not queued[host] then
		local smacks = hosts[host] and hosts[host].modules.smacks;
		queued[host] = smacks and smacks.module:measure("tx_queued_stanzas", "counter") or function () end;
	end
	queued[host](1);
end

-- Puts into a session's queue of XEP-0198 what mod_smacks would.
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

-- What is under way to one recipient: pieces of one write, the places of their stanzas in the queue, and what the gate
-- says of its session. Used again, but never by two at once: handlers, and on Prosody 0.12 signals, can send while
-- something is sent.
local spare;

local function new_batch(key, queue)
	local batch = spare or { count = 0, bytes = 0, fast = 0, places = {} };
	spare = nil;
	batch.key, batch.queue = key, queue;
	return batch;
end

-- A connection that takes nothing any more: the stock path knows what becomes of these stanzas. What XEP-0198 counts
-- comes back when the session ends.
local function give_up(batch, number)
	if batch.smacks then
		return;
	end
	local queue = batch.queue;
	batch.fast = batch.fast - number;
	for k = 1, number do
		local i = batch.places[k];
		send_stock(queue[i], queue[i + 1], queue[i + 2], "closing");
	end
end

-- One write to a session. Where Prosody's own loop carries it and nothing waits there, it leaves now and not when the
-- loop comes round, which would cost two timers and two calls of epoll more.
local function send_bytes(batch, data)
	local conn = batch.conn;
	if not conn or conn._wantwrite or conn._writing or conn._write_lock then
		return batch.send(data);
	end
	conn._writing = true;
	local ok = batch.send(data);
	conn._writing = nil;
	if ok and conn.writebuffer then
		conn:onwritable();
	end
	return ok;
end

local function write(batch)
	local n = batch.count;
	if n == 0 then
		return;
	end
	local data = n == 3 and batch[1] .. batch[2] .. batch[3] or table.concat(batch, "", 1, n);
	batch.count, batch.bytes = 0, 0;
	if not send_bytes(batch, data) then
		give_up(batch, n / 3);
	end
end

local function settle(batch)
	write(batch);
	if batch.fast > 0 then
		count("fast", batch.kind, batch.fast);
		batch.fast = 0;
	end
end

local function finish(batch)
	settle(batch);
	if #batch < 192 then
		batch.session, batch.send, batch.conn, batch.smacks, batch.event, batch.queue = nil, nil, nil, nil, nil, nil;
		batch.fast = 0;
		spare = batch;
	end
end

local function add(batch, form, to)
	local n = batch.count;
	batch[n + 1], batch[n + 2], batch[n + 3] = form.head, to, form.tail;
	batch.count, batch.bytes = n + 3, batch.bytes + form.size;
	batch.places[n / 3 + 1] = batch.at;
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

local function judge_session(batch)
	local session = full_sessions[batch.key];
	local reason, smacks, is_framed = gate.session(session);
	batch.session, batch.reason, batch.smacks, batch.is_framed = session, reason, smacks, is_framed;
	batch.send, batch.event = session and session.rawsend, nil;
	batch.conn = not reason and gate.is_epoll(session.conn) and session.conn or nil;
	batch.kind = is_framed and "websocket" or smacks and "smacks" or "plain";
end

local function verdict_of(batch, form)
	if batch.event ~= form.event then
		batch.event, batch.verdict = form.event, gate.host(batch.host, form.event);
	end
	return batch.verdict;
end

-- Why a stanza has to go the stock path to a session of ours, or nil.
local function why_not_local(batch, form, origin)
	if batch.reason or form.fault then
		return batch.reason or form.fault;
	elseif origin then
		return origin ~= batch.session and "origin" or nil;
	end
	local verdict = verdict_of(batch, form);
	return verdict.reason or verdict.is_quiet and form.is_heard and "archive" or nil;
end

-- One stanza to a session of ours. Of a large one all recipients share the bytes.
local function add_local(batch, form)
	if batch.smacks then
		keep(batch.smacks, form, batch.key, batch.session, batch.host);
	end
	if batch.is_framed then
		send_bytes(batch, form.head .. batch.escaped .. splice.framed_tail(form));
	elseif form.size > LARGE then
		write(batch);
		batch.send(form.head .. batch.escaped);
		send_bytes(batch, form.tail);
	else
		add(batch, form, batch.escaped);
	end
end

local function deliver_local(batch, form, to, origin)
	local why = why_not_local(batch, form, origin);
	if why then
		settle(batch);
		send_stock(form, to, origin, why);
		judge_session(batch);
		return;
	end
	batch.fast = batch.fast + 1;
	if origin or not batch.verdict.calls[1] or not is_taken(batch.verdict, form, to) then
		add_local(batch, form);
	end
end

local function judge_stream(batch)
	local session, reason, smacks = gate.server(here, batch.key);
	batch.session, batch.reason, batch.smacks = session, reason, smacks;
	batch.send, batch.limit = session and session.sends2s, session and session.outgoing_stanza_size_limit;
	batch.conn = not reason and gate.is_epoll(session.conn) and session.conn or nil;
	batch.kind = smacks and "s2s smacks" or "s2s";
end

local function why_not_remote(batch, form, size)
	return batch.reason or form.stanza.attr.xmlns and "namespace" or batch.limit and size > batch.limit and "size" or nil;
end

local function deliver_remote(batch, form, to, origin)
	local escaped = splice.escape(st, to);
	local size = form.size + #escaped;
	local why = why_not_remote(batch, form, size);
	if why then
		settle(batch);
		send_stock(form, to, origin, why);
		judge_stream(batch);
		return;
	end
	batch.fast = batch.fast + 1;
	if batch.bytes + size > (batch.limit or STREAM_PIECE) then
		write(batch);
	end
	if batch.smacks then
		keep(batch.smacks, form, to, batch.session, here);
	end
	add(batch, form, escaped);
	batch.bytes = batch.bytes + #escaped;
end

local delivery = { counts = counts, gate = gate, send_stock = send_stock };

--- Delivers a queue of the outbox; `key` is a full JID of ours or a domain elsewhere.
function delivery.deliver(key, queue)
	local batch, one = new_batch(key, queue), deliver_remote;
	if key:find("@", 1, true) then
		batch.host, batch.escaped, one = jid.host(key), splice.escape(st, key), deliver_local;
		judge_session(batch);
	else
		judge_stream(batch);
	end
	for i = 1, queue.n, 3 do
		batch.at = i;
		one(batch, queue[i], queue[i + 1], queue[i + 2]);
	end
	finish(batch);
end

--- Counts what was for sessions that are gone.
function delivery.lose(number)
	count("lost", "disconnected", number);
end

--- What is known of a stanza before it goes to many. `tally` counts: { sent, slow, reasons = { reason -> number } }.
function delivery.new_form(stanza, tally)
	local form = splice.new(st, stanza);
	form.event = stanza.name .. "/full";
	form.fault, form.is_heard = gate.fault_of(stanza, here);
	form.has_delay = stanza:get_child("delay", XMLNS_DELAY) ~= nil;
	form.tally = tally;
	return form;
end

return delivery;
