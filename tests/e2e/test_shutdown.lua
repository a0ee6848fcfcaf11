-- SPDX-License-Identifier: MIT
-- Servers end, in order or not, and come back.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local tap = require "e2e.tap";

local PROMPT = 10; -- seconds; the idle timeout, which must not be needed, is 180

tap.run({
	harness.test("shutdown loses nothing that was accepted, also where packets are lost", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "first"));
		world.sandbox:each_link("loss %s 1");
		federation.send_numbered(romeo, juliet, 1, 200, 500);
		assert(romeo:request(federation.PING:format(a.domain))); -- a has taken all of them
		assert(a:stop() == 0);
		federation.receive_numbered(juliet, 1, 200, 500, 10);
		federation.assert_scion_only(world);
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

	harness.test("a server that crashed and restarts is reached again at once", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		b:kill();
		assert(b:start());
		juliet = world:user(b, "juliet", { jid = juliet.full_jid });
		local begin = loop.now();
		-- The first stanza may meet the stream that b has forgotten: it comes back, the next one dials.
		romeo:send(("<message to='%s' type='chat' id='met'><body>?</body></message>"):format(juliet.full_jid));
		assert(a:wait_log("stateless reset", PROMPT));
		assert(federation.say(romeo, juliet, "after", 20));
		assert(loop.now() - begin < PROMPT, "it took longer than a redial");
		assert(federation.say(juliet, romeo, "and back", 20));
		assert(romeo:expect("<message id='met' type='error'/>", 1) or juliet:expect("<message id='met'/>", 1),
			"the first stanza is neither bounced nor delivered");
		federation.assert_scion_only(world);
	end),

	harness.test("a server that dialed, crashed and restarted hears answers at once", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		a:kill();
		assert(a:start());
		romeo = world:user(a, "romeo");
		-- b still holds the first connection: who has forgotten that it was its client cannot take it back.
		assert(federation.say(romeo, juliet, "again", PROMPT));
		assert(federation.say(juliet, romeo, "and back", PROMPT));
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
