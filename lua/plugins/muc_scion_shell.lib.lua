-- SPDX-License-Identifier: MIT
-- What operators do with rooms in Prosody's admin shell: rooms:erase(room, user), rooms:expire(host), rooms:traffic().
local format_table = require "util.human.io".table;
local jid_host = require "util.jid".host;

local TABLE_WIDTH = 120;
local COLUMNS = {
	{ title = "Room", width = "100%" };
	{ title = "Occupants", width = 9, align = "right" };
	{ title = "Fast", width = 10, align = "right" };
	{ title = "Slow", width = 10, align = "right" };
	{ title = "Most slow ones because of", width = 25 };
};

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

local function main_reason(reasons)
	local best, most = "", 0;
	for reason, number in pairs(reasons) do
		if number > most then
			best, most = reason, number;
		end
	end
	return best;
end

-- One row for each room that is in memory, the busiest first.
local function traffic_rows(rooms, fan)
	local rows = {};
	for room in rooms:live_rooms() do
		local tally, occupants = fan.tally_of(room), 0;
		for _ in pairs(room._occupants) do
			occupants = occupants + 1;
		end
		rows[#rows + 1] = {
			room.jid, tostring(occupants), tostring(tally.sent - tally.slow), tostring(tally.slow),
			main_reason(tally.reasons), sent = tally.sent,
		};
	end
	table.sort(rows, function (a, b) return a.sent > b.sent; end);
	return rows;
end

-- The traffic of the rooms of all hosts.
local function print_traffic(print)
	local count, row = 0, format_table(COLUMNS, TABLE_WIDTH);
	print(row());
	for _, host in pairs(prosody.hosts) do
		local service = host.modules and rawget(host.modules, "muc_scion");
		for _, fields in ipairs(service and service.traffic() or {}) do
			print(row(fields));
			count = count + 1;
		end
	end
	return true, ("%d rooms"):format(count);
end

function env.rooms:traffic()
	return print_traffic(self.session.print);
end

function env.rooms:help()
	self.session.print("rooms:traffic() - what each room has sent, past Prosody's routing (fast) or through it");
	for name, command in pairs(COMMANDS) do
		self.session.print(("rooms:%s(%s) - %s"):format(name, table.concat(command.args, ", "), command.desc));
	end
	return true, "see lua/README.md";
end

return function (rooms, fan, api)
	function api.traffic()
		return traffic_rows(rooms, fan);
	end
	api.print_traffic = print_traffic;
end
