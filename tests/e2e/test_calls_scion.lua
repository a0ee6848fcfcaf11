-- SPDX-License-Identifier: MIT
-- Group calls between servers in different ASes: G1, G10, G11, G14, G15 of the list of calls.
local call = require "e2e.call";
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local prosody = require "e2e.prosody";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local A, D = federation.address("a.example.org"), federation.address("d.example.org");
local OPEN = { ["muc#roomconfig_whois"] = "anyone", ["muc#roomconfig_persistentroom"] = "0" };
local ROOM = "call@" .. federation.ROOMS;
local LARGE = { c2s_stanza_size_limit = 1048576, s2s_ports = {} };

-- One user of each server: persons, not in the room.
local function people_of(world, ...)
	local names, people = { "romeo", "juliet", "nurse" }, {};
	for i, server in ipairs({ ... }) do
		people[i] = call.person(world:user(server, names[i]), names[i], ROOM);
	end
	return people;
end

local function meet(people, fields)
	for i, one in ipairs(people) do
		if i == 1 then
			one:create();
			one:unlock(fields or OPEN);
		else
			one:enter(20);
		end
	end
	call.wait_until_met(people);
end

local function four(world)
	return table.unpack(federation.start(world, federation.FOUR,
		{ ["a.example.org"] = { options = LARGE }, ["d.example.org"] = federation.rooms() }));
end

-- The first link of the way from a to d.
local function first_link(world)
	local way = assert(world.sandbox:way(A, D));
	return ("%s#%s"):format(way.path:match("^(%S+) (%d+)>"));
end

-- Numbered session-infos from one to another, as fast as they are answered, until `is_over()`. Returns how many there
-- were, and the longest that one took.
local function talk(from, to, is_over)
	local count, gap = 0, 0;
	while not is_over() do
		count = count + 1;
		local begin = loop.now();
		from:tell(to.nick, call.jingle("session-info", "talk", { "audio" }, ("number='%d'"):format(count)), "result", 30);
		gap = math.max(gap, loop.now() - begin);
	end
	return count, gap;
end

-- All numbers have arrived, each once and in order.
local function assert_complete(to, count)
	local last = 0;
	for _, element in ipairs(to.record) do
		local jingle = element.name == "iq" and xml.child(element, "jingle", call.NS.JINGLE);
		local number = jingle and tonumber(jingle.attr.number);
		assert(not number or number == last + 1, ("after number %d came %s"):format(last, number));
		last = number or last;
	end
	assert(last == count, ("%d of %d have arrived"):format(last, count));
end

local function assert_nobody_left(people)
	for _, one in ipairs(people) do
		for _, element in ipairs(one.record) do
			assert(element.name ~= "presence" or element.attr.type ~= "unavailable", xml.text(element));
		end
	end
end

local function is_gone(nick)
	return function (element)
		return element.name == "presence" and element.attr.type == "unavailable"
			and element.attr.from == ROOM .. "/" .. nick;
	end;
end

-- A server of stock Prosody that has no SCION.
local function plain(world, domain)
	local server = world:server({ domain = domain, options = { s2s_secure_auth = false } });
	world:publish(server);
	return server;
end

