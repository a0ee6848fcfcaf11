-- SPDX-License-Identifier: MIT
-- Each of Prosody's network backends carries the transport; and what stock modules do on server streams works over it.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local tap = require "e2e.tap";

-- With "select" 13.0 does not hear SIGTERM.
local function shut_down(server)
	server:shell("server:shutdown()");
	assert(loop.wait(function () return server.child:status(); end, 20), server.domain .. " does not end");
end

local function backend(name, reported)
	return harness.test("network_backend = " .. name, function (world)
		local options = { network_backend = name, s2s_ports = {} };
		local a, b = federation.pair(world, {
			["a.example.org"] = { options = options }, ["b.example.org"] = { options = options },
		});
		assert(a:wait_log(("using the %s[%%w .-]* backend"):format(reported), 1));
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		federation.exchange(romeo, juliet, 60, 8000, 30);
		assert(romeo:request(federation.PING:format(b.domain)));
		federation.assert_scion_only(world);
		if name == "select" then
			shut_down(a);
			shut_down(b);
		end
	end);
end

tap.run({
	backend("epoll", "epoll"),
	backend("select", "select"),
	backend("event", "libevent"),

	harness.test("XEP-0198 is on in both directions and acknowledges", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "hello"));
		assert(federation.say(juliet, romeo, "and back"));
		assert(a:wait_log("Enabling stream management", 5));
		assert(federation.say(romeo, juliet, "counted"));
		assert(a:wait_log("#queue = 0 %(acked: [1-9]", 10));
		assert(a:wait_log("Received ack request, acking for [1-9]", 10));
		federation.assert_scion_only(world);
	end),

	harness.test("without XEP-0288 each direction has a stream of its own", function (world)
		local options = { s2s_ports = {}, modules_disabled = { "s2s_bidi" } };
		local a, b = federation.pair(world, { ["b.example.org"] = { options = options } });
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "hello"));
		assert(federation.say(juliet, romeo, "and back", 20));
		local peers = a:shell("scion:peers()");
		assert(peers:find("-->", 1, true) and peers:find("<--", 1, true) and peers:find("2 streams"), peers);
		federation.assert_scion_only(world);
	end),
});
