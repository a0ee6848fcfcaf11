-- SPDX-License-Identifier: MIT
-- What rooms send past Prosody's routing is what they would have sent through it, over random actions of users with
-- sessions of random kinds, which drop, come back, end and are killed meanwhile.
--
-- SX_SEED and SX_ACTIONS vary or lengthen a run.
local actions = require "e2e.rooms.actions";
local equality = require "e2e.rooms.equality";
local fan = require "e2e.rooms.fan";
local harness = require "e2e.harness";
local remote = require "e2e.rooms.remote";
local session = require "e2e.rooms.session";
local tap = require "e2e.tap";

local EPISODE = 100; -- actions in one pair of rooms
local PART = 500; -- actions of one set of sessions
local seed = tonumber(os.getenv("SX_SEED") or 1);
local most = tonumber(os.getenv("SX_ACTIONS") or 10000);

local function sessions_on(server, kinds, services)
	local sessions = {};
	for name, kind in pairs(kinds) do
		sessions[name] = session.new(("%s@%s/first"):format(name, fan.domain), kind, server, services);
	end
	return sessions;
end

local function shown(kinds)
	local list = {};
	for name, kind in pairs(kinds) do
		list[#list + 1] = ("%s: %s"):format(name, kind.name);
	end
	return table.concat(list, ", ");
end

local function show_what_happened()
	local list = {};
	for what, count in pairs(session.happened) do
		list[#list + 1] = ("%d %s"):format(count, what);
	end
	table.sort(list);
	print("# " .. table.concat(list, ", "));
	session.happened = {};
end

-- Plays `count` actions; `deal` gives kinds to sessions, `services` as session.new.
local function compare(server, deal, count, services)
	math.randomseed(seed);
	local number, total, sessions, kinds = 0, 0, {}, nil;
	while total < count do
		if number % (PART // EPISODE) == 0 then
			for _, one in pairs(sessions) do
				one:finish();
			end
			kinds = deal();
			sessions = sessions_on(server, kinds, services);
		end
		number = number + 1;
		local why, done = equality.episode(sessions, fan.sides, "episode" .. number, EPISODE);
		total = total + done;
		assert(not why, ("seed %d, episode %d, %s:\n%s"):format(seed, number, shown(kinds), why));
	end
	print(("# %d actions compared, seed %d"):format(total, seed));
	show_what_happened();
	return sessions;
end

local ELSEWHERE = {
	plugin_paths = fan.plugin_paths, network_settings = { nagle = false },
	modules_enabled = {
		"roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "blocklist", "csi_simple", "s2s_bidi",
		"admin_shell", "scion", "s2s_scion", "rooms_counts",
	},
};

-- Kinds that need nothing but TCP.
local function simple_kinds()
	local list = {};
	for _, kind in ipairs(session.kinds) do
		list[#list + 1] = not kind.is_http and kind or nil;
	end
	return list;
end

tap.run({
	harness.test("every user gets the same of both paths, in the same order", function (world)
		compare(fan.server(world), equality.dealer(session.kinds, actions.users), most);
	end),

	{ "users of another server, over SCION, get the same of both paths", function ()
		local place = remote.new(harness.BUILD .. "/e2e/rooms-fan-remote", fan.components(),
			{ fan.domain, "elsewhere.example.net" }, ELSEWHERE);
		assert(place.users:start());
		assert(place.rooms:start());
		local sessions = compare(place.users, equality.dealer(simple_kinds(), actions.users), most // 4, fan.sides);
		local room = "r@" .. fan.sides[1];
		for name, one in pairs(sessions) do
			one:send(fan.join(room, name));
			one:sync();
			fan.say(one, room, "here");
			one:sync();
		end
		local seen = fan.traffic(place.rooms, room);
		print(("# fast %d, slow %d %s"):format(seen.fast, seen.slow, seen.reason));
		assert(seen.slow == 0, "some go the slow way");
		place.stop();
	end },
});
