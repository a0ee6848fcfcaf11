-- SPDX-License-Identifier: MIT
-- roles: what an occupant may do while in the room (XEP-0045 sections 5.1 and 8).
local presence = require "sx.muc.presence";
local ranks = require "sx.muc.ranks";

local GRANTED_MOST = 1000; -- roles that a room remembers

local methods = {};

--- The role that an affiliation gives, nil for none (then there is no entry), and its rank.
function methods:get_default_role(affiliation)
	local role = self.env.emit("muc-get-default-role", {
		room = self, affiliation = affiliation, affiliation_rank = ranks.affiliation(affiliation),
	});
	role = role and role ~= "none" and role or nil;
	return role, ranks.role(role);
end

-- Section 5.1.2.
local function default_role(event)
	if event.affiliation_rank >= ranks.affiliation("admin") then
		return "moderator";
	elseif event.affiliation_rank < ranks.affiliation("none") then
		return nil;
	end
	local is_visitor = event.room:get_moderated() and event.affiliation_rank < ranks.affiliation("member");
	return is_visitor and "visitor" or "participant";
end

local function members_only_role(event)
	if event.affiliation_rank == ranks.affiliation("none") and event.room:get_members_only() then
		return false;
	end
end

--- The role of an occupant JID, or nil.
function methods:get_role(nick)
	local occupant = self._occupants[nick];
	return occupant and occupant.role;
end

--- The role that somebody was given in a moderated room, and keeps at the next visit (section 5.1.3), or nil.
function methods:get_granted_role(bare_jid)
	return self:get_moderated() and self._data.granted_roles and self._data.granted_roles[bare_jid] or nil;
end

-- One of those that were noted makes place for another, whoever it is.
local function make_place(self, granted, newest)
	local count, other = 0, nil;
	for jid in pairs(granted) do
		count, other = count + 1, jid ~= newest and jid or other;
	end
	if count > math.min(GRANTED_MOST, self.env.limits.affiliations or math.huge) then
		granted[other] = nil;
	end
end

local function note_granted(self, occupant)
	local default = self:get_default_role(self:get_affiliation(occupant.bare_jid));
	if not self:get_moderated() or not occupant.role then
		return;
	end
	local granted = self._data.granted_roles or {};
	granted[occupant.bare_jid] = occupant.role ~= default and occupant.role or nil;
	make_place(self, granted, occupant.bare_jid);
	self._data.granted_roles = next(granted) and granted;
	self:save();
end

local function forget_granted(event)
	local granted = event.room._data.granted_roles;
	if granted then
		granted[event.jid] = nil;
	end
end

--- Whether a real JID may give an occupant (a copy) a role. True, or nil, error type and condition.
function methods:may_set_role(actor, occupant, role)
	local event = { room = self, actor = actor, occupant = occupant, role = role };
	self.env.emit("muc-pre-set-role", event);
	if event.allowed ~= nil then
		return event.allowed, event.error, event.condition;
	end
	local mine, theirs = self:get_affiliation(actor), self:get_affiliation(occupant.bare_jid);
	local me = self._occupants[self:get_occupant_jid(actor)];
	local involves_moderator = occupant.role == "moderator" or role == "moderator";
	if ranks.affiliation(mine) < ranks.affiliation(theirs)
		or involves_moderator and not ranks.is_affiliated(mine, "admin")
		or ranks.is_affiliated(theirs, "admin") and role and role ~= "moderator" -- section 5.1.2: never revoked from these
		or not me or not ranks.has_role(me.role, "moderator") then
		return nil, "cancel", "not-allowed";
	end
	return true;
end

--- The first half of `set_role`: the change for `commit_role`, or nil, error type and condition.
function methods:prepare_role(actor, nick, role, reason)
	if not actor then
		return nil, "modify", "not-acceptable";
	end
	local occupant = self:get_occupant_by_nick(nick);
	if not occupant then
		return nil, "cancel", "item-not-found";
	end
	if not ranks.role(role or "none") then
		return nil, "modify", "not-acceptable";
	end
	role = role ~= "none" and role or nil;
	if actor ~= true then
		local ok, kind, condition = self:may_set_role(actor, occupant, role);
		if not ok then
			return nil, kind, condition;
		end
	end
	return { actor = actor ~= true and actor or nil, nick = nick, role = role, reason = reason };
end

--- The second half: makes the change and shows it.
function methods:commit_role(change)
	local occupant = self:get_occupant_by_nick(change.nick);
	if not occupant then
		return; -- gone by an earlier change of the same request
	end
	local before = occupant.role;
	occupant.role = change.role;
	self:save_occupant(occupant);
	note_granted(self, occupant);
	local x = presence.user_x(self.env, not change.role and "307" or nil);
	self:publicise_occupant_status(occupant, x, nil, change.actor, change.reason, before);
	if not change.role then
		self.env.emit("muc-occupant-left", { room = self, nick = occupant.nick, occupant = occupant });
	end
end

--- Gives an occupant JID another role, nil to kick. `actor`: the real JID of who does it, or true for the service.
--- Returns true, or nil, error type and condition.
function methods:set_role(actor, nick, role, reason)
	local change, kind, condition = self:prepare_role(actor, nick, role, reason);
	if not change then
		return nil, kind, condition;
	end
	self:commit_role(change);
	return true;
end

return {
	methods = methods;
	hooks = {
		{ "muc-set-affiliation", forget_granted, 0 };
		{ "muc-get-default-role", members_only_role, 2 };
		{ "muc-get-default-role", default_role, -1 };
	};
};
