-- SPDX-License-Identifier: MIT
-- expiry: removes from the archives of all rooms what is too old. Where the store cannot do that for all rooms at once,
-- the rooms with new messages are noted day by day, where stock mod_muc_mam notes them too.
local expiry = {};
expiry.__index = expiry;

--- `options`: archive, an archive store; days, a keyval store with users() that has a set of nodes for each date, and
--- marks, the same as a map store; after, seconds; now(), whole seconds; date(time), text that sorts as dates do.
function expiry.new(options)
	return setmetatable({ options = options, noted = {} }, expiry);
end

local function is_sweeping(archive)
	return archive.caps and archive.caps.wildcard_delete;
end

--- There is something new in the archive of a node.
function expiry:note(node)
	local options = self.options;
	if is_sweeping(options.archive) then
		return;
	end
	local date = options.date(options.now());
	if self.date ~= date then
		self.date, self.noted = date, {};
	end
	if not self.noted[node] then
		self.noted[node] = options.marks:set(date, node, true) and true or nil;
	end
end

--- The time before which nothing is kept.
function expiry:limit()
	return math.floor(self.options.now() - self.options.after); -- periods may have fractions
end

--- Removes what is too old from the archive of one node. How many messages that were, or nil and why not.
function expiry:clean(node)
	local count, err = self.options.archive:delete(node, { ["end"] = self:limit() });
	return count and (tonumber(count) or 0), err;
end

-- The nodes that had new messages up to the day of the limit, and that day, which is kept for next time.
local function due(self)
	local days, last, nodes = self.options.days, self.options.date(self:limit()), {};
	for date in days:users() do
		for node in pairs(date <= last and days:get(date) or {}) do
			nodes[node] = true;
		end
		if date < last then
			days:set(date, nil);
		end
	end
	return nodes, last;
end

--- Removes everything that is too old, with a `pause()` after each room. How many messages that were, and a list of
--- what went wrong.
function expiry:run(pause)
	if is_sweeping(self.options.archive) then
		local count, err = self:clean(true);
		return count or 0, { not count and tostring(err) or nil };
	end
	local sum, faults = 0, {};
	local nodes, last = due(self);
	for node in pairs(nodes) do
		local count, err = self:clean(node);
		if not count then
			self.options.marks:set(last, node, true);
			faults[#faults + 1] = ("%s: %s"):format(node, tostring(err));
		end
		sum = sum + (count or 0);
		pause();
	end
	return sum, faults;
end

return expiry;
