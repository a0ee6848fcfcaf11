-- SPDX-License-Identifier: MIT
-- A message to a server that we have no stream to yet: until it is delivered.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local report = require "bench.report";
local servers = require "bench.servers";

local REPETITIONS, EACH = 5, 4;

local function log_in(pair)
	pair.romeo = pair.world:user(pair.a, "romeo");
	pair.juliets = {};
	for i = 2, #pair.domains do
		pair.juliets[i - 1] = pair.world:user(pair.b, "juliet", { jid = "juliet@" .. pair.domains[i] });
	end
end

-- Milliseconds until a first message arrives at a domain never spoken to before.
local function first_message(pair, juliet)
	local begin = loop.now();
	pair.romeo:send(("<message to='%s' type='chat'><body>first</body></message>"):format(juliet.full_jid));
	assert(juliet:expect("<message type='chat'/>", 20));
	return (loop.now() - begin) * 1e3;
end

servers.with_pairs(harness.BUILD .. "/bench/first", REPETITIONS * EACH, function (pairs_of, network)
	local results = {};
	for i, pair in ipairs(pairs_of) do
		log_in(pair);
		results[i] = {};
	end
	for repetition = 1, REPETITIONS do
		for i, pair in ipairs(pairs_of) do
			local took = {};
			for k = 1, EACH do
				took[k] = first_message(pair, pair.juliets[(repetition - 1) * EACH + k]);
				loop.sleep(0.05);
			end
			results[i][repetition] = { median = report.median(took), worst = math.max(table.unpack(took)) };
		end
	end
	local rows, peer = {}, report.medians(results[1]);
	for i, pair in ipairs(pairs_of) do
		local found = report.medians(results[i]);
		rows[i] = { pair.kind.name, ("%.1f"):format(found.median), report.ratio(found.median, peer.median),
			("%.1f"):format(found.worst) };
	end
	assert(servers.routed_packets(network, servers.KINDS[3]) > 0, "nothing went through the routers");
	report.table(("first: a message to a server without a stream yet, until delivered; medians of %d x %d")
		:format(REPETITIONS, EACH), { "server to server", "ms", "ratio", "worst ms" }, rows);
end);
