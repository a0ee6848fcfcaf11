-- SPDX-License-Identifier: MIT
-- Private groups as Conversations, Gajim, Dino and Movim make them (rooms/groups.lua).
local suite = require "e2e.rooms.suite";
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

suite.load({ "groups" });

local kind = world_of.kinds("rooms")[1];
local world = world_of.new({ kind });
local points = {};
world:start();
for i, test in ipairs(suite.tests) do
	points[i] = { test.name, function ()
		local outcome, why = suite.run(world, kind, test);
		assert(outcome == "passed", why);
	end };
end
points[#points + 1] = { "the server ends in good order", function ()
	world:stop();
end };
tap.run(points);
