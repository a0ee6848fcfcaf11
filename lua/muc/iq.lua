-- SPDX-License-Identifier: MIT
-- iq: IQs from one occupant to another (XEP-0045 section 17.4). Real JIDs and ids of either side stay with the room: it
-- gives each request an id of its own and remembers whose it is, in a bounded table.
local bounded = require "sx.muc.bounded";
local ns = require "sx.muc.ns";

local PENDING_MOST = 1000;
local ID_MOST = 1024; -- bytes of an id that is remembered

local methods = {};

-- Queries about a person are for the account, not for a session of it.
local FOR_ACCOUNT = {
	["vcard-temp"] = true,
	["http://jabber.org/protocol/pubsub"] = true,
	["urn:ietf:params:xml:ns:vcard-4.0"] = true,
};

-- Requests under way, by the id that the room gave them.
local function pending_of(self)
	self._pending = self._pending or bounded.new(PENDING_MOST);
	return self._pending;
end

local function fail(self, request, condition, text)
	local st = self.env.st;
	local reply = st.stanza("iq", { type = "error", id = request.id, from = request.nick, to = request.from })
		:tag("error", { type = "cancel", by = self.jid })
			:tag(condition, { xmlns = ns.STANZAS }):up()
			:tag("text", { xmlns = ns.STANZAS }):text(text):up()
		:up();
	self.env.plan:send(reply);
end

local function remember(self, id, request)
	local oldest = pending_of(self):put(id, request);
	if oldest then
		fail(self, oldest, "remote-server-timeout", "No answer came, and too many other questions did");
	end
end

-- Whether a stanza has more bytes than its recipient's server takes: it would end the stream.
local function is_too_large(self, stanza)
	local env = self.env;
	local most = math.min(env.limits.iq_bytes, env.peer_bytes(env.jid.host(stanza.attr.to)) or math.huge);
	if #tostring(stanza) <= most then
		return false;
	end
	env.emit("muc-scion-iq-refused", { room = self, stanza = stanza, reason = "size" });
	return true;
end

-- Whether a text names an account or its server. Too much caution costs a text, too little a secret.
local function names(text, node, host)
	text = text:lower();
	return text:find(host, 1, true) ~= nil or node ~= nil and text:find(node, 1, true) ~= nil;
end

--- An error says where it comes from: in `by`, in where somebody has gone, in what servers write. That is taken out.
function methods:hide_source(stanza, real_jid)
	local node, host = self.env.jid.split(real_jid);
	local err = stanza:get_child("error");
	if not err then
		return;
	end
	err.attr.by = err.attr.by == self.jid and self.jid or nil;
	err:maptags(function (child)
		if child.attr.xmlns ~= ns.STANZAS then
			return child;
		elseif child.name ~= "text" then
			return self.env.st.stanza(child.name, { xmlns = ns.STANZAS });
		end
		return not names(child:get_text() or "", node, host) and child or nil;
	end);
end

-- An answer goes to whoever asked, if it comes from where the question went.
local function pass_answer(self, stanza)
	local pending = pending_of(self);
	local request = pending:get(stanza.attr.id);
	if not request or request.to ~= stanza.attr.from then
		return true;
	end
	pending:take(stanza.attr.id);
	local copy = self.env.st.clone(stanza);
	copy.attr.from, copy.attr.to, copy.attr.id = request.nick, request.from, request.id;
	if copy.attr.type == "error" and self:is_anonymous_for(request.from) then
		self:hide_source(copy, request.to);
	end
	self.env.emit("muc-scion-private-iq", {
		room = self, stanza = copy, incoming = stanza, to = request.from, is_answer = true,
	});
	if is_too_large(self, copy) then
		fail(self, request, "policy-violation", "The answer is too large");
		return true;
	end
	self.env.plan:send(copy);
	return true;
end

-- The stanza as the recipient is to get it, or nil when it has been answered.
local function forwarded(self, origin, stanza, sender, recipient)
	local env, payload = self.env, stanza.tags[1];
	local copy = env.st.clone(stanza);
	copy.attr.from, copy.attr.to, copy.attr.id = sender, recipient.jid, env.id();
	if payload and FOR_ACCOUNT[payload.attr.xmlns] then
		copy.attr.to = env.jid.bare(recipient.jid);
	end
	if env.emit("muc-scion-private-iq", {
		room = self, origin = origin, stanza = copy, incoming = stanza, recipient = recipient, to = recipient.jid,
	}) then
		return nil;
	end
	return copy;
end

local function pass_request(self, origin, stanza, sender, recipient)
	if #(stanza.attr.id or "") > ID_MOST then
		return self:refuse(origin, stanza, "modify", "policy-violation", "The id of this request is too long");
	end
	local copy = forwarded(self, origin, stanza, sender, recipient);
	if not copy then
		return true;
	elseif is_too_large(self, copy) then
		return self:refuse(origin, stanza, "modify", "policy-violation", "This is too large to be passed on");
	end
	remember(self, copy.attr.id, {
		id = stanza.attr.id, from = stanza.attr.from, to = copy.attr.to, nick = recipient.nick,
		session = copy.attr.to == recipient.bare_jid and recipient.jid or copy.attr.to,
	});
	self.env.plan:send(copy);
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

-- Nobody waits for a session that has left, nor does one that has left. One that takes a new nick stays.
local function forget_gone(event)
	local room = event.room;
	if event.new_nick or not room._pending then
		return;
	end
	for id, request in room._pending:each() do
		local is_here = room:get_occupant_jid(request.session) ~= nil;
		if not is_here or not room:get_occupant_jid(request.from) then
			room._pending:take(id);
			fail(room, request, "recipient-unavailable", is_here and "You have left the room" or "Has left the room");
		end
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-left", forget_gone, 10 };
		{ "muc-scion-session-left", forget_gone, 10 };
	};
};
