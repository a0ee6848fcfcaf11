-- SPDX-License-Identifier: MIT
-- mod_bench_writes: what no room on Prosody's sockets can be cheaper than. Everybody who sends a presence hears
-- everybody, and what is said is written to all, what came in one turn of the loop in one write. There are no nicks,
-- roles, history or rights, nobody leaves, and nothing is kept for XEP-0198.
local jid = require "util.jid";
local st = require "util.stanza";

local XMLNS_SID = "urn:xmpp:sid:0";
local rooms = {}; -- room JID -> list of { conn, to (full JID), waiting (list of text) }
local due = {}; -- lists of `rooms` for which something waits -> true

local function room_of(stanza)
	local room_jid = jid.bare(stanza.attr.to);
	rooms[room_jid] = rooms[room_jid] or {};
	return rooms[room_jid], room_jid;
end

-- A stanza as text, before and behind the recipient.
local function halves(stanza)
	stanza.attr.to = "\1";
	return tostring(stanza):match("^(.-)\1(.*)$");
end

local function put(guest, head, tail)
	local waiting = guest.waiting;
	local count = #waiting;
	waiting[count + 1], waiting[count + 2], waiting[count + 3] = head, guest.to, tail;
end

local function flush_room(guests)
	for _, guest in ipairs(guests) do
		local waiting = guest.waiting;
		if waiting[1] then
			guest.waiting = {};
			guest.conn:write(table.concat(waiting));
		end
	end
end

local function flush()
	local taken = due;
	due = {};
	for guests in pairs(taken) do
		flush_room(guests);
	end
end

local function flush_soon(guests)
	if not next(due) then
		module:add_timer(0, flush);
	end
	due[guests] = true;
end

local function enter(event)
	local guests = room_of(event.stanza);
	local newcomer = { conn = event.origin.conn, to = event.stanza.attr.from, waiting = {}, nick = event.stanza.attr.to };
	guests[#guests + 1] = newcomer;
	local head, tail = halves(st.presence({ from = newcomer.nick }));
	for _, guest in ipairs(guests) do
		put(guest, head, tail);
		if guest ~= newcomer then
			put(newcomer, halves(st.presence({ from = guest.nick })));
		end
	end
	flush_soon(guests);
	return true;
end

local function say(event)
	local guests, room_jid = room_of(event.stanza);
	local stanza = st.clone(event.stanza);
	stanza.attr.from = room_jid .. "/" .. jid.node(stanza.attr.from);
	stanza:tag("stanza-id", { xmlns = XMLNS_SID, by = room_jid, id = "12345678901234567890" }):up();
	local head, tail = halves(stanza);
	for _, guest in ipairs(guests) do
		put(guest, head, tail);
	end
	flush_soon(guests);
	return true;
end

module:hook("presence/full", enter);
module:hook("message/bare", say);
