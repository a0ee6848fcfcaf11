-- SPDX-License-Identifier: MIT
-- 1.M Owner and admin lists: XEP-0045 10.3 to 10.8; 1.N Destruction: XEP-0045 10.9.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, refusal, result = words.presence, words.gone, words.refusal, words.result;
local test, leave_out = suite.section("1.M", "Owner and admin lists");

local admin = forms.admin;

local function item(affiliation, who)
	return ("<item affiliation='%s' jid='{%s.bare}'/>"):format(affiliation, who);
end

local function list(who, affiliation)
	return forms.items(who:get(admin(("<item affiliation='%s'/>"):format(affiliation))));
end

test { { 172, 96 }, "owners and admins are made and unmade, and shown to all", function (t)
	t:create();
	t:enter("guest", "other");
	for _, affiliation in ipairs({ "admin", "owner" }) do
		t.owner:set(admin(item(affiliation, "guest")));
		t.other:gets_only(presence { "guest", as = affiliation .. "/moderator", actor = "owner" });
		t.owner:set(admin(item("none", "guest")));
		t.other:gets_only(presence { "guest", as = "none/participant", actor = "owner" });
	end
end };

test { 172, "a change for someone outside is told by the room only to who may see addresses", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest");
	t.owner:set(admin(item("admin", "other")));
	t.guest:gets_no();
	for _, one in ipairs(t.owner:hears()) do -- it may be told, it need not
		t.check(one.name == "message" and one.attr.from == t.room, "something else than a message of the room");
	end
end };

test { 173, "only owners change the lists of owners and admins", function (t)
	t:create({ whois = "anyone" }, "admin", "member");
	t:enter("admin", "member");
	for _, who in ipairs({ t.admin, t.member, t.guest }) do
		for _, affiliation in ipairs({ "owner", "admin" }) do
			who:cannot_set("auth/forbidden cancel/not-allowed", admin(item(affiliation, "other")));
			who:cannot_set("auth/forbidden cancel/not-allowed", admin(item("none", "owner")));
		end
	end
end };

test { 173, "who is no owner is refused as forbidden",
	stock = "not-allowed", function (t)
	t:create({}, "admin");
	for _, who in ipairs({ t.admin, t.guest }) do
		who:cannot_set("auth/forbidden", admin(item("owner", "other")));
		who:cannot_set("auth/forbidden", admin(item("admin", "other")));
	end
end };

test { 173, "in a semi-anonymous room others do not read these lists", function (t)
	t:create({ whois = "moderators" }, "member");
	t:enter("member");
	for _, who in ipairs({ t.member, t.guest }) do
		who:cannot_get("auth/forbidden", admin("<item affiliation='owner'/>"));
		who:cannot_get("auth/forbidden", admin("<item affiliation='admin'/>"));
	end
end };

test { 174, "an owner may go when there is another", function (t)
	t:create();
	t:affiliate("other", "owner");
	t:enter("guest");
	t.owner:set(admin(item("admin", "owner")));
	t.guest:gets_only(presence { "owner", as = "admin/moderator", actor = "owner" });
	t.other:cannot_set("cancel/conflict", admin(item("admin", "other")));
end };

leave_out(175, "optional: one owner may unmake another, as in stock; there is always one left (100)");

