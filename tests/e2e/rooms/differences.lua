-- SPDX-License-Identifier: MIT
-- differences: where our rooms are meant to differ from stock mod_muc, as data. `remove(ours, theirs, action)` takes a
-- difference out of the two lists of stanzas that a user got, and returns whether there was one.
-- `sets_apart(action, ours, theirs)`, with what the one who did it got: whether the two rooms are in different states
-- from now on. `releases`: those of Prosody in which it is one; nil for all.
local xml = require "e2e.xml";

local USER = "http://jabber.org/protocol/muc#user";

local function each_error(list, work)
	local is_changed = false;
	for _, element in ipairs(list) do
		if element.attr.type == "error" then
			is_changed = work(element) or is_changed;
		end
	end
	return is_changed;
end

local function keep_error_alone(element)
	local is_changed = false;
	for i = #element, 1, -1 do
		if element[i].name ~= "error" then
			table.remove(element, i);
			is_changed = true;
		end
	end
	return is_changed;
end

local function condition(list)
	local found = list[1] and #list == 1 and list[1].attr.type == "error" and xml.child(list[1], "error");
	return found and found[1].name;
end

local function has_status(element, code)
	for _, child in ipairs(xml.child(element, "x", USER) or {}) do
		if child.name == "status" and child.attr.code == code then
			return true;
		end
	end
	return false;
end

-- The role that somebody is told to have, or nil.
local function own_role(list)
	for _, element in ipairs(list) do
		local item = has_status(element, "110") and xml.child(xml.child(element, "x", USER), "item");
		if item then
			return item.attr.role;
		end
	end
end

local function is_form(element)
	return element.name == "message" and xml.child(element, "x", "jabber:x:data") ~= nil;
end

local function is_seen_as_member(by_user)
	for _, list in pairs(by_user) do
		for _, element in ipairs(list) do
			local x = xml.child(element, "x", USER);
			local item = x and xml.child(x, "item");
			if item and item.attr.affiliation == "member" then
				return true;
			end
		end
	end
	return false;
end

local function without(list, fits)
	local is_changed = false;
	for i = #list, 1, -1 do
		if fits(list[i]) then
			table.remove(list, i);
			is_changed = true;
		end
	end
	return is_changed;
end

local function items_of(list)
	return list[1] and list[1][1] or {};
end

-- How many nicks a list of affiliations has, which are taken out.
local function forget_nicks(list)
	local count = 0;
	for _, item in ipairs(items_of(list)) do
		if item.name == "item" and not item.attr.role and item.attr.nick then
			item.attr.nick = nil;
			count = count + 1;
		end
	end
	return count;
end

local function forget_reasons(list)
	local is_changed = false;
	for _, item in ipairs(items_of(list)) do
		is_changed = item.name == "item" and without(item, function () return true; end) or is_changed;
	end
	return is_changed;
end

local function has_reason(list)
	for _, item in ipairs(items_of(list)) do
		if item[1] then
			return true;
		end
	end
	return false;
end

