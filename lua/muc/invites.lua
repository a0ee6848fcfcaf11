-- SPDX-License-Identifier: MIT
-- invites: mediated invitations and how they are declined (XEP-0045 section 7.8).
local bounded = require "sx.muc.bounded";
local ns = require "sx.muc.ns";
local ranks = require "sx.muc.ranks";

local INVITES_MOST = 50; -- in one message
local INVITERS_MOST = 1000; -- who have left, perhaps, and may still be told that somebody does not come

local methods = {};

local function without_user_x(self, stanza)
	return self.env.st.clone(stanza):maptags(function (child)
		return child.attr.xmlns ~= ns.USER and child or nil;
	end);
end

-- How somebody is named to others outside: by the real JID where everybody sees those.
local function name_of(self, real_jid)
	local nick = self:get_occupant_jid(real_jid);
	if self:get_whois() == "anyone" then
		return real_jid;
	end
	return nick or self.jid;
end

local function new_message(self, stanza, to, child)
	local message = without_user_x(self, stanza);
	message.attr.from, message.attr.to = self.jid, to;
	return message:add_child(self.env.st.stanza("x", { xmlns = ns.USER }):add_child(child));
end

-- <invite/> or <decline/> as it leaves the room: with the sender, and what the sender wrote.
local function restamped(self, stanza, child)
	local copy = self.env.st.clone(child);
	copy.attr.from, copy.attr.to = name_of(self, stanza.attr.from), nil;
	return copy;
end

--- One invitation: `child` of the <x/> in the message, by default the first.
function methods:handle_mediated_invite(origin, stanza, child)
	child = child or stanza:get_child("x", ns.USER):get_child("invite");
	local env, to = self.env, self.env.jid.prep(child.attr.to);
	local single = without_user_x(self, stanza);
	single:add_child(env.st.stanza("x", { xmlns = ns.USER }):add_child(env.st.clone(child)));
	if not to then
		return self:refuse(origin, stanza, "modify", "jid-malformed", "Not an address: " .. child.attr.to);
	elseif env.emit("muc-pre-invite", { room = self, origin = origin, stanza = single }) then
		return true;
	end
	self._inviters = self._inviters or bounded.new(INVITERS_MOST);
	self._inviters:put(env.jid.bare(stanza.attr.from), true);
	local message = new_message(self, stanza, to, restamped(self, stanza, child));
	if not env.emit("muc-invite", { room = self, stanza = message, origin = origin, incoming = single }) then
		self:route_stanza(message);
	end
	return true;
end

-- A room does not carry messages to just anybody. Whether it knows somebody is not for a stranger to learn, either.
local function may_have_invited(self, jid)
	local bare = self.env.jid.bare(jid);
	if bare == self.jid then
		return jid ~= bare;
	end
	return ranks.is_affiliated(self:get_affiliation(bare), "member") or self:occupants_of(bare)[1] ~= nil
		or self._inviters ~= nil and self._inviters:get(bare) ~= nil;
end

--- An invitation that is declined.
function methods:handle_mediated_decline(origin, stanza, child)
	child = child or stanza:get_child("x", ns.USER):get_child("decline");
	local env, to = self.env, self.env.jid.prep(child.attr.to);
	if not to then
		return self:refuse(origin, stanza, "modify", "jid-malformed", "Not an address: " .. child.attr.to);
	elseif not may_have_invited(self, to) then
		return true;
	elseif env.emit("muc-pre-decline", { room = self, origin = origin, stanza = stanza }) then
		return true;
	end
	local copy = env.st.clone(child);
	copy.attr.from, copy.attr.to = stanza.attr.from, nil;
	local message = new_message(self, stanza, to, copy);
	if env.emit("muc-decline", { room = self, stanza = message, origin = origin, incoming = stanza }) then
		return true;
	end
	local occupant = self._occupants[message.attr.to];
	if occupant then
		self:route_to_occupant(occupant, message);
	else
		self:route_stanza(message);
	end
	return true;
