-- SPDX-License-Identifier: MIT
-- Messages from a user of one server to a user of another: how many a second, what they cost, how long they take.
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local load = require "bench.load";
local proc = require "bench.proc";
local report = require "bench.report";
local servers = require "bench.servers";

local REPETITIONS = 5;
local FLOOD, WINDOW = 6000, 512;
local STEADY, RATE = 400, 200;

local function log_in(pair)
	pair.romeo = pair.world:user(pair.a, "romeo");
	pair.juliet = pair.world:user(pair.b, "juliet");
	assert(federation.say(pair.romeo, pair.juliet, "first", 20));
end

-- Seconds of CPU that servers and routers use while `work` runs, and what that returns.
local function costs(pair, network, work)
	local in_servers, in_routers = proc.cpu_of(pair.pids), proc.cpu(network.child.pid);
	local result = work();
	return proc.cpu_of(pair.pids) - in_servers, proc.cpu(network.child.pid) - in_routers, result;
end

local function measure(pair, network)
	local own = os.clock();
	local flood_cpu, routers, seconds = costs(pair, network, function ()
		return load.flood(pair.romeo, pair.juliet, FLOOD, WINDOW);
	end);
	own = os.clock() - own;
	local steady_cpu, _, took = costs(pair, network, function ()
		return load.steady(pair.romeo, pair.juliet, STEADY, RATE);
	end);
	return {
		rate = FLOOD / seconds, flood_cpu = flood_cpu / FLOOD * 1e6, routers = routers / FLOOD * 1e6,
		own = own / seconds * 100, steady_cpu = steady_cpu / STEADY * 1e6,
		p50 = report.median(took) * 1e3, p99 = report.quantile(took, 0.99) * 1e3,
	};
end

local function print_flood(names, found)
	local rows = {};
	for i, name in ipairs(names) do
		local mine, peer = found[i], found[1];
		rows[i] = { name, ("%.0f"):format(mine.rate), report.ratio(mine.rate, peer.rate), ("%.0f"):format(mine.flood_cpu),
			report.ratio(mine.flood_cpu, peer.flood_cpu), ("%.0f"):format(mine.routers), ("%.0f"):format(mine.own) };
	end
	report.table(("stanzas: messages of 300 bytes one way, as fast as they go, %d with %d under way; medians of %d")
		:format(FLOOD, WINDOW, REPETITIONS), { "server to server", "stanzas/s", "ratio", "servers' CPU us/stanza", "ratio",
		"routers' CPU us/stanza", "generator % of a core" }, rows);
end

local function print_steady(names, found)
	local rows = {};
	for i, name in ipairs(names) do
		local mine, peer = found[i], found[1];
		rows[i] = { name, ("%.2f"):format(mine.p50), report.ratio(mine.p50, peer.p50), ("%.2f"):format(mine.p99),
			report.ratio(mine.p99, peer.p99), ("%.0f"):format(mine.steady_cpu),
			report.ratio(mine.steady_cpu, peer.steady_cpu) };
	end
	report.table(("stanzas: the same, %d a second, user to user; medians of %d"):format(RATE, REPETITIONS),
		{ "server to server", "p50 ms", "ratio", "p99 ms", "ratio", "servers' CPU us/stanza", "ratio" }, rows);
end

servers.with_pairs(harness.BUILD .. "/bench/stanzas", 0, function (pairs_of, network)
	local results = {};
	for i, pair in ipairs(pairs_of) do
		log_in(pair);
		results[i] = {};
	end
	for repetition = 1, REPETITIONS do
		for i, pair in ipairs(pairs_of) do
			results[i][repetition] = measure(pair, network);
		end
	end
	assert(servers.routed_packets(network, servers.KINDS[3]) > 0, "nothing went through the routers");
	local names, found = {}, {};
	for i, pair in ipairs(pairs_of) do
		names[i], found[i] = pair.kind.name, report.medians(results[i]);
	end
	print_flood(names, found);
	print_steady(names, found);
end);
