-- SPDX-License-Identifier: MIT
-- What parsing and building a SCION packet costs: our codec and scionproto's slayers on the recorded packets.
local dkjson = require "dkjson";
local harness = require "e2e.harness";
local process = require "e2e.process";
local report = require "bench.report";

local REPETITIONS = 5;
local FOLDER = harness.BUILD .. "/bench/codec";
local SLAYERS = harness.BUILD .. "/bench/slayers";
local PACKETS = FOLDER .. "/packets.hex";
local NEXT_HEADER, UDP = 5, 17; -- the fifth byte of a packet says what follows its header

local function write_packets()
	local recorded = assert(dkjson.decode(process.read_file(("%s/tests/data/scion/packets.json"):format(harness.ROOT))));
	local lines = {};
	for _, packet in ipairs(recorded.packets) do
		if tonumber(packet.sent:sub(2 * NEXT_HEADER - 1, 2 * NEXT_HEADER), 16) == UDP then
			lines[#lines + 1] = packet.sent .. "\n";
		end
	end
	process.run({ "mkdir", "-p", FOLDER });
	process.write_file(PACKETS, table.concat(lines));
	return #lines;
end

-- { work = nanoseconds }
local function run(program)
	local output, ok = process.run({ program, PACKETS });
	assert(ok, output);
	local found = {};
	for work, nanoseconds in output:gmatch("(%S+) ([%d.]+)\n") do
		found[work] = tonumber(nanoseconds);
	end
	return found;
end

local count = write_packets();
local has_peer = process.read_file(SLAYERS) ~= nil;
if not has_peer then
	report.skip("codec of scionproto", process.read_file(SLAYERS .. ".why") or "it was not built");
end
local ours, theirs = {}, {};
for repetition = 1, REPETITIONS do
	ours[repetition] = run(("%s/tests/bench/bench_codec"):format(harness.BUILD));
	theirs[repetition] = has_peer and run(SLAYERS) or {};
end
ours, theirs = report.medians(ours), report.medians(theirs);

local rows = {};
for i, work in ipairs({
	{ "parse header and UDP", "parse", "parse" }, { "decode path", "path", "path" },
	{ "build header, UDP, checksum", "build", "build" }, { "the same from our template", "template", "build" },
}) do
	local mine, peer = ours[work[2]], theirs[work[3]];
	rows[i] = { work[1], ("%.0f"):format(mine), peer and ("%.0f"):format(peer) or "-", report.ratio(mine, peer or 0) };
end
report.table(("codec: %d recorded packets; medians of %d"):format(count, REPETITIONS),
	{ "", "ours ns/packet", "slayers ns/packet", "ratio" }, rows);
report.note("our parsing also verifies the checksum; slayers leaves that to its caller");
