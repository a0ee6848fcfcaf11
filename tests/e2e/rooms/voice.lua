-- SPDX-License-Identifier: MIT
-- 1.I Moderators, requests for voice: XEP-0045 7.13, 8.6; and 1.H Roles and affiliations: XEP-0045 5.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local presence, gone, message, refusal = words.presence, words.gone, words.message, words.refusal;
local test = suite.section("1.I", "Moderators");

local REQUEST = "http://jabber.org/protocol/muc#request";

local function asks_for_voice(who)
	who:send("<message to='{room}'>" .. forms.submit(REQUEST, { ["muc#role"] = "participant" }) .. "</message>");
end

local function answers(who, allow)
	who:send("<message to='{room}'>" .. forms.submit(REQUEST, { ["muc#role"] = "participant", ["muc#jid"] = "{guest}",
		["muc#roomnick"] = "guest", ["muc#request_allow"] = allow }) .. "</message>");
end

test { 116, "a visitor's request for voice goes as a form to all moderators, from the room", function (t)
	t:create({ moderatedroom = 1 }, "admin", "member");
	t:enter("admin", "member", "guest");
	asks_for_voice(t.guest);
	for _, who in ipairs({ t.owner, t.admin }) do
		local got = who:gets_only("<message from='{room}'><x xmlns='jabber:x:data' scansion:strict='false'/></message>");
		local fields, kind = forms.read(got);
		t:same(kind, REQUEST, "FORM_TYPE");
		t:same({ fields["muc#jid"][1], fields["muc#roomnick"][1], fields["muc#role"][1] },
			{ "{guest}", "guest", "participant" });
		t.check(fields["muc#request_allow"][1] == "0" or fields["muc#request_allow"][1] == "false", "allowed by default");
	end
	t.member:gets_no();
	t.guest:gets_no();
end };

test { 117, "a moderator's yes to a request makes the visitor a participant", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	asks_for_voice(t.guest);
	t.owner:forgets();
	answers(t.owner, "true");
	for _, who in ipairs({ t.owner, t.other }) do
		local got = who:hears()[1];
		local item = got and xml.child(xml.child(got, "x", "http://jabber.org/protocol/muc#user") or got, "item");
		t.check(item, "no presence with an item");
		t:same({ got.attr.from, item.attr.role }, { "{room}/guest", "participant" });
	end
	t.guest:says("thanks");
	t.other:gets(message { "guest", body = "thanks" });
end };

test { 117, "a moderator's no changes nothing", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	asks_for_voice(t.guest);
	t:forget();
	answers(t.owner, "false");
	t.guest:gets_no();
	t.owner:gets_no(presence {});
end };

test { 117, "who is no moderator cannot approve a request", function (t)
	t:create({ moderatedroom = 1 }, "member");
	t:enter("member", "guest", "other");
	asks_for_voice(t.guest);
	t:forget();
	answers(t.member, "true");
	answers(t.guest, "true");
	t.owner:gets_no(presence {});
	t.guest:gets_no(presence {});
	t.guest:says("may I?");
	t.guest:gets(refusal { "message", "auth/forbidden" });
end };

test { 118, "a request for voice from outside is refused",
	stock = "a Lua error, and no answer", function (t)
	t:create({ moderatedroom = 1 });
	asks_for_voice(t.guest);
	t.guest:gets_only(refusal { "message", "auth/forbidden", "cancel/not-acceptable", "modify/not-acceptable" });
	t.owner:gets_no();
end };

test { 119, "a request where there is nothing to ask for reaches nobody", function (t)
	t:create();
	t:enter("guest");
	asks_for_voice(t.guest);
	t.owner:gets_no();
	t.guest:gets_no(presence {});
end };

local role_test = suite.section("1.H", "Roles and affiliations");

role_test { 90, "there are all three roles and all five affiliations", function (t)
	t:create({ moderatedroom = 1 }, "admin", "member", "outcast");
	t.admin:join();
	t.member:join();
	t.guest:join();
	t.outcast:join();
	t.owner:gets(presence { "admin", as = "admin/moderator" });
	t.owner:gets(presence { "member", as = "member/participant" });
	t.owner:gets(presence { "guest", as = "none/visitor" });
	t.outcast:gets_only(refusal { "presence", "auth/forbidden" });
end };

