-- SPDX-License-Identifier: MIT
-- What operators do with rooms in Prosody's admin shell: rooms:erase(room, user), rooms:expire(host).
local jid_host = require "util.jid".host;

local COMMANDS = {
	erase = {
		desc = "Erase all messages of a user from a room's archive", args = { "room", "user" },
		call = "erase_messages", told = "%d messages erased",
	};
	expire = {
		desc = "Remove what is too old from all archives of a host now", args = { "host" },
		call = "expire_archives", told = "%d messages removed",
	};
};

--- Does a command on the host that the first argument names.
local function run(command, address, ...)
	local host = jid_host(address);
	local rooms = prosody.hosts[host] and prosody.hosts[host].modules.muc_scion;
	if not rooms then
		return nil, ("%s: there are no rooms of mod_muc_scion"):format(tostring(address));
	end
	return rooms[command.call](address, ...):next(function (count)
		return command.told:format(count);
	end);
end

-- The shell looks into this table, which all hosts share. The items that 13.0 takes commands as reach it from virtual
-- hosts only, not from components.
local env = module:shared("/*/admin_shell/env");
env.rooms = {};
for name, command in pairs(COMMANDS) do
	env.rooms[name] = function (_, ...) return run(command, ...); end;
end
function env.rooms:help()
	for name, command in pairs(COMMANDS) do
		self.session.print(("rooms:%s(%s) - %s"):format(name, table.concat(command.args, ", "), command.desc));
	end
	return true, "see lua/README.md";
end
