-- SPDX-License-Identifier: MIT
-- settings: what can be configured of a room, as methods get_X and set_X with the names and `_data` keys of stock
-- mod_muc. A setter returns whether anything changed.
local presence = require "sx.muc.presence";
local ranks = require "sx.muc.ranks";

local methods = {};

-- Each: method suffix, key in _data. Absent means false.
local FLAGS = {
	{ "hidden", "hidden" }, { "members_only", "members_only" }, { "allow_member_invites", "allow_member_invites" },
	{ "moderated", "moderated" }, { "persistent", "persistent" }, { "changesubject", "changesubject" },
	{ "allow_modpm", "allow_modpm" }, { "logging", "logging" },
};

-- Each: method suffix, key in _data. Absent and empty are the same.
local TEXTS = {
	{ "description", "description" }, { "language", "language" }, { "password", "password" }, { "pubsub", "pubsub" },
};

local function set_data(self, key, value)
	if self._data[key] == value then
		return false;
	end
	self._data[key] = value;
	return true;
end

for _, flag in ipairs(FLAGS) do
	local suffix, key = flag[1], flag[2];
	methods["get_" .. suffix] = function (self)
		return self._data[key];
	end;
	methods["set_" .. suffix] = function (self, value)
		return set_data(self, key, value and true or nil);
	end;
end

for _, text in ipairs(TEXTS) do
	local suffix, key = text[1], text[2];
	methods["get_" .. suffix] = function (self)
		return self._data[key];
	end;
	methods["set_" .. suffix] = function (self, value)
		return set_data(self, key, value ~= "" and value or nil);
	end;
end

--- The name for people, by default the localpart.
function methods:get_name()
	return self._data.name or self.env.jid.node(self.jid);
end

function methods:set_name(name)
	local is_default = name == "" or name == self.env.jid.node(self.jid);
	return set_data(self, "name", not is_default and name or nil);
end

function methods:get_public()
	return not self:get_hidden();
end

function methods:set_public(is_public)
	return self:set_hidden(not is_public);
end

--- Whether what is said is kept in a public log, which is said to everybody who enters.
function methods:is_logged()
	return self:get_logging() == true;
end

-- Takes occupants out of the room, all of them before any of it is shown.
local function remove_all(self, occupants, x)
	for _, occupant in ipairs(occupants) do
		occupant.role_before, occupant.role = occupant.role, nil;
		self:save_occupant(occupant);
	end
	for _, occupant in ipairs(occupants) do
		self:publicise_occupant_status(occupant, x, nil, nil, nil, occupant.role_before);
		self.env.emit("muc-occupant-left", { room = self, nick = occupant.nick, occupant = occupant });
	end
end

--- Members only: who is not one is out, with 322 (section 10.2).
local set_members_flag = methods.set_members_only;
function methods:set_members_only(is_set)
	if not set_members_flag(self, is_set) then
		return false;
	end
	local strangers = {};
	for _, occupant in self:each_occupant() do
		local is_member = ranks.is_affiliated(self:get_affiliation(occupant.bare_jid), "member");
		strangers[#strangers + 1] = is_set and not is_member and occupant or nil;
	end
	remove_all(self, strangers, presence.user_x(self.env, "322"));
	return true;
end

--- Who sees real JIDs: "anyone" or "moderators".
function methods:get_whois()
	return self._data.whois or "moderators";
end

function methods:set_whois(whois)
	assert(whois == "anyone" or whois == "moderators", "invalid whois value");
	return set_data(self, "whois", whois == "anyone" and whois or nil);
end

-- What mod_muc_restrict_pm, from before Prosody 13.0, has stored.
local RESTRICT_PM = {
	everyone = "visitor", participants = "participant", moderators = "moderator", members = "affiliated",
};

--- Who may write to another occupant in private: "visitor" (all), "participant", "moderator", "affiliated" or "none".
function methods:get_allow_pm()
	local who = self._data.allow_pm or "visitor";
	return RESTRICT_PM[who] or who;
end

function methods:set_allow_pm(who)
	return set_data(self, "allow_pm", who ~= "visitor" and who or nil);
end

--- Whether occupants may invite, by default all in an open room and admins only where members alone may enter.
function methods:get_allow_invites()
	if self._data.allow_invites ~= nil then
		return self._data.allow_invites;
	end
	return not self:get_members_only() or self:get_allow_member_invites() == true;
end

function methods:set_allow_invites(is_allowed)
	local before = self:get_allow_invites();
	self._data.allow_invites = is_allowed and true or false;
	self._data.allow_member_invites = is_allowed and true or nil;
	return before ~= self._data.allow_invites;
end

--- How many occupants there may be; nil is as many as the service allows.
function methods:get_max_users()
	return self._data.max_users;
end

function methods:set_max_users(count)
	return set_data(self, "max_users", count);
end

local function same_roles(one, other)
	for _, role in ipairs(ranks.role_names) do
		if (one[role] or false) ~= (other[role] or false) then
			return false;
		end
	end
	return true;
end

local BROADCAST = { visitor = true, participant = true, moderator = true };

--- The roles whose presence is shown to the room, as a set.
function methods:get_presence_broadcast()
	return self._data.presence_broadcast or BROADCAST;
end

--- Those whose presence is shown from now on, or not any more, appear or disappear for the others.
function methods:set_presence_broadcast(roles)
	local before = self:get_presence_broadcast();
	roles = roles or BROADCAST;
	if same_roles(roles, before) then
		return false;
	end
	self._data.presence_broadcast = not same_roles(roles, BROADCAST) and roles or nil;
	for _, occupant in self:each_occupant() do
		local is, was = roles[occupant.role] or false, before[occupant.role] or false;
		if is ~= was then
			self:publicise_occupant_status(occupant, presence.user_x(self.env), nil, nil, nil, nil, not is);
		end
	end
	return true;
end

function methods.get_valid_broadcast_roles()
	return ranks.role_names;
end

--- The roles that may read the list of members, as a set; nil: as the type of the room says.
function methods:get_member_list_roles()
	return self._data.get_member_list;
end

function methods:set_member_list_roles(roles)
	local before = self._data.get_member_list;
	if before and roles and same_roles(before, roles) then
		return false;
	end
	return set_data(self, "get_member_list", roles);
end

return { methods = methods };
