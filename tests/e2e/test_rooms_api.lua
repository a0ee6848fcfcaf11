-- SPDX-License-Identifier: MIT
-- Rooms as other modules see them: the events of a story, and the API of rooms, in ours as in stock's.
local api = require "e2e.rooms.api"; -- with its tests
local events = require "e2e.rooms.events";
local home = require "e2e.rooms.home";
local scene = require "e2e.rooms.scene";
local world_of = require "e2e.rooms.world";

local kinds = world_of.kinds("rooms stock");
local world = home.world(kinds, { folder = "rooms-api", sets = {
	main = { modules_enabled = { "rooms_hand", "rooms_guests" } },
	events = { modules_enabled = { "rooms_hand", "rooms_events" } },
} });

local told = {};
local function tell(kind)
	told[kind.name] = told[kind.name] or events.tell(scene.new(world, kind, "events"));
	return told[kind.name];
end

local function is_here(difference)
	return not difference.releases or difference.releases[world.version];
end

local function is_of(difference, step)
	for _, name in ipairs(difference.steps) do
		if name == step[1] then
			return true;
		end
	end
	return false;
end

local function text(lines)
	return table.concat(events.sorted(lines), "\n  ");
end

-- Nil, or what differs. Known differences that were needed are noted.
local function compare(step, ours, stock, needed)
	for _, difference in ipairs(events.differences) do
		if is_here(difference) and is_of(difference, step) and text(ours) ~= text(stock) then
			ours, stock = events.without(difference, ours, stock);
			needed[difference] = true;
		end
	end
	if text(ours) ~= text(stock) then
		return ("%s\nours:\n  %s\nstock:\n  %s"):format(step[1], text(ours), text(stock));
	end
end

local function same_events()
	local ours, stock, needed, found = tell(kinds[1]), tell(kinds[2]), {}, {};
	for i, step in ipairs(events.story) do
		found[#found + 1] = compare(step, ours[i], stock[i], needed);
	end
	assert(#found == 0, table.concat(found, "\n\n"));
	for _, difference in ipairs(events.differences) do
		assert(needed[difference] or not is_here(difference), "this difference is gone: " .. difference.why);
	end
end

local function all_events()
	local seen = {};
	for _, lines in ipairs(tell(kinds[1])) do
		for _, line in ipairs(lines) do
			seen[line:match("^[^{/]+/?")] = true;
		end
	end
	for _, name in ipairs(events.names) do
		assert(seen[name], "it was never seen: " .. name);
	end
end

local function same_methods()
	local rooms = {};
	for i, kind in ipairs(kinds) do
		rooms[i] = scene.new(world, kind);
		rooms[i]:create();
	end
	local missing = api.missing(rooms[1], rooms[2]);
	assert(#missing == 0, "ours have no " .. table.concat(missing, ", "));
end

home.run(world, {
	{ "ours has every method of stock's rooms and occupants, and every function of its module", same_methods },
	{ "ours has the events of stock, in their order, with what they carry", same_events },
	{ "every event of stock was seen", all_events },
});
