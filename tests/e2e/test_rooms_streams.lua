-- SPDX-License-Identifier: MIT
-- Rooms whose users come all at once, while the streams that carry them are still being made.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local session = require "e2e.rooms.session";
local tap = require "e2e.tap";

local ROOMS, USERS = "a.example.org", "b.example.org";
local ROOM = "r@rooms." .. ROOMS;
local JOIN = "<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>";
local COUNT = 40;

local MODULES = {
	"roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "s2s_bidi", "admin_shell",
};

local function start(world, domain, hosts, names)
	local server = world:server({
		domain = domain, hosts = hosts, certificate = { names = names },
		options = { plugin_paths = { harness.ROOT .. "/lua/plugins" }, modules_enabled = MODULES },
	});
	for _, name in ipairs(names) do
		world:publish(setmetatable({ domain = name }, { __index = server }));
	end
	return assert(server:start());
end

-- Nicks that each of the sessions has seen in the room.
local function count_seen(list)
	local least = math.huge;
	for _, one in ipairs(list) do
		local seen, count = {}, 0;
		for _, element in ipairs(one.user.stream.inbox) do
			local from = element.name == "presence" and element.attr.type == nil and element.attr.from;
			if from and from:sub(1, #ROOM) == ROOM and not seen[from] then
				seen[from], count = true, count + 1;
			end
		end
		least = math.min(least, count);
	end
	return least;
end

tap.run({
	harness.test("a room fills while the stream to its users' server is being made", function (world)
		start(world, ROOMS, { { ('Component "rooms.%s" "muc_scion"'):format(ROOMS), {
			muc_room_locking = false, restrict_room_creation = false, muc_scion_join_rate = 0,
		} } }, { ROOMS, "rooms." .. ROOMS });
		local server, list = start(world, USERS, nil, { USERS }), {};
		for i = 1, COUNT do
			list[i] = session.new(("u%d@%s/r"):format(i, USERS), {}, server);
		end
		for i, one in ipairs(list) do
			one:send(JOIN:format(ROOM, "u" .. i));
		end
		assert(loop.wait(function () return count_seen(list) == COUNT; end, 20), "only " .. count_seen(list));
		for i = 1, COUNT do
			list[i]:send(("<message type='groupchat' to='%s'><body>%d</body></message>"):format(ROOM, i));
		end
		assert(loop.wait(function ()
			for _, one in ipairs(list) do
				local count = 0;
				for _, element in ipairs(one.user.stream.inbox) do
					count = count + (element.name == "message" and element.attr.type == "groupchat" and 1 or 0);
				end
				if count < COUNT + 1 then -- the subject comes first
					return false;
				end
			end
			return true;
		end, 20), "messages are missing");
	end),
});
