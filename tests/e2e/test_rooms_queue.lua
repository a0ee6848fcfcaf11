-- SPDX-License-Identifier: MIT
-- What waits for those that do not read what rooms send: it is kept, up to a bound, and costs nobody else anything.
local fan = require "e2e.rooms.fan";
local harness = require "e2e.harness";
local session = require "e2e.rooms.session";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local DOMAIN = "example.org";
local ROOM = "r@rooms." .. DOMAIN;
local USER = "http://jabber.org/protocol/muc#user";
local JOIN = "<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>";
local LARGE = 200000; -- bytes of a body; sockets take some megabytes

local function new_server(world, queue_bytes)
	return assert(world:server({
		domain = DOMAIN, hosts = { { ('Component "rooms.%s" "muc_scion"'):format(DOMAIN), {
			muc_room_locking = false, muc_scion_unlimited_jids = { DOMAIN }, muc_scion_max_stanza_bytes = 0,
			muc_scion_queue_bytes = queue_bytes, max_history_messages = 0,
		} } },
		options = {
			plugin_paths = fan.plugin_paths, c2s_stanza_size_limit = 1024 * 1024,
			modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "smacks", "admin_shell", "rooms_counts" },
		},
	}):start());
end

local function crowd(server, kind)
	local list = {};
	for i, name in ipairs({ "sender", "sleeper", "reader" }) do
		list[i] = session.new(("%s@%s/r"):format(name, DOMAIN), kind, server);
		list[i]:send(JOIN:format(ROOM, name));
		list[i]:sync();
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
});
