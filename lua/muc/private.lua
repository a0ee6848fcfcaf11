-- SPDX-License-Identifier: MIT
-- private: messages to one occupant (XEP-0045 section 7.5).
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local methods = {};

-- What an add-on or the room adds comes from the room; what clients claim is taken out.
local function cleaned(self, stanza)
	return self.env.st.clone(stanza):maptags(function (child)
		local xmlns = child.attr.xmlns;
		return not (xmlns == ns.USER or xmlns == ns.MUC or xmlns == ns.OCCUPANT_ID) and child or nil;
	end);
end

local function answer(self, origin, stanza, ...)
	return stanza.attr.type == "error" or self:refuse(origin, stanza, ...);
end

--- A message to an occupant JID.
function methods:handle_message_to_occupant(origin, stanza)
	local nick = self:get_occupant_jid(stanza.attr.from);
	if not nick then
		return answer(self, origin, stanza, "cancel", "not-acceptable", "You are not in this room");
	elseif stanza.attr.type == "groupchat" then
		return self:refuse(origin, stanza, "modify", "bad-request", "A message to everybody goes to " .. self.jid);
	elseif stanza.attr.type == "error" and self:is_delivery_failure(stanza) then
		return self:handle_kickable(origin, stanza);
	elseif self:refuse_large(origin, stanza) then
		return true;
	end
	local recipient = self:get_occupant_by_nick(stanza.attr.to);
	if not recipient then
		return answer(self, origin, stanza, "cancel", "item-not-found", "There is nobody with this nick");
	end
	local copy = cleaned(self, stanza):tag("x", { xmlns = ns.USER }):up();
	copy.attr.from = nick;
	if copy.attr.type == "error" and self:is_anonymous_for(recipient.jid) then
		self:hide_source(copy, stanza.attr.from);
	end
	-- Stock's event has no occupant; mod_muc_rtbl expects one.
	local event = { room = self, origin = origin, stanza = copy, occupant = self._occupants[nick] };
	if self.env.emit("muc-private-message", event) ~= false then
		self:route_to_occupant(recipient, copy);
	end
	return true;
end

local function is_allowed(room, sender, recipient)
	local who = room:get_allow_pm();
	if sender.bare_jid == recipient.bare_jid or sender.role == "moderator" and who ~= "none" then
		return true;
	elseif room:get_allow_modpm() and (sender.role == "moderator" or recipient.role == "moderator") then
		return true;
	elseif who == "affiliated" then
		return room:get_affiliation(sender.bare_jid) ~= nil;
	end
	return who ~= "none" and ranks.has_role(sender.role, who);
end

-- The room's owner says who may write in private.
local function restrict(event)
	local room, stanza = event.room, event.stanza;
	local sender, recipient = room._occupants[stanza.attr.from], room._occupants[stanza.attr.to];
	if stanza.attr.type == "error" or is_allowed(room, sender, recipient) then
		return nil;
	end
	local refused = room.env.st.error_reply(stanza, "auth", "forbidden",
		"Private messages are restricted in this room", room.jid);
	refused.attr.to = nil;
	room:route_to_occupant(sender, refused);
	return false;
end

return { methods = methods, hooks = { { "muc-private-message", restrict, 1 } } };
