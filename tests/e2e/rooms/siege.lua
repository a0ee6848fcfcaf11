-- SPDX-License-Identifier: MIT
-- siege: users who send spoilt stanzas to rooms, batch by batch, and what has to hold after each of them.
local mutations = require "e2e.rooms.mutations";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local siege = {};
siege.__index = siege;

local SERVICE = "rooms.example.org";
local MUC = "http://jabber.org/protocol/muc";
local PATIENCE = 20; -- seconds
local HIDDEN = "visitor@example.org"; -- in the room, and never named by a stanza that is thrown

-- Who attacks, under which nick; the first is a visitor in a moderated room, strangers and outcasts stay outside.
local NICKS = { owner = "thane", admin = "witch", member = "ghost", visitor = "porter", other = "king" };
siege.attackers = { "owner", "admin", "member", "visitor", "other", "outcast", "guest", "stranger" };

local function config(fields)
	local parts = {};
	for name, value in pairs(fields) do
		parts[#parts + 1] = ("<field var='%s'><value>%s</value></field>"):format(
			name:find("#", 1, true) and name or "muc#roomconfig_" .. name, value);
	end
	return ("<query xmlns='%s#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
		.. "<value>%s#roomconfig</value></field>%s</x></query>"):format(MUC, MUC, table.concat(parts));
end

local PEACE = config({
	membersonly = 0, passwordprotectedroom = 0, moderatedroom = 0, whois = "moderators", maxusers = "none",
	slow_mode_duration = 0, ["muc#maxhistoryfetch"] = 20, enablearchiving = 1, persistentroom = 0,
});

--- `users`: name -> client, with those named above, and root, who owns every room, and probe, who does nothing wrong.
function siege.new(users, dice)
	return setmetatable({
		users = users, dice = dice, rooms = 0, sent = 0, ids = 0, refused = {}, storms = 0, watched = 0,
	}, siege);
end

local function fresh_id(self, prefix)
	self.ids = self.ids + 1;
	return ("%s%d"):format(prefix, self.ids);
end

-- The server's Expat, from 2.6 on, looks again at a tag of which it has seen a part when twice as much has come:
-- spaces, which may stand between stanzas.
local GAP = (" "):rep(6144);

local function gap(text)
	return #text > #GAP / 2 and (" "):rep(2 * #text) or "";
end

-- Everything that was sent before has been handled, and what came of it has arrived.
local function settle(self)
	local ids = {};
	for name, user in pairs(self.users) do
		ids[name] = fresh_id(self, "ping");
		user:send(("<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>%s"):format(ids[name], SERVICE, GAP));
	end
	for name, user in pairs(self.users) do
		local answer, err = user.stream:take(function (element)
			return element.name == "iq" and element.attr.id == ids[name];
		end, PATIENCE);
		assert(answer, ("%s gets no answer to a ping: %s"):format(name, err));
	end
end

local function ask(self, name, kind, payload, to)
	local question = ("<iq type='%s' to='%s'>%s</iq>"):format(kind, to or self.room, payload);
	return assert(self.users[name]:request(question, PATIENCE));
end

local function set(self, name, payload)
	local answer = ask(self, name, "set", payload);
	assert(answer.attr.type == "result", ("%s: %s\n%s"):format(name, payload, xml.text(answer)));
end

local function join(self, name, nick)
	self.users[name]:send(("<presence to='%s/%s'><x xmlns='%s'/></presence>"):format(self.room, nick, MUC));
end

local function affiliate(self, jid, affiliation)
	set(self, "root", ("<query xmlns='%s#admin'><item affiliation='%s' jid='%s'/></query>"):format(MUC, affiliation, jid));
end

local function jid_of(name)
	return ("%s@%s"):format(name, name == "stranger" and "elsewhere.example.net" or "example.org");
end

