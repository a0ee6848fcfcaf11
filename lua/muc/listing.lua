-- SPDX-License-Identifier: MIT
-- listing: the rooms of the service as disco items, sorted, whole or in pages (XEP-0045 section 6.3, XEP-0059).
local ns = require "sx.muc.ns";

local PAGE_MOST = 200; -- items in a page

local listing = {};

local function sorted(names)
	local jids = {};
	for jid in pairs(names) do
		jids[#jids + 1] = jid;
	end
	table.sort(jids);
	return jids;
end

-- A number from 0 on in a child of <set/>; nil where there is none, false for anything else.
local function number_in(set, name)
	local text = set:get_child_text(name);
	if not text then
		return nil;
	end
	local number = text:match("^%s*(%d+)%s*$");
	return number and tonumber(number) or false;
end

-- The place of the item that <after/> or <before/> names; nil where it names none, false where that is not in the list.
local function place_in(jids, set, name)
	local wanted = set:get_child_text(name);
	if not wanted or wanted == "" then
		return nil;
	end
	for place, jid in ipairs(jids) do
		if jid == wanted then
			return place;
		end
	end
	return false;
end

-- What a <set/> wants: the first and last place, or nil and an error.
local function range(jids, set)
	local max, index = number_in(set, "max"), number_in(set, "index");
	local after, before = place_in(jids, set, "after"), place_in(jids, set, "before");
	if max == false or index == false then
		return nil, { "modify", "bad-request", "The numbers in <set/> are whole and not negative" };
	elseif after == false or before == false then
		return nil, { "cancel", "item-not-found", "This room is not in the list (any more)" };
	end
	max = math.min(max or PAGE_MOST, PAGE_MOST);
	local low, high = (after or index or 0) + 1, before and before - 1 or #jids;
	if set:get_child("before") then
		return math.max(low, high - max + 1), high; -- the page that ends there
	end
	return low, math.min(high, low + max - 1);
end

local function add_items(query, names, jids, first, last)
	for place = first, last do
		query:tag("item", { jid = jids[place], name = names[jids[place]] }):up();
	end
	return query;
end

local function add_set(query, jids, first, last)
	query:tag("set", { xmlns = ns.RSM });
	if first <= last then
		query:tag("first", { index = ("%d"):format(first - 1) }):text(jids[first]):up():text_tag("last", jids[last]);
	end
	return query:text_tag("count", ("%d"):format(#jids)):up();
end

--- Adds all rooms (`names`: JID -> name) to an answer.
function listing.add_all(reply, names)
	local jids = sorted(names);
	return add_items(reply, names, jids, 1, #jids);
end

--- The answer to a request that asks for a page; nil when it asks for all.
function listing.page(st, stanza, names)
	local set = stanza.tags[1]:get_child("set", ns.RSM);
	if not set then
		return nil;
	end
	local jids = sorted(names);
	local first, last = range(jids, set);
	if not first then
		return st.error_reply(stanza, last[1], last[2], last[3]);
	end
	local query = st.reply(stanza):query(ns.DISCO_ITEMS);
	return add_set(add_items(query, names, jids, first, last), jids, first, last);
end

return listing;
