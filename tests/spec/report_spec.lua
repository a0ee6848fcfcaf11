-- SPDX-License-Identifier: MIT
local worlds = dofile "tests/spec/world.lua";
local report = require "sx.report";
local check = require "sx.check";
local new_backoff = require "sx.backoff".new;

local A, B = "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2";

describe("what the shell shows", function ()
	local world, runtime, conn;

	before_each(function ()
		world = worlds.new();
		local here, there = worlds.recorder(), worlds.recorder();
		local a = world:server(A, "a.example.org", here);
		world:server(B, "b.example.org", there);
		conn = assert(a:dial({ local_name = "a.example.org", remote_name = "b.example.org", address = B, port = 31467,
			alpn = "xmpp-server" }, here));
		world:settle();
		runtime = { driver = a, opened = { address = A, port = 31467 }, backoff = new_backoff(function () return 0.25; end) };
	end);

	it("has a row for each stream over SCION", function ()
		local session = { direction = "outgoing", outgoing = true, from_host = "a.example.org", to_host = "b.example.org" };
		local tcp = { direction = "incoming", from_host = "c.example.org", to_host = "a.example.org" };
		assert.same({ { "a.example.org", "-->", "b.example.org", B, "2.0", "4.0", "0", "dialback", "local" } },
			report.peers(runtime, { [conn] = session, [{}] = tcp }));
		session.incoming = true;
		assert.equal("<->", report.peers(runtime, { [conn] = session })[1][2]);
		session.direction, session.outgoing = "incoming", nil;
		assert.same({ "b.example.org", "<--", "a.example.org" },
			{ (table.unpack or unpack)(report.peers(runtime, { [conn] = session })[1], 1, 3) });
		assert.equal(#report.peer_columns, #report.peers(runtime, { [conn] = session })[1]);
	end);

	it("has the paths to an AS", function ()
		world.network.known_paths["2-ff00:0:211"] = { "one", "two" };
		assert.same({ "one", "two" }, (report.paths(runtime, "2-ff00:0:211")));
		assert.same({ nil, "why" }, { report.paths({ down = "why" }, "2-ff00:0:211") });
	end);

	it("has the state, counters and peers left alone", function ()
		runtime.backoff:failed("b.example.org", "timed out");
		local text = table.concat(report.status(runtime), "\n");
		assert.truthy(text:find("Running at "..A..", UDP port 31467", 1, true));
		assert.truthy(text:find("streams +1"));
		assert.truthy(text:find("No dial to b.example.org for 60 s: timed out", 1, true));
		assert.same({ "off because" }, report.status({ down = "off because" }));
	end);
end);

describe("prosodyctl mod_scion check", function ()
	local printed, env;

	before_each(function ()
		printed = {};
		env = {
			config = { errors = {}, paths = "file:/p.json", address = A };
			core = { version = "0.1.0" };
			hosts = { "a.example.org" };
			certificate_of = function () return {}; end;
			enabled = function () return true; end;
			read = function () return "text"; end;
			decode = function () return { isd_as = "1-ff00:0:111", paths = { { expiry = 50 }, { expiry = 200 }, 5 } }; end;
			now = 100;
			print = function (line) printed[#printed + 1] = line; end;
		};
	end);

	it("is content with a complete server", function ()
		assert.equal(0, check.run(env));
		assert.same({ "ok       core 0.1.0 found", "ok       options are valid",
			"ok       path file /p.json: 3 paths, 1 not expired", "ok       certificates found for 1 hosts",
			"ok       modules are enabled" }, printed);
	end);

	for _, case in ipairs {
		{ "core", function (e) e.core, e.core_missing = nil, "core.so is not installed"; end, "core.so is not installed" },
		{ "options", function (e) e.config.errors = { { text = "option scion.port: found 0" } }; end, "option scion.port" },
		{ "paths option", function (e) e.config.paths = nil; end, "option scion.paths" },
		{ "path file", function (e) e.read = function () return nil, "No such file"; end; end,
			"cannot be read: No such file" },
		{ "JSON", function (e) e.decode = function () return nil; end; end, "is not a JSON object" },
		{ "its AS", function (e) e.config.address = B:gsub("111", "112"); end, "is for AS 1-ff00:0:111" },
		{ "certificate", function (e) e.certificate_of = function () end; end, "a.example.org has no certificate" },
		{ "s2s_scion", function (e) e.enabled = function (_, name) return name ~= "s2s_scion"; end; end, "s2s_scion is not" },
		{ "s2s_bidi", function (e) e.enabled = function (_, name) return name ~= "s2s_bidi"; end; end, "s2s_bidi is not" },
	} do
		it("misses "..case[1], function ()
			case[2](env);
			assert.equal(1, check.run(env));
			local problems = {};
			for _, line in ipairs(printed) do
				problems[#problems + 1] = line:match("^PROBLEM  (.*)");
			end
			assert.equal(1, #problems);
			assert.truthy(problems[1]:find(case[3], 1, true), problems[1]);
		end);
	end
end);
