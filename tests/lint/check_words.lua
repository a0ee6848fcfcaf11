-- SPDX-License-Identifier: MIT
-- Left-overs, paths of somebody's machine, and white space that does not belong.
local tap = require "e2e.tap";
local tree = require "lint.tree";

local WORDS = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X", "HA" .. "CK" };
local SYSTEM = { usr = true, etc = true, var = true, tmp = true, proc = true, dev = true, run = true, lib = true,
	bin = true, sbin = true, sys = true, opt = true, path = true };
local TEXT = { ".c", ".h", ".lua", ".sh", ".md", ".build", ".awk", ".scs", "/run", "/packages" };

local function words_in(line)
	for word in line:gmatch("%f[%w_]%u+%f[^%w_]") do
		for _, bad in ipairs(WORDS) do
			if word == bad then
				return "the word " .. word;
			end
		end
	end
	return nil;
end

-- An absolute path outside the standard folders.
local function path_in(line)
	for before, top in (" " .. line):gmatch("([^%w_./:~)}*%%-])/(%l+)/%l+/%l") do
		if not SYSTEM[top] and before ~= "<" then
			return "a path of one machine: /" .. top;
		end
	end
	return nil;
end

local function space_in(line)
	return (line:find("[ \t]$") and "white space at the end") or (line:find("\r") and "a carriage return") or nil;
end

local function findings(texts, judge)
	local found = {};
	for name, text in pairs(texts) do
		for number, line in ipairs(tree.lines(text)) do
			local what = judge(line);
			if what and not name:find("^tests/data/") then
				found[#found + 1] = ("%s:%d: %s"):format(name, number, what);
			end
		end
	end
	return found;
end

local function none_of(judge, planted)
	return function ()
		assert(judge(planted), "the check is blind to: " .. planted);
		tree.none(findings(tree.texts(table.unpack(TEXT)), judge));
	end;
end

tap.run({
	{ "no left-overs", none_of(words_in, "/* " .. WORDS[1] .. ": later */") },
	{ "no paths of one machine", none_of(path_in, "open(\"" .. "/home" .. "/someone/file\")") },
	{ "no stray white space", none_of(space_in, "x = 1; ") },
	{ "every source file names its licence", function ()
		local found = {};
		for name, text in pairs(tree.texts(".c", ".h", ".lua", ".sh", ".awk", ".ci/run")) do
			if not text:sub(1, 200):find("SPDX-License-Identifier: MIT", 1, true) then
				found[#found + 1] = name;
			end
		end
		tree.none(found);
	end },
});
