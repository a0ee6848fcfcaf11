-- SPDX-License-Identifier: MIT
-- differential: the same actions in a room of ours and in one of stock mod_muc, and what each user got of either.
local xml = require "e2e.xml";

local differential = {};

local USER = "http://jabber.org/protocol/muc#user";
local ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas";

local function attributes(element)
	local keys, out = {}, {};
	for key in pairs(element.attr) do
		keys[#keys + 1] = key;
	end
	table.sort(keys);
	for i, key in ipairs(keys) do
		out[i] = (" %s=%s"):format(key, element.attr[key]);
	end
	return table.concat(out);
end

--- Text of an element that is the same for equal ones. The order of the children of a stanza, or of a list, does not
--- count.
function differential.canonical(element, is_inner)
	local children = {};
	for i, child in ipairs(element) do
		children[i] = type(child) == "string" and child or differential.canonical(child, true);
	end
	if not is_inner or element.name == "query" then
		table.sort(children);
	end
	local body = #children > 0 and ("(%s)"):format(table.concat(children, ",")) or "";
	return ("%s{%s}%s%s"):format(element.name, element.xmlns or "", attributes(element), body);
end

-- A copy without what is random or made for people: the service's name, ids of occupants, times, texts of errors.
local function simplified(element, pattern)
	local copy = { name = element.name, xmlns = element.xmlns, attr = {} };
	for key, value in pairs(element.attr) do
		copy.attr[key] = key == "stamp" and "TIME" or value:gsub(pattern, "SERVICE");
	end
	local is_request = element.name == "iq" and (element.attr.type == "get" or element.attr.type == "set");
	if element.name == "occupant-id" or is_request then
		copy.attr.id = "ID";
	end
	for _, child in ipairs(element) do
		if type(child) == "string" then
			copy[#copy + 1] = (child:gsub(pattern, "SERVICE"));
		elseif not (child.name == "text" and child.xmlns == ERRORS) then
			copy[#copy + 1] = simplified(child, pattern);
		end
	end
	return copy;
end

-- What each user has received, cut at the marks: user -> mark -> list of stanzas.
local function cut(users, marks)
	local got = {};
	for name, user in pairs(users) do
		local segments, current = {}, {};
		for _, element in ipairs(user.stream.inbox) do
			local body = xml.child(element, "body");
			local mark = body and xml.content(body):match("^mark (%S+)$");
			if mark then
				segments[mark], current = current, {};
			else
				current[#current + 1] = element;
			end
		end
		for _, mark in ipairs(marks) do
			assert(segments[mark], ("%s has not seen mark %s"):format(name, mark));
		end
		user:forget();
		got[name] = segments;
	end
	return got;
end

local function mark_all(actor, users, mark)
	for _, user in pairs(users) do
		actor:send(("<message to='%s' type='chat'><body>mark %s</body></message>"):format(user.full_jid, mark));
	end
end

--- Lets actions happen in room `node` of each service: `choose(i)` returns a user, a word for what it does and the XML
--- for the i-th, or nil at the end. `sides`: { name, service }. Returns the actions, each with
--- { user, what, text, got = { side name -> user -> list of stanzas } }.
function differential.episode(users, sides, node, choose)
	local done, marks = {}, {};
	for i = 1, math.huge do
		local name, what, text = choose(i);
		if not name then
			break;
		end
		done[i] = { user = name, what = what, text = text, got = {} };
		for _, side in ipairs(sides) do
			local mark = ("%d-%s"):format(i, side.name);
			marks[#marks + 1] = mark;
			local xml_text = text:gsub("ROOM", node .. "@" .. side.service):gsub("'ID'", ("'a%d'"):format(i));
			users[name]:send(xml_text);
			mark_all(users[name], users, mark);
		end
		assert(users[name]:request("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>"));
	end
	for _, user in pairs(users) do
		assert(user:request("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>"));
	end
	local got = cut(users, marks);
	for i, action in ipairs(done) do
		for _, side in ipairs(sides) do
			local pattern, by_user = side.service:gsub("%p", "%%%0"), {};
			for name, segments in pairs(got) do
				by_user[name] = {};
				for k, element in ipairs(segments[("%d-%s"):format(i, side.name)]) do
					by_user[name][k] = simplified(element, pattern);
				end
			end
			action.got[side.name] = by_user;
		end
	end
	return done;
end

local function is_about_self(element)
	for _, child in ipairs(xml.child(element, "x", USER) or {}) do
		if child.name == "status" and child.attr.code == "110" then
			return true;
		end
	end
	return false;
end

--- Texts of stanzas. Presences of others that come together come in any order.
function differential.texts(list)
	local out, run = {}, {};
	local function flush()
		table.sort(run);
		table.move(run, 1, #run, #out + 1, out);
		run = {};
	end
	for _, element in ipairs(list) do
		local text = differential.canonical(element);
		if element.name == "presence" and not is_about_self(element) then
			run[#run + 1] = text;
		else
			flush();
			out[#out + 1] = text;
		end
	end
	flush();
	return out;
end

local texts = differential.texts;

local function is_same(ours, theirs)
	return table.concat(texts(ours), "\n") == table.concat(texts(theirs), "\n");
end

-- Whether what a user got of both sides is the same once known differences are taken out. Those that were needed are
-- counted in `needed`.
local function is_explained(action, ours, theirs, differences, needed)
	local used = {};
	for _, difference in ipairs(differences) do
		if is_same(ours, theirs) then
			break;
		end
		used[#used + 1] = difference.remove and difference.remove(ours, theirs, action) and difference or nil;
	end
	if not is_same(ours, theirs) then
		return false;
	end
	for _, difference in ipairs(used) do
		needed[difference] = (needed[difference] or 0) + 1;
	end
	return true;
end

--- Compares what an action has brought on two sides. "same", "apart" when a known difference leaves the rooms in
--- different states, or nil and a text with what differs. `needed` counts known differences.
function differential.compare(action, differences, needed)
	local ours, theirs = action.got.rooms, action.got.stock;
	for _, difference in ipairs(differences) do
		if difference.sets_apart and difference.sets_apart(action, ours[action.user], theirs[action.user]) then
			needed[difference] = (needed[difference] or 0) + 1;
			return "apart";
		end
	end
	for name in pairs(ours) do
		local before = { table.concat(texts(ours[name]), "\n  "), table.concat(texts(theirs[name]), "\n  ") };
		if not is_explained(action, ours[name], theirs[name], differences, needed) then
			return nil, ("%s: %s\n%s got of ours\n  %s\nof stock\n  %s")
				:format(action.user, action.text, name, before[1], before[2]);
		end
	end
	return "same";
end

return differential;
