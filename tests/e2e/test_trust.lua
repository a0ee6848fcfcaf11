-- SPDX-License-Identifier: MIT
-- Peers that cannot prove their name over SCION: the sender is told why, the operator too, and nothing is delivered.
local certificates = require "e2e.certificates";
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

-- `wrong(world)` describes the certificate of `bad`. Romeo of a dials; either he is told of b's certificate, or b
-- refuses his. `reason` stands in the log of the server that refuses, `told` in the bounce.
local function refused(name, bad, wrong, reason, told)
	return harness.test(name, function (world)
		local a, b = federation.pair(world, { [bad] = { certificate = wrong(world) } });
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		local text = federation.bounce(romeo, juliet.full_jid, 20);
		assert(text:find(told), "the bounce does not say why: " .. text);
		local refuser = bad == b.domain and a or b;
		assert(refuser:wait_log(reason, 5));
		assert(refuser:wait_log("The certificate of " .. bad:gsub("%.", "%%.") .. " ", 5));
		assert(juliet:expect_nothing(0.2, "<message/>"));
		federation.assert_scion_only(world);
	end);
end

local function strange(world)
	return { authority = certificates.authority(world.folder, "stranger") };
end

local function expired()
	return { expired = true };
end

local function misnamed()
	return { names = { "c.example.org" } };
end

local A, B = "a.example.org", "b.example.org";

tap.run({
	refused("the dialled server's certificate is of another authority", B, strange, "local issuer certificate",
		"is not trusted"),
	refused("the dialled server's certificate has expired", B, expired, "certificate has expired", "has expired"),
	refused("the dialled server's certificate is for another name", B, misnamed, "certificate is not valid for this name",
		"is not valid for this name"),
	refused("the dialler's certificate is of another authority", A, strange, "local issuer certificate",
		"is not trusted"),
	refused("the dialler's certificate has expired", A, expired, "certificate has expired", "has expired"),
	refused("the dialler's certificate is for another name", A, misnamed, "certificate is not valid for this name",
		"is not valid for this name"),

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
