-- SPDX-License-Identifier: MIT
-- splice: a stanza that goes to many, serialised once. What is sent is `head`, the escaped recipient, and `tail`; the
-- first attribute is `to`, the rest is what util.stanza makes of it.
local splice = {};

local CLIENT = "jabber:client";

--- Attributes, `to` aside, as they stand behind the name.
local function attributes(st, stanza)
	local top = st.clone(stanza, true);
	top.attr.to = nil;
	return tostring(top):sub(#stanza.name + 2, -3);
end

local function inside(st, stanza)
	local parts = {};
	for i, child in ipairs(stanza) do
		parts[i] = type(child) == "string" and st.xml_escape(child) or tostring(child);
	end
	return table.concat(parts);
end

--- What is said about a stanza: { stanza, head, tail, size }. Borrows the stanza.
function splice.new(st, stanza)
	local content = #stanza == 0 and "/>" or (">%s</%s>"):format(inside(st, stanza), stanza.name);
	local head, tail = ("<%s to='"):format(stanza.name), "'" .. attributes(st, stanza) .. content;
	return { stanza = stanza, head = head, tail = tail, size = #head + #tail };
end

--- A recipient as it stands in an attribute.
function splice.escape(st, to)
	return to:find("['&<>\"]") and st.xml_escape(to) or to;
end

--- The tail with the namespace that stands on each stanza of a WebSocket stream (RFC 7395).
function splice.framed_tail(form)
	form.framed = form.framed or ("' xmlns='%s'"):format(CLIENT) .. form.tail:sub(2);
	return form.framed;
end

--- A stanza object for one recipient; what is inside is shared.
function splice.copy(form, to)
	local stanza, attr, tags = form.stanza, {}, {};
	for key, value in pairs(stanza.attr) do
		attr[key] = value;
	end
	attr.to = to;
	local copy = { name = stanza.name, attr = attr, tags = tags };
	table.move(stanza, 1, #stanza, 1, copy);
	table.move(stanza.tags, 1, #stanza.tags, 1, tags);
	return setmetatable(copy, getmetatable(stanza));
end

return splice;
