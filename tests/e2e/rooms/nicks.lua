-- SPDX-License-Identifier: MIT
-- 1.G Nickname, availability, exit: XEP-0045 7.6, 7.7, 7.14.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, message, refusal = words.presence, words.gone, words.message, words.refusal;
local test = suite.section("1.G", "Nickname, availability, exit");

local function occupant_id(element)
	local ids = words.children(element, "occupant-id", "urn:xmpp:occupant-id:0");
	return ids[1] and ids[1].attr.id;
end

test { 78, "a nickname changes by an unavailable with 303 and the new one, then an available", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:renames("count");
	for _, who in ipairs({ t.guest, t.owner }) do
		who:gets_only(gone { "member", as = "member/participant", nick = "count", status = "303" },
			presence { "count", as = "member/participant" });
	end
	t.member:gets_only(gone { "member", as = "member/participant", nick = "count", status = "110 303" },
		presence { "count", as = "member/participant", status = "110" });
end };

test { { 79, 81 }, "where nicknames are fixed, a change is refused as not-acceptable, or undone with 210",
	set = "fixed", function (t)
	t:create();
	t.owner:set(forms.admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t.member:join({ nick = "Crowned" });
	t:forget();
	t.member:renames("another");
	local got = t.member:hears();
	t.check(words.error_of(got[1] or { attr = {} }) == "cancel/not-acceptable"
		or words.fits(presence { "Crowned", as = "member/participant", status = "110 210" }, got[#got], t), "it is changed");
	t.owner:gets_no(presence { "another" });
end };

test { 79, "a nickname that is as wished comes without 210", function (t)
	t:create();
	t:enter("guest");
	t.guest:renames("duke");
	t.guest:gets(presence { "duke", as = "none/participant", status = "110" });
end };

test { 80, "a nickname in use is refused as conflict, and nothing changes", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest:renames("other");
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t.other:gets_no();
	t.owner:gets_no();
	t.guest:says("still me");
	t.owner:gets_only(message { "guest", body = "still me" });
end };

test { { 80, 195 }, "a nickname reserved by another is refused as conflict", function (t)
	t:create({}, "member");
	t:enter("guest");
	t.member:set("<query xmlns='jabber:iq:register'>" .. forms.submit("http://jabber.org/protocol/muc#register",
		{ ["muc#register_roomnick"] = "Crowned" }) .. "</query>");
	t:forget();
	t.guest:renames("Crowned");
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t.owner:gets_no();
end };

test { 80, "a user may change to the nickname of another session of its own", function (t)
	t:create();
	t:enter("guest");
	t.guest2:join({ nick = "double" });
	t:forget();
	t.guest2:renames("guest");
	t.guest2:gets(presence { "guest", as = "none/participant", status = "110", items = "any" });
	t.guest:forgets();
	t.owner:forgets();
	t.owner:says("one name");
	t.guest:gets(message { "owner", body = "one name" });
	t.guest2:gets(message { "owner", body = "one name" });
end };

test { { 32, 80 }, "whose session moves to another nickname of its own has an item in the unavailable of the old one",
	stock = "<x/> without an item", function (t)
	t:create();
	t:enter("guest");
	t.guest2:join({ nick = "double" });
	t:forget();
	t.guest2:renames("guest");
	t.owner:gets("<presence type='unavailable' from='{room}/double'><x xmlns='http://jabber.org/protocol/muc#user'"
		.. " scansion:strict='false'><item affiliation='none' role='{any}'/></x></presence>");
end };

test { 82, "the role is kept when the nickname changes", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	t:give_role("guest", "moderator");
	t:forget();
	t.guest:renames("lady");
	t.other:gets_only(gone { "guest", as = "none/moderator", nick = "lady", status = "303" },
		presence { "lady", as = "none/moderator" });
end };

test { { 83, "C6" }, "the occupant id is the same under every nickname", function (t)
	t:create();
	t:enter("other");
	t.guest:join();
	local before = occupant_id(t.other:gets_only(presence { "guest" }));
	t.guest:renames("lady");
	local old, new = t.other:gets_only(gone { "guest", nick = "lady", status = "303" }, presence { "lady" });
	t.check(before, "no occupant id");
	t:same({ occupant_id(old), occupant_id(new) }, { before, before });
end };

test { 84, "a visitor may change nickname and status by default", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	t.guest:shows("<show>away</show>");
	t.other:gets_only(presence { "guest", as = "none/visitor", with = "<show>away</show>" });
	t.guest:renames("lady");
	t.other:gets_only(gone { "guest", as = "none/visitor", nick = "lady", status = "303" },
		presence { "lady", as = "none/visitor" });
end };

test { 85, "availability is passed on to all, with item, show and status", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:shows("<show>xa</show><status>gone fishing</status>");
	t.guest:gets_only(presence { "member", as = "member/participant",
		with = { "<show>xa</show>", "<status>gone fishing</status>" } });
	t.member:gets_only(presence { "member", as = "member/participant", status = "110",
		with = { "<show>xa</show>", "<status>gone fishing</status>" } });
end };

test { 86, "who leaves gets its own unavailable with 110; the others get it with the status text", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:leave("<status>gone where the goblins go</status>");
	local text = "<status>gone where the goblins go</status>";
	t.member:gets_only(gone { "member", as = "member/none", status = "110", with = text });
	t.guest:gets_only(gone { "member", as = "member/none", with = text });
	t.owner:gets_only(gone { "member", as = "member/none", with = text });
	t.owner:says("anyone left?");
	t.member:gets_no();
end };

test { 87, "a room that is not persistent ends when its last occupant leaves", function (t)
	t:create({ persistentroom = 0 });
	t:enter("guest");
	t.owner:leave();
	t.guest:get(forms.disco());
	t.guest:leave();
	t.guest:cannot_get("cancel/item-not-found", forms.disco());
	t.guest:forgets();
	t.guest:join();
	t.guest:gets(presence { "guest", as = "owner/moderator", status = "110 201" });
end };

test { 87, "a persistent room stays", function (t)
	t:create({ persistentroom = 1 });
	t.owner:leave();
	t.guest:get(forms.disco());
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { 88, "only presence of type unavailable leaves", function (t)
	t:create();
	t:enter("guest");
	for _, kind in ipairs({ "unsubscribe", "unsubscribed", "invisible", "nonsense" }) do
		t.guest:send(("<presence to='{room}/guest' type='%s'/>"):format(kind));
	end
	t.owner:gets_no(gone {});
	t.guest:get("<ping xmlns='urn:xmpp:ping'/>", "guest");
end };

test { 88, "unavailable presence to a nickname that is not one's own leaves all the same, under one's own", function (t)
	t:create();
	t:enter("guest");
	t.guest:send("<presence to='{room}/somebody' type='unavailable'/>");
	t.owner:gets_only(gone { "guest", as = "none/none" });
	t.guest:gets_only(gone { "guest", as = "none/none", status = "110" });
end };

test { 89, "when one session of two leaves, the nickname stays", function (t)
	t:create();
	t:enter("guest");
	t.guest2:join({ nick = "guest" });
	t:forget();
	t.guest2:leave();
	t.owner:gets_no(gone {});
	t.guest:gets_no(gone {});
	t.owner:says("still there?");
	t.guest:gets(message { "owner", body = "still there?" });
	t.guest2:gets_no(message {});
end };

test { 89, "the session that leaves gets its own unavailable with 110",
	stock = "gets nothing", function (t)
	t:create();
	t:enter("guest");
	t.guest2:join({ nick = "guest" });
	t:forget();
	t.guest2:leave();
	t.guest2:gets(gone { "guest", as = "none/none", status = "110" });
end };
