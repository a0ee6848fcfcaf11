-- SPDX-License-Identifier: MIT
-- mutations: ways to spoil a stanza: { name, f(element, dice) }, each of which changes an element (xml.lua) somewhere.
-- What makes it an answerable stanza stays: its name and namespace, and the id of an <iq/>. `dice(n)`: from 1 to n.
local mutations = {};

local LONG, LONGER = 3000, 70000; -- bytes; the second is more than rooms pass on

local NAMESPACES = {
	"urn:example:wrong", "jabber:client", "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user",
	"http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner", "jabber:x:data", "urn:xmpp:delay",
	"urn:xmpp:sid:0", "urn:xmpp:occupant-id:0", "urn:xmpp:hats:0", "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm",
};
local NAMES = { "item", "invite", "decline", "destroy", "x", "query", "field", "value", "subject", "body", "set",
	"reason", "history", "password", "status", "error", "remove", "muji", "retract", "moderate", "PHOTO", "mav" };
local TEXTS = {
	"", " ", "\n", "<&'\">]]>", "%s%d%n", "../../etc", "none", "true", "null", "\226\128\168", "\240\159\166\138",
	"e\204\129", "\226\128\174evil", "\239\188\161", "_jid", "_data", "__index", "a=b;c", "(.*)+", "1~2", "~",
};
local NUMBERS = {
	"-1", "0", "1", "00", "+1", "1e9", "1e300", "1e999", "-1e300", "nan", "inf", "-inf", "0x10", "0x7fffffffffffffff",
	" 5", "5 ", "5.5", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e-5", "0b1",
	"1_000", "\217\161", ".", "-",
};
local JIDS = {
	"@", "@example.org", "a@", "/x", "a@b@c", "_data", "_jid", "x@_data", "_x@example.org", "example.org",
	"a@example.org/", "a b@example.org", "A@EXAMPLE.ORG", "a@example.org.", "a@[::1]", "\195\164@example.org",
	"a@\226\132\170.org", "rooms.example.org", "ROOM", "ROOM/NICK", "ROOM/FREE", ("n"):rep(1100) .. "@example.org",
	"owner@example.org",
	("n"):rep(300) .. "@rooms.example.org", "a@" .. ("d"):rep(1100), "guest@example.org/first",
	"a@example.org/" .. ("r"):rep(1100),
};
local TIMES = { "2026-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00+99:99",
	"20260101T00:00:00", "2026-01-01", "2026-01-01T00:00:00.123456789Z", "-2026-01-01T00:00:00Z" };
local TYPES = { "get", "set", "result", "error", "groupchat", "chat", "normal", "headline", "unavailable", "subscribe",
	"probe", "submit", "cancel", "form", "bogus", "" };

