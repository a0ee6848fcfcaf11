-- SPDX-License-Identifier: MIT
-- equality: the same random actions in a room that sends past Prosody's routing and in one that does not, with sessions
-- of all kinds that come, go, hibernate and return: every user gets the same of both, in the same order.
local actions = require "e2e.rooms.actions";
local differential = require "e2e.rooms.differential";
local client = require "e2e.client";
local websocket = require "e2e.websocket";

local equality = {};

local PING = "<iq type='get' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>";
local STANZAS = { message = true, presence = true, iq = true };
local DELAY = "urn:xmpp:delay";

--- Sessions

local session = {};
session.__index = session;

-- Counts what arrives and answers <r/>, as XEP-0198 asks.
local function watch(self, user)
	local stream = user.stream;
	local parser = stream.parser;
	stream.parser = { feed = function (_, data)
		local before = #stream.inbox;
		local ok, err = parser:feed(data);
		local inbox, kept = stream.inbox, before;
		for i = before + 1, #inbox do
			local element = inbox[i];
			inbox[i] = nil;
			if element.name == "r" then
				stream:send(("<a xmlns='urn:xmpp:sm:3' h='%d'/>"):format(self.handled));
			else
				self.handled = self.handled + (STANZAS[element.name] and 1 or 0);
				kept = kept + 1;
				inbox[kept] = element;
			end
		end
		return ok, err;
	end };
end

--- A session of a kind: { tls, smacks, websocket }. `server` tells where to connect; `services` are on another server.
function equality.session(jid, kind, server, services)
	local self = setmetatable({ jid = jid, kind = kind, server = server, earlier = {}, services = services }, session);
	self:connect();
	return self;
end

local function options_of(self, resume)
	local kind, server = self.kind, self.server;
	local options = {
		jid = self.jid, password = "secret", host = "127.0.0.1", port = server.c2s_port, resume = resume,
		connect = kind.websocket and websocket.connect,
	};
	options.port = kind.websocket and server.http_port or options.port;
	if not kind.tls then
		options.tls = false;
	end
	return options;
end

function session:connect()
	self.user = assert(client.connect(options_of(self)));
	self.handled = 0;
	self.is_inactive = false;
	self.lost = self.kind.smacks and assert(self.user:enable_resumption());
	watch(self, self.user);
end

local function keep_inbox(self)
	table.move(self.user.stream.inbox, 1, #self.user.stream.inbox, #self.earlier + 1, self.earlier);
	self.user.stream.inbox = {};
end

--- The connection drops; with XEP-0198 the session hibernates. Not while it is inactive: mod_csi_simple of 0.12 then
--- holds back what the session is sent after it has come back.
function session:drop()
	if self.is_inactive then
		self:turn();
		self:sync();
	end
	self.user:kill();
	keep_inbox(self);
	self.is_away = self.lost and true;
	if not self.lost then
		self:connect();
	end
end

function session:come_back()
	local lost = self.lost;
	lost.handled = self.handled;
	self.is_away, self.is_inactive = false, false;
	self.user = assert(client.connect(options_of(self, lost)));
	watch(self, self.user);
	for _, element in ipairs(self.user.stream.inbox) do
		self.handled = self.handled + (STANZAS[element.name] and 1 or 0);
	end
end

-- What is not acknowledged by then would come back to the room it is from as an error.
function session:leave()
	self:sync();
	if self.lost then
		self.user:send(("<a xmlns='urn:xmpp:sm:3' h='%d'/>"):format(self.handled));
	end
	self.user:close();
	keep_inbox(self);
	self:connect();
end

function session:turn()
	self.is_inactive = not self.is_inactive;
	self.user:send(("<%s xmlns='urn:xmpp:csi:0'/>"):format(self.is_inactive and "inactive" or "active"));
end

--- What it has sent is done, and what came of it is here.
function session:sync()
	for _, service in ipairs(self.services or { self.user.domain }) do
		assert(self.user:request(PING:format(service), 20));
	end
end

--- All that has come, as one list; resumes what hibernates.
function session:take()
	if self.is_away then
		self:come_back();
	end
	self:sync();
	keep_inbox(self);
	local all = self.earlier;
	self.earlier = {};
	return all;
end

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

-- Texts of stanzas. Presences that come together come in any order: a room shows occupants in the order of its table.
local function texts(list)
	local out, run = {}, {};
	local function flush()
		table.sort(run);
		table.move(run, 1, #run, #out + 1, out);
		run = {};
	end
	for _, element in ipairs(list) do
		if element.name ~= "presence" then
			flush();
		end
		local into = element.name == "presence" and run or out;
		into[#into + 1] = differential.canonical(element);
	end
	flush();
	return out;
end

--- Of a list of stanzas those from a service, as texts.
function equality.texts_from(list, service, own)
	local pattern, found = service:gsub("%p", "%%%0"), {};
	for _, element in ipairs(list) do
		local from = element.attr and element.attr.from or "";
		if STANZAS[element.name] and (from:match("@([^/]+)") or from) == service then
			found[#found + 1] = simplified(element, pattern, own);
		end
	end
	return texts(found);
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
	assert(one.user:request("<iq type='set'>" .. what .. "</iq>"));
end

-- What happens to sessions now and then.
local function disturb(sessions, sides, node)
	local one = sessions[pick(actions.users)];
	local what = math.random(12);
	if one.is_away then
		one:come_back();
	elseif what == 1 then
		one:leave();
	elseif what == 2 or what == 3 and one.lost then
		one:drop();
	elseif what <= 6 then
		one:turn();
	elseif what <= 8 then
		block(one, sides, node);
	end
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
		one.user:send((all:gsub("ROOM", node .. "@" .. side)));
	end
	one:sync();
	return #burst;
end

-- Nobody is blocked and all leave, so that what happens later is about one room alone.
local function finish(sessions)
	for _, one in pairs(sessions) do
		one.user:send("<iq type='set' id='unblock'><unblock xmlns='urn:xmpp:blocking'/></iq><presence type='unavailable'/>");
		one:sync();
	end
	for _, one in pairs(sessions) do
		one:take();
	end
end

--- Plays `count` actions in fresh rooms of both services; nil, or a text that says what differs. Returns also how many
--- there were.
function equality.episode(sessions, sides, node, count)
	local done = 0;
	while done < count do
		if math.random(8) == 1 then
			disturb(sessions, sides, node);
		end
		done = done + act(sessions, sides, node, done);
	end
	local got = {};
	for _ = 1, 2 do
		for name, one in pairs(sessions) do
			local list = one:take();
			got[name] = got[name] or {};
			table.move(list, 1, #list, #got[name] + 1, got[name]);
		end
	end
	finish(sessions);
	for name, list in pairs(got) do
		local one = equality.texts_from(list, sides[1], sessions[name].user.jid);
		local two = equality.texts_from(list, sides[2], sessions[name].user.jid);
		for i = 1, math.max(#one, #two) do
			if one[i] ~= two[i] then
				return ("%s got as number %d of %d\n  %s\nand of %d\n  %s"):format(name, i, #one, one[i] or "nothing", #two,
					two[i] or "nothing"), done;
			end
		end
	end
	return nil, done;
end

return equality;
