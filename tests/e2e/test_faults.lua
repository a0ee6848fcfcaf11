-- SPDX-License-Identifier: MIT
-- The network fails under way.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local tap = require "e2e.tap";

local A, B = federation.address("a.example.org"), federation.address("b.example.org");

-- The first link of the path in use now: its interface, and how a path over it begins.
local function first_link(world)
	local way = assert(world.sandbox:way(A, B));
	local isd_as, id = way.path:match("^(%S+) (%d+)>");
	return ("%s#%s"):format(isd_as, id), ("%s %s>"):format(isd_as, id);
end

tap.run({
	harness.test("a cut link is avoided by the next dial", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		local cut, beginning = first_link(world);
		world.sandbox:command(("link %s down"):format(cut));
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		world.sandbox:command("reset");
		assert(federation.say(romeo, juliet, "after", 30));
		local way = assert(world.sandbox:way(A, B));
		assert(not way.path:find(beginning, 1, true), "still over the cut link: " .. way.path);
		federation.assert_scion_only(world);
	end),

	harness.test("what was under way when all links are cut is bounced or delivered, never lost", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		world.sandbox:each_link("link %s down");
		romeo:send(("<message to='%s' type='chat' id='lost'><body>?</body></message>"):format(juliet.full_jid));
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		world.sandbox:command("heal");
		local function arrived()
			for _, user in ipairs({ romeo, juliet }) do
				for _, element in ipairs(user.stream.inbox) do
					if element.attr.id == "lost" then
						return true;
					end
				end
			end
		end
		assert(loop.wait(arrived, 60), "neither delivered nor bounced");
	end),
});