local function pick(dice, list)
	return list[dice(#list)];
end

local function is_kept(element, key)
	return key == "id" and element.name == "iq" or key == "to" and element.is_root;
end

-- The elements in one, itself first, with their parents.
local function nodes(element, list, parent)
	list = list or {};
	list[#list + 1] = { element = element, parent = parent };
	for _, child in ipairs(element) do
		if type(child) == "table" then
			nodes(child, list, element);
		end
	end
	return list;
end

local function any(root, dice)
	local list = nodes(root);
	return list[dice(#list)].element;
end

-- One that is not the stanza itself, and its parent; nil where there is none.
local function inner(root, dice)
	local list = nodes(root);
	if #list > 1 then
		local found = list[1 + dice(#list - 1)];
		return found.element, found.parent;
	end
end

-- An attribute of some element that may be changed: the element and the key.
local function attribute(root, dice)
	local found = {};
	root.is_root = true;
	for _, node in ipairs(nodes(root)) do
		for key in pairs(node.element.attr) do
			if not is_kept(node.element, key) then
				found[#found + 1] = { node.element, key };
			end
		end
	end
	table.sort(found, function (x, y) return x[2] < y[2]; end);
	return table.unpack(found[1] and pick(dice, found) or {});
end

-- Puts a text where there is one, in an attribute or in an element.
local function put(root, dice, text)
	local element, key = attribute(root, dice);
	if element and dice(2) == 1 then
		element.attr[key] = text;
		return;
	end
	element = any(root, dice);
	for i, child in ipairs(element) do
		if type(child) == "string" then
			element[i] = text;
			return;
		end
	end
	table.insert(element, dice(#element + 1), text);
end

local function texts_of(list)
	return function (root, dice)
		put(root, dice, pick(dice, list));
	end;
end

local function index_of(parent, child)
	for i, one in ipairs(parent) do
		if one == child then
			return i;
		end
	end
end

local function copy(element)
	if type(element) == "string" then
		return element;
	end
	local new = { name = element.name, xmlns = element.xmlns, attr = {} };
	for key, value in pairs(element.attr) do
		new.attr[key] = value;
	end
	for i, child in ipairs(element) do
		new[i] = copy(child);
	end
	return new;
end

local function add(name, f)
	mutations[#mutations + 1] = { name, f };
end

-- Each text of a list is a mutation: it becomes what the last element that holds text alone says, as a form field's
-- value; where there is none, some other text.
local function add_values(name, list)
	for _, text in ipairs(list) do
		add(("%s: %s"):format(name, text:sub(1, 20)), function (root, dice)
			local found;
			for _, node in ipairs(nodes(root)) do
				local element = node.element;
				found = #element == 1 and type(element[1]) == "string" and element or found;
			end
			if found then
				found[1] = text;
			else
				put(root, dice, text);
			end
		end);
	end
end

add("none", function () end);
add("an attribute missing", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = nil;
	end
end);
add("an attribute empty", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = "";
	end
end);
add("an attribute twice", function (root, dice)
	local element, key = attribute(root, dice);
	if element and not key:find("\1", 1, true) then
		element.attr["urn:example:other\1" .. key] = element.attr[key];
	end
end);
add("an attribute of another name", function (root, dice)
	local names = { "nick", "jid", "role", "affiliation", "node", "code", "xml", "from2" };
	any(root, dice).attr[pick(dice, names)] = pick(dice, TEXTS);
end);
add("an attribute long", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = ("x"):rep(dice(20) == 1 and LONGER or LONG);
	end
end);
add("a text long", function (root, dice)
	put(root, dice, ("y"):rep(dice(20) == 1 and LONGER or LONG));
end);
add("an attribute a JID", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = pick(dice, JIDS);
	end
end);
add("an attribute a number", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = pick(dice, NUMBERS);
	end
end);
add("an attribute a time", function (root, dice)
	local element, key = attribute(root, dice);
	if element then
		element.attr[key] = pick(dice, TIMES);
	end
end);
add("another type", function (root, dice)
	local element = dice(3) == 1 and root or any(root, dice);
	element.attr.type = pick(dice, TYPES);
end);
add("a text odd", texts_of(TEXTS));
add("a text a JID", texts_of(JIDS));
add_values("a number", NUMBERS);
add_values("a JID", JIDS);
add_values("a time", TIMES);
add_values("a text", TEXTS);
add("an element in a wrong namespace", function (root, dice)
	local element = inner(root, dice);
	if element then
		element.xmlns = pick(dice, NAMESPACES);
	end
end);
add("a branch in a wrong namespace", function (root, dice)
	local element = inner(root, dice);
	local xmlns = pick(dice, NAMESPACES);
	for _, node in ipairs(element and nodes(element) or {}) do
		node.element.xmlns = xmlns;
	end
end);
add("an element of another name", function (root, dice)
	local element = inner(root, dice);
	if element then
		element.name = pick(dice, NAMES);
	end
end);
add("an element missing", function (root, dice)
	local element, parent = inner(root, dice);
	if element then
		table.remove(parent, index_of(parent, element));
	end
end);
add("an element twice", function (root, dice)
	local element, parent = inner(root, dice);
	if element then
		table.insert(parent, dice(#parent + 1), copy(element));
	end
end);
add("an element fifty times", function (root, dice)
	local element, parent = inner(root, dice);
	for _ = 1, element and 50 or 0 do
		table.insert(parent, copy(element));
	end
end);
add("an element in itself", function (root, dice)
	local element = inner(root, dice);
	if element then
		table.insert(element, dice(#element + 1), copy(element));
	end
end);
add("an element deep", function (root, dice)
	local element = inner(root, dice);
	for _ = 1, element and 40 or 0 do
		local nested = copy({ name = element.name, xmlns = element.xmlns, attr = element.attr });
		table.insert(element, nested);
		element = nested;
	end
end);
add("an element elsewhere", function (root, dice)
	local element, parent = inner(root, dice);
	if element then
		table.remove(parent, index_of(parent, element));
		table.insert(root, dice(#root + 1), element);
	end
end);
add("an element without its parent", function (root, dice)
	local element, parent = inner(root, dice);
	if element and parent ~= root then
		local at = index_of(root, parent);
		if at then
			root[at] = element;
		end
	end
end);
add("an element empty", function (root, dice)
	local element = inner(root, dice);
	for i = element and #element or 0, 1, -1 do
		element[i] = nil;
	end
end);
add("elements in another order", function (root, dice)
	local element = any(root, dice);
	for i = #element, 2, -1 do
		local j = dice(i);
		element[i], element[j] = element[j], element[i];
	end
end);
add("text where elements are", function (root, dice)
	local element = inner(root, dice);
	if element then
		for i = #element, 1, -1 do
			element[i] = nil;
		end
		element[1] = pick(dice, TEXTS);
	end
end);
add("forged marks", function (root, dice)
	local forged = {
		{ name = "delay", xmlns = "urn:xmpp:delay", attr = { from = "ROOM", stamp = pick(dice, TIMES) } },
		{ name = "stanza-id", xmlns = "urn:xmpp:sid:0", attr = { by = pick(dice, JIDS), id = "forged" } },
		{ name = "stanza-id", xmlns = "urn:xmpp:sid:0", attr = {} },
		{ name = "occupant-id", xmlns = "urn:xmpp:occupant-id:0", attr = {} },
		{ name = "x", xmlns = "http://jabber.org/protocol/muc#user", attr = {},
			{ name = "item", xmlns = "http://jabber.org/protocol/muc#user", attr = { jid = pick(dice, JIDS) } } },
		{ name = "hats", xmlns = "urn:xmpp:hats:0", attr = {}, { name = "hat", xmlns = "urn:xmpp:hats:0", attr = {} } },
		{ name = "addresses", xmlns = "http://jabber.org/protocol/address", attr = {} },
		{ name = "mav", xmlns = "urn:xmpp:muc:affiliations:1", attr = { since = pick(dice, TEXTS) } },
	};
	table.insert(root, dice(#root + 1), pick(dice, forged));
end);
add("a form field more", function (root, dice)
	for _, node in ipairs(nodes(root)) do
		if node.element.name == "x" and node.element.xmlns == "jabber:x:data" then
			table.insert(node.element, dice(#node.element + 1), { name = "field", xmlns = "jabber:x:data",
				attr = { var = pick(dice, { "FORM_TYPE", "unknown", "", "muc#roomconfig_roomname", "with", "hats#uri" }),
					type = pick(dice, { "boolean", "jid-multi", "list-single", "hidden", "fixed", "bogus" }) },
				dice(2) == 1 and { name = "value", xmlns = "jabber:x:data", attr = {}, pick(dice, TEXTS) } or nil });
		end
	end
end);
add("a paged request", function (root, dice)
	local element = inner(root, dice) or root;
	table.insert(element, { name = "set", xmlns = "http://jabber.org/protocol/rsm", attr = {},
		{ name = pick(dice, { "max", "index", "before", "after" }), xmlns = "http://jabber.org/protocol/rsm", attr = {},
			pick(dice, NUMBERS) } });
end);

return mutations;
