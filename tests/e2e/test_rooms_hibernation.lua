-- SPDX-License-Identifier: MIT
-- Clients whose connection drops stay in rooms as long as their session lives, in ours as in stock's.
local home = require "e2e.rooms.home";
local suite = require "e2e.rooms.suite";
local world_of = require "e2e.rooms.world";

suite.load({ "hibernation" });

local enabled = { "roster", "saslauth", "disco", "ping", "smacks", "carbons", "csi_simple" };
local has = home.has_modules({ "cloud_notify" });
enabled[#enabled + 1] = has.cloud_notify and "cloud_notify" or nil;
for _, test in ipairs(suite.tests) do
	test.lacks = test.needs and not has[test.needs] and ("this Prosody has no mod_%s"):format(test.needs) or nil;
end

home.run(home.world(world_of.kinds(os.getenv("SX_ROOMS")), { folder = "rooms-hibernation", sets = { main = {} },
	options = {
		smacks_hibernation_time = 3, -- as in rooms/hibernation.lua
		modules_enabled = enabled,
	},
}));
