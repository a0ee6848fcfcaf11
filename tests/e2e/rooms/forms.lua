-- SPDX-License-Identifier: MIT
-- forms: data forms and queries as tests write and read them.
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local forms = {};

local NS_FORM = "jabber:x:data";
local NS_OWNER = "http://jabber.org/protocol/muc#owner";
local NS_ADMIN = "http://jabber.org/protocol/muc#admin";

local function keys_of(map)
	local keys = {};
	for key in pairs(map) do
		keys[#keys + 1] = key;
	end
	table.sort(keys, function (x, y) return tostring(x) < tostring(y); end);
	return keys;
end

-- A value as text, keys in order, so that equal values give equal texts.
function forms.shown(value)
	if type(value) ~= "table" then
		return tostring(value);
	end
	local parts = {};
	for _, key in ipairs(keys_of(value)) do
		parts[#parts + 1] = ("%s=%s"):format(tostring(key), forms.shown(value[key]));
	end
	return ("{ %s }"):format(table.concat(parts, ", "));
end

local function field(var, value)
	local values = {};
	for i, one in ipairs(type(value) == "table" and value or { value }) do
		values[i] = ("<value>%s</value>"):format(xml.escape(tostring(one)));
	end
	return ("<field var='%s'>%s</field>"):format(xml.escape(var), table.concat(values));
end

-- A submitted form: fields as { var = value or list of values }.
function forms.submit(form_type, fields)
	local parts = { field("FORM_TYPE", form_type) };
	for _, var in ipairs(keys_of(fields)) do
		parts[#parts + 1] = field(var, fields[var]);
	end
	return ("<x xmlns='%s' type='submit'>%s</x>"):format(NS_FORM, table.concat(parts));
end

local function in_full(config)
	local fields = {};
	for name, value in pairs(config) do
		fields[name:find("[#{]") and name or "muc#roomconfig_" .. name] = value;
	end
	return fields;
end

-- The query that configures a room; placeholders in values stay for the scene to fill in.
function forms.configuration(config)
	local form = next(config) and forms.submit("http://jabber.org/protocol/muc#roomconfig", in_full(config))
		or ("<x xmlns='%s' type='submit'/>"):format(NS_FORM);
	return ("<query xmlns='%s'>%s</query>"):format(NS_OWNER, form);
end

function forms.owner(content)
	return ("<query xmlns='%s'>%s</query>"):format(NS_OWNER, content or "");
end

-- A muc#admin query around its items.
function forms.admin(...)
	return ("<query xmlns='%s'>%s</query>"):format(NS_ADMIN, table.concat({ ... }));
end

function forms.disco(node, kind)
	return ("<query xmlns='http://jabber.org/protocol/disco#%s'%s/>"):format(kind or "info",
		node and (" node='%s'"):format(node) or "");
end

-- The <query/> of an answer.
function forms.query(answer)
	return xml.child(answer, "query") or { attr = {} };
end

-- The items of an answer: a list of their attributes, in order of jid and nick.
function forms.items(answer)
	local list = {};
	for i, item in ipairs(words.children(forms.query(answer), "item")) do
		list[i] = item.attr;
		for j = #item.attr, 1, -1 do
			item.attr[j] = nil;
		end
	end
	table.sort(list, function (x, y) return forms.shown(x) < forms.shown(y); end);
	return list;
end

local function values_of(element)
	local values = {};
	for i, value in ipairs(words.children(element, "value")) do
		values[i] = xml.content(value);
	end
	return values;
end

-- The form in an element, at any depth: var -> { type =, [1..n] = values }, and its FORM_TYPE. Nil when there is none.
function forms.read(element)
	local x = xml.child(element, "x", NS_FORM);
	for _, child in ipairs(element) do
		x = x or type(child) == "table" and xml.child(child, "x", NS_FORM) or nil;
	end
	if not x then
		return nil;
	end
	local fields = {};
	for _, one in ipairs(words.children(x, "field")) do
		local values = values_of(one);
		values.type = one.attr.type;
		fields[one.attr.var or ""] = values;
	end
	return fields, fields.FORM_TYPE and fields.FORM_TYPE[1];
end

-- Set of feature names in a disco#info answer.
function forms.features(answer)
	local set = {};
	for _, feature in ipairs(words.children(forms.query(answer), "feature")) do
		set[feature.attr.var] = true;
	end
	return set;
end

return forms;
