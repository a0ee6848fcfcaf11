-- SPDX-License-Identifier: MIT
-- never, fallback, prefer, require: what is tried, in which order, and what must not be tried.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local prosody = require "e2e.prosody";
local tap = require "e2e.tap";

-- Two servers that can be reached both ways, by their policies.
local function both_ways(world, policy_a, policy_b)
	federation.network(world);
	local a = federation.server(world, { domain = "a.example.org", scion = { policy = policy_a } });
	local b = federation.server(world, { domain = "b.example.org", scion = { policy = policy_b or policy_a } });
	world:publish(a);
	world:publish(b);
	assert(a:start());
	assert(b:start());
	return a, b, world:user(a, "romeo"), world:user(b, "juliet");
end

local function crossed(world)
	return world.sandbox:way(federation.address("a.example.org"), federation.address("b.example.org")) ~= nil;
end

local function cut_all(world)
	world.sandbox:each_link("link %s down");
end

tap.run({
	harness.test("prefer takes SCION while it works", function (world)
		local _, _, romeo, juliet = both_ways(world, "prefer");
		assert(federation.say(romeo, juliet, "hello"));
		assert(crossed(world));
		assert(world.dns:asked("b.example.org") == 0);
	end),

	harness.test("prefer falls back to TCP in under 5 s when all links are cut", function (world)
		local _, _, romeo, juliet = both_ways(world, "prefer");
		cut_all(world);
		local begin = loop.now();
		assert(federation.say(romeo, juliet, "hello", 20));
		local took = loop.now() - begin;
		assert(took < 5, ("the fallback took %.1f s"):format(took));
		assert(world.dns:asked("b.example.org") > 0);
	end),

	harness.test("prefer falls back in under 5 s when packets vanish without a word", function (world)
		local _, _, romeo, juliet = both_ways(world, "prefer");
		world.sandbox:each_link("loss %s 100");
		local begin = loop.now();
		assert(federation.say(romeo, juliet, "hello", 20));
		local took = loop.now() - begin;
		assert(took < 5, ("the fallback took %.1f s"):format(took));
	end),

	harness.test("require asks no DNS and opens no TCP connection when SCION is down", function (world)
		local a = federation.pair(world);
		local romeo = world:user(a, "romeo");
		cut_all(world);
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text:find("handshake"), "the bounce does not say why: " .. text);
		assert(world.dns:asked("b.example.org") == 0);
		assert(world.traps[2].caught == 0);
	end),

	harness.test("the control: prefer is seen by the name server and the trap", function (world)
		local prefer = { scion = { policy = "prefer" }, options = { s2s_ports = {} } };
		local a = federation.pair(world, { ["a.example.org"] = prefer });
		local romeo = world:user(a, "romeo");
		cut_all(world);
		romeo:send("<message to='juliet@b.example.org'><body>hello</body></message>");
		assert(loop.wait(function () return world.traps[2].caught > 0; end, 20), "no TCP connection was tried");
		assert(world.dns:asked("b.example.org") > 0);
	end),

	harness.test("require refuses a TCP stream of its peer", function (world)
		local _, b, romeo, juliet = both_ways(world, "never", "require");
		local text = federation.bounce(romeo, juliet.full_jid, 20);
		assert(text ~= "", "the bounce has no text");
		assert(juliet:expect_nothing(0.5, "<message/>"));
		assert(b:wait_log("a.example.org.*SCION", 5));
	end),

	harness.test("never leaves SCION alone", function (world)
		local _, _, romeo, juliet = both_ways(world, "never");
		assert(federation.say(romeo, juliet, "hello"));
		assert(not crossed(world));
		assert(world.dns:asked("b.example.org") > 0);
	end),

	harness.test("fallback takes TCP first", function (world)
		local _, _, romeo, juliet = both_ways(world, "fallback");
		assert(federation.say(romeo, juliet, "hello"));
		assert(not crossed(world));
	end),

	harness.test("fallback takes SCION when TCP does not answer", function (world)
		local _, b, romeo, juliet = both_ways(world, "fallback");
		world:publish(b, (prosody.free_ports(1))); -- where connections are refused
		assert(federation.say(romeo, juliet, "hello", 20));
		assert(world.dns:asked("b.example.org") > 0);
		assert(crossed(world));
	end),
});
