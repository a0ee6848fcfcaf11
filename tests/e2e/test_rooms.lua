-- SPDX-License-Identifier: MIT
-- Rooms as XEP-0045 has them: the same tests against our component and against Prosody's own, in one server.
--
-- SX_ROOMS="stock" names the services (default: those there are), SX_ROOMS_ONLY="33 1.K C8" items or sections,
-- SX_ROOMS_TABLE=write puts what was seen into lua/README.md.
local page = require "e2e.rooms.page";
local suite = require "e2e.rooms.suite";
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

suite.load({
	"discovery", "joining", "entry", "messages", "exchange", "nicks", "voice", "moderation", "administration", "creation",
	"configuration", "ownership", "history", "whispers", "invitations", "service",
	"archive", "companions", "calls", "scripts",
});

local only = os.getenv("SX_ROOMS_ONLY");
local kinds = world_of.kinds(os.getenv("SX_ROOMS"));
local world = world_of.new(kinds);
local seen = { tests = {} }; -- kind -> test -> outcome
local points = {};

local function is_chosen(test)
	local chosen = not only or (" %s "):format(only):find((" %s "):format(test.section), 1, true);
	for _, item in ipairs(test.items) do
		chosen = chosen or (" %s "):format(only):find((" %s "):format(item), 1, true);
	end
	return chosen;
end

-- Stock has to pass or to fail as its record says; both ways of being wrong are worth knowing.
local function judge(kind, test, outcome, why)
	local differs = kind.name == "stock" and suite.differs(test, world.version) or nil;
	if outcome == "broken" or outcome == "failed" and not differs then
		error(why, 0);
	elseif outcome == "passed" and differs then
		error(("it passed, but the record says of %s: %s"):format(world.version, differs), 0);
	end
end

local function name_of(kind, test)
	local differs = kind.name == "stock" and suite.differs(test, world.version);
	local name = ("%s %s: %s"):format(kind.name, table.concat(test.items, ", "), test.name);
	return differs and ("%s (differs: %s)"):format(name, differs) or name;
end

for _, kind in ipairs(kinds) do
	seen[kind.name] = {};
end
world:start();
for _, test in ipairs(suite.tests) do
	for _, kind in ipairs(is_chosen(test) and kinds or {}) do
		points[#points + 1] = { name_of(kind, test), function ()
			local outcome, why = suite.run(world, kind, test);
			seen[kind.name][test] = outcome;
			judge(kind, test, outcome, why);
		end };
	end
end

points[#points + 1] = { "every item has a test", function ()
	local gaps = suite.gaps();
	assert(#gaps == 0, table.concat(gaps, "\n"));
end };
points[#points + 1] = { "the table in lua/README.md says what was seen", function ()
	page.check(seen, only, os.getenv("SX_ROOMS_TABLE") == "write");
end };
points[#points + 1] = { "the server ends in good order", function ()
	world:stop();
end };

tap.run(points);
