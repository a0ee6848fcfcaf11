-- SPDX-License-Identifier: MIT
-- rates: how often one account may speak, show presence, change its nick, join and ask an archive. What comes a little
-- too fast waits and is handled later, in the order in which it came; what comes much too fast is refused.
--
-- `env.rates`, nil for no limits: message, presence, nick, join, query, each { rate = per second, burst = at once } or
-- nil; delay (seconds that something waits at most), queue and queue_bytes (what of one session waits at most), and
-- exempt (a set of bare JIDs and domains).
--
-- A bucket is one number, the time at which it is full again. Joins are counted for the whole service, the rest in each
-- room.
local ledger = require "sx.muc.ledger";
local ns = require "sx.muc.ns";

local methods = {};

local SOON = 0.001; -- seconds, below which nobody needs to wait

local NAMES = {
	message = "messages", presence = "presence updates", nick = "changes of nick", join = "attempts to join",
	query = "queries of the archive",
};

-- What a stanza counts as; nil where it is not counted. Who leaves is never held up.
local function kind_of(room, stanza)
	local kind = stanza.attr.type;
	if stanza.name == "message" then
		return kind ~= "error" and "message" or nil;
	elseif stanza.name == "iq" then
		local payload = kind == "set" and stanza.tags[1];
		return payload and payload.attr.xmlns == ns.MAM and "query" or nil;
	elseif stanza.name ~= "presence" or kind and kind ~= "probe" then
		return nil;
	end
	local nick = room:get_occupant_jid(stanza.attr.from);
	if kind == "probe" then
		return "presence";
	elseif nick and room.env.jid.resource(stanza.attr.to) and stanza.attr.to ~= nick then
		return "nick";
	end
	return stanza:get_child("x", ns.MUC) and "join" or "presence";
end

local function buckets_of(room, kind)
	local owner = kind == "join" and room.env or room;
	owner._buckets = owner._buckets or {};
	owner._buckets[kind] = owner._buckets[kind] or ledger.new();
	return owner._buckets[kind];
end

local function is_exempt(env, jid)
	local exempt = env.rates.exempt or {};
	return exempt[jid] or exempt[env.jid.host(jid)] or env.is_admin(jid);
end

-- Takes one from the bucket of whoever sent a stanza. Returns the seconds until there is one to take; nothing is
-- taken when they are more than `most`.
local function charge(room, stanza, kind, most)
	local env = room.env;
	local limit, who = env.rates[kind], env.jid.bare(stanza.attr.from);
	if not limit then
		return 0;
	end
	local now, buckets = env.now(), buckets_of(room, kind);
	local full_at = math.max(buckets:get(who) or 0, now) + 1 / limit.rate;
	local wait = full_at - now - limit.burst / limit.rate;
	if wait > SOON and is_exempt(env, who) then
		return 0;
	elseif wait <= most + SOON then
		buckets:set(who, full_at, now);
	end
	return wait > SOON and wait or 0;
end

local function refuse(room, origin, stanza, kind, condition, text)
	if stanza.attr.type == "error" or stanza.attr.type == "result" then
		return true; -- nobody answers these
	end
	room.env.emit("muc-scion-rate", { room = room, stanza = stanza, kind = kind, outcome = "refused" });
	return room:refuse(origin, stanza, "wait", condition, text);
end

local run_next;

-- The head of a queue is handled when its time has come.
local function watch(room, from, queue)
	local function call(target)
		return run_next(target, from, queue);
	end
	room.env.plan:add({ kind = "timer", room = room, at = queue[queue.first].at, call = call });
end

local function pop(room, from, queue)
	local entry = queue[queue.first];
	queue[queue.first] = nil;
	queue.first, queue.bytes = queue.first + 1, queue.bytes - entry.bytes;
	if queue.first > queue.last then
		room._queues[from] = nil;
	end
	return entry;
end

function run_next(room, from, queue)
	if not room._queues or room._queues[from] ~= queue then
		return; -- it was emptied meanwhile
	elseif queue[queue.first].at > room.env.now() + SOON then
		return watch(room, from, queue); -- the timer was early
	end
	local entry = pop(room, from, queue);
	if room._queues[from] then
		watch(room, from, queue);
	end
	room[entry.method](room, entry.origin, entry.stanza);
end

local function queue_of(room, from)
	room._queues = room._queues or {};
	room._queues[from] = room._queues[from] or { first = 1, last = 0, bytes = 0 };
	return room._queues[from];
end

local function enqueue(room, entry)
	local rates, from = room.env.rates, entry.stanza.attr.from;
	local queue = queue_of(room, from);
	entry.bytes = #tostring(entry.stanza);
	local is_first = queue.last < queue.first;
	if not is_first and (queue.last - queue.first + 1 >= rates.queue or queue.bytes + entry.bytes > rates.queue_bytes) then
		return refuse(room, entry.origin, entry.stanza, entry.kind, "resource-constraint",
			("Too much of yours is waiting here already; try again in %d seconds"):format(math.ceil(rates.delay)));
	end
	if not is_first then
		entry.at = math.max(entry.at, queue[queue.last].at);
	end
	queue.last, queue.bytes = queue.last + 1, queue.bytes + entry.bytes;
	queue[queue.last] = entry;
	if is_first then
		watch(room, from, queue);
	end
	room.env.emit("muc-scion-rate", { room = room, stanza = entry.stanza, kind = entry.kind, outcome = "delayed" });
	return true;
end

-- Who leaves has said what waits before that; it has been counted.
local function flush(room, from)
	local queue = room._queues and room._queues[from];
	while queue and room._queues[from] == queue do
		local entry = pop(room, from, queue);
		room[entry.method](room, entry.origin, entry.stanza);
	end
end

local function is_end(stanza)
	local kind = stanza.attr.type;
	return stanza.name == "presence" and (kind == "unavailable" or kind == "error");
end

--- Gives a stanza to a method of the room: now, later, or not at all.
function methods:admit(method, origin, stanza)
	local env, from = self.env, stanza.attr.from;
	if not env.rates then
		return self[method](self, origin, stanza);
	elseif is_end(stanza) then
		flush(self, from);
		return self[method](self, origin, stanza);
	end
	-- A room that is still to be made cannot keep anybody waiting.
	local most = method == "handle_first_presence" and 0 or env.rates.delay;
	local kind = kind_of(self, stanza);
	local wait = kind and charge(self, stanza, kind, most) or 0;
	if wait > most + SOON then
		return refuse(self, origin, stanza, kind, "policy-violation",
			("Too many %s; try again in %d seconds"):format(NAMES[kind], math.ceil(wait)));
	elseif wait > 0 or self._queues and self._queues[from] then
		return enqueue(self, { method = method, origin = origin, stanza = stanza, kind = kind, at = env.now() + wait });
	end
	return self[method](self, origin, stanza);
end

--- Whether something waits for its turn.
function methods:is_awaited()
	return self._queues ~= nil and next(self._queues) ~= nil;
end

-- What still waits when the room ends is answered.
local function refuse_rest(event)
	local room = event.room;
	local queues = room._queues or {};
	room._queues = nil;
	for _, queue in pairs(queues) do
		for i = queue.first, queue.last do
			local stanza = queue[i].stanza;
			if stanza.attr.type ~= "error" and stanza.attr.type ~= "result" then
				room:refuse(queue[i].origin, stanza, "cancel", "gone", "The room has ended");
			end
		end
	end
end

return { methods = methods, hooks = { { "muc-room-destroyed", refuse_rest, 1 } } };
