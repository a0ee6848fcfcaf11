-- SPDX-License-Identifier: MIT
-- form: the fields of the configuration form (XEP-0045 section 16.5.3), as data.
--
-- A field: name; type and label for the form; options of a list; get(room) for its value, set(room, value), which
-- returns whether anything changed; check(room, value, fields), optional, returns an error condition and text;
-- code(value), optional, the status code of a change, 104 by default; info, optional: also in the room's disco form;
-- right, optional: what an owner has to be allowed (`env.may`) to see and set the field.
local ranks = require "sx.muc.ranks";

local PREFIX = "muc#roomconfig_";

local function accessor(suffix)
	return function (room)
		return room["get_" .. suffix](room);
	end, function (room, value)
		return room["set_" .. suffix](room, value);
	end;
end

local function plain(name, kind, suffix, label, more)
	local field = { name = PREFIX .. name, type = kind, label = label };
	field.get, field.set = accessor(suffix);
	for key, value in pairs(more or {}) do
		field[key] = value;
	end
	return field;
end

local function set_of(list)
	local set = {};
	for _, value in ipairs(list or {}) do
		set[value] = true;
	end
	return set;
end

local function list_of(set)
	local list = {};
	for _, role in ipairs(ranks.role_names) do
		if set[role] then
			list[#list + 1] = role;
		end
	end
	return list;
end

local function check_roles(_, list)
	for _, role in ipairs(list or {}) do
		if not ranks.role(role) then
			return "bad-request", "Not a role: " .. role;
		end
	end
end

local function one_of(choices)
	local known = {};
	for _, choice in ipairs(choices) do
		known[type(choice) == "table" and choice.value or choice] = true;
	end
	return function (_, value)
		if not known[value] then
			return "bad-request", ("Not a choice: %s"):format(tostring(value));
		end
	end;
end

local WHOIS = { { value = "moderators", label = "Moderators only" }, { value = "anyone", label = "Anyone" } };
local PM = {
	{ value = "anyone", label = "Anyone" }, { value = "participants", label = "Those who may speak" },
	{ value = "moderators", label = "Moderators" }, { value = "none", label = "Nobody" },
};
local PM_STORED = { anyone = "visitor", participants = "participant", moderators = "moderator", none = "none" };
local PM_SHOWN = { visitor = "anyone", participant = "participants", moderator = "moderators", none = "none",
	affiliated = "participants" };
local USERS = { "10", "20", "30", "50", "100", "200", "500", "1000", "none" };

-- Owners or admins, as a whole list (section 10.2, item "muc#roomconfig_roomowners").
local function affiliation_list(name, label, affiliation)
	return {
		name = PREFIX .. name, type = "jid-multi", label = label, affiliation = affiliation,
		get = function (room)
			local list = {};
			for jid in room:each_affiliation(affiliation) do
				list[#list + 1] = jid;
			end
			table.sort(list);
			return list;
		end;
	};
end

local function check_secret(room, is_protected, fields)
	local secret = fields[PREFIX .. "roomsecret"];
	if is_protected and (secret == "" or secret == nil and not room:get_password()) then
		return "not-acceptable", "A room that asks for a password needs one";
	end
end

local function set_protected(room, is_protected)
	return not is_protected and room:set_password(nil);
end

local function set_secret(room, secret, fields)
	if fields[PREFIX .. "passwordprotectedroom"] == false then
		return false;
	end
	return room:set_password(secret);
end

-- A number as people write it, not as computers may.
local function whole(text)
	return #text <= 9 and text:find("^%d+$") and tonumber(text) or nil;
end

local function check_users(room, value)
	local count = whole(value);
	if value ~= "none" and not (count and count >= 1) then
		return "bad-request", "Not a number of occupants: " .. tostring(value);
	elseif count and count > room.env.limits.occupants then
		return "not-acceptable", ("At most %d occupants are possible here"):format(room.env.limits.occupants);
	end
end

local function check_history(_, value)
	if not whole(value) then
		return "bad-request", "Not a number of messages: " .. tostring(value);
	end
end

return {
	plain("roomname", "text-single", "name", "Name", { info = true }),
	plain("roomdesc", "text-single", "description", "Description"),
	plain("lang", "text-single", "language", "Language (as en or de)"),
	plain("publicroom", "boolean", "public", "Listed in public", { right = "create-public-room" }),
	plain("persistentroom", "boolean", "persistent", "Stays when everybody has left", {
		right = "create-persistent-room",
	}),
	plain("membersonly", "boolean", "members_only", "Only members may enter"),
	plain("allowinvites", "boolean", "allow_invites", "Occupants may invite others", { info = true }),
	{
		name = PREFIX .. "passwordprotectedroom", type = "boolean", label = "A password is needed to enter",
		get = function (room) return room:get_password() ~= nil; end, set = set_protected, check = check_secret,
	},
	plain("roomsecret", "text-private", "password", "Password", { set = set_secret }),
	plain("moderatedroom", "boolean", "moderated", "Only those with voice may speak"),
	plain("whois", "list-single", "whois", "Who sees the addresses of occupants", {
		options = WHOIS, check = one_of(WHOIS), code = function (value) return value == "anyone" and "172" or "173"; end,
	}),
	plain("changesubject", "boolean", "changesubject", "Everybody may change the subject", { info = true }),
	{
		name = PREFIX .. "allowpm", type = "list-single", label = "Who may write to occupants in private",
		options = PM, check = one_of(PM),
		get = function (room) return PM_SHOWN[room:get_allow_pm()]; end,
		set = function (room, value) return room:set_allow_pm(PM_STORED[value]); end,
	},
	{
		name = PREFIX .. "maxusers", type = "list-single", label = "How many occupants there may be",
		options = USERS, check = check_users,
		get = function (room) return tostring(room:get_max_users() or "none"); end,
		set = function (room, value) return room:set_max_users(tonumber(value)); end,
	},
	{
		name = PREFIX .. "presencebroadcast", type = "list-multi", label = "Roles whose presence is shown",
		options = ranks.role_names, check = check_roles,
		get = function (room) return list_of(room:get_presence_broadcast()); end,
		set = function (room, list) return room:set_presence_broadcast(set_of(list)); end,
	},
	{
		name = PREFIX .. "getmemberlist", type = "list-multi",
		label = "Roles that may read the list of members (none chosen: all where members alone enter and see addresses)",
		options = ranks.role_names, check = check_roles,
		get = function (room) return list_of(room:get_member_list_roles() or {}); end,
		-- Clients send back what they do not know: nothing chosen is nothing said.
		set = function (room, list) return room:set_member_list_roles(list[1] and set_of(list) or nil); end,
	},
	plain("enablelogging", "boolean", "logging", "What is said is logged in public", {
		code = function (value) return value and "170" or "171"; end,
	}),
	{
		name = "muc#maxhistoryfetch", type = "text-single", label = "Messages shown to who enters", info = true,
		check = check_history,
		get = function (room) return ("%d"):format(room:get_historylength()); end,
		set = function (room, value) return room:set_historylength(tonumber(value)); end,
	},
	plain("slow_mode_duration", "text-single", "slow_mode_duration", "Seconds between two messages of one user (0: any)", {
		datatype = "xs:integer", range_min = 0, range_max = 86400,
	}),
	affiliation_list("roomadmins", "Admins", "admin"),
	affiliation_list("roomowners", "Owners", "owner"),
	plain("pubsub", "text-single", "pubsub", "Address of a publish-subscribe node", { info = true }),
};
