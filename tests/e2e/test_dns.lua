-- SPDX-License-Identifier: MIT
-- Servers find each other by SCION addresses in DNS, without an entry for the peer.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local A, B = "a.example.org", "b.example.org";

-- Both know no peer and ask the test's name server, which has `records` besides.
local function pair(world, policy, records)
	local changes = {};
	for _, domain in ipairs({ A, B }) do
		changes[domain] = { scion = { policy = policy, peers = {},
			names = { dns = { servers = { ("127.0.0.1:%d"):format(world.dns.port) } } } } };
	end
	local a, b = federation.pair(world, changes);
	for name, record in pairs(records) do
		world.dns.records[name] = record;
	end
	return world:user(a, "romeo"), world:user(b, "juliet");
end

local function crossed(world)
	return world.sandbox:way(federation.address(A), federation.address(B)) ~= nil;
end

tap.run({
	harness.test("an address in a TXT record of the domain", function (world)
		local romeo, juliet = pair(world, "prefer", { [B] = { TXT = "scion=" .. federation.address(B) } });
		assert(federation.say(romeo, juliet, "hello", 20));
		assert(crossed(world));
		assert(world.traps[2].caught == 0, "a TCP connection was made");
	end),

	harness.test("an address of the host that the service record names, in the newer dialect", function (world)
		local romeo, juliet = pair(world, "prefer", {
			["_xmpp-server._tcp." .. B] = { SRV = { target = "host." .. B, port = 1 } },
			["host." .. B] = { TXT = ("scion=v1;[%s]"):format(federation.address(B)) },
		});
		assert(federation.say(romeo, juliet, "hello", 20));
		assert(crossed(world));
	end),

	harness.test("under require DNS is not asked, whatever it knows", function (world)
		local romeo = pair(world, "require", { [B] = { TXT = "scion=" .. federation.address(B) } });
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text:find("no SCION address known for b.example.org", 1, true), text);
		assert(world.dns:asked(B) == 0);
		assert(not crossed(world));
	end),
});
