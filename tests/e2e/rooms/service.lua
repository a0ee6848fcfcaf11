-- SPDX-License-Identifier: MIT
-- 1.R Service behaviour: XEP-0045 11, 17, 18.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local presence, gone, message, subject = words.presence, words.gone, words.message, words.subject;
local refusal = words.refusal;
local test, leave_out = suite.section("1.R", "Service behaviour");

-- Errors that say that nobody is there any more.
local GONE = { "gone", "item-not-found", "recipient-unavailable", "redirect", "remote-server-not-found",
	"remote-server-timeout" };
local NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

local function bounces(who, name, to, condition)
	who:send(("<%s type='error' to='%s'><error type='cancel'><%s xmlns='%s'/></error></%s>"):format(name, to, condition,
		NS_STANZAS, name));
end

for _, condition in ipairs(GONE) do
	test { { 202, 203 }, ("who sends messages back as %s is removed, with 333"):format(condition), function (t)
		t:create({}, "member");
		t:enter("member", "guest");
		bounces(t.member, "message", "{room}", condition);
		t.guest:gets_only(gone { "member", as = "member/none", status = "333" });
		t.member:gets(gone { "member", as = "member/none", status = "110 333" });
		t.owner:says("still there?");
		t.member:gets_no(message {});
	end };
end

test { 202, "errors about presences and private messages remove, too", function (t)
	t:create();
	t:enter("guest", "other", "third");
	bounces(t.other, "presence", "{room}/owner", "remote-server-not-found");
	t.guest:gets_only(gone { "other", as = "none/none", status = "333" });
	bounces(t.third, "message", "{room}/guest", "remote-server-timeout");
	t.guest:gets_only(gone { "third", as = "none/none", status = "333" });
end };

test { 202, "errors that say something else remove nobody", function (t)
	t:create();
	t:enter("guest", "other");
	for _, condition in ipairs({ "not-acceptable", "policy-violation", "bad-request", "conflict" }) do
		bounces(t.other, "message", "{room}", condition);
	end
	t.guest:gets_no();
	t.other:get("<ping xmlns='urn:xmpp:ping'/>", "other");
end };

test { 202, "an error from outside is ignored", function (t)
	t:create();
	bounces(t.guest, "message", "{room}", "recipient-unavailable");
	bounces(t.guest, "presence", "{room}/owner", "recipient-unavailable");
	t.owner:gets_no();
	t.guest:gets_no();
end };

leave_out(204, "optional: nobody is pinged; what comes back as an error removes (202), and so does a lost connection");

test { { 86, "P7" }, "who loses its connection leaves", function (t)
	t:create();
	t:enter("guest", "other");
	t.other.user:kill();
	t.guest:gets_within(5, gone { "other", as = "none/none" });
end };

test { 206, "a nickname or room name beyond 1023 bytes is refused as jid-malformed", function (t)
	t:create();
	t.guest:join({ nick = ("n"):rep(1024) });
	t.guest:gets(refusal { "presence", "modify/jid-malformed" });
	t.owner:gets_no();
end };

test { 206, "a flood of messages arrives whole and in order, or is refused by name", set = "limited", function (t)
	t:create();
	t:enter("guest");
	for i = 1, 301 do
		t.guest:send(("<message to='{room}' type='groupchat' id='f%d'><body>%d</body></message>"):format(i, i));
	end
	t.guest:gets_within(5, { text = "the last one", fits = function (one) return one.attr.id == "f301"; end });
	local next_number, refused = 1, 0;
	for _, one in ipairs(t.guest:hears()) do
		local found = words.error_of(one);
		if one.name == "message" and not found then
			local number = tonumber(xml.content(xml.child(one, "body")));
			t.check(number >= next_number, "out of order");
			next_number = number + 1;
		elseif found then
			refused = refused + 1;
			t.check(found == "wait/policy-violation" or found == "wait/resource-constraint", "refused as " .. found);
		end
	end
	t.check(next_number > 1 and (refused > 0 or next_number == 301), "messages are missing, and nobody said so");
end };

test { 207, "the language of a stanza is kept", function (t)
	t:create();
	t:enter("guest");
	t.guest:send("<message to='{room}' type='groupchat' xml:lang='it'><body>ciao</body><body xml:lang='de'>hallo</body>"
		.. "</message>");
	t.owner:gets_only("<message from='{room}/guest' xml:lang='it'><body>ciao</body><body xml:lang='de'>hallo</body>"
		.. "</message>");
	t.guest:send("<presence to='{room}/guest' xml:lang='it'><status>via</status></presence>");
	t.owner:gets_only("<presence from='{room}/guest' xml:lang='it'><status>via</status></presence>");
end };

leave_out(208, "optional: nicknames that merely look alike are different nicknames");

test { 209, "nicknames and room names are compared after stringprep", function (t)
	t:create();
	t:enter("other");
	t.guest:join({ nick = "\u{FF4F}ther" }); -- a wide o, which is an o
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t.guest:send(("<presence to='%s/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(
		t.room:gsub("^room", "ROOM")));
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { 205, "when the service ends, every occupant is told, with 332",
	stock = "says nothing", function (t)
	t:create({ persistentroom = 1 });
	t:enter("guest");
	t:stop_server();
	for _, who in ipairs({ t.guest, t.owner }) do
		who:gets(gone { who.nick, status = "110 332" });
	end
end };

test { 210, "configuration, lists and subject of a persistent room are there after a restart", function (t)
	t:create({ persistentroom = 1, roomname = "Orchard", moderatedroom = 1, roomsecret = "key", passwordprotectedroom = 1,
		whois = "anyone" }, "admin", "member", "outcast");
	t.owner:set(forms.admin("<item affiliation='member' jid='{other.bare}' nick='Crowned'/>"));
	t.owner:sets_subject("Roses");
	t:restart();
	local info = t.guest:get(forms.disco());
	t:same(words.children(forms.query(info), "identity")[1].attr.name, "Orchard");
	t.guest:join();
	t.guest:gets(refusal { "presence", "auth/not-authorized" });
	t.guest:join({ x = "<password>key</password>", nick = "Crowned" });
	t.guest:gets(refusal { "presence", "cancel/conflict" });
	t.guest:join({ x = "<password>key</password>" });
	t.guest:gets(presence { "guest", as = "none/visitor", status = "100 110", jid = "{guest}" },
		subject { subject = "Roses" });
	for _, affiliation in ipairs({ "owner", "admin", "outcast" }) do
		local list = forms.items(t.owner:get(forms.admin(("<item affiliation='%s'/>"):format(affiliation))));
		t:same(list[1] and list[1].jid, ("{%s.bare}"):format(affiliation), affiliation);
	end
end };

test { { 210, 123 }, "after a restart the subject says who set it and when", function (t)
	t:create({ persistentroom = 1 });
	t.owner:sets_subject("Roses");
	t.guest:join();
	local before = t.guest:gets(subject { subject = "Roses",
		with = "<delay xmlns='urn:xmpp:delay' from='{any}' stamp='{any}'/>" });
	t:restart();
	t.guest:join();
	local after = t.guest:gets(subject { subject = "Roses" });
	t:same(xml.child(after, "delay").attr.stamp, xml.child(before, "delay").attr.stamp, "the time");
	t:same(after.attr.from, before.attr.from, "who set it");
end };

test { 210, "the last message of a persistent room is in its history after a restart", function (t)
	t:create({ persistentroom = 1 });
	t.owner:says("before the restart");
	t:restart();
	t.guest:join();
	t.guest:gets(message { "owner", body = "before the restart" });
end };