test { 176, "lists of owners and admins with many changes are done whole",
	stock = "does only the first", function (t)
	t:create();
	t.owner:set(admin(item("admin", "admin"), item("admin", "other"), item("owner", "third")));
	t:same(list(t.owner, "admin"),
		{ { affiliation = "admin", jid = "{admin.bare}" }, { affiliation = "admin", jid = "{other.bare}" } });
	t.owner:set(admin(item("none", "admin"), item("member", "other"), item("none", "third")));
	t:same(list(t.owner, "admin"), {});
	t:same(#list(t.owner, "owner"), 1, "the number of owners");
end };

test { { 176, 164, 100 }, "a list that would leave no owner changes nothing",
	stock = "does the first", function (t)
	t:create();
	t:affiliate("other", "owner");
	t.owner:cannot_set("cancel/conflict", admin(item("none", "other"), item("none", "owner")));
	t:same(#list(t.owner, "owner"), 2, "the number of owners");
end };

test { 177, "the lists hold affiliation and bare address", function (t)
	t:create({}, "admin");
	t:same(list(t.owner, "admin"), { { affiliation = "admin", jid = "{admin.bare}" } });
	local owner = list(t.owner, "owner")[1];
	t:same({ owner.affiliation, owner.jid, owner.role or "no role" }, { "owner", "{owner.bare}", "no role" });
end };

leave_out(178, "optional: no message with 101 is sent to who is not in the room");

local end_test = suite.section("1.N", "Destruction");

local WHY = "<reason>Macbeth doth come</reason><password>key</password>";
local DESTROY = ("<destroy jid='elsewhere@{service}'>%s</destroy>"):format(WHY);
local TOLD = ("<destroy xmlns='http://jabber.org/protocol/muc#user' jid='elsewhere@{service}'>%s</destroy>")
	:format(WHY);

end_test { { 179, 180, 182 }, "an owner destroys the room: one unavailable to each, with where to and why", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.owner:set(forms.owner(DESTROY));
	for _, who in ipairs({ t.member, t.guest, t.owner }) do
		local mine;
		for _, one in ipairs(who:hears()) do
			if one.attr.from == ("%s/%s"):format(t.room, who.nick) then
				t.check(not mine, "more than one");
				mine = one;
			end
		end
		t.check(mine and mine.attr.type == "unavailable", "no unavailable");
		t.check(words.fits(gone { who.nick, destroy = TOLD, status = "110" }, mine, t), "not with destroy and 110");
	end
	t.other:cannot_get("cancel/item-not-found cancel/gone", forms.disco());
end };

end_test { 180, "who is in a destroyed room hears only of itself, as none/none",
	stock = "hears of the others, too", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.owner:set(forms.owner(DESTROY));
	t.member:gets_only(gone { "member", as = "none/none", destroy = TOLD, status = "110" });
	t.guest:gets_only(gone { "guest", as = "none/none", destroy = TOLD, status = "110" });
end };

end_test { 180, "the result of a destruction comes after its unavailable", function (t)
	t:create();
	t.owner:send("<iq type='set' id='end' to='{room}'>" .. forms.owner("<destroy/>") .. "</iq>");
	t.owner:gets_only(gone { "owner", status = "110",
		destroy = "<destroy xmlns='http://jabber.org/protocol/muc#user'/>" }, result "end");
end };

end_test { 179, "only owners destroy; the refusal holds the query",
	stock = "the query is not in it", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest");
	for _, who in ipairs({ t.admin, t.guest, t.other }) do
		local answer = who:cannot_set("auth/forbidden", forms.owner("<destroy><reason>why not</reason></destroy>"));
		t.check(words.children(answer, "query", "http://jabber.org/protocol/muc#owner")[1], "no query in the error");
	end
	t.guest:gets_no();
end };

end_test { 179, "only owners destroy", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest");
	for _, who in ipairs({ t.admin, t.guest, t.other }) do
		who:cannot_set("auth/forbidden", forms.owner("<destroy/>"));
	end
	t.owner:gets_no();
end };

end_test { 181, "nothing of a destroyed room is left: lists, nicknames, subject, history", function (t)
	t:create({ persistentroom = 0 }, "member");
	t:enter("member");
	t.owner:sets_subject("Over");
	t.owner:says("the end");
	t.member:set("<query xmlns='jabber:iq:register'>" .. forms.submit("http://jabber.org/protocol/muc#register",
		{ ["muc#register_roomnick"] = "Crowned" }) .. "</query>");
	t.owner:set(forms.owner("<destroy/>"));
	t:forget();
	t.guest:join({ nick = "Crowned" });
	t.guest:gets(presence { "Crowned", as = "owner/moderator", status = "110 201" }, words.subject { subject = "" });
	t.guest:gets_no(words.message { "owner" });
	t:same(list(t.guest, "member"), {});
end };

end_test { 181, "a persistent room that was destroyed says where it went, and is not made anew by anyone", function (t)
	t:create({ persistentroom = 1 });
	t.owner:set(forms.owner(DESTROY));
	t.guest:join();
	local got = t.guest:gets_only(refusal { "presence", "cancel/gone" });
	local _, err = words.error_of(got);
	t:same(words.children(err, "gone")[1][1], "xmpp:elsewhere@{service}?join");
end };
