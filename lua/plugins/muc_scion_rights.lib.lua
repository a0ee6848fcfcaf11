-- SPDX-License-Identifier: MIT
-- Who may do what with the service. Prosody 13.0 asks the user's role for the permissions of mod_muc, by the names that
-- these have there, so that roles of the operator's own hold for both; 0.12 knows administrators only.
local jid = require "util.jid";
local usermanager = require "core.usermanager";
local options = module:require "muc_scion_options";

local has_roles = module.could ~= nil;
local parent_host = module.host:gsub("^[^%.]+%.", "");

-- restrict_room_creation: "local" (the default): users of the host above; true or "admin": administrators; false:
-- everybody; a list: users of these domains.
local creators = module:get_option("restrict_room_creation", "local");
local domains = require "util.set".new(type(creators) == "table" and creators or { parent_host });
local is_admins_only = creators == true or creators == "admin";

-- What users may do besides administrators, as the operator has chosen.
local FOR_USERS = {
	["create-room"] = not is_admins_only;
	["create-public-room"] = options.boolean("muc_room_allow_public", true);
	["create-persistent-room"] = options.boolean("muc_room_allow_persistent", true);
};

if has_roles then
	module:default_permissions("prosody:admin", { "muc:automatic-ownership", "muc:recreate-destroyed-room" });
	module:default_permissions("prosody:guest", { "muc:list-rooms" });
	for action, is_open in pairs(FOR_USERS) do
		module:default_permission(is_open and "prosody:registered" or "prosody:admin", "muc:" .. action);
	end
end

local admins_own_rooms = options.boolean("component_admins_as_room_owners", not has_roles);

-- What a role, or being an administrator, gives. Prosody 13.0 cannot be asked about domains.
local function is_permitted(user, action)
	if has_roles then
		return jid.node(user) ~= nil and module:could("muc:" .. action, user) or false;
	end
	return usermanager.is_admin(jid.bare(user), module.host);
end

-- Whether somebody may what users may. Those of other servers have no role here.
local function is_welcome(user, action)
	local may_create = not creators or domains:contains(jid.host(user));
	if has_roles then
		return may_create and creators ~= "local";
	end
	return may_create or action ~= "create-room";
end

local rights = {};

--- Whether a bare JID owns all rooms.
function rights.is_admin(user)
	return admins_own_rooms and is_permitted(user, "automatic-ownership");
end

--- Whether somebody may do one of "create-room", "create-public-room", "create-persistent-room",
--- "recreate-destroyed-room".
function rights.may(user, action)
	return is_permitted(user, action) or FOR_USERS[action] == true and is_welcome(user, action);
end

return rights;
