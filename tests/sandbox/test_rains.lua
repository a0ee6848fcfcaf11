-- SPDX-License-Identifier: MIT
--- The name server of the tests as a process: over TLS, as a host of a sandbox, told what to do; and sxctl zone, which
-- publishes to it. Prints TAP.
-- usage: LUA_PATH="tests/?.lua;;" lua5.4 test_rains.lua SANDBOX_RAINS SANDBOX SXCTL FOLDER
local control = require "sandbox.control";
local loop = require "e2e.loop";
local process = require "e2e.process";
local socket = require "socket";
local ssl = require "ssl";
local tap = require "e2e.tap";

local program, sandbox, sxctl, folder = arg[1], arg[2], arg[3], arg[4];
local TYPES = { ip4 = 3, deleg = 5, srv = 8, scion = 14 };
local TOKEN = "0123456789abcdef";
local TLS, SCION = "127.79.1.9:55553", "[1-ff00:0:2,127.79.1.9]:31500";
local SECONDS, PAUSE, SILENCE = 5, 0.05, 0.3;
local MOST = 100000; -- bytes of an answer

process.run({ "rm", "-rf", folder });
process.run({ "mkdir", "-p", folder });

local function path(name)
	return folder .. "/" .. name;
end

process.write_file(path("topology.lua"), [[return {
	ases = {
		["1-ff00:0:1"] = { core = true, mtu = 1400, router = "127.79.0.1:31002" };
		["1-ff00:0:2"] = { mtu = 1400, router = "127.79.0.2:31002" };
	};
	links = { { kind = "child", from = "1-ff00:0:1#1", to = "1-ff00:0:2#7", mtu = 1300 } };
}]]);

local EXAMPLE = [[
:Z: example. . [
	:A: xmpp [ :scion: 1-ff00:0:2,[127.79.1.9] ]
	:A: _xmpp-server._udpscion.xmpp [ :srv: xmpp.example. 31467 0 ]
]
]];
process.write_file(path("example.zone"), EXAMPLE);

-- The zone of the root delegates to the key that sxctl makes for the child.
local report = process.run({ sxctl, "zone", path("example.zone"), "--key", path("example.key") });
local delegation = report:match("(:A: example [^\n]+)");
process.write_file(path("root.zone"), ([[
:Z: . . [
	%s
	:A: example [ :redir: ns.example. ]
	:A: ns.example [ :ip4: 127.79.1.9 ]
]
]]):format(delegation));

local ZONES = { "--zone", path("example.zone"), "--key", path("example.key"), "--zone", path("root.zone"),
	"--key", path("root.key") };

