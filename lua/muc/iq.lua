-- SPDX-License-Identifier: MIT
-- iq: IQs from one occupant to another (XEP-0045 section 17.4). Real JIDs and ids of either side stay with the room: it
-- gives each request an id of its own and remembers whose it is, in a bounded table.
local ns = require "sx.muc.ns";

local PENDING_MOST = 1000;

local methods = {};

-- Queries about a person are for the account, not for a session of it.
local FOR_ACCOUNT = {
	["vcard-temp"] = true,
	["http://jabber.org/protocol/pubsub"] = true,
	["urn:ietf:params:xml:ns:vcard-4.0"] = true,
};

-- Requests under way: by id, and in the order in which they came.
local function pending_of(self)
	self._pending = self._pending or { by_id = {}, first = 1, last = 0 };
	return self._pending;
end

local function fail(self, request, condition, text)
	local st = self.env.st;
	local reply = st.stanza("iq", { type = "error", id = request.id, from = request.nick, to = request.from })
		:tag("error", { type = "cancel", by = self.jid })
			:tag(condition, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):up()
			:tag("text", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }):text(text):up()
		:up();
	self.env.plan:send(reply);
end

local function forget_oldest(self, pending)
	local id = pending[pending.first];
	pending[pending.first] = nil;
	pending.first = pending.first + 1;
	local request = pending.by_id[id];
	if request then
		pending.by_id[id] = nil;
		fail(self, request, "remote-server-timeout", "No answer came, and too many other questions did");
	end
end

local function remember(self, request)
	local pending, id = pending_of(self), self.env.id();
	pending.last = pending.last + 1;
	pending[pending.last], pending.by_id[id] = id, request;
	if pending.last - pending.first >= PENDING_MOST then
		forget_oldest(self, pending);
	end
	return id;
end

-- An answer goes to whoever asked, if it comes from where the question went.
local function pass_answer(self, stanza)
	local pending, from = pending_of(self), stanza.attr.from;
	local request = pending.by_id[stanza.attr.id];
	if not request or request.to ~= from or not self:get_occupant_jid(request.from) then
		return true;
	end
	pending.by_id[stanza.attr.id] = nil;
	local copy = self.env.st.clone(stanza);
	copy.attr.from, copy.attr.to, copy.attr.id = request.nick, request.from, request.id;
	self.env.emit("muc-scion-private-iq", { room = self, stanza = copy, is_answer = true });
	self.env.plan:send(copy);
	return true;
end

local function pass_request(self, origin, stanza, sender, recipient)
	local env, payload = self.env, stanza.tags[1];
	local copy = env.st.clone(stanza);
	copy.attr.from = sender;
	copy.attr.to = recipient.jid;
	if payload and FOR_ACCOUNT[payload.attr.xmlns] then
		copy.attr.to = env.jid.bare(recipient.jid);
	end
	local event = { room = self, origin = origin, stanza = copy, incoming = stanza, recipient = recipient };
	if env.emit("muc-scion-private-iq", event) then
		return true;
	end
	copy.attr.id = remember(self, {
		id = stanza.attr.id, from = stanza.attr.from, to = copy.attr.to, nick = recipient.nick,
	});
	env.plan:send(copy);
	return true;
end

--- An IQ to an occupant JID.
function methods:handle_iq_to_occupant(origin, stanza)
	local kind, payload = stanza.attr.type, stanza.tags[1];
	if kind == "result" or kind == "error" then
		return pass_answer(self, stanza);
	end
	local sender = self:get_occupant_jid(stanza.attr.from);
	local xmlns = payload and payload.attr.xmlns;
	if not sender and (xmlns == ns.DISCO_INFO or xmlns == ns.DISCO_ITEMS) then
		return self:refuse_query(origin, stanza, "modify", "bad-request", "Only occupants can ask occupants");
	elseif not sender then
		return self:refuse(origin, stanza, "cancel", "not-acceptable", "You are not in this room");
	end
	local recipient = self:get_occupant_by_nick(stanza.attr.to);
	if not recipient then
		return self:refuse(origin, stanza, "cancel", "item-not-found", "There is nobody with this nick");
	elseif sender == recipient.nick and kind == "get" and xmlns == ns.PING then
		self.env.plan:reply(origin, self.env.st.reply(stanza)); -- XEP-0410
		return true;
	end
	return pass_request(self, origin, stanza, sender, recipient);
end

-- Nobody waits for somebody who has left. A new nick is no end.
local function forget_occupant(event)
	local room = event.room;
	local pending = room._pending;
	if not pending or event.stanza and event.stanza.attr.type == nil then
		return;
	end
	for id, request in pairs(pending.by_id) do
		if request.nick == event.nick then
			pending.by_id[id] = nil;
			if room:get_occupant_jid(request.from) then
				fail(room, request, "recipient-unavailable", "Has left the room");
			end
		end
	end
end

return { methods = methods, hooks = { { "muc-occupant-left", forget_occupant, 10 } } };
