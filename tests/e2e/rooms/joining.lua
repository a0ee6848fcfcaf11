-- SPDX-License-Identifier: MIT
-- 1.B Joining: XEP-0045 7.1, 7.2.1 to 7.2.4, 17.3.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, subject, message = words.presence, words.gone, words.subject, words.message;
local refusal, children = words.refusal, words.children;
local test = suite.section("1.B", "Joining");

local NS_USER = "http://jabber.org/protocol/muc#user";
local MUJI = "<muji xmlns='urn:xmpp:jingle:muji:0'><content creator='initiator' name='audio'/></muji>";
local CAPS = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x:c' ver='QgayPKawpkPSDYmwT/A='/>";

test { 17, "a joiner gets presences, then its own, then history, then the subject, then what is new", function (t)
	t:create({}, "member");
	t:enter("member", "other");
	t.owner:sets_subject("Thorns");
	t.member:says("before");
	t.guest:join();
	t.member:says("after");
	local first, second, third = t.guest:gets_only(presence {}, presence {}, presence {},
		presence { "guest", as = "none/participant", status = "110" }, message { "member", body = "before" },
		subject { subject = "Thorns" }, message { "member", body = "after" });
	local others = { first.attr.from, second.attr.from, third.attr.from };
	table.sort(others);
	t:same(others, { "{room}/member", "{room}/other", "{room}/owner" });
end };

test { 18, "presence with a type never joins, whatever it holds", function (t)
	t:create();
	for _, kind in ipairs({ "unavailable", "error" }) do
		t.guest:send(("<presence to='{room}/guest' type='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(
			kind));
	end
	t.owner:gets_no();
	t.guest:gets_no(words.presence {});
	t.guest:cannot_get("cancel/not-acceptable", "<ping xmlns='urn:xmpp:ping'/>", "owner");
end };

