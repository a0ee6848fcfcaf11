-- SPDX-License-Identifier: MIT
-- 1.C Entry refusal: XEP-0045 7.2.5 to 7.2.11, 7.2.17.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, subject, refusal = words.presence, words.subject, words.refusal;
local test = suite.section("1.C", "Entry refusal");

local JOIN_TO = "<presence to='%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>";

local function has_password(text)
	return { x = ("<password>%s</password>"):format(text) };
end

-- One is refused, and learns nothing of the room.
local function is_refused(t, who, condition, how)
	who:join(how);
	who:gets_only(refusal { "presence", condition });
	t.owner:gets_no();
end

local function register(who, nick)
	who:set("<query xmlns='jabber:iq:register'>" .. forms.submit("http://jabber.org/protocol/muc#register",
		{ ["muc#register_roomnick"] = nick }) .. "</query>");
end

test { 33, "a missing or wrong password is refused as not-authorized", function (t)
	t:create({ passwordprotectedroom = 1, roomsecret = "open sesame" });
	is_refused(t, t.guest, "auth/not-authorized");
	is_refused(t, t.guest, "auth/not-authorized", has_password("open barley"));
	is_refused(t, t.guest, "auth/not-authorized", has_password(""));
	t.guest:join(has_password("open sesame"));
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { 34, "who is no member of a members-only room is refused as registration-required", function (t)
	t:create({ membersonly = 1 }, "member");
	is_refused(t, t.guest, "auth/registration-required");
	t.member:join();
	t.member:gets(presence { "member", as = "member/participant", status = "110" });
end };

test { 35, "an outcast is refused as forbidden, from any resource", function (t)
	t:create({}, "outcast");
	is_refused(t, t.outcast, "auth/forbidden");
	is_refused(t, t.outcast2, "auth/forbidden");
end };

test { { 35, 101 }, "an outcast domain keeps out its users, but for those with an affiliation of their own",
	function (t)
	t:create();
	t.owner:set(forms.admin("<item affiliation='outcast' jid='elsewhere.example.net'/>"));
	t:forget();
	is_refused(t, t.stranger, "auth/forbidden");
	t:affiliate("stranger", "member");
	t.stranger:join();
	t.stranger:gets(presence { "stranger", as = "member/participant", status = "110" });
end };

test { 36, "a nickname that another user has is refused as conflict", function (t)
	t:create();
	t:enter("other");
	is_refused(t, t.guest, "cancel/conflict", { nick = "other" });
	is_refused(t, t.guest, "cancel/conflict", { nick = "owner" });
	t.other:gets_no();
end };

test { { 36, 195 }, "a nickname that another has reserved is refused as conflict", function (t)
	t:create({}, "member");
	register(t.member, "Crowned");
	t:forget();
	is_refused(t, t.guest, "cancel/conflict", { nick = "Crowned" });
	t.member:join({ nick = "Crowned" });
	t.member:gets(presence { "Crowned", as = "member/participant", status = "110" });
end };

test { 37, "the same user may be in twice under one nickname; both sessions get and send", function (t)
	t:create();
	t:enter("guest");
	t.guest2:join({ nick = "guest" });
	t.guest2:gets(presence { "guest", as = "none/participant", status = "110", items = "any" });
	t:forget();
	local id = t.guest2:says("from the second");
	for _, who in ipairs({ t.owner, t.guest, t.guest2 }) do
		who:gets_only(words.message { "guest", body = "from the second", id = id });
	end
	t.owner:whispers("guest", "psst");
	t.guest:gets_only(words.message { "owner", type = "chat", body = "psst" });
	t.guest2:gets_only(words.message { "owner", type = "chat", body = "psst" });
end };

test { 38, "a full room is refused as service-unavailable, to wait; owners and admins still get in",
	stock = "rooms are never full", function (t)
	t:create({ maxusers = 2 }, "admin");
	t:enter("other");
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "wait/service-unavailable" });
	t.admin:join();
	t.admin:gets(presence { "admin", as = "admin/moderator", status = "110" });
	t.other:leave();
	t.admin:leave();
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { { 39, 146 }, "a locked room does not exist for others", function (t)
	t.owner:join();
	t.owner:gets(presence { "owner", as = "owner/moderator", status = "110 201" });
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "cancel/item-not-found" });
	t.owner:set(forms.configuration({}));
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { { 40, "P10" }, "who may not make rooms is refused as not-allowed", function (t)
	t.stranger:join();
	t.stranger:gets_only(refusal { "presence", "cancel/not-allowed" });
	t.guest:join();
	t.guest:gets(presence { "guest", as = "owner/moderator", status = "110 201" });
end };

