-- SPDX-License-Identifier: MIT
-- Rooms: what a message to a room costs the server for each delivery, and an occupant in memory, ours beside stock
-- mod_muc of the same Prosody. Clients are on plain TCP, everything is said once by one of them.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local proc = require "bench.proc";
local report = require "bench.report";

local REPETITIONS, MESSAGES, BODY = 3, 50, ("x"):rep(200);
local SIZES = { 100, 300 };
local KINDS = { { name = "mod_muc", module = "muc" }, { name = "mod_muc_scion", module = "muc_scion" } };
local PATIENCE = 120; -- seconds
local JOIN = "<presence to='r@rooms.a.example.org/user%d'><x xmlns='http://jabber.org/protocol/muc'/></presence>";

-- Counts stanzas of a kind in what a client receives, without reading them.
local function count_only(user)
	local counter, tail = { ["<presence"] = 0, ["<message"] = 0 }, "";
	user.stream.parser = { feed = function (_, bytes)
		bytes = tail .. bytes;
		for what, count in pairs(counter) do
			counter[what] = count + select(2, bytes:gsub(what, "%0")) - select(2, tail:gsub(what, "%0"));
		end
		tail = bytes:sub(-9);
		return true;
	end };
	return counter;
end

local function total(counters, what)
	local sum = 0;
	for _, counter in ipairs(counters) do
		sum = sum + counter[what];
	end
	return sum;
end

local function wait_for(counters, what, count)
	assert(loop.wait(function () return total(counters, what) >= count; end, PATIENCE),
		("%d of %d came"):format(total(counters, what), count));
end

local function start(world, kind)
	local server = world:server({
		domain = "a.example.org",
		hosts = { { ('Component "rooms.a.example.org" %q'):format(kind.module), {
			muc_room_locking = false, muc_scion_message_rate = 0, muc_scion_join_rate = 0,
		} } },
		options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins" }, modules_enabled = { "roster", "saslauth", "disco" },
		},
	});
	server.options.log = { warn = server.log_file };
	return assert(server:start());
end

local function log_in(world, server, count)
	local users, counters = {}, {};
	for i = 1, count do
		users[i] = world:user(server, "user" .. i, { tls = false });
		counters[i] = count_only(users[i]);
	end
	return users, counters;
end

-- One kind, one size: { join (us for each presence), message (us for each delivery), memory (KiB for each occupant) }.
local function measure(kind, count, number)
	local world = harness.new(("%s/bench/rooms-%s-%d-%d"):format(harness.BUILD, kind.name, count, number));
	local server = start(world, kind);
	local pid = server.child.pid;
	local users, counters = log_in(world, server, count);
	local cpu, memory = proc.cpu(pid), proc.memory(pid);
	for i, user in ipairs(users) do
		user:send(JOIN:format(i));
		wait_for({ counters[i] }, "<presence", i);
	end
	wait_for(counters, "<presence", count * count);
	local result = {
		join = (proc.cpu(pid) - cpu) / (count * count) * 1e6, memory = (proc.memory(pid) - memory) / count / 1024,
	};
	local before = total(counters, "<message");
	cpu = proc.cpu(pid);
	for _ = 1, MESSAGES do
		users[1]:send(("<message type='groupchat' to='r@rooms.a.example.org'><body>%s</body></message>"):format(BODY));
	end
	wait_for(counters, "<message", before + MESSAGES * count);
	result.message = (proc.cpu(pid) - cpu) / (MESSAGES * count) * 1e6;
	for _, user in ipairs(users) do
		user:kill();
	end
	world:stop();
	return result;
end

for _, count in ipairs(SIZES) do
	local results = {};
	for repetition = 1, REPETITIONS do
		for i, kind in ipairs(KINDS) do
			results[i] = results[i] or {};
			results[i][repetition] = measure(kind, count, repetition);
		end
	end
	local rows, peer = {}, report.medians(results[1]);
	for i, kind in ipairs(KINDS) do
		local found = report.medians(results[i]);
		rows[i] = {
			kind.name, ("%.1f"):format(found.message), report.ratio(found.message, peer.message),
			("%.1f"):format(found.join), report.ratio(found.join, peer.join),
			("%.1f"):format(found.memory), report.ratio(found.memory, peer.memory),
		};
	end
	local title = ("rooms: %d occupants on plain TCP, %d messages of %d bytes; medians of %d")
		:format(count, MESSAGES, #BODY, REPETITIONS);
	report.table(title, { "", "us/delivery", "ratio", "us/presence", "ratio", "KiB/occupant", "ratio" }, rows);
end
