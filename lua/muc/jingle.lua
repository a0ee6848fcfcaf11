-- SPDX-License-Identifier: MIT
-- jingle: calls between occupants (XEP-0166) of a group call (XEP-0272), as the IQs that carry them pass the room. The
-- room changes nothing in them but `initiator` and `responder`, for those who may not know who is who.
local bounded = require "sx.muc.bounded";
local ns = require "sx.muc.ns";

local CALLS_MOST = 1000; -- Jingle sessions that a room remembers
local SID_MOST = 256; -- bytes of a sid that is remembered

local function jingle_of(event)
	return event.stanza:get_child("jingle", ns.JINGLE);
end

-- A call that belongs to another room has no business here.
local function check_room(event)
	local room, jingle = event.room, jingle_of(event);
	local muji = jingle and not event.is_answer and jingle:get_child("muji", ns.MUJI);
	local named = muji and muji.attr.room;
	if not named or room.env.jid.prep(named) == room.jid then
		return nil;
	end
	room.env.emit("muc-scion-iq-refused", { room = room, stanza = event.incoming, reason = "other-room" });
	return room:refuse(event.origin, event.incoming, "modify", "policy-violation", "This call belongs to another room");
end

local function key_of(one, other, sid)
	if other < one then
		one, other = other, one;
	end
	return one .. "\n" .. other .. "\n" .. sid;
end

-- The session of the recipient that has this call with a real JID, or nil.
local function party(calls, recipient, sender, sid)
	for real_jid in recipient:each_session() do
		if calls:get(key_of(sender, real_jid, sid)) then
			return real_jid;
		end
	end
end

-- A call begins with the session that shows itself in one, which is the primary (occupant.lua), and stays with the two
-- sessions that began it. They are remembered by real JIDs, which a change of nick does not touch.
local function follow_call(event)
	local room, jingle = event.room, jingle_of(event);
	local sid = jingle and not event.is_answer and jingle.attr.sid;
	if not sid or #sid > SID_MOST then
		return;
	end
	room._calls = room._calls or bounded.new(CALLS_MOST);
	local sender, attr, action = event.incoming.attr.from, event.stanza.attr, jingle.attr.action;
	if action == "session-initiate" then
		room._calls:put(key_of(sender, attr.to, sid), true);
		return;
	end
	attr.to = party(room._calls, event.recipient, sender, sid) or attr.to;
	if action == "session-terminate" then
		room._calls:take(key_of(sender, attr.to, sid));
	end
end

-- What an occupant who may not know real JIDs reads in place of one: the occupant JID of the sender or its own. Another
-- is left out, or a sender could try JIDs and see who is in the room.
local function veiled(event, value)
	local jid, recipient = event.room.env.jid, event.recipient;
	local bare = jid.bare(jid.prep(value));
	if bare == event.room.jid then
		return value;
	elseif bare == jid.bare(event.incoming.attr.from) then
		return event.stanza.attr.from;
	end
	return recipient and bare == recipient.bare_jid and recipient.nick or nil;
end

local function hide_real_jids(event)
	local jingle = jingle_of(event);
	if not jingle or not event.room:is_anonymous_for(event.to) then
		return;
	end
	for _, name in ipairs({ "initiator", "responder" }) do
		jingle.attr[name] = jingle.attr[name] and veiled(event, jingle.attr[name]);
	end
end

return {
	methods = {};
	hooks = {
		{ "muc-scion-private-iq", check_room, 30 };
		{ "muc-scion-private-iq", follow_call, 20 };
		{ "muc-scion-private-iq", hide_real_jids, 10 };
	};
};
