-- SPDX-License-Identifier: MIT
-- An existing stream while 10,000 first datagrams of connections that will never be come in every second for 10 s.
local loop = require "e2e.loop";
local process = require "e2e.process";
local nodes = require "bench.nodes";
local proc = require "bench.proc";
local report = require "bench.report";

local REPETITIONS = 5;
local PER_SECOND, PAUSE, SECONDS = 10000, 3, 10;
local PINGS = 200; -- a second
local GOAL = "< 2";
local SERVER_SOCKET = " 3202047F:7AEB "; -- 127.4.2.50:31467

local world = nodes.world("flood");

-- The forger makes its datagrams by dialling through a router that is itself.
local function trapped_paths()
	local path = world.folder .. "/trapped.json";
	local text = process.read_file(world.network:path_file(nodes.HOME)):gsub("127%.4%.2%.3:", "127.4.2.200:");
	process.write_file(path, text);
	return path;
end

local function start_forger(to)
	local child = nodes.start(world, "forge", { nodes.program("forge"), "1-ff00:0:2,127.4.2.52", "31467", trapped_paths(),
		world.certificates, to[1], to[2], "31002", tostring(PER_SECOND), tostring(PAUSE), tostring(SECONDS) });
	nodes.wait_line(child, "(ready)");
	return child;
end

-- Datagrams that came while the buffer of the server's socket was full.
local function overflows()
	local lost;
	for line in process.read_file("/proc/net/udp"):gmatch("[^\n]+") do
		lost = line:find(SERVER_SOCKET, 1, true) and tonumber(line:match("(%d+)%s*$")) or lost;
	end
	return assert(lost, "the server's socket is not in /proc/net/udp");
end

-- The most memory that a process has until `child` ends.
local function most_memory(pid, child)
	local most = 0;
	while not child:status() do
		loop.sleep(0.25);
		most = math.max(most, proc.memory(pid));
	end
	return most;
end

-- Latencies in milliseconds of what was sent in a span of time.
local function latencies(output, from, to)
	local list = {};
	for sent_at, took in output:gmatch("([%d.]+) ([%d.]+)\n") do
		if tonumber(sent_at) >= from and tonumber(sent_at) < to then
			list[#list + 1] = took * 1e3;
		end
	end
	return list;
end

local function measure()
	local server, to = nodes.serve(world, nodes.HOME);
	local forger = start_forger(to);
	local ping = nodes.node(world, "ping", nodes.HOME, "127.4.2.51", to[1], to[2], tostring(PINGS),
		tostring(PINGS * (PAUSE + SECONDS + 1)));
	local begin = tonumber(nodes.wait_line(forger, "begin ([%d.]+)"));
	local memory, cpu, lost = proc.memory(server.pid), proc.cpu(server.pid), overflows();
	local most = most_memory(server.pid, forger);
	local finish, sent = nodes.finish(forger):match("end ([%d.]+) (%d+)\n");
	cpu, lost = proc.cpu(server.pid) - cpu, overflows() - lost;
	local output = nodes.finish(ping);
	server:stop();
	local quiet, flooded = latencies(output, begin - PAUSE + 0.5, begin), latencies(output, begin, tonumber(finish));
	return {
		quiet50 = report.median(quiet), quiet99 = report.quantile(quiet, 0.99),
		flood50 = report.median(flooded), flood99 = report.quantile(flooded, 0.99),
		ratio = report.quantile(flooded, 0.99) / report.quantile(quiet, 0.99),
		before = memory / 1024, most = most / 1024, cpu = cpu / SECONDS * 100, rate = sent / SECONDS, lost = lost,
	};
end

local results = {};
for repetition = 1, REPETITIONS do
	results[repetition] = measure();
end
world.network:stop();

local found = report.medians(results);
report.table(("flood: a stream of %d messages a second under %.0f forged Initials a second for %d s; medians of %d")
	:format(PINGS, found.rate, SECONDS, REPETITIONS), { "", "p50 ms", "p99 ms", "ratio of p99", "goal", "memory KiB" }, {
	{ "before", ("%.2f"):format(found.quiet50), ("%.2f"):format(found.quiet99), "1.00", "",
		("%.0f"):format(found.before) },
	{ "during", ("%.2f"):format(found.flood50), ("%.2f"):format(found.flood99), ("%.2f"):format(found.ratio), GOAL,
		("%.0f at most"):format(found.most) },
});
report.note(("the server used %.0f %% of a core during it; %d of the datagrams did not fit its socket's buffer")
	:format(found.cpu, found.lost));
