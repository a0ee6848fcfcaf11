-- SPDX-License-Identifier: MIT
-- Rooms in memory and in the stores: they are counted without looking at them, and idle ones make place.
local rooms_world = dofile "tests/spec/rooms_world.lua";
local new_registry = require "sx.muc.registry".new;

local function memory_store()
	local data = {};
	return { get = function (key) return data[key]; end, set = function (key, value) data[key] = value; return true; end };
end

local function new(most, stored)
	local world = rooms_world.new();
	local persistent = {
		get = function () return stored or {}; end;
		set = function () return true; end;
	};
	local stores = { config = memory_store(), state = memory_store(), persistent = persistent };
	local options = { rooms_most = 1000, live_most = most, tombstone_seconds = 0 };
	return world, new_registry(world.env, world.kit, stores, options);
end

local function count_all(registry)
	local count = 0;
	for _ in pairs(registry.live) do
		count = count + 1;
	end
	for jid in pairs(registry.stored) do
		count = count + (registry.live[jid] and 0 or 1);
	end
	return count;
end

local function make(world, registry, number, is_persistent)
	local room = world.kit.new_room(("room%d@rooms.example.org"):format(number));
	room:set_persistent(is_persistent);
	assert.equal(room, registry:track(room));
	if is_persistent then
		registry:save(room, true);
	end
	return room;
end

describe("the registry", function ()
	it("counts what is in memory and what is not", function ()
		local world, registry = new(5, { ["old1@rooms.example.org"] = true, ["old2@rooms.example.org"] = true });
		math.randomseed(1);
		assert.equal(2, registry:count());
		for i = 1, 300 do
			local number = math.random(20);
			local room = registry:get(("room%d@rooms.example.org"):format(number));
			if not room then
				make(world, registry, number, i % 3 > 0);
			elseif i % 4 == 0 then
				registry:destroy(room, {});
			elseif i % 4 == 1 and room:get_persistent() then
				registry:forget(room);
			end
			assert.equal(count_all(registry), registry:count());
		end
	end);

	it("puts idle rooms that stay aside, however many others there are", function ()
		local world, registry = new(100);
		for i = 1, 200 do
			make(world, registry, i, false);
		end
		for i = 201, 300 do
			make(world, registry, i, true);
		end
		for i = 301, 400 do
			make(world, registry, i, false);
		end
		assert.equal(400, registry:count());
		assert.is_true(registry.live_count < 320);
	end);
end);
