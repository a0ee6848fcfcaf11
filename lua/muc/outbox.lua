-- SPDX-License-Identifier: MIT
-- outbox: what rooms have sent and nobody has got yet: for each key (a session, a domain) one queue, in order. All that
-- is queued in one turn of the host's loop leaves together.
--
-- A queue is flat, three values for each entry: form, recipient, origin (false unless it answers that session).
local outbox = {};
outbox.__index = outbox;

local SLOW = 0.020; -- seconds: a flush that has taken longer is counted
local TURN = 0.015; -- seconds a flush may take before it goes on in the next turn
local BULK_TURN = 0.008; -- the same while nothing is left but what storms send
local AGE = 0.005; -- seconds something waits at most while room traffic goes on: a busy host is late with its timers
local PENDING, PENDING_MOST = 1024 * 1024, 8 * 1024 * 1024; -- bytes: flush at once; flush whatever time it takes
local ENTRY_BYTES = 64;
local POOL = 1024;

--- `env.deliver(key, queue)` brings a queue to its recipient; `env.begin()` is called before; `env.soon(f)` calls f in
--- the next turn; `env.now()`; `env.fail(text)`.
function outbox.new(env)
	return setmetatable({
		env = env, queues = {}, order = { first = 1, last = 0 }, bulk = { first = 1, last = 0 }, is_bulk = false,
		bytes = 0, most_bytes = 0, slow_turns = 0, pool = {}, is_due = false,
	}, outbox);
end

local function take_queue(self)
	local pool = self.pool;
	local queue = pool[#pool];
	pool[#pool] = nil;
	return queue or { n = 0 };
end

local function give_back(self, queue)
	if #self.pool < POOL and queue.n <= 96 then
		for i = 1, queue.n do
			queue[i] = nil;
		end
		queue.n = 0;
		self.pool[#self.pool + 1] = queue;
	end
end

local function append(order, key)
	order.last = order.last + 1;
	order[order.last] = key;
end

local function take(order)
	local first = order.first;
	local key = order[first];
	if key then
		order[first], order.first = nil, first + 1;
	end
	return key;
end

local function is_empty(self)
	return self.order.first > self.order.last and self.bulk.first > self.bulk.last;
end

local function new_queue(self, key)
	local queue = take_queue(self);
	self.queues[key] = queue;
	queue.is_bulk = self.is_bulk;
	append(self.is_bulk and self.bulk or self.order, key);
	self.since = self.since or self.env.now();
	return queue;
end

--- A form is going to be put: its bytes count once, until all is delivered.
function outbox:hold(form)
	self.bytes = self.bytes + form.size;
end

--- Appends an entry to the queue of `key`. True when it is the first there.
function outbox:put(key, form, to, origin)
	local known = self.queues[key];
	local queue = known or new_queue(self, key);
	if queue.is_bulk and not self.is_bulk then
		queue.is_bulk = false;
		append(self.order, key);
	end
	local n = queue.n;
	queue[n + 1], queue[n + 2], queue[n + 3] = form, to, origin or false;
	queue.n = n + 3;
	self.bytes = self.bytes + ENTRY_BYTES;
	return not known;
end

-- Takes out what waits for one key, if anything does.
local function detach(self, key)
	local queue = self.queues[key];
	if queue then
		self.queues[key] = nil;
		self.bytes = self.bytes - queue.n / 3 * ENTRY_BYTES;
	end
	return queue;
end

local function deliver(self, key)
	local queue = detach(self, key);
	if queue then
		self.env.deliver(key, queue);
		give_back(self, queue);
	end
end

--- Delivers what waits for one key. What is put meanwhile waits for the next time.
function outbox:flush_key(key)
	self.env.begin();
	deliver(self, key);
end

--- Throws away what waits for one key; returns how many entries that were.
function outbox:drop(key)
	local queue = detach(self, key);
	local count = queue and queue.n / 3 or 0;
	if queue then
		give_back(self, queue);
	end
	return count;
end

local function go_on(self)
	self.is_due = false;
	self:flush();
end

local function schedule(self)
	if not self.is_due and not is_empty(self) then
		self.is_due = true;
		self.env.soon(function () go_on(self); end);
	end
end

--- Delivers what waits, in the order in which recipients were first addressed, those of storms (put while `is_bulk` is
--- set) after the others; what takes too long goes on in the next turn, unless `all` is wanted. Inside of a flush it
--- does nothing.
function outbox:flush(all)
	if self.is_flushing then
		return;
	end
	self.is_flushing = true;
	self.env.begin();
	self.most_bytes = math.max(self.most_bytes, self.bytes);
	local now, since = self.env.now, self.env.now();
	local ends, rounds = since + TURN, 0;
	local ok, err;
	repeat
		local key = take(self.order);
		ends = key and ends or since + BULK_TURN;
		key = key or take(self.bulk);
		if key then
			ok, err = xpcall(deliver, debug.traceback, self, key);
			if not ok then
				self.env.fail(err);
			end
		end
		rounds = rounds + 1;
	until not key or not all and rounds % 8 == 0 and self.bytes < PENDING_MOST and now() > ends;
	if is_empty(self) then
		self.order, self.bulk = { first = 1, last = 0 }, { first = 1, last = 0 };
		self.since, self.bytes = nil, 0;
	end
	self.is_flushing = false;
	schedule(self);
	self.slow_turns = self.slow_turns + (now() - since > SLOW and 1 or 0);
end

--- To be called when a plan has been carried out: flushes at once what is much or old, the rest soon.
function outbox:settle()
	if not self.since or self.is_flushing then
		return;
	end
	if self.bytes > PENDING or not self.is_bulk and self.env.now() - self.since > AGE then
		self:flush();
	else
		schedule(self);
	end
end

return outbox;
