-- SPDX-License-Identifier: MIT
-- same: whether two stanzas say the same.

local function same_attributes(one, other, ignored)
	for key, value in pairs(one) do
		if other[key] ~= value and not (ignored and ignored[key]) then
			return false;
		end
	end
	for key in pairs(other) do
		if one[key] == nil and not (ignored and ignored[key]) then
			return false;
		end
	end
	return true;
end

--- Compares names, attributes, and all that is inside, in order. Attributes of the stanza itself that are in the set
--- `ignored` do not count.
local function same(one, other, ignored)
	if type(one) == "string" or type(other) == "string" then
		return one == other;
	end
	if one.name ~= other.name or #one ~= #other or not same_attributes(one.attr, other.attr, ignored) then
		return false;
	end
	for i = 1, #one do
		if not same(one[i], other[i]) then
			return false;
		end
	end
	return true;
end

return same;
