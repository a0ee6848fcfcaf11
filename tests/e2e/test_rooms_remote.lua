-- SPDX-License-Identifier: MIT
-- The tests of rooms once more, with all users on a server in another AS: every stanza between the two is on SCION.
local points_of = require "e2e.rooms.points".of;
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

local kinds = world_of.kinds("rooms");
local world = world_of.new(kinds, "remote");
world:start();
local points = points_of(world, kinds, os.getenv("SX_ROOMS_ONLY"));

points[#points + 1] = { "all of it went over SCION", function ()
	local way = assert(world.place.way(), "the routers have counted no packets");
	print(("# %d packets by %s"):format(way.packets, way.path));
end };
points[#points + 1] = { "the servers end in good order", function ()
	world:close();
end };

tap.run(points);
