-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local unpack = table.unpack or unpack; -- luacheck: ignore 113
local proof = require "sx.proof";

-- trust, PKIX holds, we dialled, RAINS can be asked | when it is asked
local whens = {
	{ "pkix", true, true, true, "no" }, { "pkix", false, true, true, "no" },
	{ "any", true, true, true, "later" }, { "any", true, false, true, "no" },
	{ "any", false, true, true, "now" }, { "any", false, false, true, "now" }, { "any", false, true, false, "no" },
	{ "rains", true, true, true, "now" }, { "rains", true, false, true, "now" }, { "rains", false, false, true, "now" },
	{ "rains", true, true, false, "no" },
};

-- trust, PKIX holds, RAINS' word | the proof, whether the stream must end
local verdicts = {
	{ "any", true, "match", "rains", false }, { "any", false, "match", "rains", false },
	{ "any", true, "mismatch", "pkix", false }, { "any", false, "mismatch", nil, false },
	{ "any", true, "none", "pkix", false }, { "any", false, "none", nil, false },
	{ "pkix", true, "none", "pkix", false }, { "pkix", false, "match", nil, false },
	{ "rains", true, "match", "rains", false }, { "rains", false, "match", "rains", false },
	{ "rains", true, "mismatch", nil, true }, { "rains", false, "mismatch", nil, true },
	{ "rains", true, "none", nil, true }, { "rains", false, "none", nil, true },
};

describe("RAINS", function ()
	for _, case in ipairs(whens) do
		local trust, pkix, outgoing, rains, when = unpack(case);
		it(("is asked %q: trust %s, PKIX %s, outgoing %s, there %s"):format(when, trust, tostring(pkix), tostring(outgoing),
			tostring(rains)), function ()
			assert.equal(when, proof.when { trust = trust, pkix = pkix, outgoing = outgoing, rains = rains });
		end);
	end

	for _, case in ipairs(verdicts) do
		local trust, pkix, word, how, ends = unpack(case, 1, 5);
		it(("says %s: trust %s, PKIX %s"):format(word, trust, tostring(pkix)), function ()
			local found, refusal = proof.judge({ trust = trust, pkix = pkix }, word, "reason");
			assert.equal(how, found);
			assert.equal(ends, refusal ~= nil);
			assert.truthy(not ends or refusal:find("reason", 1, true));
		end);
	end
end);
