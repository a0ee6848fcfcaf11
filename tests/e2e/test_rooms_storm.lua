-- SPDX-License-Identifier: MIT
-- Many join at once, many vanish at once: everybody sees everybody, once, in one order, and nothing is left behind.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local tap = require "e2e.tap";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local CROWD = 60;
local SERVICE = "rooms.a.example.org";
local ROOM = "storm@" .. SERVICE;
local NS_USER = "http://jabber.org/protocol/muc#user";
local NS_HAND = "urn:x-prosody-scion:hand";
local JOIN = ("<presence to='%s/%%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(ROOM);
local LEAVE = ("<presence to='%s/%%s' type='unavailable'/>"):format(ROOM);
local SECONDS = 60;

local function server_of_rooms(world)
	local names = { "a.example.org", SERVICE };
	local server = world:server({
		domain = names[1], certificate = { names = names },
		hosts = { { ('Component "%s" "muc_scion"'):format(SERVICE), {
			muc_room_locking = false, muc_scion_join_rate = 0, muc_scion_presence_rate = 0, muc_scion_message_rate = 0,
			restrict_room_creation = false, modules_enabled = { "rooms_hand" },
		} } },
		options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins", harness.ROOT .. "/tests/e2e/plugins" },
			modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks" },
		},
	});
	world:publish(server);
	world:publish(setmetatable({ domain = SERVICE }, { __index = server }));
	return assert(server:start());
end

local function crowd_of(world, server, name)
	local users = {};
	for i = 1, CROWD do
		users[i] = world:user(server, name .. i);
		users[i].nick = name .. i;
	end
	return users;
end

local function codes_of(presence)
	local codes = {};
	for _, status in ipairs(words.children(xml.child(presence, "x", NS_USER) or {}, "status")) do
		codes[status.attr.code] = true;
	end
	return codes;
end

