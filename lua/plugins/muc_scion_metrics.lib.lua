-- SPDX-License-Identifier: MIT
-- Metrics: what rooms send and refuse, how many there are, and how full. Metrics of single rooms are those of the rooms
-- that an option names, so that their number is bounded.
local options = module:require "muc_scion_options";

local deliveries = module:metric("counter", "deliveries", "", "Stanzas sent by rooms", { "kind" });
local refused = module:metric("counter", "refused", "", "Stanzas that rooms have refused", { "condition" });
local paced = module:metric("counter", "paced", "", "Stanzas over a rate", { "kind", "outcome" });
local rooms_gauge = module:metric("gauge", "rooms", "", "Rooms", { "state" });
local occupants_gauge = module:metric("gauge", "occupants", "", "Occupants of all rooms", {});
local sessions_gauge = module:metric("gauge", "sessions", "", "Sessions of all occupants", {});

-- Each counts for itself: kind of operation -> function.
local counters = {};

function counters.send(operation)
	deliveries:with_labels(operation.stanza.name):add(1);
end

function counters.fan(operation)
	deliveries:with_labels(operation.stanza.name):add(#operation.targets);
end

function counters.list(operation)
	deliveries:with_labels("presence"):add(#operation.stanzas);
end

function counters.reply(operation)
	local stanza = operation.stanza;
	deliveries:with_labels(stanza.name):add(1);
	if stanza.attr.type == "error" then
		local _, condition = stanza:get_error();
		refused:with_labels(condition or "undefined-condition"):add(1);
	end
end

local function count_occupants(room)
	local occupants, sessions = 0, 0;
	for _, occupant in pairs(room._occupants) do
		occupants = occupants + 1;
		for _ in pairs(occupant.sessions) do
			sessions = sessions + 1;
		end
	end
	return occupants, sessions;
end

-- Occupants and messages of the rooms that `muc_scion_room_metrics` names.
local function watch_single(rooms)
	local names = options.strings("muc_scion_room_metrics");
	if not next(names) then
		return;
	end
	local occupants = module:metric("gauge", "room_occupants", "", "Occupants of one room", { "room" });
	local messages = module:metric("counter", "room_messages", "", "Messages to one room", { "room" });
	module:hook("muc-broadcast-message", function (event)
		if names[event.room.jid] then
			messages:with_labels(event.room.jid):add(1);
		end
	end, 1000);
	module:hook_global("stats-update", function ()
		for name in pairs(names) do
			local room = rooms.live[name];
			occupants:with_labels(name):set(room and count_occupants(room) or 0);
		end
	end);
end

local function update(rooms)
	local occupants, sessions, live = 0, 0, 0;
	for room in rooms:live_rooms() do
		local here, theirs = count_occupants(room);
		occupants, sessions, live = occupants + here, sessions + theirs, live + 1;
	end
	rooms_gauge:with_labels("live"):set(live);
	rooms_gauge:with_labels("all"):set(rooms:count());
	occupants_gauge:with_labels():set(occupants);
	sessions_gauge:with_labels():set(sessions);
end

-- Adds what a table of counts has grown by since the last time.
local function add_growth(metric, path, counts, seen)
	for reason, number in pairs(counts) do
		metric:with_labels(path, reason):add(number - (seen[reason] or 0));
		seen[reason] = number;
	end
end

local metrics = {};

--- Measures how what rooms send is delivered.
function metrics.watch_fan(fan)
	local paths = module:metric("counter", "paths", "", "Deliveries by path and reason", { "path", "reason" });
	local slow_turns = module:metric("counter", "slow_turns", "", "Turns that took deliveries over 20 ms", {});
	local bytes = module:metric("gauge", "queue", "bytes", "Most that has waited for delivery", {});
	local seen, seen_turns = { fast = {}, slow = {}, lost = {} }, 0;
	module:hook_global("stats-update", function ()
		for path, counts in pairs(fan.counts) do
			add_growth(paths, path, counts, seen[path]);
		end
		local outbox = fan.outbox;
		slow_turns:with_labels():add(outbox.slow_turns - seen_turns);
		seen_turns = outbox.slow_turns;
		bytes:with_labels():set(outbox.most_bytes);
		outbox.most_bytes = 0;
	end);
end

--- Counts what the plans of `env` bring.
function metrics.count(env)
	local carry = env.carry;
	function env.carry(operations)
		for _, operation in ipairs(operations) do
			local count = counters[operation.kind];
			if count then
				count(operation);
			end
		end
		return carry(operations);
	end
	env.hook("muc-scion-rate", function (event)
		paced:with_labels(event.kind or "other", event.outcome):add(1);
	end);
end

--- Measures the rooms of a registry whenever statistics are made.
function metrics.watch(rooms)
	module:hook_global("stats-update", function ()
		update(rooms);
	end);
	watch_single(rooms);
end

--- Measures what waits for its turn (lua/muc/pace.lua).
function metrics.watch_pace(pacer)
	local waiting = module:metric("gauge", "waiting", "", "Stanzas to rooms that wait for their turn", {});
	local about = "Turns in which work on storms was done, and those that took more than 20 ms";
	local turns = module:metric("gauge", "turns", "", about, { "length" });
	module:hook_global("stats-update", function ()
		waiting:with_labels():set(pacer:count());
		turns:with_labels("any"):set(pacer.slices);
		turns:with_labels("long"):set(pacer.long);
	end);
end

return metrics;
