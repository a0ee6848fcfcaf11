-- SPDX-License-Identifier: MIT
-- 1.Q IQ between occupants: XEP-0045 17.4, XEP-0410.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local test = suite.section("1.Q", "IQ between occupants");

local PING = "<ping xmlns='urn:xmpp:ping'/>";
local VERSION = "<query xmlns='jabber:iq:version'/>";

-- An occupant asks another; returns what that one got.
local function asks(t, who, nick, kind, payload, id)
	who:send(("<iq type='%s' id='%s' to='{room}/%s'>%s</iq>"):format(kind, id, nick, payload));
	return t[nick]:gets(("<iq type='%s' from='{room}/%s' id='{any}'/>"):format(kind, who.nick));
end

local function answer(who, asked, kind, payload)
	who:send(("<iq type='%s' id='%s' to='%s'>%s</iq>"):format(kind, xml.escape(asked.attr.id), xml.escape(asked.attr.from),
		payload or ""));
end

test { 196, "an IQ to the room is the room's: what it does not know is service-unavailable", function (t)
	t:create();
	t:enter("guest");
	for _, kind in ipairs({ "get", "set" }) do
		local error_answer = t.guest:asks(kind, "<query xmlns='urn:x:nonsense'/>");
		t:same(words.error_of(error_answer), "cancel/service-unavailable");
		t:same(error_answer.attr.from, "{room}");
	end
	t.owner:gets_no();
end };

test { 197, "get, set, result and error pass between nicknames; no real address is in them", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	for _, kind in ipairs({ "get", "set" }) do
		local asked = asks(t, t.guest, "other", kind, VERSION, "first");
		t:same(asked.attr.to, "{other}");
		t.check(not xml.text(asked):find(t.guest.jid, 1, true), "the asker's address is in it");
		answer(t.other, asked, "result", "<query xmlns='jabber:iq:version'><name>x</name></query>");
		local got = t.guest:gets_only("<iq type='result' id='first' from='{room}/other'><query xmlns='jabber:iq:version'>"
			.. "<name>x</name></query></iq>");
		t.check(not xml.text(got):find(t.other.jid, 1, true), "the other's address is in it");
	end
	t.owner:gets_no();
end };

test { { 197, "V8" }, "an error passes from the nickname, too, and names no real address", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	local asked = asks(t, t.guest, "other", "get", VERSION, "second");
	answer(t.other, asked, "error", "<error type='cancel'>"
		.. "<feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
	local got = t.guest:gets_only(words.refusal { "iq", "cancel/feature-not-implemented", id = "second",
		from = "{room}/other" });
	t.check(not xml.text(got):find(t.other.jid, 1, true), "the other's address is in it");
end };

test { "V8", "an error does not say by whose address",
	stock = "it does", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	local asked = asks(t, t.guest, "other", "get", VERSION, "third");
	answer(t.other, asked, "error", "<error type='cancel' by='{other}'>"
		.. "<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
	local got = t.guest:gets_only(words.refusal { "iq", "cancel/remote-server-not-found", id = "third" });
	t.check(not xml.text(got):find(t.other.jid, 1, true), "the other's address is in it");
end };

test { 198, "who is outside is refused as not-acceptable", function (t)
	t:create();
	for _, payload in ipairs({ PING, VERSION, "<query xmlns='urn:x:nonsense'/>" }) do
		t.guest:cannot_get("cancel/not-acceptable", payload, "owner");
		t.guest:cannot_set("cancel/not-acceptable", payload, "owner");
	end
	t.owner:gets_no();
end };

test { { 198, "P4" }, "an IQ to a nickname that nobody has is refused as item-not-found", function (t)
	t:create();
	t:enter("guest");
	t.guest:cannot_get("cancel/item-not-found", VERSION, "nobody");
	t.guest:cannot_set("cancel/item-not-found", VERSION, "nobody");
end };

test { { 199, "V1" }, "answers find who asked, with its own id, whatever order they come in", function (t)
	t:create();
	t:enter("guest", "other");
	local first = asks(t, t.guest, "owner", "get", VERSION, "same id");
	local second = asks(t, t.other, "owner", "get", VERSION, "same id");
	local third = asks(t, t.guest, "owner", "set", PING, "1&lt;&apos;&amp;2");
	answer(t.owner, third, "result");
	answer(t.owner, second, "result");
	answer(t.owner, first, "result");
	t.guest:gets_only("<iq type='result' id='1&lt;&apos;&amp;2' from='{room}/owner'/>",
		"<iq type='result' id='same id' from='{room}/owner'/>");
	t.other:gets_only("<iq type='result' id='same id' from='{room}/owner'/>");
end };

test { 199, "an answer that nobody asked for reaches nobody", function (t)
	t:create();
	t:enter("guest", "other");
	local asked = asks(t, t.guest, "owner", "get", VERSION, "mine");
	t.other:send(("<iq type='result' id='%s' to='{room}/guest'/>"):format(xml.escape(asked.attr.id)));
	t.owner:send("<iq type='result' id='nonsense' to='{room}/guest'/>");
	t.guest:gets_no();
	answer(t.owner, asked, "result");
	t.guest:gets_only("<iq type='result' id='mine' from='{room}/owner'/>");
end };

test { { 200, "P5" }, "a card is asked of the bare address, and comes from the nickname", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	t.other:set("<vCard xmlns='vcard-temp'><FN>Someone Else</FN></vCard>", "{other.bare}");
	t.guest:send("<iq type='get' id='card' to='{room}/other'><vCard xmlns='vcard-temp'/></iq>");
	local got = t.guest:gets_only("<iq type='result' id='card' from='{room}/other'><vCard xmlns='vcard-temp'>"
		.. "<FN>Someone Else</FN></vCard></iq>");
	t.check(not xml.text(got):find(t.other.jid, 1, true), "the other's address is in it");
	t.other:gets_no();
end };

test { { 201, "C8" }, "who pings its own nickname learns whether it is in", function (t)
	t:create();
	t.guest:cannot_get("cancel/not-acceptable", PING, "guest");
	t:enter("guest");
	t:same(t.guest:get(PING, "guest").attr.from, "{room}/guest");
	t.guest2:cannot_get("cancel/not-acceptable", PING, "guest");
	t.guest2:join({ nick = "guest" });
	t.guest:forgets();
	t.guest2:get(PING, "guest");
	t.guest:gets_no();
	t.guest2:leave();
	t.guest2:cannot_get("cancel/not-acceptable", PING, "guest");
	t.guest:get(PING, "guest");
end };

test { { 201, "C8" }, "a room says that it answers such pings by itself", function (t)
	t:create();
	t.check(forms.features(t.guest:get(forms.disco()))["http://jabber.org/protocol/muc#self-ping-optimization"],
		"no such feature");
end };

test { "C9", "a ping of another occupant is passed on", function (t)
	t:create();
	t:enter("guest");
	local asked = asks(t, t.guest, "owner", "get", PING, "ping-other");
	answer(t.owner, asked, "result");
	t.guest:gets_only("<iq type='result' id='ping-other' from='{room}/owner'/>");
end };
