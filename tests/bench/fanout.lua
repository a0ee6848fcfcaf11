-- SPDX-License-Identifier: MIT
-- Rooms: what they deliver, how soon, and what it costs the server, ours beside stock mod_muc of the same Prosody and
-- beside ejabberd's. All users are in one room; the crowd is the same process for all of them.
--
-- Which ones, from the environment, each a list of words: SX_SIZES (occupants), SX_SOCKETS (plain, tls, smacks: users
-- of the same server; remote-tcp, remote: of another, by TCP or by SCION), SX_SERVERS; SX_REPETITIONS. Without them:
-- what ends within a few minutes.
local crowd_lib = require "bench.crowd";
local harness = require "e2e.harness";
local process = require "e2e.process";
local proc = require "bench.proc";
local report = require "bench.report";
local rooms = require "bench.rooms";

local ROOM, OTHER = rooms.ROOM, rooms.OTHER;
local BODY = 200; -- bytes
local DELIVERIES = 100000; -- at least this many for a figure, as far as MESSAGES_MOST allows
local MESSAGES_LEAST, MESSAGES_MOST = 24, 400;
local WINDOW = 8; -- messages that leave the sender together
local PAUSE = 5; -- microseconds between bare writes to readers that sleep, about what servers take

local SIZES = rooms.words("SX_SIZES", "100");
local SOCKETS = rooms.words("SX_SOCKETS", "plain smacks remote-tcp remote");
local REPETITIONS = tonumber(os.getenv("SX_REPETITIONS") or "3");

