-- SPDX-License-Identifier: MIT
-- What waits for those that do not read what rooms send: it is kept, up to a bound, and costs nobody else anything.
local fan = require "e2e.rooms.fan";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local remote = require "e2e.rooms.remote";
local session = require "e2e.rooms.session";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local DOMAIN = "example.org";
local ROOM = "r@rooms." .. DOMAIN;
local USER = "http://jabber.org/protocol/muc#user";
local JOIN = "<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>";
local ELSEWHERE, SPEAKER = "elsewhere.example.net", "home.example.com";
local LARGE = 200000; -- bytes of a body; sockets take some megabytes

local function rooms_with(queue_bytes)
	return { ('Component "rooms.%s" "muc_scion"'):format(DOMAIN), {
		muc_room_locking = false, restrict_room_creation = false, muc_scion_max_stanza_bytes = 0, max_history_messages = 0,
		muc_scion_unlimited_jids = { DOMAIN, ELSEWHERE, SPEAKER }, muc_scion_queue_bytes = queue_bytes,
	} };
end

local function new_server(world, queue_bytes)
	return assert(world:server({
		domain = DOMAIN, hosts = { rooms_with(queue_bytes) }, options = {
			plugin_paths = fan.plugin_paths, c2s_stanza_size_limit = 1024 * 1024,
			modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "smacks", "admin_shell", "rooms_counts" },
		},
	}):start());
end

local function enter(jid, kind, server, services)
	local one = session.new(jid, kind, server, services);
	one:send(JOIN:format(ROOM, jid:match("^%w+")));
	one:sync();
	return one;
end

local function crowd(server, kind)
	local list = {};
	for i, name in ipairs({ "sender", "sleeper", "reader" }) do
		list[i] = enter(("%s@%s/r"):format(name, DOMAIN), kind, server);
	end
	return table.unpack(list);
end

local function say(one, first, last)
	for i = first, last do
		one:send(("<message type='groupchat' to='%s'><body>%d %s</body></message>"):format(ROOM, i, ("x"):rep(LARGE)));
		one:sync();
	end
end

