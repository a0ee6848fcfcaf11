-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local text = require "sx.text";

describe("words for people", function ()
	for _, case in ipairs {
		{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 }, { "port", "port", 0 }, { "prot", "port", 2 },
		{ "polcy", "policy", 1 }, { "kitten", "sitting", 3 },
	} do
		it(("%q is %d edits from %q"):format(case[1], case[3], case[2]), function ()
			assert.equal(case[3], text.distance(case[1], case[2]));
			assert.equal(case[3], text.distance(case[2], case[1]));
		end);
	end

	it("find the nearest of several, the first among equals, nothing among none", function ()
		assert.equal("policy", text.nearest("polcy", { "port", "policy", "peers" }));
		assert.equal("ab", text.nearest("a", { "ab", "ac" }));
		assert.is_nil(text.nearest("a", {}));
	end);

	it("say what a value is", function ()
		for _, case in ipairs { { "x", '"x"' }, { 5, "5" }, { true, "true" }, { {}, "a table" }, { print, "a function" } } do
			assert.equal(case[2], (text.found(case[1])));
		end
		assert.equal("nothing", (text.found(nil)));
	end);

	it("list alternatives", function ()
		assert.equal('"a"', text.one_of { "a" });
		assert.equal('"a" or "b"', text.one_of { "a", "b" });
		assert.equal('"a", "b" or "c"', text.one_of { "a", "b", "c" });
	end);
end);
