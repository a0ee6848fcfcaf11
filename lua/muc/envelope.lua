-- SPDX-License-Identifier: MIT
-- envelope: a copy of a stanza with attributes and a list of children of its own, for what is sent later or to another
-- recipient while its maker goes on with the original. What lies inside is shared.
return function (stanza)
	local copy = { name = stanza.name, attr = {}, tags = {} };
	for key, value in pairs(stanza.attr) do
		copy.attr[key] = value;
	end
	table.move(stanza, 1, #stanza, 1, copy);
	table.move(stanza.tags, 1, #stanza.tags, 1, copy.tags);
	return setmetatable(copy, getmetatable(stanza));
end;
