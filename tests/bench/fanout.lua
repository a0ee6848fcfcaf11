-- SPDX-License-Identifier: MIT
-- Rooms: what they deliver, how soon, and what it costs the server, ours beside stock mod_muc of the same Prosody and
-- beside ejabberd's. All users are in one room; the crowd is the same process for all of them.
--
-- Which ones, from the environment, each a list of words: SX_SIZES (occupants), SX_SOCKETS (plain, tls, smacks),
-- SX_SERVERS; and SX_REPETITIONS. Without them: what ends within a few minutes.
local crowd_lib = require "bench.crowd";
local ejabberd = require "bench.ejabberd";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local proc = require "bench.proc";
local report = require "bench.report";

local DOMAIN, ROOM, OTHER = "a.example.org", "r@rooms.a.example.org", "other@rooms.a.example.org";
local BODY = 200; -- bytes
local DELIVERIES = 20000; -- at least this many for a figure, as far as MESSAGES_MOST allows
local MESSAGES_LEAST, MESSAGES_MOST = 24, 400;
local WINDOW = 8; -- messages that leave the sender together

local SERVERS = {
	{ name = "mod_muc", module = "muc" },
	{ name = "mod_muc, tuned", module = "muc", is_tuned = true },
	{ name = "ours", module = "muc_scion" },
	{ name = "ours, tuned", module = "muc_scion", is_tuned = true },
	{ name = "ejabberd" },
};

