-- SPDX-License-Identifier: MIT
-- 2.3 Companions, the archive: XEP-0313, XEP-0359, XEP-0425; and what never goes into it.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local message, refusal, presence = words.message, words.refusal, words.presence;
local test = suite.section("2.3", "Companions");

local NS_MAM, NS_FORWARD, NS_SID = "urn:xmpp:mam:2", "urn:xmpp:forward:0", "urn:xmpp:sid:0";
local QUERY = ("<query xmlns='%s' queryid='q'/>"):format(NS_MAM);
local NS_MODERATE, NS_RETRACT = "urn:xmpp:message-moderate:1", "urn:xmpp:message-retract:1";

-- What is in the archive for this user: a list of { id =, message = }.
local function archive(who)
	who:forgets();
	who:send("<iq type='set' id='archive' to='{room}'>" .. QUERY .. "</iq>");
	local list = {};
	for _, one in ipairs(who:hears()) do
		local result = xml.child(one, "result", NS_MAM);
		if result then
			local forwarded = xml.child(result, "forwarded", NS_FORWARD);
			list[#list + 1] = { id = result.attr.id, message = xml.child(forwarded, "message") };
		else
			who.scene.check(one.name ~= "iq" or one.attr.type == "result", "the archive is refused: " .. xml.text(one));
		end
	end
	return list;
end

local function bodies(list)
	local found = {};
	for i, one in ipairs(list) do
		local body = xml.child(one.message, "body");
		found[i] = body and xml.content(body) or "-";
	end
	return table.concat(found, " ");
end

-- The room's id of a message, which an archive gives it; how many there are, and by whom the first is.
local function stanza_id(element)
	local ids = words.children(element, "stanza-id", NS_SID);
	return ids[1] and ids[1].attr.id, #ids, ids[1] and ids[1].attr.by;
end

test { "C1", "who is no member of a members-only room does not read its archive", set = "archived", function (t)
	t:create({ membersonly = 1 }, "member");
	t.owner:says("among us");
	t.guest:cannot_set("auth/forbidden", QUERY);
	t:same(bodies(archive(t.member)), "among us");
end };

test { "C2", "an outcast does not read the archive", set = "archived", function (t)
	t:create({}, "outcast");
	t.owner:says("among us");
	t.outcast:cannot_set("auth/forbidden", QUERY);
end };

test { "C3", "the archive of a semi-anonymous room says who spoke by nickname alone", set = "archived", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	t.guest:says("hello");
	for _, one in ipairs(archive(t.other)) do
		t.check(not xml.text(one.message):find(t.guest.jid, 1, true), "an address is in it: " .. xml.text(one.message));
	end
	t:same(archive(t.other)[1].message.attr.from, "{room}/guest");
end };

test { { "C4", "C5" }, "a stanza id is the room's, the only one by it, and the id in the archive", set = "archived",
	function (t)
	t:create();
	t:enter("guest");
	t.guest:says("one", "<stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='forged'/>");
	t.guest:says("two");
	local one, two = t.owner:gets(message { "guest", body = "one" }, message { "guest", body = "two" });
	local id, count, by = stanza_id(one);
	t:same({ count, by }, { 1, "{room}" });
	t.check(id ~= "forged" and id ~= stanza_id(two), "ids are not unique");
	local list = archive(t.guest);
	t:same({ list[1].id, list[2].id }, { id, (stanza_id(two)) }, "the ids in the archive");
	t.guest:forgets();
	t.other:join();
	t:same(stanza_id(t.other:gets(message { "guest", body = "one" })), id, "the id in history");
end };

test { 77, "private messages are not in the archive", set = "archived", function (t)
	t:create();
	t:enter("guest");
	t.guest:whispers("owner", "psst");
	t.guest:says("aloud");
	t:same(bodies(archive(t.owner)), "aloud");
end };

test { "C18", "hints to store or not to store are followed, in history and in the archive", set = "archived",
	function (t)
	t:create();
	t.owner:says("forget", "<no-store xmlns='urn:xmpp:hints'/>");
	t.owner:says("keep");
	t.owner:says(nil, "<received xmlns='urn:x:a' id='1'/><store xmlns='urn:xmpp:hints'/>");
	t.owner:says(nil, "<received xmlns='urn:x:a' id='2'/>");
	t:same(bodies(archive(t.owner)), "keep -");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" }, message { "owner", body = "keep" },
		message { "owner", body = false, with = "<received xmlns='urn:x:a' id='1'/>" });
	t.guest:gets_no(message { "owner" });
end };

