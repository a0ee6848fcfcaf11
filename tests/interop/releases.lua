-- SPDX-License-Identifier: MIT
-- Debian 12's Prosody and ngtcp2 federate with Debian 13's. SX_OTHER is the root of the other release, which sees this
-- tree under the same path; SX_OTHER_CORE is its own core there.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local OTHER = assert(os.getenv("SX_OTHER"), "run by tests/trixie.sh");

local function in_other()
	return { "chroot", OTHER, "env", "SX_CORE=" .. os.getenv("SX_OTHER_CORE") };
end

local function version(server)
	return assert(server:log():match("Prosody version ([^\n]+)"), "no version in the log");
end

-- The first to speak dials; b is in the other release.
local function federate(name, first, second)
	return harness.test(name, function (world)
		local servers = {};
		servers.a, servers.b = federation.pair(world, { ["b.example.org"] = { inside = in_other() } });
		assert(version(servers.a) ~= version(servers.b), "both are " .. version(servers.a));
		local one, two = world:user(servers[first], "romeo"), world:user(servers[second], "juliet");
		federation.exchange(one, two, 200, 1000, 30);
		assert(one:request(federation.PING:format(servers[second].domain)));
		assert(two:request(federation.PING:format(servers[first].domain)));
		federation.assert_scion_only(world);
	end);
end

tap.run({
	federate("this release dials the other", "a", "b"),
	federate("the other release dials this one", "b", "a"),
});
