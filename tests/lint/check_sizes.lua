-- SPDX-License-Identifier: MIT
-- Functions fit on a screen and files have one noun: what is too long, too branchy or too deep.
local tap = require "e2e.tap";
local tree = require "lint.tree";

local FUNCTION_LINES, FILE_LINES, MEDIAN, P95 = 60, 500, 14, 50;

-- Kernel layout: the braces of a function stand alone in the first column.
local function c_functions(text)
	local functions, start = {}, nil;
	local lines = tree.lines(text);
	for number, line in ipairs(lines) do
		if line == "{" then
			start = number;
		elseif line:find("^}") and start then
			functions[#functions + 1] = { line = start, size = number - start - 1 };
			start = nil;
		end
	end
	return functions;
end

-- Functions end with the `end` that is indented as much as the line they start on, or less where that is a wrapped one.
local function lua_functions(text)
	local functions, open = {}, {};
	for number, line in ipairs(tree.lines(text)) do
		local indent = line:match("^\t*");
		if line:find("^\t*end%f[%W]") then
			for deeper, start in pairs(open) do
				if #deeper >= #indent then
					functions[#functions + 1] = { line = start, size = number - start - 1 };
					open[deeper] = nil;
				end
			end
		elseif line:find("%f[%w]function%f[%W][^\n]*%)%s*$") then
			open[indent] = number;
		end
	end
	return functions;
end

local function is_data(name)
	return name:find("^tests/data/") or name:find("%.d%.lua$");
end

local function measured(ending, functions_of)
	local sizes, long = {}, {};
	for name, text in pairs(tree.texts(ending)) do
		for _, found in ipairs(is_data(name) and {} or functions_of(text)) do
			sizes[#sizes + 1] = found.size;
			if found.size > FUNCTION_LINES and not name:find("_spec%.lua$") then
				long[#long + 1] = ("%s:%d: a function of %d lines"):format(name, found.line, found.size);
			end
		end
	end
	table.sort(sizes);
	return sizes, long;
end

local function check(ending, functions_of)
	return function ()
		local sizes, long = measured(ending, functions_of);
		local function share(part)
			return sizes[math.max(1, math.ceil(#sizes * part))] or 0;
		end
		print(("# %d functions in %s files: median %d lines, 95%% under %d, longest %d"):format(#sizes, ending,
			share(0.5), share(0.95), share(1)));
		tree.none(long);
		assert(share(0.5) <= MEDIAN and share(0.95) <= P95, "the functions have grown too long on the whole");
	end;
end

tap.run({
	{ "functions are measured", function ()
		assert(c_functions("int f(void)\n{\n\tx;\n\ty;\n}\n")[1].size == 2);
		assert(lua_functions("local function f()\n\tg(function ()\n\t\tx();\n\tend);\nend\n")[2].size == 3);
		assert(lua_functions("f(1,\n\tfunction ()\n\tx();\nend);\nend\n")[1].size == 1);
	end },
	{ "C functions fit", check(".c", c_functions) },
	{ "Lua functions fit", check(".lua", lua_functions) },
	{ "files have one noun", function ()
		local long = {};
		for name, text in pairs(tree.texts(".c", ".h", ".lua", ".sh")) do
			local count = #tree.lines(text);
			if count > FILE_LINES and not is_data(name) then
				long[#long + 1] = ("%s: %d lines"):format(name, count);
			end
		end
		tree.none(long);
	end },
});
