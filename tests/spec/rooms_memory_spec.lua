-- SPDX-License-Identifier: MIT
-- What rooms and their occupants take of memory, without the sessions of these, and that it is given back.
local rooms_world = dofile "tests/spec/rooms_world.lua";

local COUNT = 50;

-- Kilobytes of the heap when collections give back no more: each halves Lua's table of strings while it is too large.
local function settled()
	local after = collectgarbage("count");
	local before;
	repeat
		collectgarbage();
		before, after = after, collectgarbage("count");
	until after >= before;
	return after;
end

describe("the memory", function ()
	local jit = rawget(_G, "jit"); -- its traces are on the heap, too, and may all go at once
	local was_on = jit and jit.status();
	local world;

	setup(function ()
		if jit then
			jit.off();
			jit.flush();
		end
	end);

	teardown(function ()
		if was_on then
			jit.on();
		end
	end);

	before_each(function ()
		world = rooms_world.new({ locking = false });
	end);

	-- Bytes that `work` has the heap grow by, for each of COUNT; what it returns is alive until then.
	local function growth_of(work)
		local before = settled();
		local kept = work();
		world.sent, world.operations = {}, {};
		return (settled() - before) * 1024 / COUNT, kept;
	end

	local function jid_of(i)
		return ("user%d@example.org/resource"):format(i);
	end

	local function come(room)
		for i = 1, COUNT do
			world:join(room, jid_of(i), "user" .. i);
			world.sent = {};
		end
		return room;
	end

	local function go(room)
		for i = 1, COUNT do
			world:give(room, "handle_presence_to_occupant",
				world.presence(jid_of(i), room.jid .. "/user" .. i, false, "unavailable"));
			world.sent = {};
		end
	end

	it("of an occupant is under 10 kB, and given back when it goes", function ()
		local room = world:create("owner@example.org/x", "owner");
		local bytes = growth_of(function () return come(room); end);
		assert.is_true(bytes > 100 and bytes < 10000, bytes);
		bytes = growth_of(function () return go(room); end);
		assert.is_true(bytes < -100, bytes);
		go(come(room));
		bytes = growth_of(function () go(come(room)); end);
		assert.is_true(bytes < 100, bytes);
	end);

	it("of a room that nobody is in is under 2 kB", function ()
		local bytes, list = growth_of(function ()
			local rooms = {};
			for i = 1, COUNT do
				rooms[i] = world.kit.new_room(("room%d@rooms.example.org"):format(i));
			end
			return rooms;
		end);
		assert.is_true(#list == COUNT and bytes > 100 and bytes < 2000, bytes);
	end);
end);
