-- SPDX-License-Identifier: MIT
-- match: does a received element look like the expected one? The rules of the scansion format.
--
-- What the pattern says must be there, in any order; in foreign namespaces (anything but jabber:client) nothing else
-- may be, unless scansion:strict says otherwise for an element and what is in it. Text counts when the pattern has
-- some. "{scansion:any}" stands for any value; "{scansion:capture:name}" also remembers it in `captures`.
local xml = require "e2e.xml";

local match = {};

local STRICT = xml.NS_SCANSION .. "\1strict";

local function is_ours(key)
	return key:sub(1, #xml.NS_SCANSION) == xml.NS_SCANSION;
end

local function value_matches(pattern, actual, captures)
	if actual == nil then
		return false;
	end
	local name = pattern:match("^{scansion:capture:(.+)}$");
	if name then
		captures[name] = actual;
		return true;
	end
	return pattern == "{scansion:any}" or pattern == actual;
end

local function trim(text)
	return text:match("^%s*(.-)%s*$");
end

local function count_attributes(element)
	local count = 0;
	for key in pairs(element.attr) do
		if not is_ours(key) then
			count = count + 1;
		end
	end
	return count;
end

local function attributes_match(pattern, actual, strict, captures)
	for key, value in pairs(pattern.attr) do
		if not is_ours(key) and not value_matches(value, actual.attr[key], captures) then
			return false;
		end
	end
	return not strict or count_attributes(pattern) == count_attributes(actual);
end

local function child_elements(element)
	local list = {};
	for _, child in ipairs(element) do
		if type(child) == "table" then
			list[#list + 1] = child;
		end
	end
	return list;
end

local function is_strict(pattern, inherited)
	local said = pattern.attr[STRICT];
	if said then
		return said == "true", said == "true";
	elseif inherited ~= nil then
		return inherited, inherited;
	end
	return pattern.xmlns ~= xml.NS_CLIENT, nil;
end

local element_matches;

-- Every wanted child takes one child of its own; a first choice that spoils a later one is taken back.
local function children_match(wanted, there, inherited, captures)
	if #wanted == 0 then
		return true;
	end
	local first, rest = wanted[1], { table.unpack(wanted, 2) };
	for i, candidate in ipairs(there) do
		if element_matches(first, candidate, inherited, captures) then
			local left = { table.unpack(there) };
			table.remove(left, i);
			if children_match(rest, left, inherited, captures) then
				return true;
			end
		end
	end
	return false;
end

function element_matches(pattern, actual, inherited, captures)
	if pattern.name ~= actual.name or pattern.xmlns ~= actual.xmlns then
		return false;
	end
	local strict, for_children = is_strict(pattern, inherited);
	if not attributes_match(pattern, actual, strict, captures) then
		return false;
	end
	local text = trim(xml.content(pattern));
	if text ~= "" and not value_matches(text, trim(xml.content(actual)), captures) then
		return false;
	end
	local wanted, there = child_elements(pattern), child_elements(actual);
	if strict and #wanted ~= #there then
		return false;
	end
	return children_match(wanted, there, for_children, captures);
end

-- True when `actual` fits `pattern`. `captures` is written only then.
function match.element(pattern, actual, captures)
	local found = {};
	if not element_matches(pattern, actual, nil, found) then
		return false;
	end
	for name, value in pairs(found) do
		if captures then
			captures[name] = value;
		end
	end
	return true;
end

return match;