local function words(name, default)
	local list = {};
	for word in (os.getenv(name) or default):gmatch("[^;%s]+") do
		list[#list + 1] = word;
	end
	return list;
end

local SIZES, SOCKETS = words("SX_SIZES", "30 100"), words("SX_SOCKETS", "plain smacks");
local REPETITIONS = tonumber(os.getenv("SX_REPETITIONS") or "3");

-- SX_SERVERS has the names without spaces, "ours,tuned".
local function chosen_servers()
	local wanted, chosen = " " .. (os.getenv("SX_SERVERS") or "") .. " ", {};
	for _, server in ipairs(SERVERS) do
		local is_wanted = wanted == "  " or wanted:find(" " .. server.name:gsub(" ", "") .. " ", 1, true);
		local reason = is_wanted and server.name == "ejabberd" and ejabberd.missing();
		if reason then
			report.skip("rooms of " .. server.name, reason);
		elseif is_wanted then
			chosen[#chosen + 1] = server;
		end
	end
	return chosen;
end

local function start_prosody(world, kind)
	local server = world:server({
		domain = DOMAIN,
		hosts = { { ('Component "rooms.%s" %q'):format(DOMAIN, kind.module), {
			muc_room_locking = false, muc_scion_message_rate = 0, muc_scion_join_rate = 0, muc_scion_max_occupants = 2000,
		} } },
		options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins" },
			modules_enabled = { "roster", "saslauth", "tls", "disco", "smacks" },
			gc = kind.is_tuned and { mode = "generational" } or nil,
			network_settings = kind.is_tuned and { opportunistic_writes = true, nagle = false } or nil,
		},
	});
	server.options.log = { warn = server.log_file };
	return assert(server:start());
end

local function start_ejabberd(world, count)
	local base = world.folder .. "/certs/" .. DOMAIN;
	world.authority:server(base, { names = { DOMAIN } });
	process.write_file(base .. ".pem", process.read_file(base .. ".crt") .. process.read_file(base .. ".key"));
	return ejabberd.start(world.folder, DOMAIN, base .. ".pem", count);
end

local function messages_for(count)
	return math.max(MESSAGES_LEAST, math.min(MESSAGES_MOST, DELIVERIES // count));
end

-- One load on a server: what the crowd says of it, `server` CPU seconds with it.
local function load(crowd, pid, ...)
	local before = proc.cpu(pid);
	local found = crowd:tell(...);
	found.server = proc.cpu(pid) - before;
	return found;
end

local function measure_on(crowd, pid, count)
	local messages = messages_for(count);
	local memory = proc.memory(pid);
	local storm = load(crowd, pid, "join %s 1 %d %d", ROOM, count, count * count);
	local grown = proc.memory(pid) - memory;
	local single = load(crowd, pid, "say %s %d 1 %d %d", ROOM, messages, BODY, count);
	local batch = load(crowd, pid, "say %s %d %d %d %d", ROOM, messages, WINDOW, BODY, count);
	return {
		storm = storm.seconds, storm_cpu = storm.server / storm.presences * 1e6, memory = grown / count / 1024,
		p50 = single.last50, p99 = single.last99, single_cpu = single.server / single.messages * 1e6,
		rate = batch.messages / batch.seconds, batch_cpu = batch.server / batch.messages * 1e6,
		generator = batch.cpu / batch.seconds, bytes = single.bytes / single.messages,
	};
end

-- A message in another room while everybody joins this one.
local function measure_beside(crowd, pid, count)
	crowd:tell("join %s 1 2 4", OTHER);
	local found = crowd:tell("beside %s 3 %d %d %s %d", ROOM, count - 2, (count - 2) * (count - 2), OTHER, pid);
	return { beside50 = found.p50, beside99 = found.p99, own99 = found.own99 };
end

local function with_server(kind, socket, count, body)
	local world = harness.new(("%s/bench/fanout-%s"):format(harness.BUILD, kind.name:gsub("%W+", "-")));
	local server = kind.module and start_prosody(world, kind) or start_ejabberd(world, count);
	local crowd = crowd_lib.start(world.folder);
	local ok, found = xpcall(function ()
		crowd:tell("login %s %d %s 1 %d", socket, server.c2s_port, DOMAIN, count);
		return body(crowd, server.child.pid, count);
	end, debug.traceback);
	local faults = kind.module and server:faults({}) or {};
	server.child:signal("KILL"); -- what it would do when everybody leaves is not measured
	loop.wait(function () return server.child:status(); end, 5);
	crowd:stop();
	world.servers = {};
	world:stop();
	assert(ok and #faults == 0, not ok and found or faults[1]);
	return found;
end

local function measure(kind, socket, count)
	local found = with_server(kind, socket, count, measure_on);
	local beside = with_server(kind, socket, count, measure_beside);
	for name, value in pairs(beside) do
		found[name] = value;
	end
	return found;
end

-- Microseconds of one write of so many bytes on the same kind of socket.
local function bare(socket, bytes, count)
	local list = {};
	for i = 1, 3 do
		local output, ok = process.run({ ("%s/tests/bench/bench_bare"):format(harness.BUILD),
			socket == "plain" and "plain" or "tls", tostring(math.floor(bytes)), tostring(count), "50000" });
		assert(ok, output);
		list[i] = tonumber(output);
	end
	return report.median(list);
end

local function number(format)
	return function (value)
		return format:format(value);
	end;
end

local function row_of(kind, found, peer, unit)
	local two, three = number("%.1f"), number("%.2f");
	return {
		kind.name, number("%d")(math.floor(found.rate)), report.ratio(found.rate, peer.rate),
		two(found.single_cpu), two(found.single_cpu / unit), two(found.batch_cpu), two(found.batch_cpu / unit),
		three(found.p50), three(found.p99), three(found.storm), report.ratio(found.storm, peer.storm),
		two(found.storm_cpu), three(found.beside50), three(found.beside99), three(found.own99), two(found.memory), three(found.generator),
	};
end

local HEADER = {
	"", "deliveries/s", "ratio", "us, 1", "units", "us, " .. WINDOW, "units", "p50", "p99", "storm, s", "ratio",
	"us/presence", "beside p50", "p99", "own p99", "KiB/occ.", "generator",
};

local function figure(servers, socket, count)
	local results = {};
	for repetition = 1, REPETITIONS do
		for i, kind in ipairs(servers) do
			results[i] = results[i] or {};
			results[i][repetition] = measure(kind, socket, count);
		end
	end
	local peer = report.medians(results[1]);
	local unit, rows = bare(socket, peer.bytes, count), {};
	for i, kind in ipairs(servers) do
		rows[i] = row_of(kind, report.medians(results[i]), peer, unit);
	end
	report.table(("rooms: %d occupants, %s, messages of %d bytes; a bare write is %.2f us; medians of %d")
		:format(count, socket, math.floor(peer.bytes), unit, REPETITIONS), HEADER, rows);
end

local servers = chosen_servers();
for _, socket in ipairs(SOCKETS) do
	for _, count in ipairs(SIZES) do
		figure(servers, socket, tonumber(count));
	end
end