test { "C18", "what was refused is not in the archive", set = "archived", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	t.guest:says("may I");
	t.owner:says("no");
	t:same(bodies(archive(t.owner)), "no");
end };

test { "C6", "occupant ids are in the archive", set = "archived", function (t)
	t:create();
	t.owner:says("hello");
	t:same(#words.children(archive(t.owner)[1].message, "occupant-id", "urn:xmpp:occupant-id:0"), 1);
end };

-- The id of a message of guest's that the owner got.
local function id_of(t, body)
	return t.check(stanza_id(t.owner:gets(message { "guest", body = body })), "no stanza id");
end

local function moderation(id)
	return ("<moderate xmlns='%s' id='%s'><retract xmlns='%s'/><reason>rude</reason></moderate>"):format(NS_MODERATE,
		xml.escape(id), NS_RETRACT);
end

test { "C10", "a moderator takes a message back: told to all, with who and why",
	stock = "no such protocol", set = "archived", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("rude words");
	local id = id_of(t, "rude words");
	t:forget();
	t.owner:set(moderation(id));
	local got = t.guest:gets(("<message type='groupchat' from='{room}'>"
		.. "<retract xmlns='%s' id='%s' scansion:strict='false'>"
		.. "<moderated xmlns='%s' by='{room}/owner'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='{any}'/></moderated>"
		.. "<reason>rude</reason></retract></message>"):format(NS_RETRACT, id, NS_MODERATE));
	t.check(got.attr.id, "no id");
	t.check(forms.features(t.guest:get(forms.disco()))[NS_MODERATE], "no feature " .. NS_MODERATE);
end };

test { "C10", "others than moderators take nothing back; what is not there cannot be taken back",
	stock = "no such protocol", set = "archived", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("rude words");
	local id = id_of(t, "rude words");
	t.guest:cannot_set("auth/forbidden modify/forbidden", moderation(id));
	t.other:cannot_set("auth/forbidden modify/forbidden cancel/not-acceptable", moderation(id));
	t.owner:cannot_set("cancel/item-not-found modify/item-not-found", moderation("nonsense"));
end };

test { "C11", "in the archive and in history stands only that something was taken back",
	stock = "no such protocol", set = "archived", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("rude words");
	t.owner:set(moderation(id_of(t, "rude words")));
	local first = archive(t.owner)[1].message;
	t.check(not xml.child(first, "body"), "the body is there");
	local retracted = xml.child(first, "retracted", NS_RETRACT);
	t.check(retracted and xml.child(retracted, "moderated", NS_MODERATE), "no <retracted/>: " .. xml.text(first));
	t.other:join();
	t.other:gets_no(message { "guest", body = "rude words" });
end };

test { "C18", "the archive says what it can do, and a range of it can be asked for", set = "archived", function (t)
	t:create();
	for i = 1, 3 do
		t.owner:says(tostring(i));
	end
	t:forget();
	t.check(forms.features(t.owner:get(forms.disco()))[NS_MAM], "no feature " .. NS_MAM);
	local id = archive(t.owner)[1].id;
	t.owner:forgets();
	t.owner:send(("<iq type='set' id='page' to='{room}'><query xmlns='%s' queryid='p'>"
		.. "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>%s</after></set></query></iq>")
		:format(NS_MAM, id));
	t.owner:gets_only(("<message from='{room}'><result xmlns='%s' queryid='p' id='{any}' scansion:strict='false'>"
		.. "<forwarded xmlns='%s'><message xmlns='jabber:client'><body>2</body></message></forwarded></result></message>")
		:format(NS_MAM, NS_FORWARD), words.result "page");
	t.owner:gets_no(refusal { "iq" });
end };
