-- SPDX-License-Identifier: MIT
-- outbox: when what rooms have sent leaves. The queues, one for each session or server, are those of the core's
-- fan-out; all that is queued in one turn of the host's loop leaves together.
local outbox = {};
outbox.__index = outbox;

local SLOW = 0.020; -- seconds: a flush that has taken longer is counted
local TURN = 0.015; -- seconds a flush may take before it goes on in the next turn
local BULK_TURN = 0.008; -- the same for what storms send
local AT_ONCE, HEFT = 8, 8192; -- deliveries between two looks at the clock; bytes that count as one more
local PIECE = 65536; -- bytes that a session is brought at once in a flush, unless PENDING or more wait for it
local AGE = 0.005; -- seconds something waits at most while room traffic goes on: a busy host is late with its timers
local PENDING, PENDING_MOST = 1024 * 1024, 8 * 1024 * 1024; -- bytes: flush at once; flush whatever time it takes
local MOST = 4 * 1024 * 1024;
local FORMS_KEPT = 262144; -- bytes of stanzas that nobody waits for and that may be sent again
local ADDRESSES = 4096; -- more than these are looked through for idle ones

--- `env` has `core`: a fan-out of the core; `find(to)`: the key of the queue that a recipient is sent from (itself, or
--- its domain) and how it is escaped, or nil where it has none; then `direct(form, to)` sends. `deliver(key, batch,
--- count, marks, largest, is_last, piece)` brings a batch to its recipient, or some of it unless `is_last` is set: then
--- it returns the number of the first that is still to be delivered. To a session of ours it brings all of it, or with
--- `piece` about so many bytes. `begin()` is called before; `soon(f)` calls f in the next turn; `now()`; `fail(text)`;
--- `lose(number)`: so many could not be kept for want of memory; `at_rest()`: no recipient is held any more;
--- `overflow(key)`: over `most` bytes (a field that can be set) for each recipient wait for a key that is held.
function outbox.new(env)
	return setmetatable({
		env = env, core = env.core, most = MOST, is_bulk = false, is_due = false, most_bytes = 0, slow_turns = 0,
		forms = {}, addresses = {}, recipients = {}, held = {}, active = {}, kept = 0, prune_at = ADDRESSES,
	}, outbox);
end

--- Bytes that wait, each stanza once, besides those that wait for nobody but recipients that are held.
function outbox:bytes()
	if self.is_closed then
		return 0;
	end
	local _, bytes = self.core:state();
	return bytes - self.kept;
end

local function form_handle(self, form)
	local handle = form.handle;
	if not handle then
		handle = self.core:form(form.head, form.tail, form.marks);
		if handle then
			form.handle, self.forms[handle] = handle, form;
		end
	end
	return handle;
end

local function new_address(self, to, escaped, sink)
	local handle = self.core:address(escaped, sink);
	if handle then
		self.addresses[to], self.recipients[handle] = handle, to;
	end
	return handle;
end

-- The address of a recipient that was not known, or nil.
local function find_address(self, to)
	local key, escaped = self.env.find(to);
	if not key then
		return nil;
	elseif key == to then
		return new_address(self, to, escaped);
	end
	local sink = self.addresses[key] or new_address(self, key, key);
	return sink and new_address(self, to, escaped, sink);
end

local function put_one(self, form, handle, to)
	local address = self.addresses[to] or find_address(self, to);
	if not address or not handle or not self.core:put(handle, address, self.is_bulk) then
		self.env.direct(form, to);
	end
end

local function check_held(self)
	for key, sink in pairs(self.held) do
		local _, bytes, sharers = self.core:look(sink);
		if bytes > self.most * (1 + sharers) then
			self.env.overflow(key);
		end
	end
end

--- Puts a stanza into the queues of many.
function outbox:fan(form, targets)
	self.since = self.since or self.env.now();
	local handle = form_handle(self, form);
	local at = handle and self.core:put_all(handle, targets, self.addresses, 1, self.is_bulk) or 1;
	while targets[at] do
		put_one(self, form, handle, targets[at]);
		at = handle and self.core:put_all(handle, targets, self.addresses, at + 1, self.is_bulk) or at + 1;
	end
end

--- The same for one.
function outbox:put(form, to)
	self.since = self.since or self.env.now();
	put_one(self, form, form_handle(self, form), to);
end

--- An entry of a batch: its form and recipient.
function outbox:entry(batch, index)
	local form, address = self.core:entry(batch, index);
	return self.forms[form], self.recipients[address];
end

--- What is sent to `key` waits until `release`: it takes nothing more now.
function outbox:hold(key)
	local sink = self.addresses[key];
	if sink then
		self.held[key] = sink;
		self.core:hold(sink, true);
	end
end

local schedule;

function outbox:release(key)
	local sink = self.held[key];
	if sink then
		self.held[key] = nil;
		self.core:hold(sink, false);
		schedule(self);
		if not next(self.held) then
			self.env.at_rest();
		end
	end
end