-- Numbers of the messages in a list, in order; and the statuses of presences from a nick.
local function seen_in(list, nick)
	local numbers, statuses = {}, {};
	for _, element in ipairs(list) do
		local body = element.name == "message" and xml.child(element, "body");
		numbers[#numbers + 1] = body and tonumber(xml.content(body):match("^%d+")) or nil;
		local x = element.name == "presence" and element.attr.from == ROOM .. "/" .. nick and xml.child(element, "x", USER);
		for _, child in ipairs(x and element.attr.type == "unavailable" and x or {}) do
			statuses[child.name == "status" and child.attr.code or ""] = true;
		end
	end
	return numbers, statuses;
end

local function assert_all(numbers, count)
	assert(#numbers == count, ("%d of %d messages"):format(#numbers, count));
	for i, number in ipairs(numbers) do
		assert(number == i, ("message %d came as number %d"):format(number, i));
	end
end

local function keeps_all(kind)
	return function (world)
		local sender, sleeper, reader = crowd(new_server(world, 100 * LARGE), kind);
		local stream = sleeper.user.stream;
		stream:pause();
		say(sender, 1, 60);
		assert_all(seen_in(reader:take(), "sleeper"), 60);
		stream:go_on();
		say(sender, 61, 63);
		local numbers, statuses = seen_in(sleeper:take(), "sleeper");
		assert_all(numbers, 63);
		assert(not next(statuses));
	end;
end

local MODULES = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "admin_shell", "rooms_counts" };

local function options_with(...)
	local modules = { ... };
	table.move(MODULES, 1, #MODULES, #modules + 1, modules);
	return {
		plugin_paths = fan.plugin_paths, c2s_stanza_size_limit = 1024 * 1024, s2s_stanza_size_limit = 1024 * 1024,
		modules_enabled = modules,
	};
end

-- Where rooms and their users are: { rooms, users, stop() }, over SCION or stock TCP.
local places = {};

function places.scion(queue_bytes)
	return remote.new(harness.BUILD .. "/e2e/rooms-queue", { rooms_with(queue_bytes) }, { DOMAIN, ELSEWHERE },
		options_with("scion", "s2s_scion"));
end

function places.tcp(queue_bytes)
	local world, services = harness.new(harness.BUILD .. "/e2e/rooms-queue-tcp"), { rooms_with(queue_bytes) };
	local rooms = world:server({
		domain = SPEAKER, hosts = services, options = options_with(),
		certificate = { names = { SPEAKER, "rooms." .. DOMAIN } },
	});
	local users = world:server({ domain = ELSEWHERE, options = options_with() });
	world:publish(users);
	world:publish(setmetatable({ domain = "rooms." .. DOMAIN }, { __index = rooms }));
	return { rooms = rooms, users = users, stop = function () world:stop(); end };
end

-- A test with users of another server, which stops while they are sent 40 MB: it is given one that says so much, the
-- list of those users, and the place.
local function behind(name, make_place, queue_bytes, check)
	return { name, function ()
		local place = make_place(queue_bytes);
		assert(place.users:start());
		assert(place.rooms:start());
		local users, services = {}, { "rooms." .. DOMAIN };
		for i, who in ipairs({ "one", "two" }) do
			users[i] = enter(("%s@%s/r"):format(who, ELSEWHERE), {}, place.users, services);
		end
		local speaker = enter(("speaker@%s/r"):format(SPEAKER), {}, place.rooms, services);
		place.users.child:signal("STOP");
		say(speaker, 1, 100);
		local ok, err = pcall(check, speaker, users, place);
		place.users.child:signal("CONT");
		place.stop();
		assert(ok, err);
	end };
end

local function gets_all(speaker, users, place)
	place.users.child:signal("CONT");
	say(speaker, 101, 103);
	for _, one in ipairs(users) do
		assert(loop.wait(function () return seen_in(one.got, "one")[103]; end, 60), "not all has come");
		assert_all(seen_in(one:take(), "one"), 103);
	end
	local _, statuses = seen_in(speaker:take(), "one");
	assert(not next(statuses));
end

local function is_taken_out(speaker, users, place)
	local got = speaker:take();
	assert_all(seen_in(got, "one"), 100);
	for _, name in ipairs({ "one", "two" }) do
		local _, statuses = seen_in(got, name);
		assert(statuses["333"], name .. " is still there");
	end
	place.users.child:signal("CONT");
	for _, one in ipairs(users) do
		local nick = one.jid:match("^%w+");
		loop.wait(function () return next(select(2, seen_in(one.got, nick))); end, 60);
		local numbers, statuses = seen_in(one:take(), nick);
		assert(statuses["333"] and statuses["110"], "it was not told itself");
		assert(#numbers > 0 and #numbers < 60, #numbers);
		assert_all(numbers, #numbers);
	end
end

-- What waited for a stream that is no more holds nothing up.
local function comes_back(speaker, _, place)
	place.users:kill();
	assert(place.users:start());
	assert(loop.wait(function ()
		return next(select(2, seen_in(speaker.got, "one"))) and next(select(2, seen_in(speaker.got, "two")));
	end, 60), "those of a server that is gone are still there");
	local newcomer = enter(("three@%s/r"):format(ELSEWHERE), {}, place.users, { "rooms." .. DOMAIN });
	say(speaker, 101, 103);
	assert(loop.wait(function () return #seen_in(newcomer.got, "three") == 3; end, 60), "not all has come");
	local numbers = seen_in(newcomer:take(), "three");
	assert(numbers[1] == 101 and numbers[3] == 103);
end

tap.run({
	harness.test("who reads late gets everything, in order", keeps_all({})),
	harness.test("who reads late on TLS with XEP-0198 gets everything", keeps_all({ tls = true, smacks = true })),

	harness.test("who does not read for too long is taken out, and may come back", function (world)
		local server = new_server(world, 1000000);
		local sender, sleeper, reader = crowd(server, {});
		local stream = sleeper.user.stream;
		stream:pause();
		say(sender, 1, 60);
		local numbers, statuses = seen_in(reader:take(), "sleeper");
		assert_all(numbers, 60);
		assert(statuses["333"], "nobody was told");
		stream:go_on();
		sleeper:send(JOIN:format(ROOM, "sleeper"));
		sleeper:sync();
		say(sender, 61, 61);
		local own, own_statuses = seen_in(sleeper:take(), "sleeper");
		assert(own_statuses["333"] and own_statuses["110"], "it was not told itself");
		assert(#own > 1 and #own < 60 and own[#own] == 61, #own);
		table.remove(own);
		assert_all(own, #own);
	end),

	behind("users of a server that reads late get everything, in order", places.scion, 100 * LARGE, gets_all),
	behind("users of a server that does not read for too long are taken out", places.scion, 1000000, is_taken_out),
	behind("users of a server on TCP that reads late get everything, in order", places.tcp, 100 * LARGE, gets_all),
	behind("users of a server on TCP that does not read are taken out", places.tcp, 1000000, is_taken_out),
	behind("a server that dies while something waits for it comes back", places.tcp, 100 * LARGE, comes_back),
});
