-- SPDX-License-Identifier: MIT
-- Wrong options: Prosody runs, says what is wrong in one line, and never falls back below what was asked for.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local tap = require "e2e.tap";

local function error_lines(server)
	local lines = {};
	for line in server:log():gmatch("[^\n]+") do
		if line:find("\terror\t", 1, true) then
			lines[#lines + 1] = line;
		end
	end
	return lines;
end

-- b is well; a has `changes` in its `scion` table and must log one error, which fits `line`.
local function wrong(name, changes, line, check)
	return harness.test(name, function (world)
		federation.network(world);
		world:expect_fault(line);
		local a = federation.server(world, { domain = "a.example.org", scion = changes });
		local b = federation.server(world, { domain = "b.example.org", scion = { policy = "prefer" } });
		world:publish(a);
		world:publish(b);
		assert(a:start());
		assert(b:start());
		assert(a:wait_log(line, 5));
		local errors = error_lines(a);
		assert(#errors == 1, ("expected one line, found:\n%s"):format(table.concat(errors, "\n")));
		check(world, world:user(a, "romeo"), world:user(b, "juliet"));
	end);
end

local function talks_over_tcp(world, romeo, juliet)
	assert(federation.say(romeo, juliet, "hello", 20));
	assert(world.dns:asked("b.example.org") > 0);
end

local function bounces(word)
	return function (world, romeo, juliet)
		local text = federation.bounce(romeo, juliet.full_jid, 20);
		assert(text:find(word, 1, true), "the bounce does not name the option: " .. text);
		assert(world.dns:asked("b.example.org") == 0);
	end;
end

local peers = { ["b.example.org"] = { address = { federation.address("b.example.org") } } };

tap.run({
	wrong("an unknown option names the nearest known one", { policy = "prefer", adress = "x" },
		"scion%.adress.*address", talks_over_tcp),
	wrong("an address that is none", { policy = "prefer", address = "hello" }, "scion%.address.*hello", talks_over_tcp),
	wrong("a port out of range", { policy = "prefer", port = 70000 }, "scion%.port.*70000", talks_over_tcp),
	wrong("a peer read as require bounces while the rest is wrong",
		{ policy = "prefer", port = "x", peers = { ["b.example.org"] = { policy = "require",
			address = peers["b.example.org"].address } } }, "scion%.port", bounces("port")),
	wrong("a policy that cannot be read stops all stock transports", { policy = "sometimes" },
		"scion%.policy.*sometimes", bounces("policy")),
	wrong("peers that cannot be read stop all stock transports", { peers = "b.example.org" },
		"scion%.peers", bounces("peers")),
});