-- The presences that a user has got: a list of { nick, type, codes }.
local function seen_by(user)
	local seen = {};
	for _, stanza in ipairs(user.stream.inbox) do
		local nick = stanza.name == "presence" and stanza.attr.from:match("/(.*)");
		if nick then
			seen[#seen + 1] = { nick = nick, type = stanza.attr.type, codes = codes_of(stanza) };
		end
	end
	return seen;
end

local function wait_for(users, count)
	for _, user in ipairs(users) do
		local ok = loop.wait(function () return #seen_by(user) >= count; end, SECONDS);
		assert(ok, ("%s has seen %d presences, not %d"):format(user.jid, #seen_by(user), count));
	end
	for _, user in ipairs(users) do -- and no more
		assert(user:request("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>"));
		assert(#seen_by(user) == count, ("%s has seen %d presences, not %d"):format(user.jid, #seen_by(user), count));
	end
end

local function forget(users)
	for _, user in ipairs(users) do
		user:forget();
	end
end

local function enter(world, server)
	local owner = world:user(server, "owner");
	owner.nick = "owner";
	owner:send(JOIN:format("owner"));
	wait_for({ owner }, 1);
	owner:forget();
	return owner;
end

-- All join before anybody has got an answer; all have seen all.
local function join_at_once(owner, users)
	for _, user in ipairs(users) do
		user:send(JOIN:format(user.nick));
	end
	wait_for(users, #users + 1);
	wait_for({ owner }, #users);
end

-- Each has got those who were there before, itself, and those who came later, in the order that the first one saw.
local function check_order(owner, users)
	local order, place = { "owner" }, { owner = 1 };
	for _, one in ipairs(seen_by(owner)) do
		assert(not place[one.nick] and not one.type, one.nick .. " came twice");
		order[#order + 1] = one.nick;
		place[one.nick] = #order;
	end
	for _, user in ipairs(users) do
		local seen, known = seen_by(user), {};
		for i, one in ipairs(seen) do
			assert(not known[one.nick] and not one.type, ("%s has seen %s twice"):format(user.nick, one.nick));
			known[one.nick] = true;
			if i < place[user.nick] then
				assert(place[one.nick] < place[user.nick], one.nick .. " was not there yet");
			else
				assert(one.nick == order[i], ("%s has seen %s as number %d"):format(user.nick, one.nick, i));
			end
			assert((one.codes["110"] ~= nil) == (one.nick == user.nick), "110 is for oneself");
		end
	end
end

local function run(owner, code)
	local answer = assert(owner:request(("<iq type='set' to='%s'><run xmlns='%s'>%s</run></iq>")
		:format(SERVICE, NS_HAND, xml.escape(code)), SECONDS));
	assert(answer.attr.type == "result", xml.text(answer));
	return xml.content(xml.child(xml.child(answer, "run", NS_HAND), "value"));
end

-- Notes every room, occupant and presence that comes, without holding them.
local WATCH = [=[
	module.kept = setmetatable({}, { __mode = "k" });
	module:hook("muc-occupant-session-new", function (event)
		module.kept[event.room] = "rooms";
		module.kept[event.room._occupants[event.nick]] = "occupants";
		module.kept[event.room._occupants[event.nick]:get_presence()] = "presences";
	end, -1000);
]=];
local COUNT = [[
	collectgarbage(); collectgarbage();
	local count = { rooms = 0, occupants = 0, presences = 0 };
	for _, what in pairs(module.kept) do count[what] = count[what] + 1; end
	return ("%d rooms, %d occupants, %d presences"):format(count.rooms, count.occupants, count.presences);
]];

local function wait_until_left(owner, expected)
	local last;
	local ok = loop.wait(function ()
		last = run(owner, COUNT);
		return last == expected;
	end, 20);
	assert(ok, ("%s are left, not %s"):format(last, expected));
end

local function check_gone(users, gone, code)
	for _, user in ipairs(users) do
		local seen = {};
		for _, one in ipairs(seen_by(user)) do
			assert(one.type == "unavailable" and not seen[one.nick], one.nick .. " has gone twice");
			assert(not code or one.codes[code], ("%s has gone without %s"):format(one.nick, tostring(code)));
			seen[one.nick] = true;
		end
		for _, other in ipairs(gone) do
			assert(seen[other.nick], ("%s has not seen %s go"):format(user.nick, other.nick));
		end
	end
end

tap.run({
	harness.test("who joins in a storm sees all, in one order", function (world)
		local server = server_of_rooms(world);
		local owner, users = enter(world, server), crowd_of(world, server, "user");
		join_at_once(owner, users);
		check_order(owner, users);
	end),

	harness.test("what somebody says while its join waits comes after it, and before it leaves", function (world)
		local server = server_of_rooms(world);
		local owner, users = enter(world, server), crowd_of(world, server, "user");
		for _, user in ipairs(users) do
			user:send(JOIN:format(user.nick)
				.. ("<message type='groupchat' to='%s'><body>%s</body></message>"):format(ROOM, user.nick)
				.. LEAVE:format(user.nick));
		end
		wait_for({ owner }, 2 * CROWD);
		local last = {};
		for _, stanza in ipairs(owner.stream.inbox) do
			local nick = (stanza.attr.from or ""):match("/(.*)");
			if nick and nick ~= "owner" then
				last[nick] = (last[nick] or "") .. (stanza.attr.type or "available") .. " ";
			end
		end
		for _, user in ipairs(users) do
			assert(last[user.nick] == "available groupchat unavailable ", tostring(last[user.nick]));
		end
	end),

	harness.test("when half of them drop, the others see each go once; at the end nothing is left", function (world)
		local server = server_of_rooms(world);
		local owner, users = enter(world, server), crowd_of(world, server, "user");
		run(owner, WATCH);
		join_at_once(owner, users);
		forget(users);
		owner:forget();
		local gone = table.move(users, 1, CROWD // 2, 1, {});
		local rest = table.move(users, CROWD // 2 + 1, CROWD, 1, {});
		rest[#rest + 1] = owner;
		for _, user in ipairs(gone) do
			user:kill();
		end
		wait_for(rest, #gone);
		check_gone(rest, gone);
		forget(rest);
		for _, user in ipairs(rest) do
			user:send(LEAVE:format(user.nick));
		end
		wait_until_left(owner, "0 rooms, 0 occupants, 0 presences");
	end),

	harness.test("when a server with all the others vanishes, each is out with 333", function (world)
		local server = server_of_rooms(world);
		local far = world:server({ domain = "b.example.org" });
		world:publish(far);
		assert(far:start());
		world:expect_fault("b%.example%.org"); -- the server that is killed
		local owner, users = enter(world, server), crowd_of(world, far, "far");
		local near = world:user(server, "near");
		near.nick = "near";
		join_at_once(owner, users);
		near:send(JOIN:format("near"));
		wait_for({ near }, CROWD + 2);
		near:forget();
		owner:forget();
		far:kill();
		far.child = nil;
		wait_for({ owner, near }, CROWD);
		check_gone({ owner, near }, users, "333");
	end),
});