test { 42, "a nickname that no resourcepart can be is refused as jid-malformed", function (t)
	t:create();
	t.guest:send(JOIN_TO:format("{room}/a\u{E000}b"));
	t.guest:gets_only(refusal { "presence", "modify/jid-malformed" });
	t.owner:gets_no();
end };

test { 42, "a nickname of white space is refused", function (t)
	t:create();
	for _, nick in ipairs({ " ", "\u{2003}\u{2003}" }) do
		t.guest:join({ nick = nick });
		t.guest:gets_only(refusal { "presence", "modify/not-allowed", "modify/jid-malformed" });
	end
	t.owner:gets_no();
end };

test { 43, "a room's name that no localpart can be is refused as jid-malformed", function (t)
	t.guest:send(JOIN_TO:format("a\u{E000}b@{service}/guest"));
	t.guest:gets_only(refusal { "presence", "modify/jid-malformed" });
end };

test { 43, "a room needs a localpart",
	stock = "makes a room of the service itself", function (t)
	t.guest:send(JOIN_TO:format("{service}/guest"));
	t.guest:gets_only(refusal { "presence", "modify/jid-malformed", "cancel/item-not-found", "cancel/service-unavailable",
		"cancel/not-allowed", "modify/bad-request" });
end };

test { 44, "an outcast learns that it is banned before anything of members or passwords",
	stock = "asks for members first", function (t)
	t:create({ membersonly = 1, passwordprotectedroom = 1, roomsecret = "secret" }, "outcast");
	is_refused(t, t.outcast, "auth/forbidden");
	is_refused(t, t.outcast, "auth/forbidden", { nick = "owner" });
end };

test { 44, "members are asked for before the password", function (t)
	t:create({ membersonly = 1, passwordprotectedroom = 1, roomsecret = "secret" }, "member");
	is_refused(t, t.guest, "auth/registration-required");
	is_refused(t, t.member, "auth/not-authorized");
end };

test { 44, "the password is asked for before a conflict of nicknames", function (t)
	t:create({ passwordprotectedroom = 1, roomsecret = "secret" });
	is_refused(t, t.guest, "auth/not-authorized", { nick = "owner" });
	is_refused(t, t.guest, "cancel/conflict", { nick = "owner", x = "<password>secret</password>" });
end };

test { 44, "a conflict of nicknames is told before the room is full",
	stock = "rooms are never full", function (t)
	t:create({ maxusers = 1 });
	t.guest:join({ nick = "owner" });
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "wait/service-unavailable" });
end };

test { 45, "who is refused gets nothing of the room, then or later", function (t)
	t:create({ membersonly = 1 }, "member");
	t:enter("member");
	t.owner:says("among us");
	t.owner:sets_subject("Private");
	t.guest:join();
	t.member:says("still among us");
	t.guest:gets_only(refusal { "presence", "auth/registration-required" });
	t.guest:gets_no(subject {});
end };

test { 45, "a refusal names the room and holds the <x/> it answers",
	stock = "the <x/> is not in it", function (t)
	t:create({ membersonly = 1 });
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "auth/registration-required", by = "{room}",
		with = "<x xmlns='http://jabber.org/protocol/muc'/>" });
end };
