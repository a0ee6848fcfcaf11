-- SPDX-License-Identifier: MIT
-- programs: lists the test programs that Meson knows in a suite, one a line: name, protocol, seconds, command.
--
-- usage: programs.lua SUITE BUILD, with the output of `meson introspect --tests BUILD` on standard input
local json = require "dkjson";

local suite, build = arg[1], arg[2];

local function quote(word)
	return "'" .. word:gsub("'", "'\\''") .. "'";
end

local function command_of(test)
	local words = { "cd", quote(test.workdir or build), "&&", "exec", "env" };
	for name, value in pairs(test.env) do
		words[#words + 1] = quote(name .. "=" .. value);
	end
	for _, word in ipairs(test.cmd) do
		words[#words + 1] = quote(word);
	end
	return table.concat(words, " ");
end

for _, test in ipairs(assert(json.decode(io.read("a")))) do
	for _, name in ipairs(test.suite) do
		if name == suite or name:match(":(.*)$") == suite then
			print(("%s\t%s\t%d\t%s"):format(test.name, test.protocol, test.timeout, command_of(test)));
		end
	end
end
