-- SPDX-License-Identifier: MIT
-- 1.L Configuration: XEP-0045 10.2, 16.5.3.
local forms = require "e2e.rooms.forms";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";

local presence, gone, notice, refusal, message = words.presence, words.gone, words.notice, words.refusal, words.message;
local test, leave_out = suite.section("1.L", "Configuration");

-- Every field of the registry, with a value that is not its default, as it is set and as it comes back.
local FIELDS = {
	{ "roomname", "Orchard" }, { "roomdesc", "Where they met" }, { "lang", "it" }, { "enablelogging", "1" },
	{ "changesubject", "1" }, { "allowinvites", "1" }, { "allowpm", "moderators" }, { "maxusers", "20" },
	{ "presencebroadcast", { "moderator", "participant" } }, { "getmemberlist", { "moderator" } },
	{ "publicroom", "0" }, { "persistentroom", "1" }, { "moderatedroom", "1" }, { "membersonly", "1" },
	{ "passwordprotectedroom", "1" }, { "roomsecret", "key" }, { "whois", "anyone" },
	{ "roomadmins", { "{admin.bare}", "{other.bare}" } }, { "roomowners", { "{owner.bare}", "{third.bare}" } },
	{ "pubsub", "xmpp:pubsub.example.org?;node=orchard" }, { "muc#maxhistoryfetch", "5" },
};
local STOCK_HAS = { roomname = true, roomdesc = true, lang = true, changesubject = true, presencebroadcast = true,
	publicroom = true, persistentroom = true, moderatedroom = true, membersonly = true, roomsecret = true, whois = true };
local TYPES = { roomsecret = "text-private", roomadmins = "jid-multi", roomowners = "jid-multi",
	getmemberlist = "list-multi", presencebroadcast = "list-multi", whois = "list-single", allowpm = "list-single",
	membersonly = "boolean", maxusers = "list-single", roomname = "text-single" };

local function config_of(who)
	local fields = forms.read(who:get(forms.owner()));
	local config = {};
	for var, values in pairs(fields) do
		config[var] = values;
	end
	return config;
end

local function in_full(name)
	return name:find("#", 1, true) and name or "muc#roomconfig_" .. name;
end

local function filled(t, value)
	local list = {};
	for i, one in ipairs(type(value) == "table" and value or { value }) do
		list[i] = t:fill(one);
	end
	table.sort(list);
	return table.concat(list, " ");
end

local function stock_of(name)
	if STOCK_HAS[name] then
		return nil;
	end
	return { ["0.12"] = "no such field", ["13.0"] = name == "allowpm" and "other values" or "no such field" };
end

for _, field in ipairs(FIELDS) do
	local name, value = field[1], field[2];
	test { 159, ("the field %s is offered, set, and comes back"):format(name), stock = stock_of(name), function (t)
		t:create();
		local before = config_of(t.owner)[in_full(name)];
		t.check(before, "no such field");
		local config = { [name] = value };
		if name == "passwordprotectedroom" then
			config.roomsecret = "key";
		end
		t:configure(config);
		local after = config_of(t.owner)[in_full(name)];
		t:same(filled(t, after), filled(t, value));
	end };
end

test { 159, "the fields have the types of the registry",
	stock = "some fields are missing", function (t)
	t:create();
	local config = config_of(t.owner);
	for name, kind in pairs(TYPES) do
		local field = config[in_full(name)];
		t:same(field and field.type, kind, name);
	end
end };

test { 160, "the form shows what holds now", function (t)
	t:create({ roomname = "Orchard", moderatedroom = 1, whois = "anyone" });
	local config = config_of(t.owner);
	t:same({ config["muc#roomconfig_roomname"][1], config["muc#roomconfig_moderatedroom"][1],
		config["muc#roomconfig_membersonly"][1] or "0", config["muc#roomconfig_whois"][1] },
		{ "Orchard", "1", "0", "anyone" });
end };

test { 161, "cancelling a later configuration changes nothing and destroys nothing", function (t)
	t:create({ roomname = "Orchard" });
	t:enter("guest");
	t.owner:set(forms.owner("<x xmlns='jabber:x:data' type='cancel'/>"));
	t.guest:gets_no();
	t:same(config_of(t.owner)["muc#roomconfig_roomname"][1], "Orchard");
end };

test { 162, "a form with some of the fields changes only those", function (t)
	t:create({ roomname = "Orchard", moderatedroom = 1, roomsecret = "key", whois = "anyone" });
	t:configure({ roomdesc = "Where they met" });
	local config = config_of(t.owner);
	t:same({ config["muc#roomconfig_roomname"][1], config["muc#roomconfig_moderatedroom"][1],
		config["muc#roomconfig_roomsecret"][1], config["muc#roomconfig_roomdesc"][1], config["muc#roomconfig_whois"][1] },
		{ "Orchard", "1", "key", "Where they met", "anyone" });
end };

test { 163, "the lists of admins and owners in the form are whole, and changes are shown in the room",
	stock = "no such fields", function (t)
	t:create({}, "admin");
	t:enter("admin", "guest", "other");
	t:configure({ roomadmins = { "{guest.bare}" }, roomowners = { "{owner.bare}", "{other.bare}" } });
	t.owner:gets(presence { "admin", as = "none/participant" });
	t.owner:forgets();
	local function list(affiliation)
		local jids = {};
		for i, one in ipairs(forms.items(t.owner:get(forms.admin(("<item affiliation='%s'/>"):format(affiliation))))) do
			jids[i] = one.jid;
		end
		return jids;
	end
	t:same(list("admin"), { "{guest.bare}" });
	t:same(list("owner"), { "{other.bare}", "{owner.bare}" });
	t.guest:gets(presence { "guest", as = "admin/moderator", status = "110" });
	t.guest:gets(presence { "other", as = "owner/moderator" });
end };