role_test { 91, "a granted role in a moderated room is there again at the next visit",
	stock = "it is forgotten", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	t:give_role("guest", "participant");
	t.guest:leave();
	t:forget();
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

role_test { 92, "the role at entry: moderated rooms", function (t)
	t:create({ moderatedroom = 1 }, "admin", "member");
	t:enter("admin", "member", "guest");
	t.other:join();
	t.other:gets(presence { "admin", as = "admin/moderator" });
	t.other:gets(presence { "member", as = "member/participant" });
	t.other:gets(presence { "guest", as = "none/visitor" });
	t.other:gets(presence { "other", as = "none/visitor", status = "110" });
end };

role_test { 92, "the role at entry: rooms that are not moderated, and members-only rooms", function (t)
	t:create({ membersonly = 0 }, "admin", "member");
	t.admin:join();
	t.admin:gets(presence { "admin", as = "admin/moderator", status = "110" });
	t.member:join();
	t.member:gets(presence { "member", as = "member/participant", status = "110" });
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
	t:configure({ membersonly = 1 });
	t.other:join();
	t.other:gets_only(refusal { "presence", "auth/registration-required" });
end };

role_test { 93, "a visitor gets messages, whispers, shows its status, changes its nickname", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	t.owner:says("hear, hear");
	t.guest:gets(message { "owner", body = "hear, hear" });
	t.guest:whispers("owner", "psst");
	t.owner:gets(message { "guest", type = "chat", body = "psst" });
	t.guest:shows("<show>away</show>");
	t.owner:gets(presence { "guest", as = "none/visitor", with = "<show>away</show>" });
	t.guest:renames("witch");
	t.owner:gets(presence { "witch", as = "none/visitor" });
end };

role_test { 93, "a visitor neither kicks nor grants voice", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	for _, role in ipairs({ "none", "participant" }) do
		t.guest:cannot_set("auth/forbidden cancel/not-allowed",
			forms.admin(("<item nick='other' role='%s'/>"):format(role)));
	end
	t.other:gets_no();
end };

role_test { 96, "new admins and owners become moderators, new members in a moderated room get voice", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other", "third");
	t:affiliate("guest", "admin");
	t.third:gets(presence { "guest", as = "admin/moderator", actor = "owner" });
	t:affiliate("guest", "owner");
	t.third:gets(presence { "guest", as = "owner/moderator", actor = "owner" });
	t:affiliate("other", "member");
	t.third:gets(presence { "other", as = "member/participant", actor = "owner" });
end };

role_test { 97, "affiliations belong to bare addresses: every resource has them", function (t)
	t:create({}, "admin");
	t.admin2:join();
	t.admin2:gets(presence { "admin2", as = "admin/moderator", status = "110" });
	t:same(forms.items(t.owner:get(forms.admin("<item affiliation='admin'/>")))[1].jid, t.admin.jid);
end };

role_test { 97, "a full address in a request is reduced to the bare one",
	stock = "refuses it as jid-malformed", function (t)
	t:create();
	t.owner:set(forms.admin("<item affiliation='member' jid='{guest}'/>"));
	local list = forms.items(t.owner:get(forms.admin("<item affiliation='member'/>")));
	t:same({ #list, list[1] and list[1].jid }, { 1, "{guest.bare}" });
end };

-- Who may make whom what: { actor, target before, target after, may }.
local MATRIX = {
	{ "admin", "none", "member", true }, { "admin", "member", "none", true }, { "admin", "none", "outcast", true },
	{ "admin", "member", "outcast", true }, { "admin", "outcast", "none", true }, { "admin", "outcast", "member", true },
	{ "admin", "none", "admin", false }, { "admin", "none", "owner", false }, { "admin", "admin", "member", false },
	{ "admin", "admin", "none", false }, { "admin", "admin", "outcast", false }, { "admin", "owner", "admin", false },
	{ "admin", "owner", "none", false }, { "admin", "owner", "outcast", false },
	{ "owner", "none", "admin", true }, { "owner", "none", "owner", true }, { "owner", "admin", "member", true },
	{ "owner", "admin", "owner", true }, { "owner", "owner", "admin", true }, { "owner", "owner", "none", true },
	{ "owner", "admin", "outcast", true }, { "owner", "outcast", "admin", true },
	{ "member", "none", "member", false }, { "member", "none", "outcast", false }, { "guest", "none", "member", false },
	{ "guest", "member", "none", false },
};

role_test { 98, "who may give which affiliation: the whole matrix", function (t)
	t:create({}, "admin", "member");
	t:enter("admin", "member", "guest");
	for _, row in ipairs(MATRIX) do
		t:affiliate("other", row[2]);
		local answer = t[row[1]]:asks("set", forms.admin(("<item affiliation='%s' jid='{other.bare}'/>"):format(row[3])));
		local found = words.error_of(answer);
		t:same({ row[1], row[2], row[3], found == nil }, row);
		t.check(not found or found == "auth/forbidden" or found == "cancel/not-allowed", "refused as " .. tostring(found));
		t:forget();
	end
end };

role_test { 98, "only owners configure and destroy", function (t)
	t:create({}, "admin", "member");
	for _, who in ipairs({ t.admin, t.member, t.guest }) do
		who:cannot_get("auth/forbidden", forms.owner());
		who:cannot_set("auth/forbidden", forms.owner("<destroy/>"));
	end
end };

role_test { 99, "members cannot read the member list of a semi-anonymous room", function (t)
	t:create({ whois = "moderators", membersonly = 1 }, "member");
	t:enter("member");
	t.member:cannot_get("auth/forbidden", forms.admin("<item affiliation='member'/>"));
end };

role_test { { 100, 174 }, "there is always an owner: the last one cannot give it up", function (t)
	t:create();
	for _, affiliation in ipairs({ "admin", "member", "none", "outcast" }) do
		t.owner:cannot_set("cancel/conflict",
			forms.admin(("<item affiliation='%s' jid='{owner.bare}'/>"):format(affiliation)));
	end
	t.owner:gets_no(gone {});
end };