-- A whole answer that differs: ours where stock has theirs.
local function instead(fits)
	return function (ours, theirs, action)
		if not fits(ours, theirs, action) then
			return false;
		end
		for i = #theirs, 1, -1 do
			theirs[i] = nil;
		end
		table.move(ours, 1, #ours, 1, theirs);
		return true;
	end;
end

-- Elements that companions of XEP-0045 add, which stock has in modules of their own or not at all.
local COMPANIONS = { ["urn:xmpp:muc:affiliations:1"] = true, ["urn:xmpp:sid:0"] = true };

local function forget_companions(element)
	local is_changed = without(element, function (child)
		return type(child) == "table" and COMPANIONS[child.xmlns];
	end);
	for _, child in ipairs(element) do
		is_changed = type(child) == "table" and forget_companions(child) or is_changed;
	end
	return is_changed;
end

return {
	{
		name = "stanza ids and versions of affiliations",
		remove = function (ours)
			local is_changed = false;
			for _, element in ipairs(ours) do
				is_changed = forget_companions(element) or is_changed;
			end
			return is_changed;
		end,
	},
	{
		name = "a presence that is the same as the last one is not shown again",
		remove = function (ours, theirs, action)
			return action.what == "update" and #ours == 0 and without(theirs, function (element)
				return element.name == "presence" and element.attr.type == nil;
			end);
		end,
	},
	{
		name = "an error holds what it answers, and of a join its <x/>",
		remove = function (ours) return each_error(ours, keep_error_alone); end,
	},
	{
		name = "who lacks the right as such is told `forbidden`, before anything else is looked at",
		remove = instead(function (ours, theirs, action)
			return condition(ours) and condition(theirs) and (action.what == "give role" or action.what == "affiliate");
		end),
	},
	{
		name = "every presence of an occupant holds its id, that of an old nick too",
		remove = function (ours)
			local is_changed = false;
			for _, element in ipairs(ours) do
				is_changed = has_status(element, "303")
					and without(element, function (child) return child.name == "occupant-id"; end) or is_changed;
			end
			return is_changed;
		end,
	},
	{
		name = "who is not in the room and does not join is told that it is out, with 110 and 333",
		remove = instead(function (ours, theirs, action)
			return action.what == "update" and condition(theirs) == "item-not-found" and #ours == 1
				and has_status(ours[1], "333");
		end),
	},
	{
		name = "unavailable presence to a room that is not there is not answered",
		remove = instead(function (ours, theirs, action)
			return action.what == "leave" and #ours == 0 and condition(theirs) == "item-not-found";
		end),
	},
	{
		name = "a join is judged in one order: ban, member, password, nick",
		remove = instead(function (ours, theirs, action)
			return action.what == "join" and condition(ours) and condition(theirs);
		end),
	},
	{
		name = "only occupants and admins can invite",
		sets_apart = function (action, ours)
			return action.what == "invite" and condition(ours) == "not-acceptable";
		end,
	},
	{
		name = "an invitation does not lift a ban",
		sets_apart = function (action)
			return action.what == "invite" and is_seen_as_member(action.got.stock) and not is_seen_as_member(action.got.rooms);
		end,
	},
	{
		name = "a role that was granted in a moderated room is there again at the next visit",
		sets_apart = function (action, ours, theirs)
			local mine, stocks = own_role(ours), own_role(theirs);
			return action.what == "join" and mine ~= nil and stocks ~= nil and mine ~= stocks;
		end,
	},
	{
		name = "nobody takes the role of an admin or owner, not even these themselves",
		sets_apart = function (action, ours, theirs)
			return action.what == "give role" and condition(ours) == "not-allowed" and not condition(theirs);
		end,
	},
	{
		name = "a ban frees the nick that was reserved",
		sets_apart = function (action, ours, theirs)
			return (action.what == "join" or action.what == "update")
				and condition(theirs) == "conflict" and not condition(ours);
		end,
	},
	{
		name = "nobody kicks or bans themselves",
		sets_apart = function (action, ours, theirs)
			return (action.what == "give role" or action.what == "affiliate")
				and condition(ours) == "conflict" and not condition(theirs);
		end,
	},
	{
		name = "who may not register is told `not-allowed`",
		remove = instead(function (ours, theirs, action)
			return action.what == "register" and condition(ours) == "not-allowed"
				and (condition(theirs) == "registration-required" or condition(theirs) == "forbidden");
		end),
	},
	{
		name = "a change of the subject passes as it came: with id, language and occupant id",
		remove = function (ours, theirs)
			local is_changed = false;
			for i, element in ipairs(theirs) do
				local own = ours[i];
				if element.name == "message" and xml.child(element, "subject") and not element.attr.id and own and own.attr.id then
					theirs[i], is_changed = own, true;
				end
			end
			return is_changed;
		end,
	},
	{
		name = "a subject that is set again is passed on, too",
		remove = function (ours, theirs)
			return #theirs < #ours and without(ours, function (element)
				return element.name == "message" and xml.child(element, "subject") ~= nil;
			end);
		end,
	},
	{
		name = "who waits for an answer of somebody who leaves is told",
		remove = function (ours)
			return without(ours, function (element)
				return element.name == "iq" and condition({ element }) == "recipient-unavailable";
			end);
		end,
	},
	{
		name = "when real JIDs become visible, all are shown again with theirs",
		remove = function (ours, theirs, action)
			return action.what == "configure" and #ours > #theirs and action.text:find("whois'><value>anyone") ~= nil
				and without(ours, function (element) return element.name == "presence"; end);
		end,
	},
	{
		name = "who is put out when a room becomes members-only is seen to go",
		remove = function (ours, theirs, action)
			return action.what == "configure" and #ours > #theirs and without(ours, function (element)
				return has_status(element, "322") and not has_status(element, "110");
			end);
		end,
	},
	{
		name = "in a destroyed room everybody is nobody",
		remove = function (ours, theirs, action)
			if action.what ~= "destroy" or #ours ~= #theirs or not ours[1] or not has_status(ours[1], "110") then
				return false;
			end
			for i, element in ipairs(ours) do
				theirs[i] = xml.child(element, "x", USER) and element or theirs[i];
			end
			return true;
		end,
	},
	{
		name = "lists of affiliations hold the reasons that were given",
		releases = { ["0.12"] = true }, -- 13.0 has them, too
		remove = function (ours, _, action)
			return action.what == "list" and forget_reasons(ours);
		end,
	},
	{
		name = "a change that is refused leaves no reason",
		releases = { ["13.0"] = true },
		remove = function (ours, theirs, action)
			return action.what == "list" and has_reason(theirs) and not has_reason(ours) and forget_reasons(theirs);
		end,
	},
	{
		name = "the lists of admins and owners are for owners alone where real JIDs are hidden, else for all occupants",
		remove = instead(function (ours, theirs, action)
			return action.what == "list" and (condition(ours) == "forbidden") ~= (condition(theirs) == "forbidden");
		end),
	},
	{
		name = "who joins again is told what who joins is told",
		remove = function (ours, _, action)
			local is_changed = false;
			for _, element in ipairs(action.what == "join" and ours or {}) do
				is_changed = has_status(element, "110") and without(xml.child(element, "x", USER), function (child)
					return child.name == "status" and child.attr.code == "100";
				end) or is_changed;
			end
			return is_changed;
		end,
	},
	{
		name = "lists of affiliations name the nicks of who is in the room",
		remove = function (ours, theirs, action)
			return action.what == "list" and forget_nicks(ours) + forget_nicks(theirs) > 0;
		end,
	},
	{
		name = "a request for voice from outside is refused",
		remove = instead(function (ours, theirs, action)
			return action.what == "ask voice" and condition(ours) == "not-acceptable" and #theirs == 0;
		end),
	},
	{
		name = "a request for voice where everybody may have it is not passed on",
		remove = function (ours, theirs, action)
			return action.what == "ask voice" and #ours == 0 and without(theirs, is_form);
		end,
	},
	{
		name = "a request for voice is worded otherwise, and has no other roles to choose from",
		remove = function (ours, theirs, action)
			local is_both = action.what == "ask voice" and ours[1] and theirs[1] and is_form(ours[1]) and is_form(theirs[1]);
			theirs[1] = is_both and ours[1] or theirs[1];
			return is_both;
		end,
	},
	{
		name = "an answer comes before what it has caused, but for kicks",
		remove = function (ours, theirs)
			local is_changed = false;
			for _, list in ipairs({ ours, theirs }) do
				for i = 2, #list do
					if list[i].name == "iq" and list[i].attr.type == "result" then
						table.insert(list, 1, table.remove(list, i));
						is_changed = true;
					end
				end
			end
			return is_changed;
		end,
	},
};
