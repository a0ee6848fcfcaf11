-- SPDX-License-Identifier: MIT
-- The test client itself, against one stock server: what it can do, and that it tells when something is wrong.
local client = require "e2e.client";
local harness = require "e2e.harness";
local process = require "e2e.process";
local scansion = require "e2e.scansion";
local tap = require "e2e.tap";

local function server_in(world)
	local server = world:server({ domain = "a.example.org" });
	assert(server:start());
	return server;
end

tap.run({
	harness.test("a script is played", function (world)
		local server = server_in(world);
		local text = process.read_file(process.HERE .. "/ping.scs");
		assert(scansion.play(assert(scansion.parse(text)), { host = "127.0.0.1", port = server.c2s_port }));
		local ok, err = scansion.play(assert(scansion.parse((text:gsub("type='result'", "type='error'")))),
			{ host = "127.0.0.1", port = server.c2s_port });
		assert(not ok and err:find("^line 19: .*expected.*<iq.*received:.*type='result'"), err);
	end),

	harness.test("scripts are played from the command line", function (world)
		local server = server_in(world);
		local function play(...)
			return process.run({ "lua5.4", process.HERE .. "/play.lua", "127.0.0.1", ("%d"):format(server.c2s_port), ... });
		end
		local output, ok = play(process.HERE .. "/ping.scs");
		assert(ok and output:find("^1%.%.1\nok 1 %- "), output);
		output, ok = play("/nowhere.scs");
		assert(not ok and output:find("not ok 1") and output:find("/nowhere.scs: No such file", 1, true), output);
		output, ok = play();
		assert(not ok and output:find("^usage: "), output);
	end),

	harness.test("login with TLS, checked against an authority", function (world)
		local server = server_in(world);
		local user = world:user(server, "romeo", { tls = true, cafile = world.authority.certificate });
		assert(user:request("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>"));
		local refused, err = client.connect({ jid = "romeo@a.example.org", password = "secret", host = "127.0.0.1",
			port = server.c2s_port, cafile = "/etc/ssl/certs/ca-certificates.crt" });
		assert(not refused and err:find("certificate verify failed"), err);
	end),

	harness.test("200 users at once", function (world)
		local server = server_in(world);
		local numbers, users = {}, {};
		for i = 1, 200 do
			numbers[i] = i;
		end
		client.each(numbers, function (i) users[i] = world:user(server, "user" .. i); end, 60);
		client.each(users, function (user, i)
			user:send(("<message to='%s'><body>%d</body></message>"):format(users[i % 200 + 1].full_jid, i));
			local before = (i - 2) % 200 + 1;
			assert(user:expect(("<message from='%s'><body>%d</body></message>"):format(users[before].full_jid, before), 30));
		end, 60);
	end),

	harness.test("broken XML is sent as it is", function (world)
		local user = world:user(server_in(world), "romeo");
		user:send("<message><body></message>");
		assert(user:expect("<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", 5));
		local none, why = user:expect("<message/>", 5);
		assert(not none and why:find("the server closed the stream"), why);
	end),

	harness.test("an unexpected stanza and a deadline are reported", function (world)
		local user = world:user(server_in(world), "romeo");
		user:send(("<message to='%s'><body>me</body></message>"):format(user.full_jid));
		local found, err = user:expect("<presence/>", 0.3);
		assert(not found and err:find("expected\n  <presence/>\nbut timeout; received:\n  <message.*<body>me</body>"), err);
		found, err = user:expect_nothing(0.1);
		assert(not found and err:find("<body>me</body>"), err);
		assert(user:expect_nothing(0.1));
	end),

	harness.test("errors in a server's log fail a test", function (world)
		local server = world:server({ domain = "a.example.org", options = { modules_enabled = { "no_such_module" } } });
		assert(server:start());
		local faults = server:faults({});
		assert(#faults > 0 and faults[1]:find("no_such_module"), table.concat(faults));
		world:expect_fault("no_such_module");
	end),
});
