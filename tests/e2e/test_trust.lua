-- SPDX-License-Identifier: MIT
-- Peers that cannot prove their name over SCION: the sender is told why, the operator too, and nothing is delivered.
local certificates = require "e2e.certificates";
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

-- `wrong(world)` describes b's certificate; `reason` must stand in the sender's log.
local function refused(name, wrong, reason)
	return harness.test(name, function (world)
		local a = federation.pair(world, { ["b.example.org"] = { certificate = wrong(world) } });
		local romeo = world:user(a, "romeo");
		local text, err = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text ~= "", "the bounce has no text: " .. err);
		assert(a:wait_log(reason, 5));
		federation.assert_scion_only(world);
	end);
end

tap.run({
	refused("a certificate of another authority", function (world)
		return { authority = certificates.authority(world.folder, "stranger") };
	end, "unable to get local issuer certificate"),

	refused("an expired certificate", function ()
		return { expired = true };
	end, "certificate has expired"),

	refused("a certificate for another name", function ()
		return { names = { "c.example.org" } };
	end, "certificate is not valid for this name"),

	harness.test("dialback is enough for a peer that is listed for it", function (world)
		local listed = { dialback = { "a.example.org", "b.example.org" } };
		local a, b = federation.pair(world, {
			["a.example.org"] = { scion = listed },
			["b.example.org"] = { scion = listed, certificate = { expired = true } },
		});
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "by dialback", 20));
		federation.assert_scion_only(world);
	end),
});
