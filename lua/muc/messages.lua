-- SPDX-License-Identifier: MIT
-- messages: to the whole room (XEP-0045 section 7.4).
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local methods = {};

--- Sends a message that comes from the room or from an occupant to all, as the last step add-ons can alter or swallow.
function methods:broadcast_message(stanza)
	if not self.env.emit("muc-broadcast-message", { room = self, stanza = stanza }) then
		self:broadcast(stanza);
	end
	return true;
end

--- A message of type groupchat. Each gets an id; what it says about the room is taken out.
function methods:handle_groupchat_to_room(origin, stanza)
	local from = stanza.attr.from;
	stanza = self.env.st.clone(stanza);
	stanza.attr.id = stanza.attr.id or self.env.id();
	local event = {
		room = self, origin = origin, stanza = stanza, from = from, occupant = self:get_occupant_by_real_jid(from),
	};
	if self.env.emit("muc-occupant-groupchat", event) then
		return true;
	end
	stanza = event.stanza;
	stanza.attr.from = event.occupant and event.occupant.nick or self.jid;
	return self:broadcast_message(stanza);
end

local function check_voice(event)
	local room, occupant = event.room, event.occupant;
	if not occupant then
		return room:refuse(event.origin, event.stanza, "cancel", "not-acceptable", "You are not in this room");
	elseif not ranks.has_role(occupant.role, "participant") then
		return room:refuse(event.origin, event.stanza, "auth", "forbidden", "You may not speak in this room");
	end
end

-- Section 17.3: nobody speaks for the room.
local function remove_forged(event)
	local jid = event.room.jid;
	event.stanza:maptags(function (child)
		local xmlns = child.attr.xmlns;
		local is_delay = (xmlns == ns.DELAY or xmlns == ns.DELAY_OLD) and child.attr.from == jid;
		local is_id = xmlns == ns.SID and child.name == "stanza-id" and child.attr.by == jid;
		if is_delay or is_id or xmlns == ns.USER or xmlns == ns.OCCUPANT_ID then
			return nil;
		end
		return child;
	end);
end

-- Errors that mean that a recipient is not there any more (section 18.2). Any other is only an answer to one stanza.
local LOST = {
	["gone"] = true, ["internal-server-error"] = true, ["item-not-found"] = true, ["jid-malformed"] = true,
	["recipient-unavailable"] = true, ["redirect"] = true, ["remote-server-not-found"] = true,
	["remote-server-timeout"] = true, ["service-unavailable"] = true,
};

--- Whether an error stanza means that its sender cannot be reached.
function methods.is_delivery_failure(_, stanza)
	local _, condition = stanza:get_error();
	return condition == nil or LOST[condition] == true;
end

local function handle_normal(self, origin, stanza)
	local env, x = self.env, stanza:get_child("x", ns.USER);
	if self:refuse_large(origin, stanza) then
		return true;
	elseif x then
		return self:handle_mediated(origin, stanza, x);
	end
	local form = stanza:get_child("x", ns.DATA);
	if form and env.dataforms.get_type(form) == ns.REQUEST then
		return self:handle_role_request(origin, stanza, form);
	end
	return true; -- section 7.4: a room does not take private messages, and keeps silent about it
end

--- A message of any type to the room itself.
function methods:handle_message_to_room(origin, stanza)
	local kind = stanza.attr.type or "normal";
	if kind == "error" then
		if self:is_delivery_failure(stanza) then
			return self:handle_kickable(origin, stanza);
		end
		return true;
	end
	if kind == "groupchat" then
		return self:handle_groupchat_to_room(origin, stanza);
	end
	return kind ~= "normal" or handle_normal(self, origin, stanza);
end

return {
	methods = methods;
	hooks = {
		{ "muc-occupant-groupchat", check_voice, 50 };
		{ "muc-occupant-groupchat", remove_forged, 45 };
	};
};
