-- SPDX-License-Identifier: MIT
-- bounded: a map with place for so many entries: the oldest makes place for the newest.
local bounded = {};
bounded.__index = bounded;

-- Entries are linked in the order in which they came, in a ring that begins and ends at `ends`.
local function unlink(node)
	node.before.after, node.after.before = node.after, node.before;
end

local function append(ends, node)
	node.before, node.after = ends.before, ends;
	ends.before.after, ends.before = node, node;
end

--- An empty map for at most `most` entries.
---@param most integer
function bounded.new(most)
	local ends = {};
	ends.before, ends.after = ends, ends;
	return setmetatable({ most = most, count = 0, nodes = {}, ends = ends }, bounded);
end

--- The value of a key, or nil.
function bounded:get(key)
	local node = self.nodes[key];
	return node and node.value;
end

--- Takes an entry out: its value, or nil.
function bounded:take(key)
	local node = self.nodes[key];
	if not node then
		return nil;
	end
	unlink(node);
	self.nodes[key] = nil;
	self.count = self.count - 1;
	return node.value;
end

--- Puts an entry in as the newest. Returns the value that had to make place, or nil.
function bounded:put(key, value)
	self:take(key);
	local node = { key = key, value = value };
	append(self.ends, node);
	self.nodes[key] = node;
	self.count = self.count + 1;
	if self.count > self.most then
		return self:take(self.ends.after.key);
	end
end

--- Iterates over keys and values, the oldest first; what the loop is at may be taken out.
function bounded:each()
	local node = self.ends.after;
	return function ()
		local here = node;
		if here ~= self.ends then
			node = here.after;
			return here.key, here.value;
		end
	end;
end

return bounded;