end

local HANDLERS = { invite = "handle_mediated_invite", decline = "handle_mediated_decline" };

--- A message to the room with <x/> of muc#user: invitations, each of them, or a declined one.
function methods:handle_mediated(origin, stanza, x)
	local count = 0;
	for child in x:childtags() do
		local handler = child.attr.to and HANDLERS[child.name];
		if handler and count < INVITES_MOST then
			count = count + 1;
			self[handler](self, origin, stanza, child);
		end
	end
	if count == 0 and stanza.attr.type ~= "error" then
		return self:refuse(origin, stanza, "modify", "bad-request", "Neither an invitation nor one declined");
	end
	return true;
end

local function check_right(event)
	local room, from = event.room, event.stanza.attr.from;
	local inviter = room:get_occupant_by_real_jid(from);
	local affiliation = room:get_affiliation(from);
	if ranks.is_affiliated(affiliation, "admin") then
		return nil;
	elseif not inviter then
		return room:refuse(event.origin, event.stanza, "cancel", "not-acceptable", "You are not in this room");
	elseif not ranks.has_role(inviter.role, "participant") or not room:get_allow_invites() then
		return room:refuse(event.origin, event.stanza, "auth", "forbidden", "You may not invite others to this room");
	end
end

-- Who is invited to a room for members becomes one; the password of the room goes along.
local function open_door(event)
	local room, stanza = event.room, event.stanza;
	if room:get_members_only() and not ranks.is_affiliated(room:get_affiliation(stanza.attr.to), "member")
		and room:get_affiliation(stanza.attr.to) ~= "outcast" then
		local by = stanza:get_child("x", ns.USER):get_child("invite").attr.from;
		local ok, kind, condition, text = room:set_affiliation(true, stanza.attr.to, "member", "Invited by " .. by);
		if not ok then
			return room:refuse(event.origin, event.incoming, kind, condition, text);
		end
	end
	if room:get_password() then
		stanza:get_child("x", ns.USER):text_tag("password", room:get_password());
	end
end

-- Older clients know only of XEP-0249 and plain text.
local function add_for_older(event)
	local stanza = event.stanza;
	local child = stanza:get_child("x", ns.USER):get_child("invite");
	local reason = child:get_child_text("reason");
	stanza:tag("x", { xmlns = ns.CONFERENCE, jid = event.room.jid }):text(reason or ""):up();
	if not stanza:get_child("body") then
		stanza:text_tag("body", ("%s has invited you to %s%s"):format(child.attr.from, event.room.jid,
			reason and (" (%s)"):format(reason) or ""));
	end
end

local function add_body(event)
	local stanza = event.stanza;
	if not stanza:get_child("body") then
		local child = stanza:get_child("x", ns.USER):get_child("decline");
		stanza:text_tag("body", ("%s does not come to %s"):format(child.attr.from, event.room.jid));
	end
end

-- Section 9.3: who becomes a member of a room for members is told.
local function invite_member(event)
	local room, env = event.room, event.room.env;
	if not event.actor or event.affiliation ~= "member" or event.previous_affiliation ~= "none" or event.in_room
		or not room:get_members_only() then
		return;
	end
	local child = env.st.stanza("invite", { from = name_of(room, event.actor) });
	if event.reason then
		child:text_tag("reason", event.reason);
	end
	local message = env.st.message({ from = room.jid, to = event.jid, id = env.id() })
		:add_child(env.st.stanza("x", { xmlns = ns.USER }):add_child(child));
	if not env.emit("muc-invite", { room = room, stanza = message, incoming = message }) then
		room:route_stanza(message);
	end
end

return {
	methods = methods;
	hooks = {
		{ "muc-pre-invite", check_right, 0 };
		{ "muc-invite", open_door, 0 };
		{ "muc-invite", add_for_older, -1 };
		{ "muc-decline", add_body, 0 };
		{ "muc-set-affiliation", invite_member, -1 };
	};
};
