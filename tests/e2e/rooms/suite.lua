-- SPDX-License-Identifier: MIT
-- suite: the tests of rooms, declared by the files beside this one, and what each service is expected to make of them.
--
--   test { 33, "a wrong password is refused", stock = "says not-allowed", function (t) ... end };
--
-- First the item (or a list of them), then what the service does. `stock` is given where stock Prosody does not do it,
-- and says what it does instead; { ["0.12"] = "...", ["13.0"] = "..." } where releases differ. `set` names the options
-- of the service (world.lua). Ours is expected to pass everything.
local items = require "e2e.rooms.items";
local scene = require "e2e.rooms.scene";
local tap = require "e2e.tap";

local suite = { tests = {}, left_out = {} };

-- Starts a section: a function that declares a test of it, and one that leaves an item out and says why.
function suite.section(id, title)
	local function declare(test)
		test.section, test.title = id, title;
		test.items = type(test[1]) == "table" and test[1] or { test[1] };
		test.name, test.body = test[2], test[3];
		assert(type(test.name) == "string" and type(test.body) == "function", "a test has items, a name and a body");
		suite.tests[#suite.tests + 1] = test;
	end
	local function leave_out(item, reason)
		suite.left_out[item] = reason;
	end
	return declare, leave_out;
end

function suite.load(names)
	for _, name in ipairs(names) do
		require("e2e.rooms." .. name);
	end
end

-- What stock Prosody of a version does instead; nil where it does what the test says.
function suite.differs(test, version)
	if type(test.stock) == "table" then
		return test.stock[version];
	end
	return test.stock;
end

-- What is wrong with the declarations: items without a test, items left out that may not be.
function suite.gaps()
	local tested, optional, found = {}, {}, {};
	for _, test in ipairs(suite.tests) do
		for _, item in ipairs(test.items) do
			tested[item] = true;
		end
	end
	for _, item in ipairs(items.optional) do
		optional[item] = true;
	end
	for item = 1, items.last do
		if not tested[item] and not (optional[item] and suite.left_out[item]) then
			found[#found + 1] = ("item %d has no test"):format(item);
		end
	end
	return found;
end

-- Runs one test against one service: "passed", "failed" or "broken", and why.
function suite.run(world, kind, test)
	local stage = scene.new(world, kind, test.set);
	world:new_faults();
	local ok, err = xpcall(test.body, function (err)
		return scene.failure(err) and err or tap.explain(err);
	end, stage);
	local finished, why = pcall(stage.finish, stage);
	world:start();
	local faults = world:new_faults();
	if not ok then
		local text = scene.failure(err);
		return text and "failed" or "broken", text or tostring(err);
	elseif not finished then
		return "broken", tostring(why);
	elseif faults then
		return "failed", "it passed, but the server logged\n" .. faults;
	end
	return "passed";
end

return suite;
