-- SPDX-License-Identifier: MIT
-- 1.F Private messages: XEP-0045 7.5.
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local message, refusal = words.message, words.refusal;
local test = suite.section("1.F", "Private messages");

local NO_ALLOWPM = { ["0.12"] = "no such option", ["13.0"] = "other values" };

test { 72, "a private message comes from the sender's nickname, to every session, with <x/>", function (t)
	t:create();
	t:enter("guest", "other");
	t.other2:join({ nick = "other" });
	t:forget();
	t.guest:whispers("other", "psst", "<active xmlns='http://jabber.org/protocol/chatstates'/>");
	for _, who in ipairs({ t.other, t.other2 }) do
		local got = who:gets_only(message { "guest", type = "chat", body = "psst", with = {
			"<x xmlns='http://jabber.org/protocol/muc#user'/>", "<active xmlns='http://jabber.org/protocol/chatstates'/>",
		} });
		t:same(got.attr.to, who.full_jid);
	end
	t.owner:gets_no();
	t.guest:gets_no();
end };

test { 72, "a forged <x/> in a private message is not believed", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest:whispers("other", "psst", "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>");
	local got = t.other:gets_only(message { "guest", type = "chat", body = "psst",
		with = "<x xmlns='http://jabber.org/protocol/muc#user'/>" });
	t:same(#words.children(got, "x"), 1, "the number of <x/>");
end };

test { 73, "a message to all addressed to one is refused as bad-request", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest:send("<message to='{room}/other' type='groupchat'><body>x</body></message>");
	t.guest:gets_only(refusal { "message", "modify/bad-request" });
	t.other:gets_no();
end };

test { 74, "a private message to a nickname that nobody has is refused as item-not-found", function (t)
	t:create();
	t:enter("guest");
	t.guest:whispers("nobody", "psst");
	t.guest:gets_only(refusal { "message", "cancel/item-not-found" });
end };

test { 75, "a private message from outside is refused as not-acceptable", function (t)
	t:create();
	t.guest:whispers("owner", "psst");
	t.guest:gets_only(refusal { "message", "cancel/not-acceptable", "modify/not-acceptable" });
	t.owner:gets_no();
end };

test { 76, "allowpm none: nobody whispers", stock = NO_ALLOWPM, function (t)
	t:create({ allowpm = "none" });
	t:enter("guest");
	t.guest:whispers("owner", "psst");
	t.guest:gets_only(refusal { "message", "auth/forbidden", "cancel/forbidden", "modify/policy-violation" });
	t.owner:whispers("guest", "psst");
	t.owner:gets(refusal { "message", "auth/forbidden", "cancel/forbidden", "modify/policy-violation" });
	t.guest:gets_no();
end };

test { 76, "allowpm moderators: only moderators whisper", stock = NO_ALLOWPM, function (t)
	t:create({ allowpm = "moderators" });
	t:enter("guest", "other");
	t.guest:whispers("other", "psst");
	t.guest:gets_only(refusal { "message", "auth/forbidden", "cancel/forbidden", "modify/policy-violation" });
	t.owner:whispers("guest", "psst");
	t.guest:gets_only(message { "owner", type = "chat", body = "psst" });
end };

test { 76, "allowpm participants: visitors do not whisper", stock = NO_ALLOWPM, function (t)
	t:create({ allowpm = "participants", moderatedroom = 1 }, "member");
	t:enter("guest", "member");
	t.guest:whispers("member", "psst");
	t.guest:gets_only(refusal { "message", "auth/forbidden", "cancel/forbidden", "modify/policy-violation" });
	t.member:whispers("guest", "psst");
	t.guest:gets_only(message { "member", type = "chat", body = "psst" });
end };

test { 76, "allowpm anyone: all whisper", stock = { ["13.0"] = "other values" }, function (t)
	t:create({ allowpm = "anyone", moderatedroom = 1 });
	t:enter("guest", "other");
	t.guest:whispers("other", "psst");
	t.other:gets_only(message { "guest", type = "chat", body = "psst" });
end };
