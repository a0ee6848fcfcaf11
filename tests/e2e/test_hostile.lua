-- SPDX-License-Identifier: MIT
-- Garbage from the network and from peers does not disturb a conversation.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local hostile = require "e2e.hostile";
local loop = require "e2e.loop";
local tap = require "e2e.tap";

local A, B = federation.address("a.example.org"), federation.address("b.example.org");
local NEIGHBOUR = "1-ff00:0:113,127.3.4.99"; -- in the AS of a
-- ASan keeps for a while what is freed.
local GROWTH = os.getenv("SX_PRELOAD") and math.huge or 2048; -- kB
local FAR = "2-ff00:0:211,127.3.7.99"; -- in that of b

local function host_of(address)
	return address:match(",(.*)$");
end

local function counter(server, name)
	local output = server:shell("scion:status()");
	return assert(tonumber(output:match(name .. "%s+(%d+)")), output);
end

local function memory_of(server)
	local status = assert(io.open(("/proc/%d/status"):format(server.child.pid)));
	local text = status:read("a");
	status:close();
	return tonumber(text:match("VmRSS:%s+(%d+) kB"));
end

-- The conversation goes on while `throw(round)` is called again and again.
local function talk_meanwhile(romeo, juliet, rounds, throw)
	for round = 1, rounds do
		throw(round);
		assert(federation.say(romeo, juliet, "hello " .. round, 5));
		assert(federation.say(juliet, romeo, "hello back " .. round, 5));
	end
end

tap.run({
	harness.test("noise, broken SCION and broken QUIC at a server's port are dropped and counted", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		local udp, rows = hostile.socket(host_of(NEIGHBOUR)), hostile.datagrams(NEIGHBOUR, A);
		talk_meanwhile(romeo, juliet, 5, function ()
			for _, row in ipairs(rows) do
				assert(udp:sendto(row[2], host_of(A), hostile.PORT), row[1]);
				loop.sleep(0); -- both servers keep their turn
			end
		end);
		udp:close();
		local dropped = counter(a, "dropped_scion") + counter(a, "dropped_quic");
		assert(dropped > 4 * #rows, ("%d of %d were counted"):format(dropped, 5 * #rows));
		assert(federation.handshakes(a) == 1, "the conversation needed another connection");
		federation.assert_scion_only(world);
	end),

	harness.test("broken QUIC that comes over routers in the peer's name is dropped", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		local udp = hostile.socket(host_of(FAR));
		local raw, router, port = hostile.path(world.sandbox:path_file(B:match("^[^,]+")), A:match("^[^,]+"));
		local before = counter(a, "dropped_quic");
		talk_meanwhile(romeo, juliet, 20, function ()
			for _, from in ipairs({ B, FAR }) do
				for _, data in ipairs(hostile.like_quic()) do
					assert(udp:sendto(hostile.packet(from, A, raw, data), router, port));
				end
			end
		end);
		udp:close();
		assert(counter(a, "dropped_quic") - before > 100, "nothing arrived");
		assert(federation.handshakes(a) == 1, "the conversation needed another connection");
		federation.assert_scion_only(world);
	end),

	harness.test("routers survive noise, and a server's memory stays flat", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		local udp, rows = hostile.socket(host_of(NEIGHBOUR)), hostile.datagrams(NEIGHBOUR, A);
		local _, router, port = hostile.path(world.sandbox:path_file(A:match("^[^,]+")), B:match("^[^,]+"));
		local early;
		talk_meanwhile(romeo, juliet, 30, function (round)
			early = round == 10 and memory_of(a) or early;
			for _, row in ipairs(rows) do
				assert(udp:sendto(row[2], router, port));
				assert(udp:sendto(row[2], host_of(A), hostile.PORT));
			end
		end);
		udp:close();
		local grown = memory_of(a) - early;
		assert(grown < GROWTH, ("%d kB more after 20 rounds of %d datagrams"):format(grown, #rows));
		local inside = world.sandbox:counters()["1-ff00:0:113#0"];
		assert((inside.drops.malformed or 0) > 0, "the router counted no malformed packet");
		federation.assert_scion_only(world);
	end),

	harness.test("10,000 forged Initials a second leave a conversation alive and memory flat", function (world)
		local a, b = federation.pair(world);
		local romeo, juliet = world:user(a, "romeo"), world:user(b, "juliet");
		assert(federation.say(romeo, juliet, "before"));
		local udp, packets = hostile.socket(host_of(NEIGHBOUR)), hostile.initials(NEIGHBOUR, A, 2000);
		local begin, sent, ended = loop.now(), 0, false;
		local flood = loop.spawn(function ()
			repeat
				while sent < (loop.now() - begin) * 10000 do
					sent = sent + 1;
					assert(udp:sendto(packets[sent % #packets + 1], host_of(A), hostile.PORT));
				end
				loop.sleep(0.005);
			until ended;
		end);
		loop.sleep(1);
		local early = memory_of(a);
		while loop.now() - begin < 5 do
			assert(federation.say(romeo, juliet, "hello", 10));
			assert(federation.say(juliet, romeo, "hello back", 10));
		end
		ended = true;
		loop.join({ flood }, 5);
		udp:close();
		local grown = memory_of(a) - early;
		assert(grown < GROWTH, ("%d kB more after %d Initials"):format(grown, sent));
		assert(counter(a, "datagrams_in") > 10000, "most of them did not arrive");
		assert(counter(a, "connections") < 200, "connections pile up");
		assert(federation.handshakes(a) == 1, "the conversation needed another connection");
	end),
});
