-- SPDX-License-Identifier: MIT
-- Servers end, in order or not, and come back.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

tap.run({
	harness.test("shutdown loses nothing that was accepted", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "first"));
		federation.send_numbered(romeo, juliet, 1, 200, 500);
		assert(romeo:request(federation.PING:format(a.domain))); -- a has taken all of them
		assert(a:stop() == 0);
		federation.receive_numbered(juliet, 1, 200, 500, 10);
	end),

	harness.test("a server that restarts is reached again", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		assert(b:stop() == 0);
		assert(b:start());
		juliet = world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "after", 20));
		assert(federation.say(juliet, romeo, "and back", 20));
		federation.assert_scion_only(world);
	end),

	harness.test("a leak of the core would be noticed", function (world)
		local a = federation.pair(world);
		local options = ("{ address = %q, port = 31999, paths = %q }"):format(federation.address(a.domain),
			a.options.scion.paths);
		local opened, ok = a:shell("> package.loaded.leak = assert(require 'sx.runtime'.core.open " .. options .. ")");
		assert(ok, opened);
		world:expect_fault("objects of the core are left");
		assert(a:stop() == 0);
		assert(a:wait_log("\terror\t[1-9]%d* objects of the core are left", 1));
		a.counts_objects = false;
	end),
});
