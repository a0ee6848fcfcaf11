-- SPDX-License-Identifier: MIT
-- backoff: remembers failed dials per peer, so that not every new stream pays a timeout before it falls back.

local FIRST = 60;
local MOST = 600;
-- Entries of peers nobody asked for again go when there are this many.
local ENTRIES_MOST = 1000;

local backoff = {};
local backoff_mt = { __index = backoff };

local function sweep(self)
	local now = self.now();
	for domain, entry in pairs(self.entries) do
		if entry.till <= now then
			self.entries[domain] = nil;
			self.count = self.count - 1;
		end
	end
end

--- A dial to `domain` failed: quiet for a minute, then twice as long each time.
function backoff:failed(domain, reason)
	local entry = self.entries[domain];
	if not entry then
		if self.count >= ENTRIES_MOST then
			sweep(self);
		end
		if self.count >= ENTRIES_MOST then
			return; -- forgetting only costs a dial
		end
		entry = { wait = FIRST / 2 };
		self.entries[domain] = entry;
		self.count = self.count + 1;
	end
	entry.wait = math.min(entry.wait * 2, MOST);
	entry.till = self.now() + entry.wait;
	entry.reason = reason;
end

function backoff:worked(domain)
	if self.entries[domain] then
		self.entries[domain] = nil;
		self.count = self.count - 1;
	end
end

--- Seconds for which `domain` is better not dialled, and why; nil when it may be.
function backoff:left(domain)
	local entry = self.entries[domain];
	local left = entry and entry.till - self.now() or 0;
	if left <= 0 then
		return nil;
	end
	return left, entry.reason;
end

function backoff:clear()
	self.entries, self.count = {}, 0;
end

---@param now fun(): number seconds
local function new(now)
	return setmetatable({ now = now, entries = {}, count = 0 }, backoff_mt);
end

return { new = new };
