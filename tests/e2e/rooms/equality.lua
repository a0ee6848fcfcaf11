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

-- Whether this is for a question to an occupant that cannot answer: one that has left, or whose server says so for a
-- client that is gone or has blocked who asks.
local function is_unanswered(element)
	local err = element.name == "iq" and element.attr.type == "error" and xml.child(element, "error");
	if not err or err.attr.type ~= "cancel" or not element.attr.from:find("/", 1, true) then
		return false;
	end
	local text = xml.child(err, "text", ERRORS);
	local has_left = text and xml.content(text):find("left the room", 1, true);
	return xml.child(err, "recipient-unavailable", ERRORS) and has_left
		or xml.child(err, "service-unavailable", ERRORS) and not text;
end

-- Texts of stanzas. Two things have no place in the order of a room. Presences that come together come in that of its
-- table. And the server of an occupant says that it cannot be asked when delivery is tried: on the slow path at once,
-- on the fast one when the turn of the loop is over; if it leaves before that, the room says so. Who has asked must
-- still be told once for each question.
local function texts(list)
	local out, run, unanswered = {}, {}, {};
	local function flush(sorted)
		table.sort(sorted);
		table.move(sorted, 1, #sorted, #out + 1, out);
	end
	for _, element in ipairs(list) do
		local text = differential.canonical(element);
		if is_unanswered(element) then
			unanswered[#unanswered + 1] = ("%s does not answer %s"):format(element.attr.from, element.attr.id);
		elseif element.name == "presence" then
			run[#run + 1] = text;
		else
			flush(run);
			run = {};
			out[#out + 1] = text;
		end
	end
	flush(run);
	flush(unanswered);
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

-- All that was sent has been handled.
local function settle(sessions)
	for _, one in pairs(sessions) do
		if one.is_behind then
			one:sync();
		end
	end
end

local function check(one, _, _, sessions)
	settle(sessions);
	one:check();
end

local DISTURBANCES = {
	session.leave, session.kill, drop, drop, drop, drop_for_good, session.turn, session.turn, session.turn, block, block,
	check,
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
	what(one, sides, node, sessions);
end

-- One third of the time others do not wait for what comes of it. The server still reads all of it at once, so that what
-- others do comes before or after it in both rooms; but not if these are reached by two streams from another server.
local function act(sessions, sides, node, number)
	local name, _, text = actions.choose(math.random);
	local one, burst = sessions[name], {};
	if one.is_away then
		one:come_back();
	elseif one.is_behind then
		one:sync();
	end
	local count = math.random(4) == 1 and math.random(6) or 1;
	for i = 1, count do
		if i > 1 then
			repeat
				local who, what, more = actions.choose(math.random);
				text = more;
			until who == name and what ~= "list" and what ~= "destroy";
		end
		burst[i] = text:gsub("'ID'", ("'a%d'"):format(number + i));
	end
	local all = table.concat(burst);
	for i, side in ipairs(sides) do
		burst[i] = all:gsub("ROOM", node .. "@" .. side);
	end
	one:send(table.concat(burst, "", 1, #sides));
	if math.random(3) > 1 or one.services then
		one:sync();
	end
	return count;
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
	settle(sessions);
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
