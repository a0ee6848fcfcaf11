-- SPDX-License-Identifier: MIT
-- The control of all the others: two stock servers federate over TCP, found by DNS.
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local function two_servers(world)
	local a = world:server({ domain = "a.example.org" });
	local b = world:server({ domain = "b.example.org" });
	world:publish(a);
	world:publish(b);
	assert(a:start());
	assert(b:start());
	return a, b;
end

tap.run({
	harness.test("stock servers federate over TCP", function (world)
		local a, b = two_servers(world);
		local romeo = world:user(a, "romeo");
		local juliet = world:user(b, "juliet");
		romeo:send(("<message to='%s' type='chat'><body>Neither, fair saint</body></message>"):format(juliet.full_jid));
		assert(juliet:expect(("<message from='%s'><body>Neither, fair saint</body></message>"):format(romeo.full_jid)));
		assert(juliet:request(("<iq type='get' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>"):format(a.domain)));
		assert(world.dns:asked("b.example.org") > 0);
		assert(romeo:expect_nothing(0.2));
	end),
});
