-- SPDX-License-Identifier: MIT
-- Every constructor has a test in which its allocations fail one after the other: a test whose name contains
-- "allocation" and whose body calls it.
local tap = require "e2e.tap";
local tree = require "lint.tree";

local PRODUCT = { "^transport/", "^resolver/", "^module/" };

local function is_product(name)
	for _, prefix in ipairs(PRODUCT) do
		if name:find(prefix) then
			return true;
		end
	end
	return false;
end

-- Functions named _new or _open that return a status.
local function constructors(texts)
	local found = {};
	for name, text in pairs(texts) do
		if is_product(name) and name:find("%.h$") then
			for declared in text:gmatch("%f[%w_]int%s+(sx_[%w_]+)%s*%(") do
				if declared:find("_new$") or declared:find("_open$") or declared == "sx_open" then
					found[declared] = name;
				end
			end
		end
	end
	return found;
end

local function tested(texts)
	local bodies = {};
	for name, text in pairs(texts) do
		if name:find("^tests/unit/") then
			for test, body in text:gmatch("START_TEST%(([%w_]+)%)(.-)END_TEST") do
				bodies[#bodies + 1] = test:find("allocation") and body or nil;
			end
		end
	end
	return table.concat(bodies);
end

local function untested(texts)
	local found, calls = {}, tested(texts);
	for constructor, header in pairs(constructors(texts)) do
		if not calls:find("%f[%w_]" .. constructor .. "%s*%(") then
			found[#found + 1] = ("%s (%s) has no test in which its allocations fail"):format(constructor, header);
		end
	end
	return found;
end

tap.run({
	{ "a constructor without its test is found", function ()
		local texts = {
			["module/box.h"] = "SX_MUST_CHECK int sx_box_new(struct sx_box **out);\nint sx_lid_open(int x);\n",
			["tests/unit/test_box.c"] = "START_TEST(failing_allocations_leave_nothing)\n{ sx_box_new(&b); }\nEND_TEST\n"
				.. "START_TEST(opens)\n{ sx_lid_open(1); }\nEND_TEST\n",
		};
		local found = untested(texts);
		assert(#found == 1 and found[1]:find("^sx_lid_open "), table.concat(found, "\n"));
	end },
	{ "every constructor is tested with failing allocations", function ()
		tree.none(untested(tree.texts(".c", ".h")));
	end },
});
