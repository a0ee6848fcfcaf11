-- SPDX-License-Identifier: MIT
-- equality: the same random actions in a room that sends past Prosody's routing and in one that does not, with sessions
-- of all kinds that come, go, hibernate and return: every user gets the same of both, in the same order.
local actions = require "e2e.rooms.actions";
local differential = require "e2e.rooms.differential";
local session = require "e2e.rooms.session";
local xml = require "e2e.xml";

local equality = {};

local STANZAS = { message = true, presence = true, iq = true };
local DELAY = "urn:xmpp:delay";
local ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas";

--- What came, by service

local RANDOM = { ["stanza-id"] = "id", ["occupant-id"] = "id", mav = "since" };

-- A copy without what is random, or added on the way to a session that was away.
local function simplified(element, pattern, own)
	local copy = { name = element.name, xmlns = element.xmlns, attr = {} };
	for key, value in pairs(element.attr) do
		copy.attr[key] = key == "stamp" and "TIME" or value:gsub(pattern, "SERVICE");
	end
	if RANDOM[element.name] then
		copy.attr.id, copy.attr.since, copy.attr["until"] = nil, nil, nil;
	end
	if STANZAS[element.name] and not (element.attr.id or ""):find("^a%d+$") then
		copy.attr.id = nil;
	end
	for _, child in ipairs(element) do
		if type(child) == "string" then
			copy[#copy + 1] = (child:gsub(pattern, "SERVICE"));
		elseif not (child.name == "delay" and child.xmlns == DELAY and child.attr.from == own) then
			copy[#copy + 1] = simplified(child, pattern, own);
		end
	end
	return copy;
end

-- Whether this is what the server of an occupant says for a client that cannot be asked (it is gone, or has blocked who
-- asks). It says so when delivery is tried: on the slow path at once, on the fast one when the turn of the loop is
-- over. So these have no place in the order of the room; who has asked must still get the same ones, as often.
local function is_bounce(element)
	local err = element.name == "iq" and element.attr.type == "error" and xml.child(element, "error");
	return err and err.attr.type == "cancel" and xml.child(err, "service-unavailable", ERRORS)
		and not xml.child(err, "text", ERRORS) and element.attr.from:find("/", 1, true);
end

-- Whether a room shows or removes an occupant: a presence, or the answer for one that has left.
local function is_of_occupant(element)
	local err = element.name == "iq" and element.attr.type == "error" and xml.child(element, "error");
	return element.name == "presence" or err and xml.child(err, "recipient-unavailable", ERRORS)
		and xml.content(xml.child(err, "text", ERRORS) or {}):find("left the room", 1, true);
end

-- Texts of stanzas. Those about occupants that come together come in any order: that of the room's table.
local function texts(list)
	local out, run, bounces = {}, {}, {};
	local function flush(sorted)
		table.sort(sorted);
		table.move(sorted, 1, #sorted, #out + 1, out);
	end
	for _, element in ipairs(list) do
		local text = differential.canonical(element);
		if is_bounce(element) then
			bounces[#bounces + 1] = text;
		elseif is_of_occupant(element) then
			run[#run + 1] = text;
		else
			flush(run);
			run = {};
			out[#out + 1] = text;
		end
	end
	flush(run);
	flush(bounces);
	return out;
end

-- Not what sync has asked for.
local function is_from(element, service)
	local from = element.attr.from or "";
	return (from:match("@([^/]+)") or from) == service
		and not (element.name == "iq" and (element.attr.id or ""):find("^request%-"));
end

--- Of a list of stanzas those from a service, as texts. `own`: the bare JID of who has got them.
function equality.texts_from(list, service, own)
	local pattern, found = service:gsub("%p", "%%%0"), {};
	for _, element in ipairs(list) do
		if is_from(element, service) then
			found[#found + 1] = simplified(element, pattern, own);
		end
	end
	return texts(found);
end

local function is_history(message)
	local delay = xml.child(message, "delay", DELAY);
	return delay and delay.attr.from == message.attr.from:match("^[^/]+");
end

-- What is said comes once, but for what a room shows to those who come in. Rooms give ids to it.
local function assert_no_doubles(name, list)
	local seen = {};
	for _, element in ipairs(list) do
		local id = element.name == "message" and xml.child(element, "stanza-id");
		if id and not is_history(element) then
			local key = id.attr.by .. " " .. id.attr.id;
			assert(not seen[key], ("%s got twice: %s"):format(name, xml.text(element)));
			seen[key] = true;
		end
	end
end

--- Random actions

local function pick(list)
	return list[math.random(#list)];
end

local NICKS = { "thane", "witch", "ghost", "porter", "king" };

-- Blocks a nick in both rooms, or nobody any more (XEP-0191).
local function block(one, sides, node)
	local items, nick = {}, pick(NICKS);
	for i, side in ipairs(sides) do
		items[i] = ("<item jid='%s@%s/%s'/>"):format(node, side, nick);
	end
	local what = math.random(3) == 1 and "<block xmlns='urn:xmpp:blocking'>" .. table.concat(items) .. "</block>"
		or "<unblock xmlns='urn:xmpp:blocking'/>";
	one:request("<iq type='set'>" .. what .. "</iq>");
end

local function drop(one)
	if one:can_resume() then
		one:drop();
	end
end

local function drop_for_good(one)
	if one.resumption then
		one:drop_for_good();
	end
end

local DISTURBANCES = {
	session.leave, session.kill, drop, drop, drop, drop_for_good, session.turn, session.turn, session.turn, block, block,
	session.check,
};

-- What happens to sessions now and then. Half of the time not while something is under way to it: what does not survive
-- its connection could be lost of one room and not of the other.
local function disturb(sessions, sides, node)
	local one, what = sessions[pick(actions.users)], pick(DISTURBANCES);
	if one.is_away then
		return one:come_back();
	elseif what ~= drop or math.random(2) == 1 then
		one:sync();
	end
	what(one, sides, node);
end

local function act(sessions, sides, node, number)
	local name, _, text = actions.choose(math.random);
	local one, burst = sessions[name], {};
	if one.is_away then
		one:come_back();
	end
	for i = 1, math.random(4) == 1 and math.random(6) or 1 do
		if i > 1 then
			repeat
				local who, what, more = actions.choose(math.random);
				text = more;
			until who == name and what ~= "list" and what ~= "destroy";
		end
		burst[i] = text:gsub("'ID'", ("'a%d'"):format(number + i));
	end
	local all = table.concat(burst);
	for _, side in ipairs(sides) do
		one:send((all:gsub("ROOM", node .. "@" .. side)));
	end
	one:sync();
	return #burst;
end

-- Nobody is blocked and all leave, so that what happens later is about one room alone.
local function finish(sessions)
	for _, one in pairs(sessions) do
		one:send("<iq type='set' id='unblock'><unblock xmlns='urn:xmpp:blocking'/></iq><presence type='unavailable'/>");
		one:sync();
	end
	for _, one in pairs(sessions) do
		one:take();
	end
end

-- What each has got, by name. Twice, as those who come back late are seen by others.
local function collect(sessions)
	local got = {};
	for _ = 1, 2 do
		for name, one in pairs(sessions) do
			local list = one:take();
			got[name] = got[name] or {};
			table.move(list, 1, #list, #got[name] + 1, got[name]);
		end
	end
	return got;
end

local function difference(name, list, sides, own)
	local one, two = equality.texts_from(list, sides[1], own), equality.texts_from(list, sides[2], own);
	for i = 1, math.max(#one, #two) do
		if one[i] ~= two[i] then
			return ("%s got as number %d of %d\n  %s\nand of %d\n  %s"):format(name, i, #one, one[i] or "nothing", #two,
				two[i] or "nothing");
		end
	end
end

--- Plays `count` actions in fresh rooms of both services. Returns nil, or a text that says what differs, and how many
--- there were.
function equality.episode(sessions, sides, node, count)
	local done = 0;
	while done < count do
		if math.random(6) == 1 then
			disturb(sessions, sides, node);
		end
		done = done + act(sessions, sides, node, done);
	end
	local got = collect(sessions);
	finish(sessions);
	for name, list in pairs(got) do
		assert_no_doubles(name, list);
		local why = difference(name, list, sides, sessions[name].bare_jid);
		if why then
			return why, done;
		end
	end
	return nil, done;
end

--- Kinds of sessions, at random: each time it is called another for each name; all of `kinds` come before one comes
--- again.
function equality.dealer(kinds, names)
	local deck = {};
	return function ()
		local dealt = {};
		for _, name in ipairs(names) do
			if #deck == 0 then
				table.move(kinds, 1, #kinds, 1, deck);
			end
			dealt[name] = table.remove(deck, math.random(#deck));
		end
		return dealt;
	end;
end

return equality;
