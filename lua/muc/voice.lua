-- SPDX-License-Identifier: MIT
-- voice: visitors ask for it, moderators grant it (XEP-0045 sections 7.13 and 8.6).
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local methods = {};

local function layout(env)
	return env.dataforms.new({
		title = "Request for voice",
		{ name = "FORM_TYPE", type = "hidden", value = ns.REQUEST },
		{ name = "muc#role", type = "list-single", label = "Role",
			options = { { value = "participant", label = "Participant", default = true } } },
		{ name = "muc#jid", type = "jid-single", label = "Address" },
		{ name = "muc#roomnick", type = "text-single", label = "Nick" },
		{ name = "muc#request_allow", type = "boolean", label = "Grant voice?", value = false },
	});
end

--- A form of a visitor who asks, or of a moderator who answers.
function methods:handle_role_request(origin, stanza, form)
	local occupant = self:get_occupant_by_real_jid(stanza.attr.from);
	if not occupant then
		return self:refuse(origin, stanza, "cancel", "not-acceptable", "You are not in this room");
	end
	local event = {
		room = self, origin = origin, stanza = stanza, occupant = occupant, fields = layout(self.env):data(form),
	};
	self.env.emit(occupant.role == "moderator" and "muc-voice-response" or "muc-voice-request", event);
	return true;
end

local function ask_moderators(event)
	local room, env, occupant = event.room, event.room.env, event.occupant;
	if occupant.role ~= "visitor" or not room:get_moderated() then
		return;
	end
	local form = layout(env):form({
		["muc#jid"] = event.stanza.attr.from, ["muc#roomnick"] = env.jid.resource(occupant.nick),
	});
	room:broadcast(env.st.message({ type = "normal", from = room.jid }):add_child(form), function (_, other)
		return ranks.has_role(other.role, "moderator");
	end);
end

local function grant(event)
	local room, fields = event.room, event.fields;
	if not fields["muc#request_allow"] then
		return;
	end
	local nick = room:get_occupant_jid(fields["muc#jid"])
		or fields["muc#roomnick"] and room.jid .. "/" .. fields["muc#roomnick"];
	if room:get_role(nick) ~= "visitor" then
		return;
	end
	local ok, kind, condition = room:set_role(event.stanza.attr.from, nick, "participant", "Voice granted");
	if not ok then
		room:refuse(event.origin, event.stanza, kind, condition);
	end
end

return {
	methods = methods;
	hooks = { { "muc-voice-request", ask_moderators, 0 }, { "muc-voice-response", grant, 0 } };
};
