-- SPDX-License-Identifier: MIT
-- 1.I Moderators: XEP-0045 8.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, message, subject = words.presence, words.gone, words.message, words.subject;
local refusal, result = words.refusal, words.result;
local test, leave_out = suite.section("1.I", "Moderators");

local admin = forms.admin;

local function role(nick, wanted, reason)
	local inside = reason and ("<reason>%s</reason>"):format(reason) or "";
	return ("<item nick='%s' role='%s'>%s</item>"):format(nick, wanted, inside);
end

test { 102, "a kick: 307 with reason and actor to all, and the occupant is out", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.owner:set(admin(role("guest", "none", "Avaunt!")));
	t.guest:gets_only(gone { "guest", as = "none/none", status = "110 307", reason = "Avaunt!", actor = "owner" });
	t.member:gets_only(gone { "guest", as = "none/none", status = "307", reason = "Avaunt!", actor = "owner" });
	t.owner:says("gone?");
	t.guest:gets_no();
	t.guest:says("am I?");
	t.guest:gets(refusal { "message", "cancel/not-acceptable", "modify/not-acceptable" });
end };

test { 102, "a kick: first the kicked, then the moderator's result, then the others",
	stock = "the presence comes before the result", function (t)
	t:create();
	t:enter("guest");
	t.owner:send("<iq type='set' id='kick' to='{room}'>" .. admin(role("guest", "none")) .. "</iq>");
	t.owner:gets_only(result "kick", gone { "guest", as = "none/none", status = "307", actor = "owner" });
	t.guest:gets_only(gone { "guest", as = "none/none", status = "110 307", actor = "owner" });
end };

test { { 102, 111 }, "only moderators kick", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:cannot_set("auth/forbidden cancel/not-allowed", admin(role("guest", "none")));
	t.other:cannot_set("auth/forbidden cancel/not-allowed", admin(role("guest", "none")));
	t.guest:gets_no();
end };

test { 102, "who is no moderator is refused a kick as forbidden",
	stock = "not-allowed", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.member:cannot_set("auth/forbidden", admin(role("guest", "none")));
end };

test { 103, "nobody kicks someone of higher affiliation", function (t)
	t:create({}, "admin", "member");
	t:enter("admin", "member", "guest");
	t:give_role("guest", "moderator");
	t:forget();
	t.guest:cannot_set("cancel/not-allowed", admin(role("owner", "none")));
	t.guest:cannot_set("cancel/not-allowed", admin(role("member", "none")));
	t.admin:cannot_set("cancel/not-allowed", admin(role("owner", "none")));
	t.owner:gets_no();
	t.member:gets_no();
end };

leave_out(104, "optional: a moderator may kick itself, which is another way to leave");

test { 105, "a nickname that nobody has cannot be kicked: item-not-found", function (t)
	t:create();
	t.owner:cannot_set("cancel/item-not-found modify/item-not-found", admin(role("nobody", "none")));
	t.owner:cannot_set("cancel/item-not-found modify/item-not-found", admin(role("nobody", "participant")));
end };

test { 106, "a kick removes all sessions of the nickname", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest2:join({ nick = "guest" });
	t:forget();
	t:give_role("guest", "none");
	t.guest:gets(gone { "guest", status = "110 307", as = "none/none", actor = "owner", items = "any" });
	t.guest2:gets(gone { "guest", status = "110 307", as = "none/none", actor = "owner", items = "any" });
	t.other:gets_only(gone { "guest", status = "307", as = "none/none", actor = "owner", items = "any" });
	t.owner:says("empty?");
	t.guest:gets_no();
	t.guest2:gets_no();
end };

test { { 107, 94 }, "voice is granted: a result, and the new role with its reason to all", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	t.owner:set(admin(role("guest", "participant", "A worthy witch")));
	local seen = { "guest", as = "none/participant", reason = "A worthy witch", actor = "owner" };
	t.other:gets_only(presence(seen));
	seen.status = "110";
	t.guest:gets_only(presence(seen));
	t.guest:says("thanks");
	t.other:gets(message { "guest", body = "thanks" });
end };

