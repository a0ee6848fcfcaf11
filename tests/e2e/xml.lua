-- SPDX-License-Identifier: MIT
-- xml: elements as tables, read and written. An element is
-- { name = "message", xmlns = "jabber:client", attr = { to = "...", ["NS\1name"] = "..." }, [1..n] = element or text }.
local lxp = require "lxp";

local xml = {};

xml.NS_CLIENT = "jabber:client";
xml.NS_STREAM = "http://etherx.jabber.org/streams";
xml.NS_SCANSION = "urn:x-prosody-scion:scansion"; -- for scripts, which use the prefix without declaring it

local NS_XML = "http://www.w3.org/XML/1998/namespace";
local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["'"] = "&apos;", ['"'] = "&quot;" };

function xml.escape(text)
	return (text:gsub("[&<>'\"]", ESCAPES));
end

local function split_name(name)
	local xmlns, rest = name:match("^([^\1]*)\1(.*)$");
	return rest or name, xmlns;
end

local function element_of(name, attributes)
	local attr = {};
	for _, key in ipairs(attributes) do
		attr[key] = attributes[key];
	end
	local local_name, xmlns = split_name(name);
	return { name = local_name, xmlns = xmlns, attr = attr };
end

local function append_text(element, text)
	if type(element[#element]) == "string" then
		element[#element] = element[#element] .. text;
	else
		element[#element + 1] = text;
	end
end

-- A stream parser: feeds bytes; calls opened(header), element(child of the root), closed(). Returns an object whose
-- feed(bytes) is true, or nil and what is wrong.
function xml.stream(callbacks)
	local stack = {};
	local function start(_, name, attributes)
		local element = element_of(name, attributes);
		stack[#stack + 1] = element;
		if #stack == 1 then
			callbacks.opened(element);
		end
	end
	local function finish()
		local element = table.remove(stack);
		if #stack == 0 then
			callbacks.closed();
		elseif #stack == 1 then
			callbacks.element(element);
		else
			local parent = stack[#stack];
			parent[#parent + 1] = element;
		end
	end
	local function text(_, data)
		if #stack > 1 then
			append_text(stack[#stack], data);
		end
	end
	local parser = lxp.new({ StartElement = start, EndElement = finish, CharacterData = text }, "\1");
	-- Expat from 2.6 on looks again at a tag of which it has seen a part when twice as much has come. It gets whole ones.
	local rest = {};
	return {
		feed = function (_, bytes)
			local last = bytes:match("^.*()>");
			rest[#rest + 1] = bytes:sub(1, last);
			if not last then
				return true;
			end
			local whole = table.concat(rest);
			rest = { bytes:sub(last + 1) };
			local ok, err, line, column = parser:parse(whole);
			if not ok then
				return nil, ("%s at line %d, column %d"):format(err, line or 0, column or 0);
			end
			return true;
		end;
	};
end

-- The elements of a text, as they would stand in a client's stream. Nil and what is wrong when it is not XML.
function xml.parse_all(text)
	local found = {};
	local parser = xml.stream({
		opened = function () end;
		closed = function () end;
		element = function (element) found[#found + 1] = element; end;
	});
	local wrapper = ("<stream:stream xmlns='%s' xmlns:stream='%s' xmlns:scansion='%s'>"):format(
		xml.NS_CLIENT, xml.NS_STREAM, xml.NS_SCANSION);
	local ok, err = parser:feed(wrapper .. text);
	if ok then
		ok, err = parser:feed("</stream:stream>");
	end
	if not ok then
		return nil, err;
	end
	return found;
end

-- The one element of a text.
function xml.parse(text)
	local found, err = xml.parse_all(text);
	if not found then
		return nil, err;
	end
	if #found ~= 1 then
		return nil, ("expected one element, found %d"):format(#found);
	end
	return found[1];
end

local function attribute_text(key, value)
	local name, xmlns = split_name(key);
	if xmlns == NS_XML then
		return (" xml:%s='%s'"):format(name, xml.escape(value));
	elseif xmlns then
		return (" xmlns:ns='%s' ns:%s='%s'"):format(xml.escape(xmlns), name, xml.escape(value));
	end
	return (" %s='%s'"):format(name, xml.escape(value));
end

-- Writes an element, attributes in alphabetical order, xmlns where it differs from the parent's.
function xml.text(element, parent_xmlns)
	if type(element) == "string" then
		return xml.escape(element);
	end
	local keys = {};
	for key in pairs(element.attr) do
		keys[#keys + 1] = key;
	end
	table.sort(keys);
	local out = { "<", element.name };
	if element.xmlns and element.xmlns ~= (parent_xmlns or xml.NS_CLIENT) then
		out[#out + 1] = (" xmlns='%s'"):format(xml.escape(element.xmlns));
	end
	for _, key in ipairs(keys) do
		out[#out + 1] = attribute_text(key, element.attr[key]);
	end
	if #element == 0 then
		out[#out + 1] = "/>";
		return table.concat(out);
	end
	out[#out + 1] = ">";
	for _, child in ipairs(element) do
		out[#out + 1] = xml.text(child, element.xmlns);
	end
	out[#out + 1] = ("</%s>"):format(element.name);
	return table.concat(out);
end

-- The first child element with this name, and namespace when one is given.
function xml.child(element, name, xmlns)
	for _, child in ipairs(element) do
		if type(child) == "table" and child.name == name and (not xmlns or child.xmlns == xmlns) then
			return child;
		end
	end
	return nil;
end

-- The text directly inside an element.
function xml.content(element)
	local out = {};
	for _, child in ipairs(element) do
		if type(child) == "string" then
			out[#out + 1] = child;
		end
	end
	return table.concat(out);
end

return xml;
