-- SPDX-License-Identifier: MIT
-- Bytes that one stream carries in one direction: ours over SCION, quic-go over plain UDP.
local harness = require "e2e.harness";
local process = require "e2e.process";
local nodes = require "bench.nodes";
local proc = require "bench.proc";
local report = require "bench.report";

local REPETITIONS, SECONDS = 5, "2";
local QUICGO = harness.BUILD .. "/bench/quicgo";
local ADDRESS = "127.4.2.60:4433";

local world = nodes.world("goodput");

-- What a pair of sender and receiver did: bytes a second and CPU seconds for each GB, of both.
local function measure(server, client)
	local before = proc.cpu(server.pid);
	local bytes, seconds, cpu = nodes.finish(client):match("^(%d+) ([%d.]+) ([%d.]+)\n");
	local result = {
		goodput = bytes / seconds * 8 / 1e6,
		sender = cpu / bytes * 1e9, receiver = (proc.cpu(server.pid) - before) / bytes * 1e9,
	};
	server:stop();
	return result;
end

local function ours(isd_as)
	return function ()
		local server, to = nodes.serve(world, isd_as);
		return measure(server, nodes.node(world, "push", nodes.HOME, "127.4.2.51", to[1], to[2], SECONDS));
	end;
end

local function quicgo()
	local server = nodes.start(world, "quicgo-serve", { QUICGO, "serve", ADDRESS, world.certificates });
	nodes.wait_line(server, "(ready)");
	return measure(server, nodes.start(world, "quicgo-push", { QUICGO, "push", ADDRESS, SECONDS }));
end

local contestants = {};
if process.read_file(QUICGO) then
	contestants[1] = { name = "quic-go, plain UDP", run = quicgo };
else
	report.skip("goodput of quic-go", process.read_file(QUICGO .. ".why") or "it was not built");
end
contestants[#contestants + 1] = { name = "ours, same AS", run = ours(nodes.HOME) };
contestants[#contestants + 1] = { name = "ours, 3 routers", run = ours(nodes.AWAY) };

local results = {};
for repetition = 1, REPETITIONS do
	for i, contestant in ipairs(contestants) do
		results[i] = results[i] or {};
		results[i][repetition] = contestant.run();
	end
end
assert(world.network:way("1-ff00:0:2,127.4.2.51", "1-ff00:0:3,127.4.3.50"), "nothing went through the routers");
world.network:stop();

local rows, peer = {}, report.medians(results[1]);
for i, contestant in ipairs(contestants) do
	local found = report.medians(results[i]);
	rows[i] = { contestant.name, ("%.0f"):format(found.goodput), report.ratio(found.goodput, peer.goodput),
		("%.2f"):format(found.sender), report.ratio(found.sender, peer.sender),
		("%.2f"):format(found.receiver), report.ratio(found.receiver, peer.receiver) };
end
report.table(("goodput: one QUIC stream, one direction, %s s; medians of %d"):format(SECONDS, REPETITIONS),
	{ "transport", "Mbit/s", "ratio", "sender CPU s/GB", "ratio", "receiver CPU s/GB", "ratio" }, rows);
