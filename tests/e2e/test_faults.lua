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

local function count_messages(user)
	local count = 0;
	for _, element in ipairs(user.stream.inbox) do
		count = count + (element.name == "message" and 1 or 0);
	end
	return count;
end

-- `count` messages of 1,000 bytes each way, a hundred a second, while `happen()` takes place after the first fifth. All
-- arrive, once, in order.
local function exchange_while(romeo, juliet, count, happen)
	local function send(from, to)
		for number = 1, count do
			federation.send_numbered(from, to, number, number, 1000);
			loop.sleep(0.01);
		end
	end
	assert(federation.say(romeo, juliet, "first"));
	assert(federation.say(juliet, romeo, "second"));
	local tasks = { loop.spawn(send, romeo, juliet), loop.spawn(send, juliet, romeo) };
	assert(loop.wait(function () return count_messages(juliet) > count / 5; end, 30), "nothing arrives");
	happen();
	loop.join(tasks, 60);
	federation.receive_numbered(juliet, 1, count, 1000, 60);
	federation.receive_numbered(romeo, 1, count, 1000, 60);
	assert(romeo:expect_nothing(0.2, "<message/>") and juliet:expect_nothing(0.1, "<message/>"));
end

-- Packets that the routers have dropped, for any reason.
local function drops(world)
	local sum = 0;
	for _, interface in pairs(world.sandbox:counters()) do
		for _, count in pairs(interface.drops) do
			sum = sum + count;
		end
	end
	return sum;
end

-- All links fail for three seconds by `cut`, in the middle of an exchange.
local function gap(name, cut)
	return harness.test(name, function (world)
		local a, b = federation.pair(world);
		exchange_while(world:user(a, "romeo"), world:user(b, "juliet"), 500, function ()
			world.sandbox:each_link(cut);
			loop.sleep(3);
			world.sandbox:command("heal");
			assert(drops(world) > 0, "nothing was under way");
		end);
		assert(federation.handshakes(a) == 1, "the QUIC connection was given up");
		federation.assert_scion_only(world);
	end);
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

	harness.test("a dial goes on over another path when its first packets vanish", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		world.sandbox:command(("loss %s 100"):format((first_link(world))));
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		assert(federation.say(romeo, juliet, "after", 30));
		federation.assert_scion_only(world);
	end),

	harness.test("a link that is cut under a busy stream: nothing is lost, doubled or out of order", function (world)
		local a, b = federation.pair(world);
		local beginning;
		exchange_while(world:user(a, "romeo"), world:user(b, "juliet"), 500, function ()
			local cut;
			cut, beginning = first_link(world);
			world.sandbox:command(("link %s down"):format(cut));
			world.sandbox:command("reset");
		end);
		local way = assert(world.sandbox:way(A, B));
		assert(not way.path:find(beginning, 1, true), "still over the cut link: " .. way.path);
		federation.assert_scion_only(world);
	end),

	gap("all links down for three seconds under a busy stream", "link %s down"),
	gap("all packets vanish for three seconds under a busy stream", "loss %s 100"),

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
