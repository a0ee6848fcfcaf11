-- SPDX-License-Identifier: MIT
-- demo: what module/try.sh shows: a conversation between two servers over SCION, a group call of three in a room on a
-- fourth, and the ways that the packets took.
local socket = require "socket";
local client = require "e2e.client";
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local rains = require "e2e.rains";
local meeting = require "try.meeting";

local FIRST_PORT = tonumber(os.getenv("TRY_PORT") or 15222);
local PASSWORD = "secret";
local PEOPLE = { ["a.example.org"] = "romeo", ["b.example.org"] = "juliet", ["c.example.org"] = "mercutio" };
local ROOM = "balcony@" .. federation.ROOMS;

local function say(text, ...)
	print(text:format(...));
	io.stdout:flush();
end

local function fail(text, ...)
	error({ demo = text:format(...) }, 0);
end

local function check_ports()
	for port = FIRST_PORT, FIRST_PORT + #federation.FOUR - 1 do
		local listener = socket.bind("127.0.0.1", port);
		if not listener then
			fail("Port %d is taken. Is this running in another window? Else choose others: TRY_PORT=%d sh module/try.sh",
				port, FIRST_PORT + 1000);
		end
		listener:close();
	end
end

-- A server that knows no peer: names and proofs come from RAINS, no certificate authority is asked.
local function description(index, domain)
	local rooms = domain == "d.example.org" and federation.rooms() or {};
	return {
		c2s_port = FIRST_PORT + index - 1, hosts = rooms.hosts, certificate = rooms.certificate,
		options = { s2s_ports = {}, authentication = "internal_hashed" },
		scion = { peers = {}, trust = "rains" },
	};
end

local function start_servers(world)
	say("Starting a SCION network of two ISDs, a RAINS server, and four Prosody servers ...");
	local descriptions = {};
	for i, domain in ipairs(federation.FOUR) do
		descriptions[domain] = description(i, domain);
	end
	local started, servers = pcall(federation.start, world, federation.FOUR, descriptions, function (list)
		rains.serve(world, list);
	end);
	if not started then
		fail("%s", (tostring(servers):gsub("^%S+:%d+: ", "")));
	end
	for _, server in ipairs(servers) do
		local person = PEOPLE[server.domain];
		if person then
			server:register(person, PASSWORD);
		end
		say("  %s  at %-26s %-9s %s", server.domain, federation.address(server.domain),
			server:log():match("Prosody version ([^\n]+)") or "", person or "has the rooms: " .. federation.ROOMS);
	end
	return table.unpack(servers);
end

local function log_in(server)
	return assert(client.connect({
		jid = ("%s@%s"):format(PEOPLE[server.domain], server.domain), password = PASSWORD,
		host = "127.0.0.1", port = server.c2s_port,
	}));
end

-- Shows one line of the conversation and how long `exchange` took.
local function line(from, to, what, exchange)
	local begin = loop.now();
	assert(exchange());
	say("  %-20s -> %-20s %-44s %8.1f ms", from.jid, to.jid or to, what, (loop.now() - begin) * 1000);
end

local function message(from, to, text)
	line(from, to, ("message: %s"):format(text), function () return federation.say(from, to, text); end);
end

local function presence(from, to, status)
	line(from, to, ("presence: %s"):format(status), function ()
		from:send(("<presence to='%s'><status>%s</status></presence>"):format(to.full_jid, status));
		return to:expect(("<presence from='%s'><status>%s</status></presence>"):format(from.full_jid, status));
	end);
end

local function ping(from, domain)
	line(from, domain, "ping (there and back)", function ()
		local answer, err = from:request(federation.PING:format(domain));
		return answer and answer.attr.type == "result", err;
	end);
end

local function converse(romeo, juliet, a, b)
	say("\nThe conversation (the first line includes the QUIC handshake and the login of the servers):");
	message(romeo, juliet, "Lady, by yonder blessed moon I swear");
	message(juliet, romeo, "O, swear not by the moon");
	presence(romeo, juliet, "in the orchard");
	presence(juliet, romeo, "at the window");
	ping(romeo, b.domain);
	ping(juliet, a.domain);
end

-- One line for each link: where packets left an AS and entered the next. Our routers' path texts are like
-- "1-ff00:0:113 4>4 1-ff00:0:110 2>1 1-ff00:0:111"; the transport writes "1-ff00:0:113#4 > 1-ff00:0:110#4,2 > ...".
local function show_path(from, to, way)
	say("\n  %s to %s%s", from, to,
		way.packets and (": %d packets, %d bytes"):format(way.packets, way.bytes) or "");
	local path = way.path:gsub("#(%d+) > (%S+)#(%d+)", " %1>%3 %2"):gsub(",(%d+) > (%S+)#(%d+)", " %1>%3 %2");
	local here, rest = path:match("^(%S+) (.*)$");
	for out, into, there in (rest or ""):gmatch("(%d+)>(%d+) (%S+)") do
		say("    %-14s  interface %3s  ->  interface %3s  %s", here, out, into, there);
		here = there;
	end
	if here ~= federation.address(to):match("^[^,]+") then
		fail("this is no path to %s: %s", to, way.path);
	end
end

-- The ways between servers, each way both ways.
local function show_ways(world, pairs_of_servers)
	local manner = world.sandbox.way and "as the routers counted them" or "as the senders have it";
	say("\nThe way of the packets, %s:", manner);
	for _, pair in ipairs(pairs_of_servers) do
		for _, direction in ipairs({ { pair[1], pair[2] }, { pair[2], pair[1] } }) do
			local from, to = table.unpack(direction);
			local way = federation.way(world, from, to);
			if not way then
				fail("there were no packets from %s to %s", from.domain, to.domain);
			end
			show_path(from.domain, to.domain, way);
		end
	end