tap.run({
	harness.test("G1 users on three servers in three ASes meet in a room on a fourth, over SCION alone", function (world)
		local a, b, c, d = four(world);
		local people = people_of(world, a, b, c);
		meet(people);
		people[3]:leave();
		call.wait_until_met({ people[1], people[2] });
		federation.assert_scion_only(world, d);
	end),

	harness.test("G5 G6 G11 a call between servers: large ones, too large ones, and nobody is named", function (world)
		local a, b, c, d = four(world);
		local people = people_of(world, a, b, c);
		local romeo, juliet, nurse = table.unpack(people);
		meet({ juliet, romeo, nurse }, { ["muc#roomconfig_whois"] = "moderators" });
		local function blob(kib)
			return call.jingle("session-info", "big", { "audio" }, "",
				("<x xmlns='urn:x'>%s</x>"):format(("y"):rep(kib * 1024)));
		end
		romeo:tell("nurse", blob(200), "result", 20);
		local refused = romeo:tell("nurse", blob(300), "error", 20);
		assert(xml.text(refused):find("policy-violation", 1, true), xml.text(refused));
		romeo:tell("nurse", blob(1));
		for _, pair in ipairs({ { romeo, "nurse@c" }, { romeo, "juliet@b" }, { nurse, "romeo@a" }, { nurse, "juliet@b" } }) do
			assert(not pair[1]:received():find(pair[2], 1, true), pair[1].nick .. " was told of " .. pair[2]);
		end
		assert(#d:faults({}) == 0 and federation.handshakes(d) >= 3);
		federation.assert_scion_only(world, d);
	end),

	harness.test("G10 a path dies in the middle of a call: nothing is lost and nobody leaves", function (world)
		local a, b, c, d = four(world);
		local people = people_of(world, a, b, c);
		meet(people);
		local has_cut, at, count, gap;
		local task = loop.spawn(function ()
			count, gap = talk(people[1], people[2], function () return has_cut and loop.now() > at + 2; end);
		end);
		local cut = first_link(world);
		assert(loop.wait(function () return #people[2].record > 100; end, 20), "no talk");
		federation.assert_scion_only(world, d);
		world.sandbox:command(("link %s down"):format(cut));
		world.sandbox:command("reset");
		has_cut, at = true, loop.now();
		loop.join({ task }, 60);
		assert_complete(people[2], count);
		assert_nobody_left(people);
		assert(first_link(world) ~= cut, "still over the cut link");
		print(("# %d IQs and answers over four servers' streams; with the path cut, the longest took %.0f ms"):format(count,
			gap * 1000));
		call.wait_until_met(people);
	end),

	harness.test("G14 a server that crashes and comes back: its user is out with 333", function (world)
		local a, b, c, d = four(world);
		local people = people_of(world, a, b, c);
		meet(people);
		people[3].is_silent = true;
		local asked = loop.spawn(function ()
			local answer = people[1]:tell("nurse", call.jingle("session-info", "s", { "audio" }), "error", 40);
			assert(xml.text(answer):find("recipient-unavailable", 1, true), xml.text(answer));
		end);
		people[3]:expect("<iq type='set'><jingle xmlns='urn:xmpp:jingle:1' sid='s' scansion:strict='false'/></iq>");
		c:kill();
		assert(c:start());
		local again = world:user(c, "nurse"); -- c makes a new connection; d does not know that the old one is dead
		again:send(federation.PING:format(federation.ROOMS):gsub("<iq", "<iq id='ping'"));
		for i = 1, 2 do
			local gone = people[i]:expect(is_gone("nurse"), 40);
			assert(call.codes(gone)["333"] and not call.codes(gone)["307"], xml.text(gone));
		end
		loop.join({ asked }, 10);
		call.wait_until_met({ people[1], people[2] });
		federation.assert_scion_only(world, d);
	end),

	harness.test("G15 G14 one over SCION, one over TCP, whose server dies for good", function (world)
		local _, rooms_port = prosody.free_ports(2);
		federation.network(world);
		world.domains = { "a.example.org", "d.example.org" };
		local a = federation.server(world, { domain = "a.example.org", options = { s2s_ports = {} } });
		local description = federation.rooms();
		description.domain, description.s2s_port = "d.example.org", rooms_port;
		description.scion = { policy = "never", peers = {
			["a.example.org"] = { policy = "require", address = { A }, port = 31467 },
		} };
		local d = federation.server(world, description);
		local c = plain(world, "c.example.org");
		world:publish({ domain = federation.ROOMS }, rooms_port);
		for _, server in ipairs({ a, d, c }) do
			assert(server:start());
		end
		local people = people_of(world, a, c);
		meet(people);
		assert(world.sandbox:way(A, D) and world.sandbox:way(D, A), "romeo is not on SCION");
		assert(world.dns:asked(federation.ROOMS) > 0 and world.dns:asked("a.example.org") == 0);
		c:kill();
		c.child = nil;
		local gone = people[1]:expect(is_gone("juliet"), 20);
		assert(call.codes(gone)["333"], xml.text(gone));
		local answer = people[1]:tell("juliet", call.jingle("session-info", "s", { "audio" }), "error");
		assert(xml.text(answer):find("item-not-found", 1, true), xml.text(answer));
	end),
});