-- Delivers batches that `take(core, argument)` gives, at most `most`, where HEFT bytes count as one more; false when
-- there was none left, else whether the last was a storm's. After an error it goes on with the next.
local function deliver(self, take, argument, most, is_last, piece)
	local core, active, recipients, brings = self.core, self.active, self.recipients, self.env.deliver;
	local batch, sink, count, marks, bytes, largest, is_bulk, key;
	local function work()
		while most > 0 do
			batch, sink, count, marks, bytes, largest, is_bulk = take(core, argument);
			if not batch then
				return;
			end
			most = most - 1 - math.min(bytes, piece or bytes) / HEFT;
			key = recipients[sink];
			active[key] = true;
			local following = brings(key, batch, count, marks, largest, is_last, bytes < PENDING and piece or nil);
			local rest = following and count - following + 1 or 0;
			if rest == 0 or not core:give_back(batch, following) then
				core:done(batch);
				if rest > 0 then
					self.env.lose(rest);
				end
			end
			active[key] = nil;
		end
	end
	repeat
		local ok, err = xpcall(work, debug.traceback);
		if not ok then
			self.env.fail(err);
			core:done(batch);
			active[key] = nil;
		end
	until ok;
	return batch and true, is_bulk;
end

-- Frees what nobody waits for.
local function tidy(self)
	local core = self.core;
	local form = core:reap(FORMS_KEPT);
	while form do
		self.forms[form].handle, self.forms[form] = nil, nil;
		form = core:reap(FORMS_KEPT);
	end
	if select(4, core:state()) > self.prune_at then
		for handle, to in pairs(self.recipients) do
			local is_known = self.addresses[to] == handle;
			if core:forget(handle) then
				self.recipients[handle] = nil;
				self.addresses[to] = not is_known and self.addresses[to] or nil;
			end
		end
		self.prune_at = math.max(ADDRESSES, 2 * select(4, core:state()));
	end
end

--- Delivers what waits for one key, as much as it takes. What is put meanwhile, or for one that is just being delivered
--- to, waits for the next time.
function outbox:flush_key(key)
	local sink = self.addresses[key];
	if sink and not self.active[key] then
		self.env.begin();
		deliver(self, self.core.take, sink, 1);
	end
end

--- Takes away what waits for one key and calls `each`, if there is one, with form and recipient of each entry; returns
--- how many that were.
function outbox:drop(key, each)
	local sink = self.addresses[key];
	if not sink then
		return 0;
	end
	local batch, _, count = self.core:take(sink);
	for i = 1, each and count or 0 do
		each(self:entry(batch, i));
	end
	if batch then
		self.core:done(batch);
	end
	return count or 0;
end

--- A recipient is gone, or another comes in its place: it has to be found again.
function outbox:forget(key)
	self:release(key);
	local address = self.addresses[key];
	self.addresses[key] = nil;
	if address and self.core:forget(address) then
		self.recipients[address] = nil;
	end
end

local function go_on(self)
	self.is_due = false;
	self:flush();
end

function schedule(self)
	if not self.is_due and self.core:state() > 0 then
		self.is_due = true;
		self.env.soon(function () go_on(self); end);
	end
end

local function is_late(self, is_bulk, seconds)
	return seconds > (is_bulk and BULK_TURN or TURN) and self:bytes() < PENDING_MOST;
end

--- Delivers what waits, in the order in which recipients were first addressed, those of storms (put while `is_bulk` is
--- set) after the others; what takes too long goes on in the next turn, unless `all` is wanted. Inside of a flush it
--- does nothing.
function outbox:flush(all)
	if self.is_flushing or self.is_closed then
		return;
	end
	self.is_flushing = true;
	self.env.begin();
	local core, now = self.core, self.env.now;
	local since = now();
	local _, waiting = core:state();
	self.most_bytes = math.max(self.most_bytes, waiting);
	local is_more, is_bulk;
	repeat
		is_more, is_bulk = deliver(self, core.next, nil, all and math.huge or AT_ONCE, all, not all and PIECE or nil);
	until not is_more or is_late(self, is_bulk, now() - since);
	if core:state() == 0 then
		self.since = nil;
		_, self.kept = core:state();
	end
	tidy(self);
	self.is_flushing = false;
	schedule(self);
	self.slow_turns = self.slow_turns + (now() - since > SLOW and 1 or 0);
end

--- Delivers everything, also to those that are held.
function outbox:flush_all()
	if self.is_closed then
		return;
	end
	for key in pairs(self.held) do
		self:release(key);
	end
	self:flush(true);
end

--- Delivers everything and ends the core's part. What is asked of an outbox later does nothing.
function outbox:close()
	self:flush_all();
	self.is_closed, self.addresses, self.held = true, {}, {};
	self.core:close();
end

--- To be called when a plan has been carried out: flushes at once what is much or old, the rest soon.
function outbox:settle()
	if not self.since or self.is_flushing or self.is_closed then
		return;
	end
	if next(self.held) then
		check_held(self);
	end
	if self:bytes() > PENDING or not self.is_bulk and self.env.now() - self.since > AGE then
		self:flush();
	else
		schedule(self);
	end
end

return outbox;