test { 108, "voice is revoked: a result, and the new role to all", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	t:give_role("guest", "participant");
	t:forget();
	t.owner:set(admin(role("guest", "visitor", "Not so worthy")));
	t.other:gets_only(presence { "guest", as = "none/visitor", reason = "Not so worthy", actor = "owner" });
	t.guest:gets_only(presence { "guest", as = "none/visitor", reason = "Not so worthy", actor = "owner",
		status = "110" });
	t.guest:says("what?");
	t.guest:gets(refusal { "message", "auth/forbidden" });
end };

test { { 107, 108, 140 }, "the result comes before the presence that shows a new role",
	stock = "the presence comes before the result", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	t.owner:send("<iq type='set' id='voice' to='{room}'>" .. admin(role("guest", "participant")) .. "</iq>");
	t.owner:gets_only(result "voice", presence { "guest", as = "none/participant", actor = "owner" });
end };

test { { 109, 95 }, "nobody revokes the voice of someone of higher affiliation", function (t)
	t:create({ moderatedroom = 1 }, "admin", "member");
	t:enter("admin", "member", "guest");
	t:give_role("guest", "moderator");
	t:forget();
	for _, nick in ipairs({ "owner", "admin", "member" }) do
		t.guest:cannot_set("cancel/not-allowed", admin(role(nick, "visitor")));
	end
	t.admin:cannot_set("cancel/not-allowed", admin(role("owner", "visitor")));
	t.owner:gets_no();
end };

test { 109, "nobody revokes the voice of admins or owners, not even their equals",
	stock = "owners may", function (t)
	t:create({ moderatedroom = 1 }, "admin");
	t:affiliate("other", "owner");
	t:enter("admin", "other");
	t.owner:cannot_set("cancel/not-allowed", admin(role("admin", "visitor")));
	t.owner:cannot_set("cancel/not-allowed", admin(role("other", "visitor")));
end };

test { 110, "the voice list holds nickname, role, affiliation and full address", function (t)
	t:create({ moderatedroom = 1 }, "member");
	t:enter("member", "guest", "other");
	t:give_role("guest", "participant");
	local list = forms.items(t.owner:get(admin("<item role='participant'/>")));
	t:same(list, {
		{ nick = "member", role = "participant", affiliation = "member", jid = "{member}" },
		{ nick = "guest", role = "participant", affiliation = "none", jid = "{guest}" },
	});
end };

test { { 111, 142 }, "lists of visitors and moderators can be read, too", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest");
	t:same(forms.items(t.owner:get(admin("<item role='visitor'/>"))),
		{ { nick = "guest", role = "visitor", affiliation = "none", jid = "{guest}" } });
	t:same(forms.items(t.owner:get(admin("<item role='moderator'/>"))),
		{ { nick = "owner", role = "moderator", affiliation = "owner", jid = "{owner}" } });
end };

test { 111, "who is no moderator cannot read lists of roles", function (t)
	t:create({}, "member");
	t:enter("member");
	for _, who in ipairs({ t.member, t.guest }) do
		for _, wanted in ipairs({ "visitor", "participant", "moderator" }) do
			who:cannot_get("auth/forbidden", admin(("<item role='%s'/>"):format(wanted)));
		end
	end
end };

test { { 112, 142 }, "a list with many changes is done whole",
	stock = "does only the first", function (t)
	t:create({ moderatedroom = 1 }, "member");
	t:enter("member", "guest", "other", "third");
	t.owner:set(admin(role("member", "visitor"), role("guest", "participant"), role("other", "participant"),
		role("third", "none")));
	t.owner:gets(presence { "member", as = "member/visitor", actor = "owner" });
	t.owner:gets(presence { "guest", as = "none/participant", actor = "owner" });
	t.owner:gets(presence { "other", as = "none/participant", actor = "owner" });
	t.owner:gets(gone { "third", as = "none/none", status = "307", actor = "owner" });
	t.owner:gets_no();
end };

