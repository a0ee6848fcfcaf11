-- SPDX-License-Identifier: MIT
-- The path file changes, breaks and comes back under a running server.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local tap = require "e2e.tap";

local B = federation.address("b.example.org");

-- Both servers with path files that only the test writes, and their contents from the start.
local function pair(world)
	federation.network(world);
	local files, texts = {}, {};
	for _, domain in ipairs({ "a.example.org", "b.example.org" }) do
		files[domain] = ("%s/%s.json"):format(world.folder, domain);
		texts[domain] = process.read_file(world.sandbox:path_file(federation.address(domain):match("^[^,]+")));
		process.write_file(files[domain], texts[domain]);
	end
	local a, b = federation.pair(world, {
		["a.example.org"] = { scion = { paths = "file:" .. files["a.example.org"] } },
		["b.example.org"] = { scion = { paths = "file:" .. files["b.example.org"] } },
	});
	return a, b, files["a.example.org"], texts["a.example.org"];
end

-- Replaces a file in one step, as whoever writes path files has to.
local function replace(file, text)
	process.write_file(file .. ".new", text);
	assert(os.rename(file .. ".new", file));
end

local function paths_to_b(server)
	local output = server:shell(("scion:paths('%s')"):format(B:match("^[^,]+")));
	return assert(tonumber(output:match("(%d+) paths to")), output);
end

-- Files are looked at once a second while there is traffic.
local function talk_until_warned(server, from, to, pattern)
	for number = 1, 20 do
		assert(federation.say(from, to, "still here " .. number, 5));
		if server:wait_log(pattern, 0.3) then
			return;
		end
	end
	assert(server:wait_log(pattern, 0));
end

local function halve(text)
	return text:sub(1, #text // 2);
end

local function move(text)
	return (text:gsub('"isd_as": "1%-ff00:0:113"', '"isd_as": "1-ff00:0"', 1));
end

local function spoil(text)
	return (text:gsub('"raw": "%x%x', '"raw": "xy', 1));
end

local broken = {
	{ "cut short", halve, "line %d+" },
	{ "for an AS that is none", move, "isd_as" },
	{ "with a path that is none", spoil, "raw" },
	{ "empty", function () return ""; end, "line %d+" },
};

tap.run({
	harness.test("a broken path file is refused with its place, and the last good one stays", function (world)
		local a, b, file, text = pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		for _, case in ipairs(broken) do
			a:mark_log();
			replace(file, case[2](text));
			talk_until_warned(a, romeo, juliet, "\twarn\t.*a%.example%.org%.json.*" .. case[3] .. ".*stay in use");
			a:shell("s2s:close('a.example.org', 'b.example.org')");
			assert(federation.say(romeo, juliet, "dialled while it is " .. case[1], 20));
		end
		assert(paths_to_b(a) == 9, "the last good paths are gone");
		federation.assert_scion_only(world);
	end),

	harness.test("a path file that is gone for a while does no harm", function (world)
		local a, b, file, text = pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(os.remove(file));
		assert(romeo:expect_nothing(1.1)); -- until it has been missed
		assert(federation.say(romeo, juliet, "dialled without it", 20));
		replace(file, text);
		assert(federation.say(juliet, romeo, "and back", 5));
		federation.assert_scion_only(world);
	end),

	harness.test("paths that expire are replaced under a live stream", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		world.sandbox:command("write 21596"); -- of the six hours four seconds are left
		assert(federation.say(romeo, juliet, "before", 20));
		local expired = loop.now() + 5;
		world.sandbox:command("write");
		repeat
			assert(federation.say(romeo, juliet, "on and on", 5));
			assert(federation.say(juliet, romeo, "and on", 5));
			loop.sleep(0.2);
		until loop.now() > expired;
		assert(paths_to_b(a) == 9);
		federation.assert_scion_only(world);
		assert(federation.handshakes(a) == 1, "the QUIC connection was made anew");
	end),
});
