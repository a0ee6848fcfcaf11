-- SPDX-License-Identifier: MIT
-- 1.E Messages to all: XEP-0045 7.4, 8.1, 17.2.
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local message, subject, refusal = words.message, words.subject, words.refusal;
local test = suite.section("1.E", "Messages");

local NS_OCCUPANT = "urn:xmpp:occupant-id:0";

test { 62, "a message goes to every session of every occupant, from its sender's nickname", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member2:join({ nick = "member" });
	t:forget();
	local id = t.guest:says("hello all");
	for _, who in ipairs({ t.owner, t.member, t.member2, t.guest }) do
		local got = who:gets_only(message { "guest", body = "hello all", id = id });
		t:same(got.attr.to, who.full_jid, "the address");
	end
end };

test { 63, "the id that a client chose comes back", function (t)
	t:create();
	t:enter("guest");
	t.guest:send("<message to='{room}' type='groupchat' id='my own &lt;id&gt;'><body>x</body></message>");
	t.guest:gets_only(message { "guest", id = "my own <id>" });
	t.owner:gets_only(message { "guest", id = "my own <id>" });
end };

test { 63, "a message without an id gets one, the same for all", function (t)
	t:create();
	t:enter("guest");
	t.guest:send("<message to='{room}' type='groupchat'><body>x</body></message>");
	local mine = t.guest:gets_only(message { "guest", body = "x" });
	local theirs = t.owner:gets_only(message { "guest", body = "x" });
	t.check(mine.attr.id and mine.attr.id ~= "", "no id");
	t:same(mine.attr.id, theirs.attr.id, "the id");
end };

test { { 64, 93 }, "a visitor may not speak in a moderated room", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	local id = t.guest:says("may I");
	t.guest:gets_only(refusal { "message", "auth/forbidden", id = id });
	t.owner:gets_no();
end };

test { 65, "who is not in the room is refused as not-acceptable", function (t)
	t:create();
	local id = t.guest:says("from outside");
	t.guest:gets_only(refusal { "message", "cancel/not-acceptable", "modify/not-acceptable", id = id, from = "{room}" });
	t.owner:gets_no();
end };

test { 66, "a message to a room that is not there is refused as item-not-found", function (t)
	local id = t.guest:says("anyone?");
	t.guest:gets_only(refusal { "message", "cancel/item-not-found", id = id, from = "{room}" });
end };

test { 66, "a message to a locked room is refused as item-not-found",
	stock = "not-acceptable", function (t)
	t.owner:join();
	local id = t.guest:says("anyone?");
	t.guest:gets_only(refusal { "message", "cancel/item-not-found", id = id });
	t.owner:gets_no(message { body = "anyone?" });
end };

test { 67, "whatever a message holds passes, with a body or without", function (t)
	t:create();
	t:enter("guest");
	for _, payload in ipairs({
		"<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>",
		"<composing xmlns='http://jabber.org/protocol/chatstates'/>",
		"<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>&#128075;</reaction></reactions>",
		"<invite xmlns='urn:xmpp:call-invites:0' video='true'><muji xmlns='urn:xmpp:jingle:muji:0' room='{room}'/></invite>",
		"<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>",
		"<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>",
		"<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>abc=</payload></encrypted>",
	}) do
		local id = t.guest:says(nil, payload);
		t.owner:gets_only(message { "guest", id = id, with = payload, body = false });
		t.guest:gets_only(message { "guest", id = id, with = payload, body = false });
		id = t.guest:says("text", payload);
		t.owner:gets_only(message { "guest", id = id, with = payload, body = "text" });
		t.guest:forgets();
	end
end };

test { 68, "a message of another type to the room reaches nobody", function (t)
	t:create();
	t:enter("guest");
	for _, kind in ipairs({ "chat", "normal", "headline" }) do
		t.guest:send(("<message to='{room}' type='%s'><body>x</body></message>"):format(kind));
	end
	t.owner:gets_no();
	t.guest:gets_no(message { type = "chat" });
	t.guest:gets_no(message {});
end };

test { { 69, 94 }, "a subject alone changes the subject", function (t)
	t:create();
	t:enter("guest");
	t.owner:sets_subject("Roses");
	t.guest:gets_only(subject { "owner", subject = "Roses" });
	t.other:join();
	t.other:gets(subject { subject = "Roses" });
end };

test { 69, "a subject with a body or a thread is a message and changes nothing", function (t)
	t:create();
	t:enter("guest");
	for _, more in ipairs({ "<body>text</body>", "<thread>one</thread>" }) do
		t.owner:send(("<message to='{room}' type='groupchat'><subject>Violets</subject>%s</message>"):format(more));
		t.guest:gets_only(message { "owner", with = { "<subject>Violets</subject>", more } });
	end
	t.other:join();
	t.other:gets(subject { subject = "" });
end };

test { 70, "forged delays, stanza ids and <x/> of the room are taken out",
	stock = "passes on <x/> and, without an archive, stanza ids", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("forged", "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2002-10-13T23:58:37Z'/>"
		.. "<stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='forged'/>"
		.. "<x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x>");
	t.owner:gets_only(message { "guest", body = "forged", without = {
		"<delay xmlns='urn:xmpp:delay' scansion:strict='false'/>",
		"<stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='forged'/>",
		"<x xmlns='http://jabber.org/protocol/muc#user' scansion:strict='false'/>",
	} });
end };

test { 70, "a forged delay of the room and a forged occupant id are taken out", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("forged", "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2002-10-13T23:58:37Z'/>"
		.. ("<occupant-id xmlns='%s' id='forged'/>"):format(NS_OCCUPANT));
	local got = t.owner:gets_only(message { "guest", body = "forged",
		without = "<delay xmlns='urn:xmpp:delay' scansion:strict='false'/>" });
	local ids = words.children(got, "occupant-id", NS_OCCUPANT);
	t.check(#ids == 1 and ids[1].attr.id ~= "forged", "the forged occupant id stands");
end };

test { 71, "all occupants see messages in one order", function (t)
	t:create();
	t:enter("guest", "other");
	local senders = { t.guest, t.other, t.owner, t.guest, t.owner, t.other, t.guest };
	local number = 0;
	t:at_once(senders, function () -- any order will do, if it is one
		number = number + 1;
		return ("<message to='%s' type='groupchat'><body>%d</body></message>"):format(t.room, number);
	end);
	local orders = {};
	for i, who in ipairs({ t.guest, t.other, t.owner }) do
		local bodies = {};
		for _, one in ipairs(who:hears()) do
			bodies[#bodies + 1] = one[1] and one[1][1];
		end
		orders[i] = table.concat(bodies, " ");
	end
	t:same(#orders[1], 13, "the length of what came");
	t:same({ orders[2], orders[3] }, { orders[1], orders[1] }, "the order");
end };
