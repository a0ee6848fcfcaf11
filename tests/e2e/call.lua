-- SPDX-License-Identifier: MIT
-- call: people in a group call (XEP-0272) in a room, with Jingle sessions through the room. Each is a small client that
-- keeps the rules: who joins says that it prepares, waits for those who prepared before it, shows its contents, and
-- calls everybody whose contents were there before.
--
--   local romeo = call.person(user, "romeo", "room@rooms.example.org");
--   romeo:create(); romeo:unlock({ ["muc#roomconfig_whois"] = "moderators" }); romeo:enter();
--   juliet:enter(); call.wait_until_met({ romeo, juliet }); print(juliet:view());
local loop = require "e2e.loop";
local match = require "e2e.match";
local xml = require "e2e.xml";

local call = {};
local person = {};
person.__index = person;

local PATIENCE = 10; -- seconds

call.NS = {
	MUC = "http://jabber.org/protocol/muc", USER = "http://jabber.org/protocol/muc#user",
	MUJI = "urn:xmpp:jingle:muji:0", JINGLE = "urn:xmpp:jingle:1",
};
local NS = call.NS;

local PREPARING = ("<muji xmlns='%s'><preparing/></muji>"):format(NS.MUJI);
local JOIN = ("<x xmlns='%s'/>"):format(NS.MUC);
local CONTENT = "<content creator='initiator' name='%s'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='%s'>"
	.. "<payload-type id='%d' name='%s' clockrate='%d'/></description>%s</content>";
local CODECS = { audio = { 111, "opus", 48000 }, video = { 96, "VP8", 90000 }, screen = { 98, "VP9", 90000 } };

local function content(name, transport)
	local id, codec, rate = table.unpack(CODECS[name]);
	return CONTENT:format(name, name == "audio" and name or "video", id, codec, rate, transport);
end

-- What somebody shows in the room: <muji/> with contents of these names.
function call.contents(names)
	local out = {};
	for i, name in ipairs(names) do
		out[i] = content(name, "");
	end
	return ("<muji xmlns='%s'>%s</muji>"):format(NS.MUJI, table.concat(out));
end

local TRANSPORT = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='9b1d' pwd='&lt;a&apos;b&amp;c&gt;'>"
	.. "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='%s'>02:1A:CC:54</fingerprint>"
	.. "<candidate component='1' foundation='1' generation='0' id='el0747fg11' ip='192.0.2.3' network='1' port='8998'"
	.. " priority='2130706431' protocol='udp' type='host'/></transport>";
local JINGLE = "<jingle xmlns='%s' action='%s' sid='%s' %s>%s"
	.. "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>%s</group>%s</jingle>";

-- The <jingle/> of an offer or an answer, with more attributes, and more content before the group.
function call.jingle(action, sid, names, attributes, more)
	local contents, group = {}, {};
	for i, name in ipairs(names) do
		contents[i] = content(name, TRANSPORT:format(action == "session-initiate" and "actpass" or "active"));
		group[i] = ("<content name='%s'/>"):format(name);
	end
	return JINGLE:format(NS.JINGLE, action, sid, attributes or "", more or "", table.concat(group),
		table.concat(contents));
end