test { 164, "a form that would leave no owner is refused as conflict",
	stock = "no such field", function (t)
	t:create({ roomname = "Orchard" });
	t.owner:cannot_set("cancel/conflict", forms.configuration({ roomowners = {}, roomname = "Desert" }));
	t:same(config_of(t.owner)["muc#roomconfig_roomname"][1], "Orchard");
end };

test { 165, "a room that becomes members-only puts out who is no member, with 322", function (t)
	t:create({ membersonly = 0 }, "member");
	t:enter("member", "guest");
	t:configure({ membersonly = 1 });
	t.guest:gets(gone { "guest", as = "none/none", status = "110 322" });
	t.member:gets_no(gone { "member" });
	t.owner:says("members?");
	t.member:gets(message { "owner", body = "members?" });
	t.guest:gets_no(message {});
end };

test { 165, "who remains is told with 322 who was put out",
	stock = "is not told", function (t)
	t:create({ membersonly = 0 }, "member");
	t:enter("member", "guest");
	t:configure({ membersonly = 1 });
	t.member:gets(gone { "guest", as = "none/none", status = "322" });
end };

test { 166, "who sees real addresses is told with 172 or 173, other changes with 104", function (t)
	t:create({ whois = "moderators", roomname = "Orchard" });
	t:enter("guest");
	t:configure({ roomname = "Garden" });
	t.guest:gets_only(notice { status = "104" });
	t:configure({ whois = "anyone" });
	t.guest:gets(notice { status = "172" });
	t:configure({ whois = "moderators" });
	t.guest:gets(notice { status = "173" });
end };

test { 166, "changes at the same time are told with all their codes", function (t)
	t:create({ whois = "moderators", roomname = "Orchard" });
	t:enter("guest");
	t:configure({ whois = "anyone", roomname = "Garden" });
	t.guest:gets(notice { status = "104 172" });
end };

test { 166, "logging is told with 170 and 171",
	stock = "no such field without an archive", function (t)
	t:create();
	t:enter("guest");
	t:configure({ enablelogging = 1 });
	t.guest:gets_only(notice { status = "170" });
	t:configure({ enablelogging = 0 });
	t.guest:gets_only(notice { status = "171" });
end };

test { 167, "a form that changes nothing is told to nobody", function (t)
	t:create({ roomname = "Orchard", moderatedroom = 1 });
	t:enter("guest");
	t:configure({ roomname = "Orchard", moderatedroom = 1 });
	t:configure({});
	t.guest:gets_no();
	t.owner:gets_no();
end };

test { { 168, "P1", "G16" }, "after 172 all presences are told again, with real addresses",
	stock = "only 172", function (t)
	t:create({ whois = "moderators" });
	t:enter("guest", "other");
	t.other:shows("<muji xmlns='urn:xmpp:jingle:muji:0'><preparing/></muji>");
	t:forget();
	t:configure({ whois = "anyone" });
	t.guest:gets(notice { status = "172" }, presence { "other", as = "none/participant", jid = "{other}",
		with = "<muji xmlns='urn:xmpp:jingle:muji:0'><preparing/></muji>" });
	t.other:gets(notice { status = "172" }, presence { "guest", as = "none/participant", jid = "{guest}" });
end };

test { 169, "presence that is no longer broadcast is taken back, and announced again later", function (t)
	t:create({ moderatedroom = 1 });
	t:enter("guest", "other");
	t:configure({ presencebroadcast = { "moderator", "participant" } });
	t.guest:gets("<presence type='unavailable' from='{room}/other'/>");
	t.guest:gets_no("<presence type='unavailable' from='{room}/guest'/>");
	t.guest:forgets();
	t:configure({ presencebroadcast = { "moderator", "participant", "visitor" } });
	t.guest:gets(presence { "other", as = "none/visitor" });
end };

test { { 169, 21 }, "who has a role that is not broadcast joins unseen", function (t)
	t:create({ moderatedroom = 1, presencebroadcast = { "moderator", "participant" } }, "member");
	t:enter("member");
	t.guest:join();
	t.guest:gets(presence { "owner", as = "owner/moderator" });
	t.guest:gets(presence { "guest", as = "none/visitor", status = "110" });
	t.member:gets_no();
	t.owner:gets_no();
	t:give_role("guest", "participant");
	t.member:gets_only(presence { "guest", as = "none/participant", actor = "owner" });
end };

test { 170, "who joins a room that is logged in public is told with 170",
	stock = "no such field without an archive", function (t)
	t:create({ enablelogging = 1 });
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110 170" });
end };

leave_out(171, "optional: who is affiliated and not in the room is not shown by default, and no notice says so");

test { 166, "a wrong value in a form is refused, and nothing of the form is done",
	stock = "a Lua error, and no answer", function (t)
	t:create({ roomname = "Orchard" });
	t.owner:cannot_set("modify/not-acceptable modify/bad-request", forms.configuration({ roomname = "Desert",
		whois = "nobody-knows" }));
	t:same(config_of(t.owner)["muc#roomconfig_roomname"][1], "Orchard");
end };

test { 151, "a password of nothing is refused where a password is wanted, and the old one stays",
	stock = "takes it", function (t)
	t:create({ passwordprotectedroom = 1, roomsecret = "key" });
	t.owner:cannot_set("modify/not-acceptable", forms.configuration({ passwordprotectedroom = 1, roomsecret = "" }));
	t.guest:join();
	t.guest:gets_only(refusal { "presence", "auth/not-authorized" });
end };
