-- SPDX-License-Identifier: MIT
-- size: what a stanza has in bytes when it is written, as far as that is needed: to write it costs more than all else
-- that is done with a short message.
local size = {};

local ESCAPED, ATTRIBUTE, ELEMENT = 6, 40, 8; -- bytes: of a character at most; besides names and values

-- At least as many bytes as a stanza has.
local function estimate(stanza)
	local bytes = 2 * #stanza.name + ELEMENT;
	for name, value in pairs(stanza.attr) do
		bytes = bytes + 2 * #name + ESCAPED * #value + ATTRIBUTE;
	end
	for _, child in ipairs(stanza) do
		bytes = bytes + (type(child) == "string" and ESCAPED * #child or estimate(child));
	end
	return bytes;
end

size.estimate = estimate;

--- Whether a stanza has at most so many bytes.
function size.fits(stanza, most)
	return estimate(stanza) <= most or #tostring(stanza) <= most;
end

return size;
