-- SPDX-License-Identifier: MIT
local events = require "e2e.rooms.events";
local scene = require "e2e.rooms.scene";
local world_of = require "e2e.rooms.world";

local w = world_of.new(world_of.kinds("rooms stock"), { folder = "rooms-api", sets = { main = { modules_enabled = { "rooms_hand", "rooms_events" } } } });
w:start();
local told = {};
for i, kind in ipairs(w.kinds) do
	told[i] = events.tell(scene.new(w, kind));
end
for i, step in ipairs(events.story) do
	local a, b = table.concat(told[1][i], "\n  "), table.concat(told[2][i], "\n  ");
	if a == b then
		print("same: " .. step[1]);
	else
		print("DIFF: " .. step[1] .. "\n OURS\n  " .. a .. "\n STOCK\n  " .. b);
	end
end
w:stop();
os.exit(0, true);
