-- SPDX-License-Identifier: MIT
-- pace: to show a room who comes and goes costs as much as there are occupants. A storm of it is spread over the turns
-- of the host's loop, in the order in which it came, so that other traffic gets through in between.
--
-- An entry is a piece of work: key (what has the same key keeps its order), is_heavy, is_end (it takes somebody out of
-- a room, and is never refused), and whatever else the host puts there. `env` gives clock() (seconds of CPU, so that
-- what else runs on the machine does not count), soon(f) (calls f in the next turn), work(entry), refuse(entry),
-- is_full() (what has been sent is still to leave) and fail(err).
local pace = {};
pace.__index = pace;

local SLICE = 0.005; -- seconds of work in one turn
local LATE = 0.05; -- seconds after which a host that never gets round to its timers is not waited for
local LONG = 0.02; -- seconds of a turn that is counted as too long
local LARGE = 25; -- occupants; in smaller rooms nothing is heavy
local MOST, SESSION_MOST = 10000, 50; -- entries that wait

function pace.new(env)
	return setmetatable({
		env = env, entries = {}, first = 1, last = 0, of_key = {}, spent = 0, is_due = false,
		slices = 0, long = 0, queued = 0, most = 0,
	}, pace);
end

--- How many stanzas wait.
function pace:count()
	return self.last - self.first + 1;
end

local function work(self, entry)
	self.is_working = true;
	local ok, result = xpcall(self.env.work, debug.traceback, entry);
	self.is_working = false;
	if not ok then
		self.env.fail(result);
	end
	return not ok or result;
end

local function pop(self)
	local entry = self.entries[self.first];
	self.entries[self.first] = nil;
	self.first = self.first + 1;
	if self.first > self.last then
		self.first, self.last = 1, 0;
	end
	local own = self.of_key[entry.key];
	own.count = own.count - 1;
	if own.count == 0 then
		self.of_key[entry.key] = nil;
	end
	return entry;
end

local schedule;

-- The work of one turn. At least one entry, so that it goes on whatever the host is busy with.
local function take_turn(self)
	local clock = self.env.clock;
	local begin = clock();
	repeat
		work(self, pop(self));
		self.spent = clock() - begin;
	until self:count() == 0 or self.spent >= SLICE or self.env.is_full();
	self.since = clock();
	self.slices = self.slices + 1;
	self.long = self.long + (self.spent > LONG and 1 or 0);
	schedule(self);
end

local function next_turn(self)
	self.is_due, self.spent = false, 0;
	if self:count() > 0 and not self.is_working then
		take_turn(self);
	end
end

function schedule(self)
	if not self.is_due then
		self.is_due = true;
		self.env.soon(function () next_turn(self); end);
	end
end

-- The first ones of a turn need not wait, nor what comes after as much of other work: a turn of the host can be long.
local function has_time(self)
	local begin = self.env.clock();
	self.spent = math.max(0, self.spent - (begin - (self.worked_at or begin)));
	self.worked_at = begin;
	return self.spent < SLICE;
end

local function work_now(self, entry)
	local result = work(self, entry);
	local now = self.env.clock();
	self.spent, self.worked_at = self.spent + now - self.worked_at, now;
	schedule(self);
	return result;
end

local function append(self, entry, own)
	if self:count() == 0 then
		self.since = self.env.clock();
	end
	own = own or { count = 0 };
	self.last = self.last + 1;
	own.count, own.last = own.count + 1, self.last;
	self.entries[self.last], self.of_key[entry.key] = entry, own;
	self.queued, self.most = self.queued + 1, math.max(self.most, self:count());
	schedule(self);
end

local function enqueue(self, entry)
	local own = self.of_key[entry.key];
	local is_flood = own and own.count >= SESSION_MOST;
	if not entry.is_end and (is_flood or self:count() >= MOST) then
		return self.env.refuse(entry);
	elseif is_flood then
		self.entries[own.last] = entry; -- whoever floods and leaves has left
	else
		append(self, entry, own);
	end
	return true;
end

--- Does an entry now or in its turn: heavy work when there is time for it, other work unless something with the same
--- key waits. Returns what work or refusal return, or true when it waits.
function pace:give(entry)
	local is_idle = self:count() == 0;
	if not is_idle and not self.is_working and self.env.clock() - self.since > LATE then
		take_turn(self);
	end
	local must_wait = entry.is_heavy and not (is_idle and not self.is_working and has_time(self));
	if must_wait or self.of_key[entry.key] then
		return enqueue(self, entry);
	elseif entry.is_heavy then
		return work_now(self, entry);
	end
	return self.env.work(entry);
end

--- Does all that waits.
function pace:finish()
	while self:count() > 0 do
		work(self, pop(self));
	end
end

-- An error that takes its sender out of the room.
local function is_loss(room, stanza)
	return stanza.name == "presence" or stanza.name == "message" and room:is_delivery_failure(stanza);
end

local function is_large(room)
	local count = 0;
	for _ in pairs(room._occupants) do
		count = count + 1;
		if count == LARGE then
			return true;
		end
	end
	return false;
end

--- Whether a stanza to a room is heavy work, and whether it takes its sender out.
function pace.weigh(room, stanza)
	if not is_large(room) then
		return false, false;
	end
	local kind = stanza.attr.type;
	local is_end = kind == "error" and is_loss(room, stanza) or kind == "unavailable" and stanza.name == "presence";
	if is_end then
		is_end = room:get_occupant_jid(stanza.attr.from) ~= nil;
		return is_end, is_end;
	end
	return kind == nil and stanza.name == "presence", false;
end

return pace;
