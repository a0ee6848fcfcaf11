-- SPDX-License-Identifier: MIT
-- subject: what a room is about (XEP-0045 sections 7.2.15 and 8.1).
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local methods = {};

--- The occupant JID of who set the subject, or the room's, and the subject or nil.
function methods:get_subject()
	return self._data.subject_from or self.jid, self._data.subject;
end

local function message(self)
	local from, subject = self:get_subject();
	return self.env.st.message({ type = "groupchat", from = from }):text_tag("subject", subject or "");
end

--- Sends the subject to a full JID; `time` is when it was set.
function methods:send_subject(to, time)
	local stanza = message(self);
	stanza.attr.to = to;
	if time then
		stanza:tag("delay", { xmlns = ns.DELAY, from = self.jid, stamp = self.env.stamp(time) }):up();
	end
	self.env.plan:send(stanza);
end

local function store(self, from, subject)
	if subject == "" then
		subject = nil;
	end
	local data = self._data;
	local is_new = data.subject ~= subject or data.subject_from ~= from;
	data.subject, data.subject_from, data.subject_time = subject, from, math.floor(self.env.now());
	return is_new;
end

--- Sets the subject in the name of an occupant JID and tells all. Whether it is another one.
function methods:set_subject(from, subject)
	local is_new = store(self, from, subject);
	if is_new then
		self:broadcast_message(message(self));
		self:save();
	end
	return is_new;
end

local function may_change(room, occupant)
	return occupant and (ranks.has_role(occupant.role, "moderator")
		or room:get_changesubject() and ranks.has_role(occupant.role, "participant"));
end

-- A message with a subject and without body and thread. It is passed on as it came, with its id.
local function change(event)
	local room, stanza = event.room, event.stanza;
	local subject = stanza:get_child("subject");
	if not subject or stanza:get_child("body") or stanza:get_child("thread") then
		return nil;
	end
	if not may_change(room, event.occupant) then
		local st = room.env.st;
		local answer = st.error_reply(stanza, "auth", "forbidden", "You may not change the subject", room.jid):reset();
		room.env.plan:reply(event.origin, answer:add_child(st.clone(subject)));
		return true;
	end
	store(room, event.occupant.nick, subject:get_text());
	stanza.attr.from = event.occupant.nick;
	room:broadcast_message(stanza);
	room:save();
	return true;
end

local function send_to_new(event)
	event.room:send_subject(event.jid or event.stanza.attr.from, event.room._data.subject_time);
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-session-new", send_to_new, 20 };
		{ "muc-occupant-groupchat", change, 20 };
	};
};
