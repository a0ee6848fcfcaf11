-- SPDX-License-Identifier: MIT
-- actor: a user in a test of rooms. What it does is done when the next one acts; what it gets is checked without
-- waiting: a ping through the room service, answered, shows that everything before it has arrived or never will.
local loop = require "e2e.loop";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local actor = {};
actor.__index = actor;

local PATIENCE = 15; -- seconds for a ping
local SHOWN = 12; -- stanzas that a failure shows

local counter = 0;
local function fresh_id(prefix)
	counter = counter + 1;
	return ("%s-%d"):format(prefix, counter);
end

function actor.new(scene, name, connection)
	return setmetatable({ scene = scene, name = name, nick = name, user = connection, jid = connection.jid,
		full_jid = connection.full_jid }, actor);
end

local function inbox(self)
	return self.user.stream.inbox;
end

function actor:is_online()
	return not self.user.stream.ended and not self.user.stream.finished;
end

-- Returns when the server has done what this user asked for before, and this user has what came of it.
function actor:sync()
	if not self:is_online() then
		return;
	end
	local id = fresh_id("ping");
	self.user:send(("<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>"):format(id, self.scene.service));
	local answer, err = self.user.stream:take(function (element)
		return element.name == "iq" and element.attr.id == id;
	end, PATIENCE);
	assert(answer or err ~= "timeout", "a ping is not answered");
end

-- Sends XML text, in which {room}, {guest} and so on are filled in.
function actor:send(text)
	self.scene:takes_turn(self);
	self.user:send(self.scene:fill_xml(text));
end

-- Joins under its name, or as `how.nick`; inside <x/> goes `how.x`, beside it `how.with`.
function actor:join(how)
	how = how or {};
	self.nick = how.nick or self.name;
	self:send(("<presence to='{room}/%s' id='%s'>%s<x xmlns='http://jabber.org/protocol/muc'>%s</x></presence>"):format(
		xml.escape(self.nick), how.id or fresh_id("join"), how.with or "", how.x or ""));
end

function actor:leave(children)
	self:send(("<presence to='{room}/%s' type='unavailable'>%s</presence>"):format(xml.escape(self.nick), children or ""));
end

-- New presence in the room, under the nickname it has.
function actor:shows(children)
	self:send(("<presence to='{room}/%s'>%s</presence>"):format(xml.escape(self.nick), children or ""));
end

function actor:renames(nick, children)
	self:send(("<presence to='{room}/%s'>%s</presence>"):format(xml.escape(nick), children or ""));
end

-- A message to all; returns its id.
function actor:says(body, children)
	local id = fresh_id("say");
	self:send(("<message to='{room}' type='groupchat' id='%s'>%s%s</message>"):format(id,
		body and ("<body>%s</body>"):format(xml.escape(body)) or "", children or ""));
	return id;
end

function actor:sets_subject(subject)
	self:send(("<message to='{room}' type='groupchat' id='%s'><subject>%s</subject></message>"):format(fresh_id("topic"),
		xml.escape(subject)));
end

function actor:whispers(nick, body, children)
	self:send(("<message to='{room}/%s' type='chat' id='%s'><body>%s</body>%s</message>"):format(xml.escape(nick),
		fresh_id("whisper"), xml.escape(body), children or ""));
end

local function lines(self)
	local list = {};
	for i, element in ipairs(inbox(self)) do
		if i > SHOWN then
			list[i] = ("  and %d more"):format(#inbox(self) - SHOWN);
			break;
		end
		list[i] = "  " .. xml.text(element):sub(1, 1500);
	end
	return list[1] and table.concat(list, "\n") or "  nothing";
end

local function fail(self, text)
	self.scene.fail(("%s %s; received:\n%s"):format(self.name, text, lines(self)), 3);
end

local function find(self, want, start)
	for i = start, #inbox(self) do
		if words.fits(want, inbox(self)[i], self.scene) then
			return i;
		end
	end
end

local function shown(want)
	return type(want) == "string" and want or want.text;
end

-- Takes what fits from the inbox, at or after a position. Services that may pace get a moment more.
local function take(self, want, start, seconds)
	local at = find(self, want, start) or loop.wait(function ()
		return find(self, want, start);
	end, seconds or self.scene.grace);
	if at then
		return table.remove(inbox(self), at), at;
	end
end

-- These have arrived, in this order; others may lie between. Returns the elements.
function actor:gets(...)
	self.scene:settles(self);
	local found, position = {}, 1;
	for i, want in ipairs({ ... }) do
		found[i], position = take(self, want, position);
		if not found[i] then
			fail(self, "should have got (after those before it) " .. shown(want));
		end
	end
	return table.unpack(found);
end

-- As gets for one, which a timer of the server may bring within some seconds.
function actor:gets_within(seconds, want)
	self.scene:settles(self);
	return take(self, want, 1, seconds) or fail(self, ("should have got within %g s %s"):format(seconds, shown(want)));
end

-- Exactly these have arrived since the last look, in this order.
function actor:gets_only(...)
	self.scene:settles(self);
	local found = {};
	for i, want in ipairs({ ... }) do
		local element, at = take(self, want, 1);
		if not element or at ~= 1 then
			fail(self, ("should have got as number %d %s"):format(i, shown(want)));
		end
		found[i] = element;
	end
	if inbox(self)[1] then
		fail(self, "should have got nothing more");
	end
	return table.unpack(found);
end

-- Nothing (like this) has arrived and nothing will.
function actor:gets_no(want)
	self.scene:settles(self);
	if want and find(self, want, 1) or not want and inbox(self)[1] then
		fail(self, "should not have got " .. (want and shown(want) or "anything"));
	end
end

-- All that has arrived.
function actor:hears()
	self.scene:settles(self);
	local all = inbox(self);
	self.user:forget();
	return all;
end

-- Asks and returns the answer, whatever it is; no answer at all is a failure.
function actor:asks(kind, payload, to)
	local id = fresh_id("ask");
	local address = self.scene:address(to);
	self:send(("<iq type='%s' id='%s' to='%s'>%s</iq>"):format(kind, id, xml.escape(address), payload));
	self.scene:settles(self);
	return take(self, { text = id, fits = function (element)
		return element.name == "iq" and element.attr.id == id;
	end }, 1) or fail(self, ("should have got an answer to %s %s"):format(kind, payload));
end

-- Asks and is not refused; returns the answer.
function actor:get(payload, to)
	local answer = self:asks("get", payload, to);
	return answer.attr.type == "result" and answer or fail(self, "should have got a result, not " .. xml.text(answer));
end

function actor:set(payload, to)
	local answer = self:asks("set", payload, to);
	return answer.attr.type == "result" and answer or fail(self, "should have got a result, not " .. xml.text(answer));
end

-- Asks and is refused, as with "auth/forbidden"; returns the answer.
function actor:cannot(kind, condition, payload, to)
	local answer = self:asks(kind, payload, to);
	local found = words.error_of(answer);
	if not (" %s "):format(condition):find((" %s "):format(found or "result"), 1, true) then
		fail(self, ("should have been refused with %s, not %s"):format(condition, xml.text(answer)));
	end
	return answer;
end

function actor:cannot_get(condition, payload, to)
	return self:cannot("get", condition, payload, to);
end

function actor:cannot_set(condition, payload, to)
	return self:cannot("set", condition, payload, to);
end

function actor:forgets()
	self.scene:settles(self);
	self.user:forget();
end

return actor;
