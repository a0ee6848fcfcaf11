-- SPDX-License-Identifier: MIT
-- Connections one by one: how long a handshake takes, and what memory an idle one costs.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local nodes = require "bench.nodes";
local proc = require "bench.proc";
local report = require "bench.report";

local REPETITIONS, COUNT = 5, 400;

local world = nodes.world("connections");

local function handshakes(output)
	local took = {};
	for seconds in output:gmatch("handshake ([%d.]+)\n") do
		took[#took + 1] = tonumber(seconds) * 1e3;
	end
	assert(#took == COUNT, "not all connections came about");
	return took;
end

-- Lets `hold()` connect to a server and looks at both.
local function measure(server, hold)
	local before = proc.memory(server.pid);
	local client = hold();
	local mine = nodes.wait_line(client, "memory (%d+)");
	loop.sleep(0.2);
	local took = handshakes(client:output());
	local result = {
		server = (proc.memory(server.pid) - before) / COUNT / 1024, client = mine / COUNT / 1024,
		p50 = report.median(took), p99 = report.quantile(took, 0.99),
	};
	client:stop();
	server:stop();
	return result;
end

local function quic(isd_as)
	return function ()
		local server, to = nodes.serve(world, isd_as);
		return measure(server, function ()
			return nodes.node(world, "hold", nodes.HOME, "127.4.2.51", to[1], to[2], tostring(COUNT));
		end);
	end;
end

local function tcp()
	local function peer(what, ...)
		return nodes.start(world, "luasec-" .. what, { "lua5.4", ("%s/tests/bench/luasec_hold.lua"):format(harness.ROOT),
			what, "127.4.2.60", "5269", world.certificates, ... });
	end
	local server = peer("serve");
	nodes.wait_line(server, "(ready)");
	return measure(server, function () return peer("hold", tostring(COUNT)); end);
end

local contestants = {
	{ name = "TLS 1.3 over TCP (LuaSec)", run = tcp },
	{ name = "QUIC, same AS", run = quic(nodes.HOME) },
	{ name = "QUIC, 3 routers", run = quic(nodes.AWAY) },
};
local results = {};
for repetition = 1, REPETITIONS do
	for i, contestant in ipairs(contestants) do
		results[i] = results[i] or {};
		results[i][repetition] = contestant.run();
	end
end
world.network:stop();

local rows, peer = {}, report.medians(results[1]);
for i, contestant in ipairs(contestants) do
	local row, found = { contestant.name }, report.medians(results[i]);
	for _, column in ipairs({ { "p50", "%.2f" }, { "p99", "%.2f" }, { "server", "%.1f" }, { "client", "%.1f" } }) do
		row[#row + 1] = column[2]:format(found[column[1]]);
		row[#row + 1] = report.ratio(found[column[1]], peer[column[1]]);
	end
	rows[i] = row;
end
report.table(("connections: %d one after the other, certificates on both sides, then idle; medians of %d")
	:format(COUNT, REPETITIONS), { "transport", "handshake p50 ms", "ratio", "p99 ms", "ratio", "server KiB/connection",
	"ratio", "client KiB/connection", "ratio" }, rows);
