-- SPDX-License-Identifier: MIT
-- 1.J Admins: XEP-0045 9.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, message, refusal, result = words.presence, words.gone, words.message, words.refusal, words.result;
local test, leave_out = suite.section("1.J", "Admins");

local admin = forms.admin;

local function item(affiliation, who, inside)
	return ("<item affiliation='%s' jid='{%s.bare}'>%s</item>"):format(affiliation, who, inside or "");
end

local function list(who, affiliation)
	return forms.items(who:get(admin(("<item affiliation='%s'/>"):format(affiliation))));
end

test { 124, "a ban: 301 with reason and actor to all, the address on the list, and the user stays out", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest", "other");
	t.admin:set(admin(item("outcast", "guest", "<reason>Treason</reason>")));
	t.guest:gets_only(gone { "guest", as = "outcast/none", status = "110 301", reason = "Treason", actor = "admin" });
	t.other:gets_only(gone { "guest", as = "outcast/none", status = "301", reason = "Treason", actor = "admin" });
	t:same(list(t.admin, "outcast")[1].jid, "{guest.bare}");
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "auth/forbidden" });
end };

test { 124, "a ban: the result comes before the presence to the others",
	stock = "the presence comes before the result", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest");
	t.admin:send("<iq type='set' id='ban' to='{room}'>" .. admin(item("outcast", "guest")) .. "</iq>");
	t.admin:gets_only(result "ban", gone { "guest", as = "outcast/none", status = "301", actor = "admin" });
end };

