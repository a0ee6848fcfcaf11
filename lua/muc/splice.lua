-- SPDX-License-Identifier: MIT
-- splice: a stanza that goes to many, serialised once. What is sent is `head`, the escaped recipient, and `tail`; the
-- first attribute is `to`, the rest is what util.stanza makes of it.
local splice = {};

local CLIENT = "jabber:client";
local FEW = 50; -- children that are handed over on the stack, at most

local unpack = table.unpack or unpack; -- luacheck: ignore 143

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

-- A table like `list` with one more at the end, made in one go, so that it does not grow step by step; with a name it
-- gets the fields of a stanza.
local function with_list(list, last, name, attr, tags)
	local count = #list;
	if count < FEW then
		list[count + 1] = last;
		local made = name and { name = name, attr = attr, tags = tags, unpack(list) } or { unpack(list) };
		list[count + 1] = nil;
		return made;
	end
	local made = table.move(list, 1, count, 1, { name = name, attr = attr, tags = tags });
	made[count + 1] = last;
	return made;
end

--- A stanza object for one recipient; what is inside is shared, and `last`, if there is one, comes behind it.
function splice.copy(form, to, last)
	local stanza = form.stanza;
	local given = stanza.attr;
	local attr = { to = to, from = given.from, type = given.type, id = given.id, ["xml:lang"] = given["xml:lang"] };
	for key, value in pairs(given) do
		attr[key] = value;
	end
	attr.to = to;
	local tags = with_list(stanza.tags, last);
	return setmetatable(with_list(stanza, last, stanza.name, attr, tags), getmetatable(stanza));
end

--- An empty element, of attributes that are known to be good.
function splice.element(form, name, attr)
	return setmetatable({ name = name, attr = attr, tags = {} }, getmetatable(form.stanza));
end

return splice;
