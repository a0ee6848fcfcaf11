-- SPDX-License-Identifier: MIT
-- The table of pitfalls in transport/quic/README.md is whole, and the tests that it names exist.
local tap = require "e2e.tap";
local tree = require "lint.tree";

local PAGE, PITFALLS = "transport/quic/README.md", 16;

-- Calls `each` with the number and the last cell of every row of the table.
local function rows(page, each)
	for number, cell in page:gmatch("\n| (%d+) | [^|\n]* | ([^|\n]*) |") do
		each(tonumber(number), cell);
	end
end

local function has_test(texts, file, name)
	local text = texts["tests/unit/" .. file];
	return text and text:find("START_TEST(" .. name .. ")", 1, true)
		and text:find("tcase_add_[%w_]+%(%s*%w+,%s*" .. name .. "%f[^%w_]");
end

local function check_cell(texts, number, cell, found)
	local tests = 0;
	for file, name in cell:gmatch("`(test_[%w_]+%.c): ([%w_]+)`") do
		tests = tests + 1;
		if not has_test(texts, file, name) then
			found[#found + 1] = ("pitfall %d: %s has no test %s"):format(number, file, name);
		end
	end
	if tests == 0 and not cell:find("^none: %S") then
		found[#found + 1] = ("pitfall %d has neither a test nor a reason"):format(number);
	end
end

local function findings(page, texts)
	local found, seen = {}, {};
	rows(page, function (number, cell)
		seen[number] = true;
		check_cell(texts, number, cell, found);
	end);
	for number = 1, PITFALLS do
		if not seen[number] then
			found[#found + 1] = ("pitfall %d is not in %s"):format(number, PAGE);
		end
	end
	return found;
end

local function planted_page()
	local lines = {};
	for number = 1, PITFALLS - 1 do
		lines[number] = ("| %d | x | none: for a reason |"):format(number);
	end
	lines[2] = "| 2 | x | `test_a.c: it_is_there`, `test_a.c: it_is_not_added` |";
	lines[3] = "| 3 | x | somewhere |";
	return "\n" .. table.concat(lines, "\n") .. "\n";
end

tap.run({
	{ "planted gaps are found, and only they", function ()
		local found = findings(planted_page(), { ["tests/unit/test_a.c"] =
			"START_TEST(it_is_there)\nSTART_TEST(it_is_not_added)\ntcase_add_test(tcase, it_is_there);\n" });
		assert(#found == 3, table.concat(found, "\n"));
		assert(found[1]:find("has no test it_is_not_added", 1, true), found[1]);
		assert(found[2]:find("pitfall 3 has neither", 1, true), found[2]);
		assert(found[3]:find("pitfall 16 is not in", 1, true), found[3]);
	end },
	{ "every pitfall has its tests or its reason", function ()
		tree.none(findings(tree.read(PAGE), tree.texts(".c")));
	end },
});
