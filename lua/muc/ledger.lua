-- SPDX-License-Identifier: MIT
-- ledger: for each of many people a time, in one table that stays small: times that are over are forgotten.
local ledger = {};
ledger.__index = ledger;

local SWEEP_AT = 256; -- entries, before the first look for those that are over

--- An empty ledger.
function ledger.new()
	return setmetatable({ times = {}, count = 0, sweep_at = SWEEP_AT }, ledger);
end

--- The time noted for `who`, or nil.
function ledger:get(who)
	return self.times[who];
end

local function sweep(self, now)
	local count = 0;
	for who, time in pairs(self.times) do
		if time <= now then
			self.times[who] = nil;
		else
			count = count + 1;
		end
	end
	self.count, self.sweep_at = count, math.max(SWEEP_AT, 2 * count);
end

--- Notes a time for `who`, who may be forgotten when it is over.
function ledger:set(who, time, now)
	if not self.times[who] then
		self.count = self.count + 1;
		if self.count > self.sweep_at then
			sweep(self, now);
			self.count = self.count + 1;
		end
	end
	self.times[who] = time;
end

return ledger;