local function messages_for(count)
	return math.max(MESSAGES_LEAST, math.min(MESSAGES_MOST, DELIVERIES // count));
end

-- One load on a scene: what the crowd says of it, and CPU seconds of the server (`server`) and of the users' own.
local function load(scene, ...)
	local pid, other = scene.server.child.pid, scene.elsewhere and scene.elsewhere.child.pid;
	local before, other_before = proc.cpu(pid), other and proc.cpu(other);
	local found = scene.crowd:tell(...);
	found.server, found.elsewhere = proc.cpu(pid) - before, other and proc.cpu(other) - other_before;
	return found;
end

local function each(seconds, count)
	return seconds and seconds / count * 1e6;
end

local function measure_on(scene, count)
	local messages, pid = messages_for(count), scene.server.child.pid;
	local memory = proc.memory(pid);
	local storm = load(scene, "join %s 1 %d %d", ROOM, count, count * count);
	local grown = proc.memory(pid) - memory;
	local single = load(scene, "say %s %d 1 %d %d", ROOM, messages, BODY, count);
	local batch = load(scene, "say %s %d %d %d %d", ROOM, messages, WINDOW, BODY, count);
	return {
		storm = storm.seconds, storm_cpu = each(storm.server, storm.presences), memory = grown / count / 1024,
		p50 = single.last50, p99 = single.last99, single_cpu = each(single.server, single.messages),
		rate = batch.messages / batch.seconds, batch_cpu = each(batch.server, batch.messages),
		single_elsewhere = each(single.elsewhere, single.messages), generator = batch.cpu / batch.seconds,
		batch_elsewhere = each(batch.elsewhere, batch.messages), bytes = single.bytes / single.messages,
		fast = scene.kind.module == "muc_scion" and rooms.fast_share(scene.server, ROOM) or nil,
	};
end

-- A message in another room while everybody joins this one.
local function measure_beside(scene, count)
	scene.crowd:tell("join %s 1 2 4", OTHER);
	local found = scene.crowd:tell("beside %s 3 %d %d %s %d", ROOM, count - 2, (count - 2) * (count - 2), OTHER,
		scene.server.child.pid);
	local has_one_thread = scene.kind.module;
	return { beside50 = found.p50, beside99 = found.p99, own99 = has_one_thread and found.own99 or nil };
end

local function measure(one, count)
	local found = rooms.with(one.kind, one.socket, count, function (scene) return measure_on(scene, count); end);
	local beside = rooms.with(one.kind, one.socket, count, function (scene) return measure_beside(scene, count); end);
	for name, value in pairs(beside) do
		found[name] = value;
	end
	return found;
end

-- Microseconds of one write of so many bytes on the same kind of socket, `pause` microseconds after the one before.
local function bare(socket, bytes, count, pause)
	local list = {};
	for i = 1, 3 do
		local output, ok = process.run({ ("%s/tests/bench/bench_bare"):format(harness.BUILD),
			socket == "plain" and "plain" or "tls", tostring(math.floor(bytes)), tostring(count), "50000",
			tostring(pause) });
		assert(ok, output);
		list[i] = tonumber(output);
	end
	return report.median(list);
end

local COLUMNS = {
	{ title = "deliveries/s", of = "rate", format = "%.0f" },
	{ title = "ratio", of = "rate", is_ratio = true },
	{ title = "us, 1", of = "single_cpu", format = "%.1f" },
	{ title = "units", of = "single_cpu", format = "%.1f", is_units = true },
	{ title = "us, " .. WINDOW, of = "batch_cpu", format = "%.1f" },
	{ title = "units", of = "batch_cpu", format = "%.1f", is_units = true },
	{ title = "users', 1", of = "single_elsewhere", format = "%.1f" },
	{ title = "users', " .. WINDOW, of = "batch_elsewhere", format = "%.1f" },
	{ title = "fast, %", of = "fast", format = "%.2f" },
	{ title = "p50", of = "p50", format = "%.2f" },
	{ title = "p99", of = "p99", format = "%.2f" },
	{ title = "storm, s", of = "storm", format = "%.2f" },
	{ title = "ratio", of = "storm", is_ratio = true },
	{ title = "us/presence", of = "storm_cpu", format = "%.1f" },
	{ title = "beside p50", of = "beside50", format = "%.2f" },
	{ title = "p99", of = "beside99", format = "%.2f" },
	{ title = "own p99", of = "own99", format = "%.2f" },
	{ title = "KiB/occ.", of = "memory", format = "%.1f" },
	{ title = "generator", of = "generator", format = "%.2f" },
};

local function cell(column, found, peer, unit)
	local value = found[column.of];
	if not value then
		return "-";
	elseif column.is_ratio then
		return peer[column.of] and report.ratio(value, peer[column.of]) or "-";
	end
	return column.format:format(column.is_units and value / unit or value);
end

local function cells(first, make)
	local list = { first };
	for i, column in ipairs(COLUMNS) do
		list[i + 1] = make(column);
	end
	return list;
end

-- Those whose rooms are in one table, with what came of each repetition.
local function contestants_of(servers, sockets)
	local list = {};
	for _, kind in ipairs(servers) do
		for _, socket in ipairs(sockets) do
			local stream = rooms.STREAMS[socket];
			list[#list + 1] = rooms.can(kind, socket) and {
				kind = kind, socket = socket, name = stream and ("%s, %s"):format(kind.name, stream) or kind.name, results = {},
			} or nil;
		end
	end
	return list;
end

-- One repetition. Who takes longer than the crowd waits is not asked again.
local function try(one, count)
	local ok, found = pcall(measure, one, count);
	if ok then
		table.insert(one.results, found);
	elseif found:find(crowd_lib.TOO_LONG, 1, true) then
		one.why = found:match(crowd_lib.TOO_LONG .. "[^\n]*");
	else
		error(found, 0);
	end
end

local function print_figure(contestants, title, count)
	local medians, bytes = {}, nil;
	for i, one in ipairs(contestants) do
		medians[i] = not one.why and report.medians(one.results) or {};
		bytes = bytes or medians[i].bytes;
	end
	local unit, rows = bytes and bare(contestants[1].socket, bytes, count, 0), {};
	local asleep = bytes and bare(contestants[1].socket, bytes, count, PAUSE);
	for i, one in ipairs(contestants) do
		rows[i] = cells(one.name, function (column) return cell(column, medians[i], medians[1], unit); end);
	end
	report.table(("rooms: %d occupants, %s, messages of %.0f bytes; a bare write is %.2f us, %.2f to one that sleeps; "
		.. "medians of %d"):format(count, title, bytes or 0, unit or 0, asleep or 0, REPETITIONS),
		cells("", function (column) return column.title; end), rows);
	for _, one in ipairs(contestants) do
		if one.why then
			report.note(("%s: %s"):format(one.name, one.why));
		end
	end
end

local function figure(servers, sockets, count)
	local contestants = contestants_of(servers, sockets);
	for _ = 1, REPETITIONS do
		for _, one in ipairs(contestants) do
			if not one.why then
				try(one, count);
			end
		end
	end
	if contestants[1] then
		local is_remote = rooms.STREAMS[sockets[1]];
		print_figure(contestants, is_remote and "all on another server, which has them on plain TCP" or sockets[1], count);
	end
end

-- The sockets of each table: streams between servers stand beside each other.
local function tables_of(sockets)
	local list, streams = {}, {};
	for _, socket in ipairs(sockets) do
		table.insert(rooms.STREAMS[socket] and streams or list, rooms.STREAMS[socket] and socket or { socket });
	end
	list[#list + 1] = streams[1] and streams;
	return list;
end

local servers = rooms.chosen();
for _, sockets in ipairs(tables_of(SOCKETS)) do
	for _, count in ipairs(SIZES) do
		figure(servers, sockets, tonumber(count));
	end
end
