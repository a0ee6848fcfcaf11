-- SPDX-License-Identifier: MIT
-- The examples of README.md in this folder, as they stand there but for the ports, between two stock servers over TCP.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local tap = require "e2e.tap";

local README = process.read_file(process.HERE .. "/README.md");

-- The fenced block that contains `word`, with the ports of our servers.
local function example(word, a, b)
	for block in README:gmatch("\n```%a*\n(.-\n)```") do
		if block:find(word, 1, true) then
			return (block:gsub("15222", ("%d"):format(a.c2s_port)):gsub("15322", ("%d"):format(b.c2s_port)));
		end
	end
	error("README.md has no example with " .. word);
end

local function two_servers(world)
	local a, b = world:server({ domain = "a.example.org" }), world:server({ domain = "b.example.org" });
	world:publish(a);
	world:publish(b);
	assert(a:start());
	assert(b:start());
	return a, b;
end

-- Runs a program of ours to its end, while users here go on.
local function run(world, name, ...)
	local path = ("LUA_PATH=%s/tests/?.lua;;"):format(harness.ROOT);
	local child = process.start(world.folder, name, { "env", path, "lua5.4", ... });
	local status = loop.wait(function () return child:status(); end, 60);
	assert(status == 0, child:output());
	return child:output();
end

tap.run({
	harness.test("a client of yours", function (world)
		local a, b = two_servers(world);
		process.write_file(world.folder .. "/mimic.lua", example("-- mimic.lua", a, b));
		local juliet = world:user(b, "juliet");
		juliet:send("<presence/>");
		local answered = loop.spawn(function ()
			local message = assert(juliet:expect("<message id='m1'><body>Lady</body></message>", 30));
			juliet:send(("<message to='%s' type='chat'><received xmlns='urn:xmpp:receipts' id='m1'/></message>")
				:format(message.attr.from));
			assert(juliet:expect("<message><body>still here</body></message>", 30));
		end);
		local output = run(world, "mimic", world.folder .. "/mimic.lua");
		assert(output:find("read by " .. juliet.full_jid, 1, true), output);
		loop.join({ answered }, 30);
	end),

	harness.test("the first steps", function (world)
		local a, b = two_servers(world);
		process.write_file(world.folder .. "/first.lua", example("romeo:close();", a, b));
		local juliet = world:user(b, "juliet");
		juliet:send("<presence/>");
		local answered = loop.spawn(function ()
			local message = assert(juliet:expect("<message><body>Lady</body></message>", 30));
			juliet:send(("<message to='%s'><body>Speak</body></message>"):format(message.attr.from));
		end);
		run(world, "first", world.folder .. "/first.lua");
		loop.join({ answered }, 30);
	end),

	harness.test("the script", function (world)
		local a, b = two_servers(world);
		local script = world.folder .. "/script.scs";
		process.write_file(script, example("# Who pings whom", a, b));
		run(world, "play", process.HERE .. "/play.lua", "127.0.0.1", ("%d"):format(a.c2s_port), script);
	end),
});