test { 124, "a ban frees the nickname that the user had reserved",
	stock = "it stays reserved", function (t)
	t:create();
	t.owner:set(admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t.owner:set(admin(item("outcast", "member")));
	t.guest:join({ nick = "Crowned" });
	t.guest:gets(presence { "Crowned", as = "none/participant", status = "110" });
end };

test { 125, "a ban removes every session of the user", function (t)
	t:create();
	t:enter("guest", "other");
	t.guest2:join({ nick = "second" });
	t:forget();
	t.owner:set(admin(item("outcast", "guest")));
	for _, seen in ipairs({ { t.guest, "guest" }, { t.guest2, "second" } }) do
		seen[1]:gets(gone { seen[2], as = "outcast/none", status = "110 301", actor = "owner" });
		t.other:gets(gone { seen[2], as = "outcast/none", status = "301", actor = "owner" });
	end
	t.owner:says("who is left?");
	t.guest:gets_no(message {});
	t.guest2:gets_no(message {});
end };

test { { 125, 101 }, "a ban of a domain removes all its users", function (t)
	t:create();
	t:enter("stranger", "guest");
	t.owner:set(admin("<item affiliation='outcast' jid='elsewhere.example.net'/>"));
	t.stranger:gets(gone { "stranger", as = "outcast/none", status = "110 301", actor = "owner" });
	t.guest:gets_only(gone { "stranger", as = "outcast/none", status = "301", actor = "owner" });
end };

test { 126, "an admin bans neither owners nor admins", function (t)
	t:create({}, "admin");
	t:affiliate("other", "admin");
	t:enter("admin", "other");
	t.admin:cannot_set("cancel/not-allowed", admin(item("outcast", "owner")));
	t.admin:cannot_set("cancel/not-allowed", admin(item("outcast", "other")));
	t.owner:gets_no();
	t.other:gets_no();
end };

test { 127, "nobody bans itself: conflict",
	stock = "not-allowed, for admins", function (t)
	t:create({}, "admin");
	t:affiliate("other", "owner");
	t:enter("admin");
	t.admin:cannot_set("cancel/conflict", admin(item("outcast", "admin")));
	t.owner:gets_no();
	t.owner:cannot_set("cancel/conflict", admin(item("outcast", "owner")));
end };

test { 128, "the ban list holds affiliation and bare address, and no role", function (t)
	t:create({}, "admin", "outcast");
	t.owner:set(admin("<item affiliation='outcast' jid='elsewhere.example.net'/>"));
	t:same(list(t.admin, "outcast"), {
		{ affiliation = "outcast", jid = "elsewhere.example.net" }, { affiliation = "outcast", jid = "{outcast.bare}" },
	});
end };

test { 129, "only admins and owners read the ban list and ban", function (t)
	t:create({}, "member", "outcast");
	t:enter("member", "guest");
	t:give_role("guest", "moderator");
	for _, who in ipairs({ t.member, t.guest, t.other }) do
		who:cannot_get("auth/forbidden", admin("<item affiliation='outcast'/>"));
		who:cannot_set("auth/forbidden cancel/not-allowed", admin(item("outcast", "third")));
	end
	t:same(#list(t.owner, "outcast"), 1, "the number of outcasts");
end };

test { 129, "who is no admin is refused a ban as forbidden",
	stock = "not-allowed", function (t)
	t:create({}, "member");
	t:enter("member");
	t.member:cannot_set("auth/forbidden", admin(item("outcast", "third")));
end };

test { 130, "an outcast without a ban any more may come in", function (t)
	t:create({}, "admin", "outcast");
	t.admin:set(admin(item("none", "outcast")));
	t:same(list(t.admin, "outcast"), {});
	t.outcast:join();
	t.outcast:gets(presence { "outcast", as = "none/participant", status = "110" });
end };

test { { 131, 113 }, "a ban list with one change that is not allowed changes nothing",
	stock = "does the first", function (t)
	t:create({}, "admin");
	t:enter("guest");
	t.admin:cannot_set("cancel/not-allowed cancel/conflict", admin(item("outcast", "guest"), item("outcast", "owner")));
	t.guest:gets_no();
	t:same(list(t.admin, "outcast"), {});
end };

test { 131, "a ban list with many changes is done whole",
	stock = "does only the first", function (t)
	t:create({}, "admin", "outcast");
	t:enter("guest", "other");
	t.admin:set(admin(item("outcast", "guest"), item("outcast", "other"), item("none", "outcast")));
	t.owner:gets(gone { "guest", as = "outcast/none", status = "301" });
	t.owner:gets(gone { "other", as = "outcast/none", status = "301" });
	t:same(list(t.admin, "outcast"), {
		{ affiliation = "outcast", jid = "{guest.bare}" }, { affiliation = "outcast", jid = "{other.bare}" },
	});
end };

test { 132, "a new member is shown to all, with reason and actor", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest", "other");
	t.admin:set(admin(item("member", "guest", "<reason>worthy</reason>")));
	t.other:gets_only(presence { "guest", as = "member/participant", reason = "worthy", actor = "admin" });
	t.guest:gets_only(presence { "guest", as = "member/participant", reason = "worthy", actor = "admin", status = "110" });
	t:same(list(t.admin, "member")[1].jid, "{guest.bare}");
end };

test { { 132, 195 }, "membership with a nickname reserves it", function (t)
	t:create({}, "admin");
	t.admin:set(admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t.guest:join({ nick = "Crowned" });
	t.guest:gets_only(refusal { "presence", "cancel/conflict" });
	t:same(list(t.admin, "member"), { { affiliation = "member", jid = "{member.bare}", nick = "Crowned" } });
end };

test { { 132, 133, 172 }, "the result comes before the presence that shows a new affiliation",
	stock = "the presence comes before the result", function (t)
	t:create();
	t:enter("guest");
	for _, affiliation in ipairs({ "member", "none", "admin", "owner" }) do
		t.owner:send("<iq type='set' id='seat' to='{room}'>" .. admin(item(affiliation, "guest")) .. "</iq>");
		t.owner:gets_only(result "seat", presence { "guest", actor = "owner" });
	end
end };

test { 133, "who is no member any more is shown so", function (t)
	t:create({}, "member");
	t:enter("member", "other");
	t.owner:set(admin(item("none", "member")));
	t.other:gets_only(presence { "member", as = "none/participant", actor = "owner" });
	t.member:gets_only(presence { "member", as = "none/participant", actor = "owner", status = "110" });
	t:same(list(t.owner, "member"), {});
end };

test { 133, "in a members-only room it is put out with 321, by one unavailable", function (t)
	t:create({ membersonly = 1 }, "member");
	t:affiliate("other", "member");
	t:enter("member", "other");
	t.owner:set(admin(item("none", "member")));
	t.member:gets_only(gone { "member", as = "none/none", actor = "owner", status = "110 321" });
	t.other:gets_only(gone { "member", as = "none/none", actor = "owner", status = "321" });
	t.member:join();
	t.member:gets_only(refusal { "presence", "auth/registration-required" });
end };

test { { 134, 177 }, "the member list holds affiliation and bare address, and no role", function (t)
	t:create({}, "admin", "member");
	t:affiliate("other", "member");
	t:same(list(t.admin, "member"), {
		{ affiliation = "member", jid = "{member.bare}" }, { affiliation = "member", jid = "{other.bare}" },
	});
end };

test { 134, "the member list holds the nickname of who is in the room",
	stock = "only reserved nicknames", function (t)
	t:create({}, "member");
	t.member:join({ nick = "count" });
	t:same(list(t.owner, "member"), { { affiliation = "member", jid = "{member.bare}", nick = "count" } });
end };

test { 135, "members of a non-anonymous members-only room read the member list", function (t)
	t:create({ membersonly = 1, whois = "anyone" }, "member");
	t:enter("member");
	t:same(list(t.member, "member")[1].jid, "{member.bare}");
	t.guest:cannot_get("auth/forbidden", admin("<item affiliation='member'/>"));
end };

test { 135, "getmemberlist says whose role reads the member list",
	stock = "no such option", function (t)
	t:create({ membersonly = 1, whois = "anyone", getmemberlist = { "moderator" } }, "member");
	t:enter("member");
	t.member:cannot_get("auth/forbidden", admin("<item affiliation='member'/>"));
	t:configure({ getmemberlist = { "moderator", "participant" } });
	t:same(list(t.member, "member")[1].jid, "{member.bare}");
end };

test { 136, "an empty nickname frees a reserved one",
	stock = { ["0.12"] = "reserves the empty one", ["13.0"] = "reserves the empty one" }, function (t)
	t:create();
	t.owner:set(admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t.owner:set(admin("<item affiliation='member' jid='{member.bare}' nick=''/>"));
	t:same(list(t.owner, "member"), { { affiliation = "member", jid = "{member.bare}" } });
	t.guest:join({ nick = "Crowned" });
	t.guest:gets(presence { "Crowned", as = "none/participant", status = "110" });
end };

test { 136, "a nickname that one member has reserved is not reserved for another: conflict",
	stock = "reserves it twice", function (t)
	t:create();
	t.owner:set(admin("<item affiliation='member' jid='{member.bare}' nick='Crowned'/>"));
	t.owner:cannot_set("cancel/conflict", admin("<item affiliation='member' jid='{other.bare}' nick='Crowned'/>"));
end };

test { 137, "a new member of a members-only room gets an invitation, with the password",
	stock = "none", function (t)
	t:create({ membersonly = 1, passwordprotectedroom = 1, roomsecret = "secret" });
	t.guest:send("<presence/>");
	t.owner:set(admin(item("member", "guest")));
	t.guest:gets("<message from='{room}'><x xmlns='http://jabber.org/protocol/muc#user'>"
		.. "<invite from='{any}' scansion:strict='false'/><password>secret</password></x></message>");
end };

local INVITE = "<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{guest.bare}'/></x>"
	.. "</message>";

test { 138, "a mere member may not invite into a members-only room by default", function (t)
	t:create({ membersonly = 1, allowinvites = 0 }, "member");
	t:enter("member");
	t.guest:send("<presence/>");
	t.guest:forgets();
	t.member:send(INVITE);
	t.member:gets_only(refusal { "message", "auth/forbidden" });
	t.guest:gets_no(message { type = "normal" });
	t:same(#list(t.owner, "member"), 1, "the number of members");
end };

test { 138, "where members may invite, who is invited becomes a member",
	stock = "the option has another name", function (t)
	t:create({ membersonly = 1, allowinvites = 1 }, "member");
	t:enter("member");
	t.guest:send("<presence/>");
	t.member:send(INVITE);
	t.guest:gets("<message from='{room}'><x xmlns='http://jabber.org/protocol/muc#user' scansion:strict='false'>"
		.. "<invite/></x></message>");
	t:same(#list(t.owner, "member"), 2, "the number of members");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "member/participant", status = "110" });
end };

test { 139, "an invitation through an open room makes nobody a member", function (t)
	t:create({}, "member");
	t:enter("member");
	t.guest:send("<presence/>");
	t.owner:send(INVITE);
	t.member:send(INVITE);
	t.guest:gets(message { "", type = "normal" });
	t:same(#list(t.owner, "member"), 1, "the number of members");
end };

test { 140, "moderators are made and unmade by nickname", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest", "other");
	t.admin:set(admin("<item nick='guest' role='moderator'><reason>wise</reason></item>"));
	t.other:gets_only(presence { "guest", as = "none/moderator", reason = "wise", actor = "admin" });
	t.admin:set(admin("<item nick='guest' role='participant'/>"));
	t.other:gets_only(presence { "guest", as = "none/participant", actor = "admin" });
end };

test { { 140, 26 }, "who becomes moderator of a semi-anonymous room learns who is there", function (t)
	t:create();
	t:enter("guest", "other");
	t:give_role("guest", "moderator");
	t.guest:gets(presence { "guest", as = "none/moderator", actor = "owner", status = "110" });
	t.other:shows("<show>away</show>");
	t.guest:gets(presence { "other", as = "none/participant", jid = "{other}", with = "<show>away</show>" });
end };

test { { 141, 95 }, "no admin takes the moderator's role from an admin or owner", function (t)
	t:create({}, "admin");
	t:affiliate("other", "admin");
	t:enter("admin", "other");
	t.admin:cannot_set("cancel/not-allowed", admin("<item nick='owner' role='participant'/>"));
	t.owner:gets_no();
end };

test { 141, "no admin takes the moderator's role from another admin",
	stock = "it may", function (t)
	t:create({}, "admin");
	t:affiliate("other", "admin");
	t:enter("admin", "other");
	t.admin:cannot_set("cancel/not-allowed", admin("<item nick='other' role='participant'/>"));
	t.owner:gets_no();
end };

test { { 142, 111 }, "the moderator list holds nicknames and roles", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest");
	local nicks = {};
	for _, one in ipairs(forms.items(t.admin:get(admin("<item role='moderator'/>")))) do
		nicks[#nicks + 1] = one.nick .. " " .. one.role;
	end
	t:same(nicks, { "admin moderator", "owner moderator" });
end };

leave_out(143, "optional: who registers is a member at once or refused, so nothing waits for an admin's approval");

test { 144, "the reason of a ban is in the ban list",
	stock = { ["0.12"] = "it is not kept" }, function (t)
	t:create();
	t.owner:set(admin(item("outcast", "guest", "<reason>Treason</reason>")));
	local answer = t.owner:get(admin("<item affiliation='outcast'/>"));
	local reason = words.children(words.children(forms.query(answer), "item")[1], "reason")[1];
	t:same(reason and reason[1], "Treason", "the reason");
end };
