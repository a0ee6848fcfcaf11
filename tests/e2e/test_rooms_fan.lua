-- SPDX-License-Identifier: MIT
-- What rooms send past Prosody's routing is what they would have sent through it: to sessions of all kinds, whatever
-- happens to them meanwhile. SX_SEED and SX_ACTIONS repeat or lengthen a run.
local equality = require "e2e.rooms.equality";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local DOMAIN = "example.org";
local SIDES = { "fast." .. DOMAIN, "slow." .. DOMAIN };
local EPISODE = 100;

local seed = tonumber(os.getenv("SX_SEED") or os.time() % 100000);
local most = tonumber(os.getenv("SX_ACTIONS") or 10000);
math.randomseed(seed);

local OPTIONS = {
	restrict_room_creation = "local", muc_room_locking = false, muc_tombstones = false,
	muc_scion_unlimited_jids = { DOMAIN },
};

local function components()
	local list = {};
	for _, name in ipairs(SIDES) do
		local options = { muc_scion_fastpath = name == SIDES[1] };
		for key, value in pairs(OPTIONS) do
			options[key] = value;
		end
		list[#list + 1] = { ("Component %q %q"):format(name, "muc_scion"), options };
	end
	return list;
end

local function new_server(world)
	return assert(world:server({
		domain = DOMAIN, hosts = components(), options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins" }, network_settings = { nagle = false },
			modules_enabled = {
				"roster", "saslauth", "tls", "disco", "ping", "smacks", "carbons", "blocklist", "csi_simple", "mam", "admin_shell",
			},
		},
	}):start());
end

local KINDS = {
	owner = {}, admin = { tls = true, smacks = true }, member = { smacks = true }, guest = { tls = true }, other = {},
};

local function sessions_on(server)
	local sessions = {};
	for name, kind in pairs(KINDS) do
		sessions[name] = equality.session(("%s@%s/first"):format(name, DOMAIN), kind, server);
	end
	return sessions;
end

local function compare(sessions, count)
	local number, total = 0, 0;
	while total < count do
		number = number + 1;
		local why, done = equality.episode(sessions, SIDES, "episode" .. number, EPISODE);
		total = total + done;
		assert(not why, ("seed %d, episode %d: %s"):format(seed, number, why));
	end
	print(("# %d actions compared, seed %d"):format(total, seed));
end

tap.run({
	harness.test("every user gets the same of both paths, in the same order", function (world)
		local server = new_server(world);
		compare(sessions_on(server), most);
	end),
});
