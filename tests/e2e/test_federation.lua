-- SPDX-License-Identifier: MIT
-- Two stock servers over QUIC on SCION paths, and nothing else.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local function users(world, a, b)
	return world:user(a, "romeo"), world:user(b, "juliet");
end

tap.run({
	harness.test("messages, presence and requests both ways", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "Neither, fair saint"));
		assert(federation.say(juliet, romeo, "How cam'st thou hither?"));
		romeo:send(("<presence to='%s'><status>below</status></presence>"):format(juliet.full_jid));
		assert(juliet:expect(("<presence from='%s'><status>below</status></presence>"):format(romeo.full_jid)));
		juliet:send(("<presence to='%s'><status>above</status></presence>"):format(romeo.full_jid));
		assert(romeo:expect(("<presence from='%s'><status>above</status></presence>"):format(juliet.full_jid)));
		local answer = assert(romeo:request(federation.PING:format(b.domain)));
		assert(answer.attr.type == "result");
		answer = assert(juliet:request(federation.PING:format(a.domain)));
		assert(answer.attr.type == "result");
		federation.assert_scion_only(world);
		assert(federation.handshakes(a) == 1, "one QUIC connection carries both directions (XEP-0288)");
	end),

	harness.test("a stanza of 200 kB, and 1 MB of small ones, each way", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = users(world, a, b);
		federation.exchange(romeo, juliet, 1, 200000, 20);
		federation.exchange(romeo, juliet, 1000, 1000, 60);
		federation.assert_scion_only(world);
	end),

	harness.test("1 MB each way in order over loss, reorder and duplication", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = users(world, a, b);
		world.sandbox:each_link("loss %s 2");
		world.sandbox:each_link("reorder %s 2");
		world.sandbox:each_link("duplicate %s 2");
		federation.exchange(romeo, juliet, 1000, 1000, 90);
		federation.assert_scion_only(world);
	end),

	harness.test("reloading modules and configuration keeps the streams", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "before"));
		for _, command in ipairs({ "module:reload('scion')", "module:reload('s2s_scion')", "config:reload()" }) do
			local output, ok = a:shell(command);
			assert(ok, output);
			assert(federation.say(romeo, juliet, "after " .. command:match("%a+:%a+")));
			assert(federation.say(juliet, romeo, "back after " .. command:match("%a+:%a+")));
		end
		assert(federation.handshakes(a) == 1, "the QUIC connection was made anew");
		local _, streams = a:log():gsub("Outgoing s2s connection [^\n]* complete", "");
		assert(streams == 1, ("%d streams were opened"):format(streams));
		federation.assert_scion_only(world);
	end),

	harness.test("a domain that nobody knows", function (world)
		local a = federation.pair(world);
		local romeo = world:user(a, "romeo");
		local text = federation.bounce(romeo, "tybalt@c.example.org", 20);
		assert(text:find("no SCION address", 1, true), "the bounce does not say why: " .. text);
		assert(world.dns:asked("c.example.org") == 0);
	end),
});