test { 19, "a join to the room's bare address is refused as jid-malformed, where there is no room",
	stock = "a Lua error, and no answer", function (t)
	t.guest:send("<presence to='{room}'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
	t.guest:gets_only(refusal { "presence", "modify/jid-malformed", from = "{room}" });
end };

test { 19, "a join to the room's bare address is refused as jid-malformed, where there is one",
	stock = "service-unavailable", function (t)
	t:create();
	t.guest:send("<presence to='{room}'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
	t.guest:gets_only(refusal { "presence", "modify/jid-malformed", from = "{room}" });
	t.owner:gets_no();
end };

test { { 20, 32 }, "each presence of an occupant has one item with affiliation and role", function (t)
	t:create({}, "admin", "member");
	t:enter("admin", "member", "other");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
	t.other:gets_only(presence { "guest", as = "none/participant" });
	t.other:leave();
	t.third:join();
	local seats = {};
	for _, one in ipairs(t.third:hears()) do
		local x = words.children(one, "x", NS_USER);
		local items = x[1] and children(x[1], "item") or {};
		if one.name == "presence" then
			t:same({ #x, #items }, { 1, 1 }, "the number of <x/> and <item/>");
			seats[one.attr.from:match("/(.*)$")] = ("%s/%s"):format(items[1].attr.affiliation, items[1].attr.role);
		end
	end
	t:same(seats, { owner = "owner/moderator", admin = "admin/moderator", member = "member/participant",
		guest = "none/participant", third = "none/participant" });
end };

test { { 21, 22 }, "a new occupant is shown to all, and to itself last, with 110", function (t)
	t:create();
	t:enter("other");
	t.guest:join({ id = "join-22" });
	t.owner:gets_only(presence { "guest", as = "none/participant" });
	t.other:gets_only(presence { "guest", as = "none/participant" });
	t.guest:gets_only(presence {}, presence {}, presence { "guest", as = "none/participant", status = "110" },
		subject {});
end };

test { 22, "the joiner's own presence carries the id it was sent with", function (t)
	t:create();
	t.guest:join({ id = "join-22" });
	t.guest:gets(presence { "guest", as = "none/participant", status = "110", id = "join-22" });
end };

test { 23, "who joins again from the same address gets everything again", function (t)
	t:create();
	t:enter("guest");
	t.owner:says("hello");
	t.guest:forgets();
	t.guest:join({ with = "<show>away</show>" });
	t.guest:gets_only(presence { "owner", as = "owner/moderator" },
		presence { "guest", as = "none/participant", status = "110", with = "<show>away</show>" },
		message { "owner", body = "hello", with = "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='{any}'/>" },
		subject {});
	t.owner:gets(presence { "guest", as = "none/participant", with = "<show>away</show>" });
end };

test { { 24, 41 }, "where nicknames are fixed, another one is changed back, with 210, or refused as not-acceptable",
	set = "fixed", function (t)
	t:create();
	t.owner:set(forms.admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t:forget();
	t.member:join({ nick = "another" });
	local got = t.member:hears();
	local refused = got[1] and words.error_of(got[1]) == "cancel/not-acceptable";
	local changed = false;
	for _, one in ipairs(got) do
		changed = changed or words.fits(presence { "Crowned", as = "member/participant", status = "110 210" }, one, t);
	end
	t.check(refused or changed, "it is neither changed nor refused");
	t.owner:gets_no(presence { "another" });
end };

test { 25, "a room where all see real addresses: full ones, and 100 to who joins", function (t)
	t:create({ whois = "anyone" });
	t:enter("other");
	t.guest:join();
	t.guest:gets(presence { "owner", as = "owner/moderator", jid = "{owner}" });
	t.guest:gets(presence { "other", as = "none/participant", jid = "{other}" });
	t.guest:gets(presence { "guest", as = "none/participant", jid = "{guest}", status = "100 110" });
	t.other:gets_only(presence { "guest", as = "none/participant", jid = "{guest}" });
end };

test { 26, "in a semi-anonymous room only moderators see real addresses, full ones", function (t)
	t:create({ whois = "moderators" }, "admin");
	t:enter("other", "admin");
	t.guest:join();
	t.guest:gets(presence { "owner", as = "owner/moderator", jid = false });
	t.guest:gets(presence { "other", as = "none/participant", jid = false });
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
	t.other:gets_only(presence { "guest", as = "none/participant", jid = false });
	t.admin:gets_only(presence { "guest", as = "none/participant", jid = "{guest}" });
	t.owner:gets(presence { "guest", as = "none/participant", jid = "{guest}" });
end };

test { 27, "presence without <x/> from a stranger: unavailable with 110 and 333, and no room",
	stock = "an error, item-not-found", function (t)
	t:create();
	t.guest:send("<presence to='{room}/guest'/>");
	t.guest:gets_only(gone { "guest", as = "none/none", status = "110 333" });
	t.owner:gets_no();
end };

test { 28, "probes and subscriptions neither join nor leave", function (t)
	t:create();
	t:enter("other");
	for _, kind in ipairs({ "probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed" }) do
		t.guest:send(("<presence to='{room}/guest' type='%s'/>"):format(kind));
		t.other:send(("<presence to='{room}/other' type='%s'/>"):format(kind));
	end
	t.owner:gets_no();
	t.other:get("<ping xmlns='urn:xmpp:ping'/>", "other");
	t.guest:cannot_get("cancel/not-acceptable", "<ping xmlns='urn:xmpp:ping'/>", "guest");
end };

test { 28, "an occupant's probe of an occupant is answered with its presence", function (t)
	t:create();
	t:enter("guest");
	t.owner:shows("<show>dnd</show>");
	t.guest:forgets();
	t.guest:send("<presence to='{room}/owner' type='probe'/>");
	t.guest:gets_only(presence { "owner", as = "owner/moderator", with = "<show>dnd</show>" });
	t.owner:gets_no(presence { "guest" });
end };

test { 29, "unavailable presence of someone outside is ignored in silence", function (t)
	t:create();
	t.guest:send("<presence to='{room}/guest' type='unavailable'/>");
	t.guest:send("<presence to='{room}/owner' type='unavailable'/>");
	t.guest:gets_no();
	t.owner:gets_no();
end };

test { 30, "what a client says of roles, statuses or passwords is not passed on", function (t)
	t:create();
	t:enter("other");
	t.guest:join({ x = "<password>secret</password>", with = "<x xmlns='http://jabber.org/protocol/muc#user'>"
		.. "<item affiliation='owner' role='moderator'/><status code='110'/><status code='301'/></x>" });
	t.other:gets_only(presence { "guest", as = "none/participant",
		without = "<x xmlns='http://jabber.org/protocol/muc' scansion:strict='false'/>" });
	t.guest:shows("<status>here</status><x xmlns='http://jabber.org/protocol/muc#user'>"
		.. "<item affiliation='owner' role='moderator'/></x>");
	t.other:gets_only(presence { "guest", as = "none/participant" });
end };

test { 31, "everything else in a presence passes unchanged", function (t)
	t:create();
	t:enter("other");
	local shown = "<show>away</show><status>at the gate</status><priority>5</priority>" .. CAPS .. MUJI
		.. "<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>";
	t.guest:join({ with = shown });
	local all = { "<show>away</show>", "<status>at the gate</status>", CAPS, MUJI,
		"<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>" };
	t.other:gets_only(presence { "guest", as = "none/participant", with = all });
	t.guest:gets(presence { "guest", as = "none/participant", with = all, status = "110" });
	t.third:join();
	t.third:gets(presence { "guest", as = "none/participant", with = all });
end };

test { { 32, 86 }, "role and affiliation are in presences of who leaves, too", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:leave();
	t.guest:gets_only(gone { "member", as = "member/none" });
	t.member:gets(gone { "member", as = "member/none", status = "110" });
end };
