-- SPDX-License-Identifier: MIT
-- What an operator types: prosodyctl mod_scion check, the shell's scion commands, an installed tree.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local process = require "e2e.process";
local tap = require "e2e.tap";

local PRELOAD = os.getenv("SX_PRELOAD") or ""; -- for sanitizers
local A, B = federation.address("a.example.org"), federation.address("b.example.org");

-- `prosodyctl mod_scion WORDS...` without the variable that leads tests to the core.
local function control(server, ...)
	server:write_config();
	return process.run({ "env", "-u", "SX_CORE", "LD_PRELOAD=" .. PRELOAD, "prosodyctl", "--config", server.config_file,
		"mod_scion", ... });
end

local function check(server)
	return control(server, "check");
end

local function installed_plugins(world)
	local folder = world.folder .. "/installed";
	local output, ok = process.run({ "env", "DESTDIR=" .. folder, "meson", "install", "--no-rebuild", "-C",
		harness.BUILD });
	assert(ok, output);
	local found = process.run({ "find", folder, "-name", "plugins" }):gsub("\n$", "");
	assert(found:find("/share/prosody%-scion/lua/plugins$"), found);
	return found;
end

tap.run({
	harness.test("check finds a good server complete", function (world)
		federation.network(world);
		local output, ok = check(federation.server(world, { domain = "a.example.org" }));
		assert(ok, output);
		assert(output:find("ok +core %d") and output:find("ok +options are valid"), output);
		assert(output:find("ok +path file %S+: %d+ paths, %d+ not expired"), output);
		assert(not output:find("PROBLEM"), output);
	end),

	harness.test("check names each problem and fails", function (world)
		federation.network(world);
		local wrong = { port = "x", paths = "file:/nowhere" };
		local output, ok = check(federation.server(world, { domain = "a.example.org", scion = wrong }));
		assert(not ok, output);
		assert(output:find("PROBLEM +option scion%.port: found \"x\", expected an integer"), output);
		assert(output:find("PROBLEM +path file /nowhere cannot be read"), output);
	end),

	harness.test("resolve looks a name up as the server would", function (world)
		federation.network(world);
		local server = federation.server(world, { domain = "a.example.org" });
		local output, ok = control(server, "resolve", "b.example.org", "--trace");
		assert(ok and output:find(B, 1, true) and output:find("found by static", 1, true), output);
		output, ok = control(server, "resolve", "x.example.org");
		assert(not ok and output:find("nothing found (static: not listed; hosts: not listed)", 1, true), output);
		output, ok = control(server, "resolve");
		assert(not ok and output:find("needs one NAME", 1, true), output);
		output, ok = control(server, "solve");
		assert(not ok and output:find("Usage: prosodyctl mod_scion check", 1, true), output);
	end),

	harness.test("an installed tree finds its core", function (world)
		federation.network(world);
		local plugins = installed_plugins(world);
		local output, ok = check(federation.server(world, {
			domain = "a.example.org", options = { plugin_paths = { plugins } },
		}));
		assert(ok and output:find("ok +core %d"), output);
	end),

	harness.test("the shell shows peers, paths and status", function (world)
		local a, b = federation.pair(world);
		assert(federation.say(world:user(a, "romeo"), world:user(b, "juliet"), "hello"));
		local peers = a:shell("scion:peers()");
		assert(peers:find(B, 1, true) and peers:find("<->", 1, true) and peers:find("OK: 1 streams"), peers);
		local paths = a:shell(("scion:paths('%s')"):format(B:match("^[^,]+")));
		local count = tonumber(paths:match("(%d+) paths to"));
		assert(count and count >= 4, paths);
		local status = a:shell("scion:status()");
		assert(status:find("Running at " .. A, 1, true) and status:find("handshakes +1"), status);
		local listed = a:shell("s2s:show(nil, 'host remote scion_remote scion_path')");
		assert(listed:find(B:sub(1, 16), 1, true), listed); -- Prosody cuts columns of others to 20 characters
		local nowhere = a:shell("scion:paths('9-ff00:0:999')");
		assert(nowhere:find("0 paths to 9-ff00:0:999", 1, true), nowhere);
		local nonsense = a:shell("scion:paths('hello')");
		assert(nonsense:find("\"hello\" is no AS", 1, true), nonsense);
		local missing = a:shell("scion:paths()");
		assert(missing:find("name an AS", 1, true), missing);
	end),
});
