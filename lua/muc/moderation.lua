-- SPDX-License-Identifier: MIT
-- moderation: moderators retract messages of others (XEP-0425), as version 0.3 has it and, side by side, as 0.2, which
-- older clients speak. env.moderation is nil where rooms have none of it; its is_ours is false while another module
-- does this.
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";
local retraction = require "sx.muc.retraction";

local methods = {};

-- The element that holds what is asked, and the id of the message that it is about; nil where it is something else.
local function read(stanza)
	local payload = stanza.tags[1];
	if payload.attr.xmlns == ns.MODERATE then
		return payload, payload.attr.id, payload:get_child("retract", ns.RETRACT);
	end
	local moderate = payload:get_child("moderate", ns.MODERATE_OLD);
	return moderate, payload.attr.id, moderate and moderate:get_child("retract", ns.RETRACT_OLD);
end

local function add_reason(parent, reason)
	return reason and parent:text_tag("reason", reason) or parent;
end

-- <moderated/> of version 0.3, inside the element that is open in `parent`.
local function add_moderated(parent, act)
	parent:tag("moderated", { xmlns = ns.MODERATE, by = act.by })
		:tag("occupant-id", { xmlns = ns.OCCUPANT_ID, id = act.occupant_id }):up():up();
	return add_reason(parent, act.reason):up();
end

local function announcement(room, act)
	local message = room.env.st.message({ type = "groupchat", from = room.jid, id = act.message_id });
	add_moderated(message:tag("retract", { xmlns = ns.RETRACT, id = act.id }), act);
	message:tag("apply-to", { xmlns = ns.FASTEN, id = act.id })
		:tag("moderated", { xmlns = ns.MODERATE_OLD, by = act.by })
			:tag("retract", { xmlns = ns.RETRACT_OLD }):up();
	add_reason(message, act.reason):up():up();
	return message;
end

-- Only what somebody has said, not what the room announces.
local function tombstone(room, original, act)
	if original.attr.from == room.jid then
		return nil;
	end
	local stone, stamp = retraction.tombstone(room, original), room.env.stamp(room.env.now());
	add_moderated(stone:tag("retracted", { xmlns = ns.RETRACT, id = act.message_id, stamp = stamp }), act);
	stone:tag("moderated", { xmlns = ns.MODERATE_OLD, by = act.by })
		:tag("retracted", { xmlns = ns.RETRACT_OLD, stamp = stamp }):up();
	add_reason(stone, act.reason):up();
	return stone;
end

local function moderate(room, act)
	if not room:replace_message(act.id, function (original) return tombstone(room, original, act); end) then
		return false;
	end
	room:broadcast_message(announcement(room, act));
	return true;
end

-- Condition and text of a refusal, or nil.
local function judge(self, occupant, id, retract, reason)
	if not occupant or not ranks.has_role(occupant.role, "moderator") then
		return "auth", "forbidden", "Only moderators may do that";
	elseif not retract then
		return "cancel", "feature-not-implemented", "Messages can be retracted, nothing else";
	elseif not id then
		return "modify", "bad-request", "Which message: its stanza id is missing";
	elseif not self:is_text_allowed(reason) then
		return "modify", "policy-violation", "The reason is too long";
	end
end

local function answer(self, stanza, act)
	local env = self.env;
	if not moderate(self, act) then
		return env.st.error_reply(stanza, "cancel", "item-not-found", "There is no such message", self.jid);
	end
	return env.st.reply(stanza);
end

--- An IQ that asks to moderate a message. Nil where it is about something else.
function methods:handle_moderation(origin, stanza)
	local request, id, retract = read(stanza);
	if not request then
		return nil;
	end
	local occupant = self:get_occupant_by_real_jid(stanza.attr.from);
	local reason = request:get_child_text("reason");
	local kind, condition, text = judge(self, occupant, id, retract, reason);
	if kind then
		return self:refuse(origin, stanza, kind, condition, text);
	end
	local env = self.env;
	env.plan:after_answer(origin, answer, self, stanza, {
		id = id, by = occupant.nick, occupant_id = self:get_occupant_id(occupant), message_id = env.id(),
		reason = reason,
	});
	return true;
end

local function tell(event)
	local moderation = event.room.env.moderation;
	if moderation and moderation.is_ours then
		event.reply:tag("feature", { var = ns.MODERATE }):up():tag("feature", { var = ns.MODERATE_OLD }):up();
	end
end

return { methods = methods, hooks = { { "muc-disco#info", tell, 0 } } };