end

local function show_paths(a, b)
	local output = a:shell(("scion:paths('%s')"):format(federation.address(b.domain):match("^[^,]+")));
	say("\n  Paths from %s to %s:\n%s", a.domain, b.domain, (output:gsub("\nOK: .*", ""):gsub("%f[^\n%z]", "    ")));
end

local function show_figures(a)
	local output = a:shell("scion:peers()");
	local rtt, handshake = output:match("%s(%d+%.%d)%s*|%s*(%d+%.%d)%s*|");
	if not rtt then
		fail("the server does not report a stream over SCION:\n%s", output);
	end
	say("\n  %-28s %8s ms", "QUIC handshake", handshake);
	say("  %-28s %8s ms", "round trip, as QUIC has it", rtt);
end

-- Both servers must have found each other by RAINS, and proven each other's certificate by it.
local function show_names(a, b)
	a:shell("scion:flush()");
	local output = a:shell(("scion:resolve('%s')"):format(b.domain));
	if not output:find("from rains", 1, true) then
		fail("%s was not found by RAINS:\n%s", b.domain, output);
	end
	say("\nHow %s finds %s, from the root key of RAINS down:\n%s", a.domain, b.domain,
		(output:gsub("\nResult: .*", ""):gsub("\nOK: .*", ""):gsub("%f[^\n%z]", "    ")));
end

-- Every stream of every server must have been proven by RAINS.
local function show_proofs(servers)
	for _, server in ipairs(servers) do
		local output = server:shell("scion:peers()");
		local _, streams = output:gsub("%d+%-%S+#%d+ > ", "");
		local _, proven = output:gsub("| rains ", "");
		if proven == 0 or proven < streams then
			fail("%s has not proven its peers by RAINS:\n%s", server.domain, output);
		end
	end
	say("\n  All have proven each other's certificates by RAINS; no certificate authority was asked.");
end

local function check(world, hub)
	federation.assert_scion_only(world, hub);
	say("  No DNS query and no TCP connection between the servers: all of it went over SCION.");
end

-- Three users on three servers in three ASes meet in a room on a fourth.
local function show_call(users)
	say("\nA group call in %s (the first contact of each server with the rooms included):", ROOM);
	local ok, err = pcall(meeting.hold, users, ROOM, say);
	if not ok then
		fail("the call did not come about: %s", tostring(err));
	end
	say("\n  All of them see what they should: %d people, and a session for each two of them.", #users);
end

local function wait_for_interrupt(world)
	say("\nLog in yourself with any XMPP client (no TLS needed; its certificate authority is %s):",
		world.authority.certificate);
	for _, server in ipairs(world.servers) do
		if PEOPLE[server.domain] then
			say("  %s@%s  password %s  server 127.0.0.1 port %d", PEOPLE[server.domain], server.domain, PASSWORD,
				server.c2s_port);
		end
	end
	say("and meet in a room of %s, for example %s.", federation.ROOMS, ROOM);
	if world.sandbox.way then
		say("Cut a link or make it lossy:  echo help | nc -NU %s/sandbox.sock", world.sandbox.folder);
	end
	say("Logs and configurations: %s\nEnd with ^C.", world.folder);
	while true do
		loop.sleep(0.5);
		for _, server in ipairs(world.servers) do
			if server.child:status() then
				fail("%s has ended; see %s", server.domain, server.log_file);
			end
		end
	end
end

local function run(world, once)
	local a, b, c, d = start_servers(world);
	local users = { log_in(a), log_in(b), log_in(c) };
	converse(users[1], users[2], a, b);
	show_ways(world, { { a, b } });
	show_paths(a, b);
	show_names(a, b);
	show_figures(a);
	show_call(users);
	show_ways(world, { { a, d }, { b, d }, { c, d } });
	show_proofs(world.servers);
	check(world, d);
	for _, user in ipairs(users) do
		user:close();
	end
	if not once then
		wait_for_interrupt(world);
	end
end

local function explain(err)
	if type(err) == "table" and err.demo then
		return err.demo;
	elseif tostring(err):find("interrupted!", 1, true) then
		return "interrupted";
	end
	return debug.traceback(tostring(err), 2);
end

-- What the servers had to say, for the one who has to mend it.
local function complaints(world)
	local lines = {};
	for _, server in ipairs(world and world.servers or {}) do
		for logged in server:log():gmatch("[^\n]+") do
			if logged:find("\twarn\t", 1, true) or logged:find("\terror\t", 1, true) then
				lines[#lines + 1] = ("  %s: %s\n"):format(server.domain, logged);
			end
		end
		lines[#lines + 1] = ("  %s: all of its log is in %s\n"):format(server.domain, server.log_file);
	end
	return table.concat(lines);
end

local function main()
	local world;
	local ok, err = xpcall(function ()
		check_ports();
		world = harness.new(harness.BUILD .. "/try/run");
		run(world, arg[1] == "--once");
	end, explain);
	local stopped, fault = true, nil;
	if world then
		stopped, fault = pcall(world.stop, world);
	end
	if err == "interrupted" then
		say("\nEnded.");
	elseif not ok then
		io.stderr:write("\nIt did not work: ", err, "\n", complaints(world));
	elseif not stopped then
		io.stderr:write("\nIt did not end well: ", tostring(fault), "\n");
	end
	return (ok or err == "interrupted") and stopped;
end

os.exit(main(), true);
