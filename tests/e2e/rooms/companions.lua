-- SPDX-License-Identifier: MIT
-- 2.3 Companions: XEP-0421, XEP-0486, XEP-0317, XEP-0500, XEP-0502, XEP-0463.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local presence, gone, message, notice, refusal = words.presence, words.gone, words.message, words.notice, words.refusal;
local test = suite.section("2.3", "Companions");

local NS_OCCUPANT = "urn:xmpp:occupant-id:0";
local FORGED = ("<occupant-id xmlns='%s' id='forged'/>"):format(NS_OCCUPANT);

-- The value of a field in the form of an answer, or "none".
local function field(answer, var)
	local fields = forms.read(answer);
	return fields and fields[var] and fields[var][1] or "none";
end

-- The one occupant id that an element must have.
local function id_of(t, element, what)
	local ids = words.children(element, "occupant-id", NS_OCCUPANT);
	t:same(#ids, 1, "the number of occupant ids: " .. what);
	return ids[1].attr.id;
end

test { { "C6", "C7" }, "every stanza of an occupant has its occupant id, one, and no forged one", function (t)
	t:create();
	t:enter("other");
	t.guest:join({ with = FORGED });
	local id = id_of(t, t.other:gets(presence { "guest" }), "join");
	t.check(id ~= "forged" and #id > 0 and #id <= 128, "the id is " .. id);
	local function seen(element, what)
		t:same(id_of(t, element, what), id, "the id: " .. what);
	end
	seen(t.guest:gets(presence { "guest", status = "110" }), "own join");
	t.guest:shows("<show>away</show>" .. FORGED);
	seen(t.other:gets(presence { "guest" }), "availability");
	t.guest:says("hello", FORGED);
	seen(t.other:gets(message { "guest", body = "hello" }), "message");
	t:give_role("guest", "visitor");
	seen(t.other:gets(presence { "guest", as = "none/visitor", actor = "owner" }), "role");
	t:affiliate("guest", "member");
	seen(t.other:gets(presence { "guest", as = "member/participant", actor = "owner" }), "affiliation");
	t.guest:leave(FORGED);
	seen(t.other:gets(gone { "guest" }), "exit");
end };

test { "C6", "kicks and bans have the occupant id of who is removed", function (t)
	t:create();
	t:enter("other");
	t.guest:join();
	local id = id_of(t, t.other:gets(presence { "guest" }), "join");
	t:give_role("guest", "none");
	t:same(id_of(t, t.other:gets(gone { "guest", status = "307", actor = "owner" }), "kick"), id);
	t.guest:join();
	t:same(id_of(t, t.other:gets(presence { "guest" }), "second join"), id);
	t:affiliate("guest", "outcast");
	t:same(id_of(t, t.other:gets(gone { "guest", status = "301", actor = "owner" }), "ban"), id);
end };

test { "C6", "private messages have the occupant id of who sent them", function (t)
	t:create();
	t:enter("other");
	t.guest:join();
	local id = id_of(t, t.other:gets(presence { "guest" }), "join");
	t.guest:whispers("other", "psst", FORGED);
	t:same(id_of(t, t.other:gets(message { "guest", type = "chat", body = "psst" }), "private message"), id);
end };

test { "C6", "two users have two ids; one user has another in another room", function (t)
	t:create();
	t:enter("other");
	t.guest:join();
	local mine = id_of(t, t.guest:gets(presence { "guest", status = "110" }), "mine");
	t.guest2:join();
	t:same(id_of(t, t.guest2:gets(presence { "guest2", status = "110" }), "second session"), mine);
	t.third:join();
	t.check(id_of(t, t.third:gets(presence { "third", status = "110" }), "third") ~= mine, "two users, one id");
	t.check(forms.features(t.guest:get(forms.disco()))[NS_OCCUPANT], "no feature " .. NS_OCCUPANT);
	t:moves();
	t:create();
	t.guest:join();
	t.check(id_of(t, t.guest:gets(presence { "guest", status = "110" }), "elsewhere") ~= mine, "one id in two rooms");
end };

local CARD = "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>";
local HELLO_HASH = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"; -- SHA-1 of what the picture holds: hello
local NO_CARD = { ["0.12"] = "no such protocol" };


test { "C12", "the owner gives the room a picture: told with 104, its hash in the room's information", stock = NO_CARD,
	function (t)
	t:create();
	t:enter("guest");
	t.owner:set(CARD);
	t.guest:gets(notice { status = "104" });
	t:same(field(t.other:get(forms.disco()), "muc#roominfo_avatarhash"), HELLO_HASH, "the hash");
	local card = xml.child(t.other:get("<vCard xmlns='vcard-temp'/>"), "vCard");
	t:same(xml.text(card), xml.text(xml.parse(CARD)), "the card");
	t.check(forms.features(t.guest:get(forms.disco()))["vcard-temp"], "no feature vcard-temp");
end };

test { "C12", "others than owners give the room no picture", stock = NO_CARD, function (t)
	t:create({}, "admin");
	t:enter("admin", "guest");
	for _, who in ipairs({ t.admin, t.guest, t.other }) do
		who:cannot_set("auth/forbidden", CARD);
	end
end };

test { "C12", "an empty card takes the picture away",
	stock = { ["0.12"] = "no such protocol", ["13.0"] = "the hash stays" }, function (t)
	t:create();
	t:enter("guest");
	t.owner:set(CARD);
	t.guest:forgets();
	t.owner:set("<vCard xmlns='vcard-temp'/>");
	t.guest:gets(notice { status = "104" });
	t:same(field(t.guest:get(forms.disco()), "muc#roominfo_avatarhash"), "none");
end };

local NS_HATS = "urn:xmpp:hats:0";

test { "C13", "nobody puts on a hat of its own making",
	stock = { ["0.12"] = "filters an older namespace" }, function (t)
	t:create();
	t:enter("other");
	t.guest:join({ with = ("<hats xmlns='%s'><hat uri='urn:x:king' title='King'/></hats>"):format(NS_HATS) });
	t.other:gets_only(presence { "guest", as = "none/participant",
		without = ("<hats xmlns='%s' scansion:strict='false'/>"):format(NS_HATS) });
end };

local NS_COMMANDS = "http://jabber.org/protocol/commands";

local function command(name, session, content)
	return ("<command xmlns='%s' node='urn:xmpp:hats:commands:%s'%s>%s</command>"):format(NS_COMMANDS, name,
		session and (" sessionid='%s'"):format(xml.escape(session)) or " action='execute'", content or "");
end

-- Does a command of hats to its end; returns the last answer.
local function commands(who, name, fields)
	local answer = who:set(command(name));
	local first = xml.child(answer, "command", NS_COMMANDS);
	if fields and first.attr.status == "executing" then
		answer = who:set(command(name, first.attr.sessionid, forms.submit("urn:xmpp:hats:commands", fields)));
	end
	return answer;
end

local HAT = { ["hats#title"] = "Host", ["hats#uri"] = "urn:x:host" };
local WORN = { ["hats#uri"] = "urn:x:host", ["hats#jid"] = "{guest.bare}" };
local SHOWN = ("<hats xmlns='%s' scansion:strict='false'><hat uri='urn:x:host' title='Host'/></hats>"):format(NS_HATS);

test { "C14", "owners make hats, put them on and off, and take them away",
	stock = "no such commands", function (t)
	t:create();
	t:enter("guest", "other");
	commands(t.owner, "create", HAT);
	commands(t.owner, "assign", WORN);
	t.other:gets(presence { "guest", with = SHOWN });
	t.check(xml.text(commands(t.owner, "list")):find("urn:x:host", 1, true), "the hat is not listed");
	commands(t.owner, "unassign", WORN);
	t.other:gets(presence { "guest", without = SHOWN });
	commands(t.owner, "assign", WORN);
	t.other:gets(presence { "guest", with = SHOWN });
	commands(t.owner, "destroy", { ["hats#uri"] = "urn:x:host" });
	t.other:gets(presence { "guest", without = SHOWN });
	t.check(forms.features(t.guest:get(forms.disco()))[NS_HATS], "no feature " .. NS_HATS);
end };

test { "C14", "others do not make hats",
	stock = "no such commands", function (t)
	t:create({}, "member");
	t:enter("member");
	t.member:cannot_set("auth/forbidden", command("create"));
	t.guest:cannot_set("auth/forbidden", command("assign"));
end };

local SLOW = "muc#roomconfig_slow_mode_duration";

test { "C15", "in slow mode a second message is refused as policy-violation, to wait; for all sessions of the user",
	stock = "no such option", function (t)
	t:create({ [SLOW] = 600 });
	t:enter("guest");
	t.guest2:join({ nick = "guest" });
	t:forget();
	t.guest:says("one");
	local id = t.guest:says("two");
	t.guest:gets(refusal { "message", "wait/policy-violation", id = id });
	id = t.guest2:says("three");
	t.guest2:gets(refusal { "message", "wait/policy-violation", id = id });
	t.owner:gets_only(message { "guest", body = "one" });
	t:same(field(t.guest:get(forms.disco()), "muc#roominfo_slow_mode_duration"), "600");
end };

test { "C15", "slow mode is not for admins and owners, nor for messages without a body",
	stock = "no such option", function (t)
	t:create({ [SLOW] = 600 }, "admin");
	t:enter("admin", "guest");
	for _, who in ipairs({ t.owner, t.admin }) do
		who:says("one");
		who:says("two");
		t.guest:gets_only(message { who.nick, body = "one" }, message { who.nick, body = "two" });
	end
	t.guest:says("one");
	t.guest:says(nil, "<active xmlns='http://jabber.org/protocol/chatstates'/>");
	t.owner:gets(message { "guest", body = "one" },
		message { "guest", body = false, with = "<active xmlns='http://jabber.org/protocol/chatstates'/>" });
	t:same(field(t.owner:get(forms.owner()), SLOW), "600");
end };

test { "C16", "how active a room is is not told of rooms that are hidden or need more than coming in", function (t)
	for _, config in ipairs({ { publicroom = 0 }, { publicroom = 1, roomsecret = "key", passwordprotectedroom = 1 },
		{ publicroom = 1, membersonly = 1 } }) do
		t:moves();
		config.persistentroom = 1;
		t:create(config);
		t.owner:says("busy");
		local fields = forms.read(t.owner:get(forms.disco()));
		t.check(not fields["{urn:xmpp:muc-activity}message-activity"], "it is told");
	end
end };

local NS_MAV = "urn:xmpp:muc:affiliations:1";

local function mav(since)
	return { x = ("<mav xmlns='%s'%s/>"):format(NS_MAV, since and (" since='%s'"):format(since) or "") };
end

-- The version in the presence of who has joined.
local function version_of(t, who)
	local x = words.children(who:gets(("<presence from='{room}/%s'><x xmlns='http://jabber.org/protocol/muc#user'"
		.. " scansion:strict='false'><status code='110'/></x></presence>"):format(who.nick)), "x",
		"http://jabber.org/protocol/muc#user")[1];
	local version = xml.child(x, "mav", NS_MAV);
	t.check(version and version.attr["until"], "no version");
	return version.attr["until"];
end

local LIST = "<message from='{room}'><x xmlns='http://jabber.org/protocol/muc#user' scansion:strict='false'>%s</x>"
	.. "</message>";

test { "C17", "who asks for the affiliations gets them before any presence, and a version",
	stock = "no such protocol", function (t)
	t:create({ whois = "anyone" }, "admin", "member");
	t.admin:join(mav());
	t.admin:gets(LIST:format(("<mav xmlns='%s'/><item jid='{owner.bare}' affiliation='owner'/>"
		.. "<item jid='{member.bare}' affiliation='member'/>"):format(NS_MAV)), presence { "owner" });
	version_of(t, t.admin);
end };

test { "C17", "who knows a version gets only what changed; an unknown version brings all",
	stock = "no such protocol", function (t)
	t:create({ whois = "anyone" }, "admin", "member");
	t.admin:join(mav());
	local version = version_of(t, t.admin);
	t.admin:leave();
	t:affiliate("other", "member");
	t.admin:forgets();
	t.admin:join(mav(version));
	local got = t.admin:gets(LIST:format(("<mav xmlns='%s' since='%s'/><item jid='{other.bare}' affiliation='member'/>")
		:format(NS_MAV, version)));
	t:same(#words.children(words.children(got, "x")[1], "item"), 1, "the number of changes");
	t.admin:leave();
	t.admin:forgets();
	t.admin:join(mav("nonsense"));
	t.admin:gets(LIST:format("<item jid='{owner.bare}' affiliation='owner'/>"));
end };

test { "C19", "reactions, markers and the like are passed on without a body", function (t)
	t:create();
	t:enter("guest");
	for _, payload in ipairs({ "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions>",
		"<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>" }) do
		t.guest:says(nil, payload);
		t.owner:gets_only(message { "guest", body = false, with = payload });
	end
end };
