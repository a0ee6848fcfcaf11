-- SPDX-License-Identifier: MIT
-- Rooms as XEP-0045 has them: the same tests against our component and against Prosody's own, in one server.
--
-- SX_ROOMS="stock" names the services (default: those there are), SX_ROOMS_ONLY="33 1.K C8" items or sections,
-- SX_ROOMS_TABLE=write puts what was seen into lua/README.md.
local page = require "e2e.rooms.page";
local points_of = require "e2e.rooms.points".of;
local suite = require "e2e.rooms.suite";
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

local only = os.getenv("SX_ROOMS_ONLY");
local kinds = world_of.kinds(os.getenv("SX_ROOMS"));
local world = world_of.new(kinds);
world:start();
local points, seen = points_of(world, kinds, only);

points[#points + 1] = { "every item has a test", function ()
	local gaps = suite.gaps();
	assert(#gaps == 0, table.concat(gaps, "\n"));
end };
points[#points + 1] = { "the table in lua/README.md says what was seen", function ()
	page.check(seen, only, os.getenv("SX_ROOMS_TABLE") == "write");
end };
points[#points + 1] = { "the server ends in good order", function ()
	world:stop();
end };

tap.run(points);