test { 113, "a list with one change that is not allowed changes nothing",
	stock = "does the first", function (t)
	t:create({ moderatedroom = 1 }, "admin");
	t:enter("admin", "guest");
	t.admin:cannot_set("cancel/not-allowed", admin(role("guest", "participant"), role("owner", "visitor")));
	t.admin:gets_no();
	t.guest:gets_no();
	t.admin:cannot_set("cancel/item-not-found modify/item-not-found",
		admin(role("guest", "participant"), role("nobody", "visitor")));
	t.guest:gets_no();
end };

test { 114, "role and affiliation in one item are refused as bad-request", function (t)
	t:create();
	t:enter("guest");
	t.owner:cannot_set("modify/bad-request cancel/bad-request",
		admin("<item nick='guest' role='participant' affiliation='member'/>"));
	t.owner:cannot_set("modify/bad-request cancel/bad-request",
		admin("<item jid='{guest.bare}' nick='guest' role='moderator' affiliation='admin'/>"));
	t.owner:gets_no();
end };

test { 115, "a query without an item, or an item without attributes, is refused as bad-request",
	stock = "a Lua error, and no answer, for get", function (t)
	t:create();
	for _, query in ipairs({ admin(), admin("<item/>"), admin("<item nick='owner'/>") }) do
		t.owner:cannot_set("modify/bad-request cancel/bad-request", query);
	end
	t.owner:cannot_get("modify/bad-request cancel/bad-request", admin("<item/>"));
	t.owner:cannot_get("modify/bad-request cancel/bad-request", admin());
end };

test { 115, "roles and affiliations that do not exist are refused", function (t)
	t:create({}, "member");
	t:enter("guest");
	t.owner:cannot_set("modify/bad-request cancel/bad-request modify/not-acceptable", admin(role("guest", "king")));
	t.owner:cannot_set("modify/bad-request cancel/bad-request modify/not-acceptable",
		admin("<item jid='{guest.bare}' affiliation='king'/>"));
	t.owner:gets_no();
end };

test { { 120, 94 }, "only moderators change the subject by default; others are refused as forbidden", function (t)
	t:create();
	t:enter("guest");
	t.guest:sets_subject("Mine");
	t.guest:gets_only(refusal { "message", "auth/forbidden" });
	t.owner:gets_no();
end };

test { 120, "the refusal of a subject holds the subject",
	stock = "it is not in it", function (t)
	t:create();
	t:enter("guest");
	t.guest:sets_subject("Mine");
	t.guest:gets_only(refusal { "message", "auth/forbidden", with = "<subject>Mine</subject>" });
end };

test { 120, "with changesubject participants may, and visitors still may not", function (t)
	t:create({ changesubject = 1, moderatedroom = 1 }, "member");
	t:enter("member", "guest");
	t.member:sets_subject("Ours");
	t.owner:gets_only(subject { "member", subject = "Ours" });
	t.guest:gets_only(subject { "member", subject = "Ours" });
	t.guest:sets_subject("Mine");
	t.guest:gets_only(refusal { "message", "auth/forbidden" });
end };

test { 121, "an empty subject clears the subject", function (t)
	t:create();
	t:enter("guest");
	t.owner:sets_subject("Roses");
	t.owner:sets_subject("");
	t.guest:gets_only(subject { "owner", subject = "Roses" }, subject { "owner", subject = "" });
	t.other:join();
	t.other:gets(subject { subject = "" });
end };

test { 122, "a new subject goes to all, from the room or from who set it", function (t)
	t:create();
	t:enter("guest", "other");
	t.owner:sets_subject("Roses");
	for _, who in ipairs({ t.owner, t.guest, t.other }) do
		local got = who:gets_only(subject { subject = "Roses" });
		t.check(got.attr.from == t.room or got.attr.from == t.room .. "/owner", "from " .. got.attr.from);
	end
end };
