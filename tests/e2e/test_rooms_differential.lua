-- SPDX-License-Identifier: MIT
-- Random actions in rooms of ours and of stock mod_muc: what users get differs only as rooms/differences.lua says, and
-- each of those differences is still there.
--
-- SX_SEED and SX_EPISODES vary or lengthen a run; an episode is up to 100 actions in fresh rooms.
local actions = require "e2e.rooms.actions";
local differences = require "e2e.rooms.differences";
local differential = require "e2e.rooms.differential";
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

local ACTIONS = 100;
local seed = tonumber(os.getenv("SX_SEED") or 1);
local episodes = tonumber(os.getenv("SX_EPISODES") or 200);

local kinds = world_of.kinds("rooms stock");
local world = world_of.new(kinds);
world:start();

local users, sides = {}, {};
for _, name in ipairs({ "owner", "admin", "member", "guest", "other" }) do
	users[name] = world:connection(name);
end
for _, kind in ipairs(kinds) do
	sides[#sides + 1] = { name = kind.name, service = world_of.service(kind, "open") };
end

math.randomseed(seed);
local function random_action(i)
	if i <= ACTIONS then
		return actions.choose(math.random);
	end
end

local function scripted(list)
	return function (i)
		return table.unpack(list[i] or {});
	end;
end

local needed, compared, known = {}, 0, {};
for _, difference in ipairs(differences) do
	local is_here = not difference.releases or difference.releases[world.version];
	known[#known + 1] = is_here and difference or nil;
end

-- One pair of rooms, until they part. Nil, or what differs.
local function play(number)
	local node = ("episode%d"):format(number);
	local script = actions.preludes[number];
	for i, action in ipairs(differential.episode(users, sides, node, script and scripted(script) or random_action)) do
		local result, why = differential.compare(action, known, needed);
		compared = compared + 1;
		if not result then
			return ("seed %d, episode %d, action %d (%s): %s"):format(seed, number, i, action.what, why);
		elseif result == "apart" then
			return nil;
		end
	end
end

local points = { { "random actions bring the same in rooms of ours and of stock", function ()
	local found = {};
	for number = 1, episodes do
		found[#found + 1] = play(number);
	end
	print(("# %d actions compared, seed %d"):format(compared, seed));
	local first = table.concat(found, "\n\n", 1, math.min(#found, 5));
	assert(#found == 0, ("%d episodes differ; the first:\n%s"):format(#found, first));
end } };
for _, difference in ipairs(known) do
	points[#points + 1] = { "stock still differs: " .. difference.name, function ()
		assert(needed[difference], "it has not been seen; is it gone?");
		print(("# %d times"):format(needed[difference]));
	end };
end
points[#points + 1] = { "nothing broke", function ()
	world:stop();
end };

tap.run(points);
