-- SPDX-License-Identifier: MIT
-- 1.O Invitations: XEP-0045 7.8; 1.P Registration: XEP-0045 7.10 to 7.12.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local presence, message, refusal = words.presence, words.message, words.refusal;
local test = suite.section("1.O", "Invitations");

local NS_USER = "http://jabber.org/protocol/muc#user";

local function user_x(content)
	return ("<x xmlns='%s'>%s</x>"):format(NS_USER, content);
end

local function invites(who, content)
	who:send("<message to='{room}' id='invitation'>" .. user_x(content) .. "</message>");
end

-- The named users are online, to get messages to their bare addresses.
local function are_online(t, ...)
	for _, name in ipairs({ ... }) do
		t[name]:send("<presence/>");
	end
	t:forget();
end

-- The <invite/> in what a user got.
local function invitation(t, who)
	local got = who:gets(message { "", type = "normal" });
	local x = words.children(got, "x", NS_USER);
	t:same(#x, 1, "the number of <x/>");
	return xml.child(x[1], "invite"), x[1];
end

test { 183, "an invitation comes from the room, with who invites and why", function (t)
	t:create();
	t:enter("other");
	are_online(t, "guest");
	invites(t.other, "<invite to='{guest.bare}'><reason>Hey</reason></invite>");
	local invite = invitation(t, t.guest);
	local from = invite.attr.from;
	t.check(from == t.other.jid or from == t.other.full_jid or from == t.room .. "/other", "from " .. tostring(from));
	t:same(xml.content(xml.child(invite, "reason")), "Hey", "the reason");
	t:same(invite.attr.to or "no to", "no to");
	t.owner:gets_no();
end };

test { 183, "an invitation to a room with a password brings the password", function (t)
	t:create({ passwordprotectedroom = 1, roomsecret = "open sesame" });
	are_online(t, "guest");
	invites(t.owner, "<invite to='{guest.bare}'/>");
	local _, x = invitation(t, t.guest);
	t:same(xml.content(xml.child(x, "password") or {}), "open sesame", "the password");
end };

test { 183, "an invitation keeps the thread that it continues",
	stock = "drops it", function (t)
	t:create();
	are_online(t, "guest");
	invites(t.owner, "<invite to='{guest.bare}'><continue thread='e0ffe42b'/></invite>");
	local continue = xml.child(invitation(t, t.guest), "continue");
	t:same(continue and continue.attr.thread, "e0ffe42b", "the thread");
end };

test { 184, "one message may invite many",
	stock = "only the first is invited", function (t)
	t:create();
	are_online(t, "guest", "third", "stranger");
	invites(t.owner, "<invite to='{guest.bare}'/><invite to='{third.bare}'/><invite to='{stranger.bare}'/>");
	for _, who in ipairs({ t.guest, t.third, t.stranger }) do
		invitation(t, who);
	end
end };

test { 185, "an invitation to no address at all is refused as jid-malformed", function (t)
	t:create();
	invites(t.owner, "<invite to='@nowhere@'/>");
	t.owner:gets_only(refusal { "message", "modify/jid-malformed", "cancel/jid-malformed", id = "invitation" });
end };

test { 186, "a refused invitation is told to who invited", function (t)
	t:create();
	t:enter("other");
	t.guest:send("<message to='{room}'>" .. user_x("<decline to='{other}'><reason>Too busy</reason></decline>")
		.. "</message>");
	local got = t.other:gets_only(message { "", type = "normal" });
	local decline = xml.child(words.children(got, "x", NS_USER)[1], "decline");
	local from = decline.attr.from;
	t.check(from == t.guest.jid or from == t.guest.full_jid, "from " .. tostring(from));
	t:same(xml.content(xml.child(decline, "reason")), "Too busy", "the reason");
	t.owner:gets_no();
end };

test { 186, "who invited by its nickname gets the refusal, too", function (t)
	t:create();
	t:enter("other");
	t.guest:send("<message to='{room}'>" .. user_x("<decline to='{room}/other'><reason>Too busy</reason></decline>")
		.. "</message>");
	t.other:gets_only(message { "", type = "normal" });
end };

test { 187, "who is not in the room does not invite",
	stock = "whoever might speak there may", function (t)
	t:create();
	are_online(t, "third");
	invites(t.guest, "<invite to='{third.bare}'/>");
	t.guest:gets_only(refusal { "message", "auth/forbidden", "cancel/not-acceptable", "modify/not-acceptable",
		id = "invitation" });
	t.third:gets_no();
end };

test { 188, "a visitor does not invite by default", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	are_online(t, "third");
	invites(t.guest, "<invite to='{third.bare}'/>");
	t.guest:gets_only(refusal { "message", "auth/forbidden", id = "invitation" });
	t.third:gets_no();
end };

test { 189, "an invitation to a semi-anonymous room does not say who is behind the nickname", function (t)
	t:create({ whois = "moderators" });
	t:enter("other");
	are_online(t, "guest");
	invites(t.other, "<invite to='{guest.bare}'/>");
	local got = t.guest:gets_only(message { "", type = "normal" });
	t.check(not xml.text(got):find(t.other.jid, 1, true), "the inviter's address is in it");
	t:same(xml.child(words.children(got, "x", NS_USER)[1], "invite").attr.from, "{room}/other");
end };

test { 190, "direct invitations pass, from user to user and as private messages", function (t)
	t:create();
	t:enter("guest");
	local direct = "<x xmlns='jabber:x:conference' jid='elsewhere@{service}' reason='Hey'/>";
	t.owner:send("<message to='{guest}'>" .. direct .. "</message>");
	t.guest:gets_only(message { "{owner}", type = "normal", with = direct });
	t.owner:send("<message to='{room}/guest'>" .. direct .. "</message>");
	t.guest:gets_only(message { "owner", type = "normal", with = direct });
end };

local register_test = suite.section("1.P", "Registration");

local ASK = "<query xmlns='jabber:iq:register'/>";

local function registration(nick)
	return "<query xmlns='jabber:iq:register'>" .. forms.submit("http://jabber.org/protocol/muc#register",
		{ ["muc#register_roomnick"] = nick }) .. "</query>";
end

register_test { 191, "there is no registration with a room that is not there", function (t)
	t.guest:cannot_get("cancel/item-not-found", ASK);
	t.guest:cannot_set("cancel/item-not-found", registration("x"));
end };

register_test { 191, "who may not register is refused as not-allowed",
	stock = "registration-required", function (t)
	t:create({ membersonly = 1 });
	t.guest:cannot_get("cancel/not-allowed", ASK);
	t.guest:cannot_set("cancel/not-allowed", registration("x"));
end };

register_test { 191, "an outcast does not register", function (t)
	t:create({}, "outcast");
	t.outcast:cannot_get("auth/forbidden cancel/not-allowed", ASK);
	t.outcast:cannot_set("auth/forbidden cancel/not-allowed", registration("x"));
end };

register_test { 191, "who may register gets the form, and afterwards its nickname", function (t)
	t:create({}, "member");
	local fields, kind = forms.read(t.member:get(ASK));
	t:same(kind, "http://jabber.org/protocol/muc#register", "FORM_TYPE");
	t.check(fields["muc#register_roomnick"], "no field for the nickname");
	t.member:set(registration("Crowned"));
	local query = forms.query(t.member:get(ASK));
	t.check(xml.child(query, "registered"), "not registered");
	t:same(xml.content(xml.child(query, "username") or {}), "Crowned", "the nickname");
end };

register_test { 192, "a nickname that another has, or has reserved, is refused as conflict", function (t)
	t:create({}, "member", "admin");
	t:enter("guest");
	t.admin:set(registration("Crowned"));
	t.member:cannot_set("cancel/conflict", registration("Crowned"));
	t.member:cannot_set("cancel/conflict", registration("guest"));
end };

register_test { 192, "without a valid form registration is refused as bad-request", function (t)
	t:create({}, "member");
	for _, content in ipairs({ "", "<username>x</username>",
		forms.submit("http://jabber.org/protocol/muc#nonsense", {}) }) do
		t.member:cannot_set("modify/bad-request cancel/bad-request",
			("<query xmlns='jabber:iq:register'>%s</query>"):format(content));
	end
end };

register_test { 192, "a form without a nickname is refused as bad-request",
	stock = "a Lua error, and no answer", function (t)
	t:create({}, "member");
	t.member:cannot_set("modify/bad-request cancel/bad-request", "<query xmlns='jabber:iq:register'>"
		.. forms.submit("http://jabber.org/protocol/muc#register", {}) .. "</query>");
end };

register_test { 193, "where everyone may register, who does so becomes a member, and is shown so", set = "welcoming",
	function (t)
	t:create();
	t:enter("guest", "other");
	t.guest:set(registration("guest"));
	t.other:gets_only(presence { "guest", as = "member/participant" });
	t.guest:gets_only(presence { "guest", as = "member/participant", status = "110" });
end };

register_test { 193, "where nicknames are fixed, who registers another than it has gets it at once, with 210",
	stock = "is kicked", set = "fixed", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:set(registration("Crowned"));
	t.member:gets(presence { "Crowned", as = "member/participant", status = "110 210" });
	t.guest:gets(presence { "Crowned", as = "member/participant" });
end };

register_test { 194, "who withdraws is registered no more, and the nickname is free", function (t)
	t:create({}, "member");
	t.member:set(registration("Crowned"));
	t.member:set("<query xmlns='jabber:iq:register'><remove/></query>");
	t:same(forms.items(t.owner:get(forms.admin("<item affiliation='member'/>"))), {});
	t.guest:join({ nick = "Crowned" });
	t.guest:gets(presence { "Crowned", as = "none/participant", status = "110" });
end };

register_test { { 195, 193 }, "a registered nickname stays with its user at every join", function (t)
	t:create({}, "member");
	t.member:set(registration("Crowned"));
	t.guest:join({ nick = "Crowned" });
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t.member:join({ nick = "Crowned" });
	t.member:gets(presence { "Crowned", as = "member/participant", status = "110" });
end };
