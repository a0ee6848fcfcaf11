-- SPDX-License-Identifier: MIT
-- points: the tests of rooms as points of a run: each test against each service of a world.
local suite = require "e2e.rooms.suite";

suite.load({
	"discovery", "joining", "entry", "messages", "exchange", "nicks", "voice", "moderation", "administration", "creation",
	"configuration", "ownership", "history", "whispers", "invitations", "service",
	"archive", "companions", "calls", "scripts",
});

local points = {};

-- Whether a test is of one of the items or sections named in `only`, nil for all.
local function is_chosen(test, only)
	local chosen = not only or (" %s "):format(only):find((" %s "):format(test.section), 1, true);
	for _, item in ipairs(test.items) do
		chosen = chosen or (" %s "):format(only):find((" %s "):format(item), 1, true);
	end
	return chosen;
end

-- Stock has to pass or to fail as its record says; both ways of being wrong are worth knowing.
local function judge(world, kind, test, outcome, why)
	local differs = kind.name == "stock" and suite.differs(test, world.version) or nil;
	if outcome == "broken" or outcome == "failed" and not differs then
		error(why, 0);
	elseif outcome == "passed" and differs then
		error(("it passed, but the record says of %s: %s"):format(world.version, differs), 0);
	end
end

local function name_of(world, kind, test)
	local differs = kind.name == "stock" and suite.differs(test, world.version);
	local name = ("%s %s: %s"):format(kind.name, table.concat(test.items, ", "), test.name);
	return differs and ("%s (differs: %s)"):format(name, differs) or name;
end

-- A list of points, and a table that fills as they run: kind -> test -> outcome.
function points.of(world, kinds, only)
	local list, seen = {}, { tests = {} };
	for _, kind in ipairs(kinds) do
		seen[kind.name] = {};
	end
	for _, test in ipairs(suite.tests) do
		for _, kind in ipairs(is_chosen(test, only) and kinds or {}) do
			list[#list + 1] = { name_of(world, kind, test), function ()
				local outcome, why = suite.run(world, kind, test);
				seen[kind.name][test] = outcome;
				judge(world, kind, test, outcome, why);
			end };
		end
	end
	return list, seen;
end

return points;
