-- SPDX-License-Identifier: MIT
-- Every constructor has a test in which its allocations fail one after the other: it is called by a function that some
-- test gives to sx_each_allocation_fails.
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

-- The bodies of all functions given to sx_each_allocation_fails.
local function tested(texts)
	local bodies = {};
	for name, text in pairs(texts) do
		if name:find("^tests/unit/test_") then
			for construct in text:gmatch("sx_each_allocation_fails%(([%w_]+),") do
				bodies[#bodies + 1] = text:match("\nstatic int " .. construct .. "%([^\n]*\n{\n(.-)\n}\n");
			end
		end
	end
	return table.concat(bodies, "\n");
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
			["tests/unit/test_box.c"] = "\nstatic int make(void *arg)\n{\n\treturn sx_box_new(arg);\n}\n"
				.. "static int lift(void)\n{\n\treturn sx_lid_open(1);\n}\nsx_each_allocation_fails(make, &box);\n",
		};
		local found = untested(texts);
		assert(#found == 1 and found[1]:find("^sx_lid_open "), table.concat(found, "\n"));
	end },
	{ "every constructor is tested with failing allocations", function ()
		tree.none(untested(tree.texts(".c", ".h")));
	end },
});