--- A fresh room with everybody in their places, one that is locked, one that was destroyed.
function siege:moves()
	self.rooms = self.rooms + 1;
	self.room = ("room%d@%s"):format(self.rooms, SERVICE);
	self.addresses = { SERVICE, "nowhere@" .. SERVICE };
	for _, kind in ipairs({ "locked", "destroyed" }) do
		self.room = ("%s%d@%s"):format(kind, self.rooms, SERVICE);
		self.addresses[#self.addresses + 1] = self.room;
		join(self, "owner", "thane");
		settle(self);
		if kind == "destroyed" then
			set(self, "owner", config({ persistentroom = 1 }));
			set(self, "owner", ("<query xmlns='%s#owner'><destroy/></query>"):format(MUC));
		end
	end
	self.room = ("room%d@%s"):format(self.rooms, SERVICE);
	join(self, "owner", "thane");
	settle(self);
	set(self, "owner", config({ moderatedroom = 1, changesubject = 1, enablearchiving = 1 }));
	for _, name in ipairs({ "admin", "member", "outcast" }) do
		affiliate(self, jid_of(name), name);
	end
	for name, nick in pairs(NICKS) do
		join(self, name, nick);
	end
	join(self, "probe", "spy");
	settle(self);
	self.users.probe:forget();
end

local function pick(self, list)
	return list[self.dice(#list)];
end

-- One of the other rooms now and then, without or with a nick.
local function address(self)
	return self.dice(8) == 1 and pick(self, self.addresses) or self.room;
end

local FREE = { "queen", "fool", "\195\132rger", "a nick", "<&'\">", "x'y" };

local function filled(self, text)
	local room = address(self);
	local nicks = { "thane", "witch", "ghost", "porter", "king" };
	local names = { "owner", "admin", "member", "other", "guest", "stranger", "nobody" };
	local values = { ROOM = room, SERVICE = SERVICE, NICK = pick(self, nicks), FREE = pick(self, FREE),
		USER = jid_of(pick(self, names)) };
	return (text:gsub("%f[%u]%u%u%u%u+%f[%U]", values));
end

local function fill(self, element)
	for key, value in pairs(element.attr) do
		if type(key) == "string" then
			element.attr[key] = filled(self, value);
		end
	end
	for i, child in ipairs(element) do
		if type(child) == "string" then
			element[i] = filled(self, child);
		else
			fill(self, child);
		end
	end
end

local function parsed(text)
	local element = assert(xml.parse(text));
	local function forget_order(one)
		for i = #one.attr, 1, -1 do
			one.attr[i] = nil;
		end
		for _, child in ipairs(one) do
			if type(child) == "table" then
				forget_order(child);
			end
		end
	end
	forget_order(element);
	return element;
end

-- XML has no control characters.
local function text_of(element)
	return (xml.text(element):gsub("[%z\1-\8\11\12\14-\31]", "?"));
end

-- What is to be spoilt: mostly the payload of an <iq/>; Prosody itself refuses the rest.
local function part_of(self, element)
	local payload = element.name == "iq" and type(element[1]) == "table" and element[1];
	return payload and self.dice(10) > 1 and payload or element;
end

--- `name` sends a template (stanzas.lua), spoilt by mutations.
function siege:throw(name, template, ...)
	local element = parsed(template[2]);
	for _, mutation in ipairs({ ... }) do
		mutation[2](part_of(self, element), self.dice);
	end
	fill(self, element);
	if element.attr.id == "ID" or element.name == "iq" then
		element.attr.id = fresh_id(self, "h");
	end
	local kind = element.attr.type;
	self.sent = self.sent + 1;
	self.batch[#self.batch + 1] = {
		name = name, id = element.attr.id, text = text_of(element), is_question = element.name == "iq" and
			kind ~= "result" and kind ~= "error", is_error = kind == "error",
	};
	local text = self.batch[#self.batch].text;
	self.users[name]:send(text .. gap(text));
end

-- Clients answer what they are asked.
local function answer_all(self)
	for _, user in pairs(self.users) do
		for _, element in ipairs(user.stream.inbox) do
			local kind = element.attr.type;
			if element.name == "iq" and (kind == "get" or kind == "set") and element.attr.from then
				local answer = ("<iq type='%s' id='%s' to='%s'>%s</iq>"):format(self.dice(2) == 1 and "result" or "error",
					xml.escape(element.attr.id), xml.escape(element.attr.from), "<error type='cancel'><service-unavailable "
					.. "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
				user:send(answer .. gap(answer));
			end
		end
	end
end

-- Name -> id -> the answers.
local function collect(self)
	local answers = {};
	for name, user in pairs(self.users) do
		answers[name] = {};
		for _, element in ipairs(user.stream.inbox) do
			local id, kind = element.attr.id, element.attr.type;
			local is_passed_on = element.name == "message" and xml.child(element, "x", MUC .. "#user");
			if id and not is_passed_on and (kind == "error" or element.name == "iq" and kind == "result") then
				answers[name][id] = answers[name][id] or {};
				table.insert(answers[name][id], element);
			end
		end
		user:forget();
	end
	return answers;
end

-- Whether an element tells somebody that real JIDs are to be seen: in this room by all, or by a new moderator.
local function shows_addresses(element)
	local x = xml.child(element, "x", MUC .. "#user");
	local codes, role = {}, nil;
	for _, child in ipairs(x or {}) do
		if child.name == "status" then
			codes[child.attr.code or ""] = true;
		elseif child.name == "item" then
			role = child.attr.role;
		end
	end
	return codes["172"] or codes["110"] and role == "moderator";
end

-- In a semi-anonymous room nobody but moderators learns where somebody is.
local function look_for_addresses(self)
	local may_see = false;
	for _, element in ipairs(self.users.probe.stream.inbox) do
		may_see = may_see or shows_addresses(element);
		local text = xml.text(element);
		assert(may_see or not text:find(HIDDEN, 1, true), "a real address for everybody: " .. text);
	end
	self.storms, self.watched = self.storms + 1, self.watched + (may_see and 0 or 1);
end

local function judge(self, one, answers)
	if one.is_question then
		assert(#answers == 1, ("%s got %d answers to\n%s\n%s"):format(one.name, #answers, one.text,
			answers[1] and xml.text(answers[1]) or ""));
		local condition = words.error_of(answers[1]);
		assert(answers[1].attr.type == "result" or condition and not condition:find("^no "),
			("an error without a condition: %s"):format(xml.text(answers[1])));
		self.refused[condition or "result"] = (self.refused[condition or "result"] or 0) + 1;
	elseif one.is_error and one.id and one.id:find("^h%d+$") then -- nothing else has that id
		assert(#answers == 0, ("an error was answered: %s"):format(one.text));
	end
end

--- Sends what `work()` throws, waits, and checks that all questions were answered once, errors never, and that no real
--- address was told to everybody.
function siege:storm(work)
	self.batch = {};
	work();
	settle(self);
	settle(self); -- what the last one did reaches those who were asked first
	answer_all(self);
	settle(self);
	settle(self);
	look_for_addresses(self);
	local answers = collect(self);
	for _, one in ipairs(self.batch) do
		judge(self, one, answers[one.name][one.id] or {});
	end
end

--- Somebody who owns everything comes in, makes peace, and the room works: for who enters, speaks, and enters again.
function siege:check_room()
	local probe = self.users.probe;
	join(self, "root", fresh_id(self, "root"));
	settle(self);
	set(self, "root", PEACE);
	affiliate(self, "root@example.org", "owner"); -- so that no other has to be one
	affiliate(self, "example.org", "none");
	affiliate(self, "probe@example.org", "member");
	local nick, text = fresh_id(self, "probe"), fresh_id(self, "the room works ");
	local said = ("<message from='%s/%s' type='groupchat' scansion:strict='false'><body>%s</body></message>")
		:format(self.room, nick, text);
	probe:send("<presence type='unavailable'/>");
	join(self, "probe", nick);
	probe:send(("<message type='groupchat' to='%s'><body>%s</body></message>"):format(self.room, text));
	assert(probe:expect(said, PATIENCE));
	probe:send(("<presence type='unavailable' to='%s/%s'/>"):format(self.room, nick));
	join(self, "probe", nick);
	assert(probe:expect(said, PATIENCE), "no history");
	for _, name in ipairs({ "probe", "root" }) do
		self.users[name]:send(("<presence type='unavailable' to='%s/%s'/>"):format(self.room, nick));
	end
end

--- The rooms end, and everybody leaves everything.
function siege:ends()
	self.addresses[1] = self.room; -- instead of the service
	for _, room in ipairs(self.addresses) do
		ask(self, "root", "set", ("<query xmlns='%s#owner'><destroy/></query>"):format(MUC), room);
	end
	for _, user in pairs(self.users) do
		user:send("<presence type='unavailable'/>");
	end
	settle(self);
	for _, user in pairs(self.users) do
		user:forget();
	end
end

siege.mutations = mutations;
return siege;