local function command_of(...)
	local list = { program, ... };
	table.move(ZONES, 1, #ZONES, #list + 1, list);
	return list;
end

local function wait_until_ready(child)
	local state = loop.wait(function ()
		return child:status() and "ended" or child:output():find("ready\n", 1, true) and "ready";
	end, SECONDS);
	assert(state == "ready", child:output());
	return child;
end

local server = wait_until_ready(process.start(folder, "rains",
	command_of("--run", path("run"), "--tls", TLS, "--scion", SCION)));
local network = wait_until_ready(process.start(folder, "sandbox",
	{ sandbox, "--topology", path("topology.lua"), "--run", path("network") }));
local session = assert(control.connect(path("run/rains.sock")));

local function command(line)
	return assert(session:command(line));
end

-- The query for one type of a name, with all fields that a server wants.
local function query(name, kind)
	local text = ("\x78%c%s"):format(#name, name);
	return "\xda\x00\xe9\x9b\xa8\xa2\x02\x50" .. TOKEN .. "\x17\x81\x82\x05\xa7\x06\x61.\x08" .. text
		.. ("\x0a\x81%c\x0c\x1a"):format(TYPES[kind]) .. (">I4"):pack(os.time() + 60) .. "\x0d\x80\x0e\x00\x11\x00";
end

local function dial()
	local host, port = TLS:match("(.*):(%d+)");
	local connection = assert(socket.connect(host, tonumber(port)));
	connection = assert(ssl.wrap(connection, { mode = "client", protocol = "any", verify = "none" }));
	connection:settimeout(SECONDS);
	assert(connection:dohandshake());
	return connection;
end

-- What comes in one go, its first byte within `seconds`. And "closed", or "timeout".
local function receive(connection, seconds)
	connection:settimeout(seconds or SECONDS);
	local first, problem = connection:receive(1);
	if not first then
		return "", problem;
	end
	connection:settimeout(PAUSE);
	local all, more, part = connection:receive(MOST);
	return first .. (all or part), more;
end

local function ask(name, kind, connection, seconds)
	connection = connection or dial();
	assert(connection:send(query(name, kind)));
	return receive(connection, seconds);
end

local function expect_has(text, part)
	assert(text:find(part, 1, true), ("%q is not in %q"):format(part, text));
end

-- A packet on the path of the client's path file, with a UDP datagram in it.
local function scion_packet(payload, port)
	local raw = process.read_file(path("network/1-ff00_0_1.paths.json")):match('"raw": "(%x+)"');
	local way = raw:gsub("%x%x", function (pair) return string.char(tonumber(pair, 16)); end);
	return (">I4BBI2BBI2"):pack(1, 17, (36 + #way) // 4, 8 + #payload, 1, 0, 0)
		.. (">I2I2I2I2I2I2I2I2"):pack(1, 0xff00, 0, 2, 1, 0xff00, 0, 1)
		.. "\127\79\1\9" .. "\127\79\1\1" .. way .. (">I2I2I2I2"):pack(4001, port, 8 + #payload, 0) .. payload;
end

local host = assert(socket.udp());
assert(host:setsockname("127.79.1.1", 4001));

local function ask_by_scion(name, kind, seconds)
	host:sendto(scion_packet(query(name, kind), 31500), "127.79.0.1", 31002);
	host:settimeout(seconds or SECONDS);
	return host:receive();
end

-- What the client finds, asking a server. `...`: more arguments.
local function resolve(name, server_at, ...)
	local root = process.run({ sxctl, "zone", path("root.zone"), "--key", path("root.key") }):match("ed25519 1 %x+");
	return process.run({ sxctl, "resolve", name, "--order", "rains", "--trace", "--root", root,
		"--server", server_at, ... });
end

-- Commands of sxctl.
local function publish(...)
	return process.run({ sxctl, "zone", path("example.zone"), "--key", path("example.key"), ... });
end

tap.run({
	{ "names are answered over TLS, one connection for many", function ()
		local connection = dial();
		for _ = 1, 3 do
			local answer = ask("xmpp.example.", "scion", connection);
			expect_has(answer, TOKEN);
			expect_has(answer, "\127\79\1\9");
		end
		expect_has(ask("nope.example.", "scion", connection), "_xmpp-server._udpscion.xmpp");
		expect_has(ask("example.", "deleg", connection), "\x67example");
	end };
	{ "two questions in one record, and one in pieces, are answered", function ()
		local connection, both = dial(), query("xmpp.example.", "scion");
		assert(connection:send(both .. both:sub(1, 20)));
		local first = receive(connection);
		expect_has(first, TOKEN);
		assert(connection:send(both:sub(21)));
		assert(receive(connection) == first);
	end };
	{ "it is silent where rainsd is", function ()
		local connection = dial();
		for _, name in ipairs({ "a.b.example.", "elsewhere.", "xmpp.example" }) do
			assert(ask(name, "scion", connection, SILENCE) == "", name);
		end
		expect_has(ask("xmpp.example.", "scion", connection), TOKEN);
	end };
	{ "it hangs up on what is no message", function ()
		for _, junk in ipairs({ "GET / HTTP/1.0\r\n\r\n", "\xda\x00\xe9\x9b\xa8\xa1\x02\x40",
			"\xda\x00\xe9\x9b\xa8\xa1\x02\x5b\x40\0\0\0\0\0\0\0" }) do
			local connection = dial();
			assert(connection:send(junk));
			local _, problem = receive(connection);
			assert(problem == "closed", problem);
		end
	end };
	{ "it answers through the routers, the way the question came", function ()
		local answer = assert(ask_by_scion("xmpp.example.", "scion"));
		expect_has(answer, TOKEN);
		local networks = assert(control.connect(path("network/sandbox.sock")));
		local flows = networks:flows("1-ff00:0:1,127.79.1.1", "1-ff00:0:2,127.79.1.9");
		assert(#flows == 2, #flows);
		assert(flows[1].path ~= flows[2].path);
	end };
	{ "a packet for another port of the host is not answered", function ()
		command("reset");
		host:sendto(scion_packet(query("xmpp.example.", "scion"), 31501), "127.79.0.1", 31002);
		assert(ask_by_scion("xmpp.example.", "scion"));
		expect_has(table.concat(command("counters"), "\n"), "scion 1\n");
	end };
	{ "it tells what it was asked", function ()
		command("reset");
		ask("xmpp.example.", "scion");
		ask("xmpp.example.", "scion");
		ask("xmpp.example.", "ip4");
		local lines = table.concat(command("counters"), "\n");
		for _, line in ipairs({ "connections 3", "tls 3", "scion 0", "queries 3", "answers 3", "silences 0",
			"asked xmpp.example. 14 2", "asked xmpp.example. 3 1" }) do
			expect_has(lines .. "\n", line .. "\n");
		end
	end };
	{ "it is silent, closes, truncates, grows and mixes up on command", function ()
		local whole = #ask("xmpp.example.", "scion");
		command("silence");
		assert(ask("xmpp.example.", "scion", nil, SILENCE) == "");
		assert(ask_by_scion("xmpp.example.", "scion", SILENCE) == nil);
		command("close");
		assert(select(2, ask("xmpp.example.", "scion")) == "closed");
		command("truncated");
		assert(#ask("xmpp.example.", "scion") == whole // 2);
		command("huge");
		assert(#ask("xmpp.example.", "scion") > 65536);
		command("wrong-token");
		expect_has(ask("xmpp.example.", "scion"), TOKEN:sub(2));
		assert(not ask("xmpp.example.", "scion"):find(TOKEN, 1, true));
		command("garbage");
		assert(not ask("xmpp.example.", "scion"):find(TOKEN, 1, true));
		command("heal");
		assert(#ask("xmpp.example.", "scion") == whole);
	end };
	{ "signatures change on command", function ()
		local good = ask("xmpp.example.", "scion");
		command("unsigned");
		assert(#ask("xmpp.example.", "scion") < #good - 64);
		for _, fault in ipairs({ "forged", "expired" }) do
			command(fault);
			local bad = ask("xmpp.example.", "scion");
			assert(#bad == #good and bad ~= good, fault);
		end
		command("heal");
		command("chain on");
		expect_has(ask("xmpp.example.", "scion"), "\x67example\x04\x61.");
		command("heal");
	end };
	{ "a slow answer comes late, over both ways", function ()
		command("slow 200");
		local started, connection = socket.gettime(), dial();
		assert(connection:send(query("xmpp.example.", "scion")));
		receive(connection);
		assert(socket.gettime() - started >= 0.2);
		started = socket.gettime();
		assert(ask_by_scion("xmpp.example.", "scion"));
		assert(socket.gettime() - started >= 0.2);
		command("heal");
	end };
	{ "a slow answer to a connection that is gone harms nobody", function ()
		command("slow 100");
		local connection = dial();
		assert(connection:send(query("xmpp.example.", "scion")));
		connection:close();
		command("heal");
		loop.wait(function () return false; end, 0.2);
		expect_has(ask("xmpp.example.", "scion"), TOKEN);
	end };
	{ "an address changes with its zone file", function ()
		process.write_file(path("changed.zone"), (EXAMPLE:gsub("127%.79%.1%.9", "127.79.1.8")));
		command("zone " .. path("changed.zone"));
		expect_has(ask("xmpp.example.", "scion"), "\127\79\1\8");
		command("zone " .. path("example.zone"));
		expect_has(ask("xmpp.example.", "scion"), "\127\79\1\9");
	end };
	{ "wrong commands are refused", function ()
		for line, problem in pairs({
			[""] = '"": there is no such command, see help';
			fly = '"fly": there is no such command, see help';
			slow = '"slow": wrong number of arguments, see help';
			["silence now"] = '"silence now": wrong number of arguments, see help';
			["slow x"] = '"x": must be milliseconds from 0 to 60000';
			["slow 60001"] = '"60001": must be milliseconds from 0 to 60000';
			["chain maybe"] = '"maybe": must be on or off';
			["zone /nonexistent"] = '"zone": /nonexistent: not found';
			["zone " .. path("topology.lua")] = ('"zone": %s: line 1: found "return", expected the zone first: '
				.. '":Z: example. . ["'):format(path("topology.lua"));
		}) do
			local _, found = session:command(line);
			assert(found == problem, found);
		end
		expect_has(table.concat(command("help"), "\n"), "wrong-token");
	end };
	{ "a client asks its way from the servers of the root to those of the zone", function ()
		local servers = {};
		local function serve(at, ...)
			local number = #servers + 1;
			servers[number] = wait_until_ready(process.start(folder, "authority" .. number,
				{ program, "--run", path("authority" .. number), "--tls", at, ... }));
		end
		process.write_file(path("way.zone"), ([[
:Z: . . [
	%s
	:A: example [ :redir: _rains._tcp.ns.example. ]
	:A: _rains._tcp.ns.example [ :srv: ns1.example. 55002 0 ]
	:A: ns1.example [ :ip4: 127.79.1.11 ]
]
]]):format(delegation));
		serve("127.79.1.10:55001", "--zone", path("way.zone"), "--key", path("root.key"));
		serve("127.79.1.11:55002", "--zone", path("example.zone"), "--key", path("example.key"));
		local found, ok = resolve("xmpp.example", "127.79.1.10:55001");
		assert(ok, found);
		expect_has(found, "127.79.1.10:55001: refers to the servers of zone example.");
		expect_has(found, "127.79.1.11:55002: xmpp.example. scion: signed by zone example.");
		for _, child in ipairs(servers) do
			child:stop();
		end
	end };
	{ "sxctl publishes and sees each name", function ()
		process.write_file(path("new.zone"), (EXAMPLE:gsub("xmpp %[", "chat [")));
		local text, ok = process.run({ sxctl, "zone", path("new.zone"), "--key", path("example.key"), "--publish", TLS });
		assert(ok, text);
		expect_has(text, "published to " .. TLS .. ", 2 of 2 names seen after 0.");
		expect_has(text, "seen: chat.example.");
		expect_has(ask("chat.example.", "scion"), "\127\79\1\9");
		command("zone " .. path("example.zone"));
	end };
	{ "sxctl says which names were not seen", function ()
		command("silence");
		local pipe = io.popen(process.words({ sxctl, "zone", path("example.zone"), "--key", path("example.key"),
			"--publish", TLS, "--json" }) .. " 2>/dev/null");
		local text = pipe:read("a");
		local _, _, status = pipe:close();
		assert(status == 3, status);
		expect_has(text, '"not_seen": [\n      "_xmpp-server._udpscion.xmpp.example.",\n      "xmpp.example."\n    ]');
		command("heal");
	end };
	{ "sxctl goes on when the server hangs up", function ()
		command("close");
		local child = process.start(folder, "sxctl", { sxctl, "zone", path("example.zone"), "--key", path("example.key"),
			"--publish", TLS });
		loop.wait(function () return table.concat(command("counters"), " "):match("asked xmpp"); end, SECONDS);
		command("heal");
		loop.wait(function () return child:status(); end, SECONDS);
		assert(child:status() == 0, child:output());
		expect_has(child:output(), "2 of 2 names seen");
	end };
	{ "sxctl speaks to the operator when it cannot", function ()
		process.write_file(path("bad.key"), "ed25519 1 00\n");
		process.run({ "chmod", "600", path("bad.key") });
		for _, row in ipairs({
			{ { "zone" }, "zone needs one FILE, --key K" };
			{ { "zone", path("example.zone") }, "zone needs one FILE, --key K" };
			{ { "zone", path("none"), "--key", path("example.key") }, path("none") .. ": there is no such file" };
			{ { "zone", path("topology.lua"), "--key", path("example.key") }, "line 1: found \"return\"" };
			{ { "zone", path("example.zone"), "--key", path("bad.key") }, "line 1: expected a seed of 64 hex digits" };
			{ { "zone", path("example.zone"), "--key", path("example.key"), "--phase", "2" }, "expected 2" };
			{ { "zone", path("example.zone"), "--key", path("example.key"), "--valid", "0" }, "a --valid above 0" };
			{ { "zone", path("example.zone"), "--key", path("example.key"), "--valid", "1x" }, "found \"1x\"" };
			{ { "zone", path("example.zone"), "--key", path("example.key"), "--out", path("no/where") }, path("no/where") };
			{ { "zone", path("example.zone"), "--key", path("example.key"), "--publish", "127.79.1.9:1" },
				"not published to 127.79.1.9:1: the server refuses connections; is it running?" };
			{ { "resolve", "a.example", "--server", TLS }, "sxctl: --root: found none" };
			{ { "resolve", "a.example", "--order", "mdns" }, "sxctl: --order: found \"mdns\"" };
			{ { "resolve", "a.example", "--dns", "one.one" }, "sxctl: --dns: found \"one.one\"" };
			{ { "fly" }, 'there is no command "fly"' };
		}) do
			local text, ok = process.run({ sxctl, table.unpack(row[1]) });
			assert(not ok, text);
			expect_has(text, row[2]);
		end
		expect_has(process.run({ sxctl }), "zone       signs a zone file of RAINS, and publishes it");
		expect_has(process.run({ sxctl, "zone", "--help" }), "--publish SERVER");
	end };
	{ "sxctl warns of what expires soon and of what nobody answers", function ()
		process.write_file(path("odd.zone"), ":Z: example. . [ :A: @ [ :regr: us ] ]");
		local text = process.run({ sxctl, "zone", path("odd.zone"), "--key", path("example.key"), "--valid", "3600" });
		expect_has(text, "warning: example. is to be signed again soon: it expires at 20");
		expect_has(text, "warning: line 1: servers do not answer for \"@\"");
		process.write_file(path("old.zone"), ":Z: a. . [ :A: b [ :regr: us ] ( :sig: :ed25519: :rains: 1 1 2 ) ]");
		text = process.run({ sxctl, "zone", path("old.zone"), "--key", path("example.key") });
		expect_has(text, "warning: b.a. is believed by nobody: it expired at 1970-01-01 00:00:02Z");
		assert(not publish():find("warning", 1, true));
	end };
	{ "sxctl writes the message to a file", function ()
		local text = publish("--out", path("message"));
		assert(#process.read_file(path("message")) == tonumber(text:match("\n(%d+) bytes\n")));
	end };
	{ "wrong arguments are refused", function ()
		for _, row in ipairs({
			{ {}, "needs --run FOLDER" };
			{ { "--tls", "here" }, '--tls: found "here", expected HOST:PORT' };
			{ { "--scion", "1-1,CS" }, '--scion: found "1-1,CS", expected [ISD-AS,HOST]:PORT' };
			{ { "--valid", "-1" }, '--valid: found "-1", expected seconds' };
			{ { "--run", path("second"), "--tls", TLS, "--zone", path("root.zone"), "--key", path("root.key") },
				"--tls: Address already in use" };
			{ { "--run", path("second"), "--tls", TLS, "--zone", path("topology.lua"), "--key", path("root.key") },
				'line 1: found "return"' };
		}) do
			local text, ok = process.run({ program, table.unpack(row[1]) });
			assert(not ok, text);
			expect_has(text, row[2]);
		end
		expect_has(process.run({ program, "--help" }), "wrong-token");
	end };
	{ "quit ends it, with nothing to complain about", function ()
		command("quit");
		loop.wait(function () return server:status(); end, SECONDS);
		assert(server:status() == 0, server:status());
		assert(server:output() == "ready\n", server:output());
		assert(network:stop() == 0);
	end };
});