-- "preparing", the names of the contents as "audio+video", or nil for somebody who is not in the call.
local function shown(presence)
	local muji = xml.child(presence, "muji", NS.MUJI);
	if not muji then
		return nil;
	end
	local names = {};
	for _, child in ipairs(muji) do
		names[#names + 1] = type(child) == "table" and child.name == "content" and child.attr.name or nil;
	end
	return #names > 0 and table.concat(names, "+") or xml.child(muji, "preparing") and "preparing" or nil;
end

-- The set of status codes of a presence.
function call.codes(presence)
	local codes = {};
	for _, child in ipairs(xml.child(presence, "x", NS.USER) or {}) do
		if child.name == "status" then
			codes[child.attr.code] = true;
		end
	end
	return codes;
end

local function note(self, text, ...)
	self.lines[#self.lines + 1] = { loop.now(), ("%s %s"):format(self.nick, text:format(...)) };
end

local function nick_of(self, jid)
	return jid and jid:sub(1, #self.room + 1) == self.room .. "/" and jid:sub(#self.room + 2) or nil;
end

-- Sessions go along with who changes its nick.
local function on_unavailable(self, nick, presence)
	local item = xml.child(xml.child(presence, "x", NS.USER) or {}, "item");
	local new = call.codes(presence)["303"] and item and item.attr.nick;
	for _, session in pairs(new and self.sessions or {}) do
		session.initiator = session.initiator == nick and new or session.initiator;
	end
	if new then
		self.sessions[new] = self.sessions[nick];
	end
	self.peers[nick], self.sessions[nick] = nil, nil;
	note(self, "sees %s go%s", nick, new and " and become " .. new or "");
end

local function on_presence(self, presence)
	local nick = nick_of(self, presence.attr.from);
	if not nick or presence.attr.type == "error" then
		return;
	end
	if presence.attr.type == "unavailable" then
		return on_unavailable(self, nick, presence);
	end
	local is_own = call.codes(presence)["110"];
	self.nick = is_own and nick or self.nick;
	local before, now = self.peers[nick], shown(presence);
	self.peers[nick] = now or "not in the call";
	if before ~= self.peers[nick] then
		note(self, "sees %s: %s", is_own and "itself" or nick, self.peers[nick]);
	end
end

local function send_iq(self, kind, to, payload, id)
	self.ids = self.ids + 1;
	id = id or ("%s-%d"):format(self.user.username, self.ids);
	self.user:send(("<iq type='%s' to='%s' id='%s'>%s</iq>"):format(kind, xml.escape(to), xml.escape(id), payload));
	return id;
end

local HANDLERS = {};

HANDLERS["session-initiate"] = function (self, from, jingle)
	self.sessions[from] = { sid = jingle.attr.sid, initiator = from, state = "active" };
	note(self, "is called by %s", from);
	send_iq(self, "set", self.room .. "/" .. from, call.jingle("session-accept", jingle.attr.sid, self.media,
		("responder='%s'"):format(self.user.full_jid)));
end

HANDLERS["session-accept"] = function (self, from)
	assert(self.sessions[from], from .. " accepts what nobody offered").state = "active";
	note(self, "is in a session with %s", from);
end

HANDLERS["session-terminate"] = function (self, from)
	self.sessions[from] = nil;
	note(self, "has no session with %s any more", from);
end

local function on_iq(self, iq)
	local jingle, from = xml.child(iq, "jingle", NS.JINGLE), nick_of(self, iq.attr.from);
	if iq.attr.type == "result" or iq.attr.type == "error" then
		self.answers[iq.attr.id] = iq;
	elseif jingle and from and not self.is_silent then
		send_iq(self, "result", iq.attr.from, "", iq.attr.id);
		local handler = HANDLERS[jingle.attr.action];
		if handler then
			handler(self, from, jingle);
		end
	end
end

-- Takes all that comes, in order, as long as the user is online.
local function pump(self)
	local stream = self.user.stream;
	local function has_more()
		return #stream.inbox > 0 or stream.ended or stream.finished or self.has_stopped;
	end
	while true do
		while not has_more() do
			loop.wait(has_more, 3600);
		end
		local element = not self.has_stopped and table.remove(stream.inbox, 1);
		if not element then
			return;
		end
		self.record[#self.record + 1] = element;
		if element.name == "presence" then
			on_presence(self, element);
		elseif element.name == "iq" then
			on_iq(self, element);
		end
	end
end

-- A user who will be in a room under a nick. What it receives from now on is in `record`.
function call.person(user, nick, room)
	local self = setmetatable({
		user = user, nick = nick, room = room, media = { "audio", "video" }, record = {}, lines = {}, used = {},
		peers = {}, sessions = {}, answers = {}, ids = 0,
	}, person);
	self.task = loop.spawn(pump, self);
	return self;
end

-- Waits for `condition()`; raises `what` when it does not come true. Its value.
function person:wait(what, condition, seconds)
	local value = loop.wait(condition, seconds or PATIENCE);
	if self.task.error then
		error(self.task.error, 0);
	elseif not value then
		local seen = {};
		for i = math.max(1, #self.record - 4), #self.record do
			seen[#seen + 1] = xml.text(self.record[i]):sub(1, 600);
		end
		error(("%s: %s; received last:\n%s"):format(self.nick, what, table.concat(seen, "\n")), 0);
	end
	return value;
end

-- The first element in the record that fits a pattern (as for client.expect) and that no call has returned before, and
-- its place.
function person:expect(pattern, seconds)
	local wanted = type(pattern) == "string" and assert(xml.parse(pattern));
	local place;
	self:wait(("expected %s"):format(wanted and pattern or "what fits a function"), function ()
		for i, element in ipairs(self.record) do
			local fits = wanted and match.element(wanted, element) or not wanted and pattern(element);
			if fits and not self.used[element] then
				place = i;
				return true;
			end
		end
	end, seconds);
	self.used[self.record[place]] = true;
	return self.record[place], place;
end

-- Sends an IQ and waits for its answer.
function person:request(kind, to, payload, seconds)
	local id = send_iq(self, kind, to, payload);
	return self:wait("no answer to " .. payload:sub(1, 200), function () return self.answers[id]; end, seconds);
end

-- An IQ to an occupant; the answer. Raises when it is not of the type wanted ("result" when nothing is said).
function person:tell(nick, payload, wanted, seconds)
	local answer = self:request("set", self.room .. "/" .. nick, payload, seconds);
	assert(answer.attr.type == (wanted or "result"), xml.text(answer));
	return answer;
end

-- Sends presence into the room with this in it, under its nick or a new one.
function person:show(children, nick)
	self.user:send(("<presence to='%s/%s'>%s</presence>"):format(self.room, xml.escape(nick or self.nick), children));
end

local function own_state(self)
	return self.peers[self.nick];
end

-- Makes the room, as somebody who already prepares for the call (S1), and shows its contents (S2).
function person:create()
	self:show(JOIN .. PREPARING);
	local presence = self:expect(function (element)
		return element.name == "presence" and call.codes(element)["110"];
	end);
	assert(call.codes(presence)["201"], "the room was there before: " .. xml.text(presence));
	note(self, "has made the room, which is locked");
	self:show(call.contents(self.media));
	self:wait("its contents do not come back", function () return own_state(self) == table.concat(self.media, "+"); end);
end

-- Submits the form of the owner: field -> value (S3).
function person:unlock(fields)
	local out = {};
	for name, value in pairs(fields or {}) do
		out[#out + 1] = ("<field var='%s'><value>%s</value></field>"):format(name, value);
	end
	local answer = self:request("set", self.room, ("<query xmlns='http://jabber.org/protocol/muc#owner'>"
		.. "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig"
		.. "</value></field>%s</x></query>"):format(table.concat(out)));
	assert(answer.attr.type == "result", xml.text(answer));
	note(self, "has configured the room, which is open now");
end

-- Calls somebody, and waits until the other side has taken the call in.
function person:initiate(nick)
	local sid = ("%s-to-%s"):format(self.nick, nick);
	self.sessions[nick] = { sid = sid, initiator = self.nick, state = "pending" };
	note(self, "calls %s", nick);
	return self:tell(nick, call.jingle("session-initiate", sid, self.media,
		("initiator='%s'"):format(self.user.full_jid), ("<muji xmlns='%s' room='%s'/>"):format(NS.MUJI, self.room)));
end

-- What the others were showing when its own presence with this state came back: nick -> state; nil before it has. It is
-- the order in the room that counts, not when somebody looks.
local function others_before(self, own)
	local states = {};
	for _, element in ipairs(self.record) do
		local nick = element.name == "presence" and nick_of(self, element.attr.from);
		local state = nick and not element.attr.type and shown(element) or nil;
		if nick == self.nick and state == own then
			states[nick] = nil;
			return states;
		elseif nick then
			states[nick] = state;
		end
	end
end

local function sorted_nicks(states, is_wanted)
	local list = {};
	for nick, state in pairs(states) do
		list[#list + 1] = is_wanted(state) and nick or nil;
	end
	table.sort(list);
	return list;
end

local function is_preparing(state)
	return state == "preparing";
end

-- Joins room and call (S5 to S8): returns when it has called everybody whose contents were there before its own.
function person:enter(seconds)
	local contents = table.concat(self.media, "+");
	self:show(JOIN .. PREPARING);
	local there = self:wait("cannot enter", function () return others_before(self, "preparing"); end, seconds);
	for _, nick in ipairs(sorted_nicks(there, is_preparing)) do
		self:wait(nick .. " prepares for ever", function () return self.peers[nick] ~= "preparing"; end, seconds);
	end
	self:show(call.contents(self.media));
	there = self:wait("its contents do not come back", function () return others_before(self, contents); end, seconds);
	for _, nick in ipairs(sorted_nicks(there, function (state) return not is_preparing(state); end)) do
		self:initiate(nick);
	end
end

-- Leaves the call, its sessions and the room, in this order (S9).
function person:leave()
	self:show("");
	for nick, session in pairs(self.sessions) do
		self:tell(nick, ("<jingle xmlns='%s' action='session-terminate' sid='%s'><reason><success/></reason></jingle>")
			:format(NS.JINGLE, session.sid));
	end
	self.user:send(("<presence to='%s/%s' type='unavailable'/>"):format(self.room, xml.escape(self.nick)));
	self:expect(("<presence from='%s/%s' type='unavailable'/>"):format(self.room, self.nick));
end

-- From now on what comes stays with the user (client.expect).
function person:stop()
	self.has_stopped = true;
end

-- Who is in the call, as this person sees it: a line for each, in alphabetical order.
function person:view()
	local lines = {};
	for nick, state in pairs(self.peers) do
		local session = self.sessions[nick];
		lines[#lines + 1] = ("%s shows %s%s"):format(nick, state, session
			and (", in a session that %s began (%s)"):format(session.initiator, session.state) or "");
	end
	table.sort(lines);
	return table.concat(lines, "\n");
end

-- What a person should see once all are in, the first of them first.
function call.expected_view(people, me)
	local lines = {};
	for i, other in ipairs(people) do
		local session = "";
		for k, one in ipairs(people) do
			if one == me and one ~= other then
				session = (", in a session that %s began (active)"):format(people[math.max(i, k)].nick);
			end
		end
		lines[i] = ("%s shows %s%s"):format(other.nick, table.concat(other.media, "+"), session);
	end
	table.sort(lines);
	return table.concat(lines, "\n");
end

-- Waits until everybody, in the order in which they entered, sees everybody and has a session with each, begun by the
-- one who came later. Raises with the view that differs.
function call.wait_until_met(people, seconds)
	for _, one in ipairs(people) do
		local wanted = call.expected_view(people, one);
		if not loop.wait(function () return one:view() == wanted; end, seconds or PATIENCE) then
			error(("%s should see\n%s\nbut sees\n%s%s"):format(one.nick, wanted, one:view(),
				one.task.error and "\n" .. one.task.error or ""), 0);
		end
	end
end

-- Everything that happened to these people, as lines in the order of time: { seconds since the first, text }.
function call.transcript(people)
	local all = {};
	for _, one in ipairs(people) do
		for _, line in ipairs(one.lines) do
			all[#all + 1] = { line[1], line[2], #all };
		end
	end
	table.sort(all, function (x, y)
		return x[1] < y[1] or x[1] == y[1] and x[3] < y[3];
	end);
	for i = #all, 1, -1 do
		all[i] = { all[i][1] - all[1][1], all[i][2] };
	end
	return all;
end

-- All that a person has received, as text.
function person:received()
	local out = {};
	for i, element in ipairs(self.record) do
		out[i] = xml.text(element);
	end
	return table.concat(out, "\n");
end

return call;
