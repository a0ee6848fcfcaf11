-- SPDX-License-Identifier: MIT
-- Rooms move between our component and stock's: by the Component line of the configuration, or while people are in
-- them. Nothing is lost, in either direction, wherever a room was made.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";
local home = require "e2e.rooms.home";
local mam = require "e2e.rooms.mam";
local snapshot = require "e2e.rooms.snapshot";
local tap = require "e2e.tap";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local message, presence, subject = words.message, words.presence, words.subject;

local OTHER = { rooms = "stock", stock = "rooms" };
local HAND = { modules_enabled = { "rooms_hand" } };
local OPTIONS = { rooms = HAND, stock = HAND };
local ARCHIVED = { rooms = {}, stock = { modules_enabled = { "muc_mam" } } };

local CONFIG = {
	roomname = "Garden & <Terrace>", roomdesc = "Where they met", lang = "it", publicroom = 1, persistentroom = 1,
	moderatedroom = 1, whois = "anyone", changesubject = 1, passwordprotectedroom = 1, roomsecret = "rose",
	maxusers = 20, ["muc#roomconfig_historylength"] = 7, presencebroadcast = { "moderator", "participant", "none" },
	["{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites"] = 1,
};
local ITEM = "<item affiliation='%s' jid='%s'%s><reason>%s</reason></item>";

local PICTURE = "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>";

-- A room with everything that a room can have. Nobody is in it.
local function furnish(t)
	t:create(CONFIG, "admin");
	t.owner:asks("set", PICTURE); -- stock has pictures from 13.0 on
	t.owner:set(forms.admin(ITEM:format("member", t.member.jid, " nick='Knight'", "brave &amp; true")));
	hand(t, [[room:set_affiliation(true, "{outcast.bare}", "outcast", "rude", { reason = "rude" })]]);
	t.owner:set(forms.admin("<item affiliation='outcast' jid='bad.example.net'/>"));
	hand(t, [[
		local hats = { ["urn:x:host"] = { active = true, title = "Host" } };
		room:set_affiliation_data("{member.bare}", "hats", hats);
	]]);
	t.owner:sets_subject("Roses & <thorns>");
	t.owner:says("first");
	t.owner:says("last <one>");
	t.owner:leave();
	t:forget();
end

-- All that there is to see of the room. Stock lets nobody in without the password, ours neither.
local function take(t)
	return snapshot.take(t, { "owner", "admin", "member", "guest" }, { x = "<password>rose</password>" });
end

-- Values of which XEP-0045 has other words than stock. What is stored is compared, too.
local IN_OTHER_WORDS = { ["config muc#roomconfig_allowpm"] = true };

-- What each component offers by itself in its forms and features; what both have has to be the same.
local function is_of_one_only(name, before, after)
	if IN_OTHER_WORDS[name] then
		return true;
	end
	local is_offered = name == "picture" or name:find("^feature ") or name:find("^info ") or name:find("^config ");
	return is_offered and (before[name] == nil or after[name] == nil);
end

local function keeps(t, before, after, is_apart)
	local found = snapshot.differences(before, after, is_apart);
	t.check(#found == 0, "this has changed:\n  " .. table.concat(found, "\n  "));
end

local function has_everything(t, world, seen)
	t.check(seen.picture or world.kind.name == "stock" and world.version == "0.12", "it has no picture");
	local names = { "subject", "last message", "id of owner", "id of member", "data of member@example.org",
		"nick of member", "affiliation of bad.example.net", "listed: " .. t.room };
	for _, name in ipairs(names) do
		t.check(seen[name], "it does not have: " .. name);
	end
end

local function there_and_back(kind)
	return home.test(("rooms made in %s move, and move back"):format(kind), kind, OPTIONS, function (t, world)
		furnish(t);
		local made = take(t);
		has_everything(t, world, made);
		t:stop_server();
		local stored = world:stored(t);
		t:same({ stored._data.history_length, stored._data.allow_member_invites }, { 7, true }, "what was configured");
		world:becomes(OTHER[kind], t);
		local moved = take(t);
		keeps(t, made, moved, is_of_one_only);
		t:same(world:stored(t), stored, "what is stored");
		world:becomes(kind, t);
		keeps(t, made, take(t));
	end);
end

-- The archive as lines: id, who, what.
local function archive(t)
	local lines = {};
	for i, one in ipairs(mam(t, t.owner)) do
		lines[i] = ("%s %s %s"):format(one[1], one[2].attr.from, xml.content(xml.child(one[2], "body")));
	end
	return lines;
end

local function keeps_archive(kind)
	return home.test(("what was said in %s is in the archive of either"):format(kind), kind, ARCHIVED,
		function (t, world)
		t:create({ persistentroom = 1 });
		t.owner:says("one");
		t.owner:says("two <&>");
		local made = archive(t);
		t:same(#made, 2, "how many messages there are");
		world:becomes(OTHER[kind], t);
		t:same(archive(t), made);
		t.owner:join();
		t.owner:says("three");
		local moved = archive(t);
		t:same({ moved[1], moved[2], #moved }, { made[1], made[2], 3 });
		world:becomes(kind, t);
		t:same(archive(t), moved);
	end);
end

-- Two people are in a room that does not stay without them.
local function meet(t)
	t:create({ roomname = "Alley", publicroom = 1 }, "admin");
	t.guest:join();
	t.owner:sets_subject("Stars");
	t.guest:says("before");
	t:forget();
end

-- They are still in it and can talk; who comes sees them; it still ends with them.
local function still_meet(t)
	t.guest:says("hello");
	t.owner:gets(message { "guest", body = "hello" });
	t.owner:renames("captain");
	t.guest:gets(presence { "captain", as = "owner/moderator" });
	t.owner:renames("owner");
	t:forget();
	t.admin:join();
	t.admin:gets(presence { "guest", as = "none/participant", items = "any", jid = "{guest}" },
		presence { "admin", as = "admin/moderator", status = "110", items = "any", jid = "{admin}" },
		message { "guest", body = "before" }, message { "guest", body = "hello" }, subject { "owner", subject = "Stars" });
	for _, who in ipairs({ t.admin, t.guest, t.owner }) do
		who:leave();
	end
	t.guest:cannot_get("cancel/item-not-found", forms.disco());
	t:forget();
end

local function taken_over(kind)
	return home.test(("%s takes over from %s while people are in rooms"):format(OTHER[kind], kind), kind, OPTIONS,
		function (t, world)
		meet(t);
		world:turns_into(OTHER[kind], t);
		still_meet(t);
	end);
end

local function reloaded(kind)
	return home.test(("%s is reloaded while people are in rooms"):format(kind), kind, OPTIONS, function (t, world)
		meet(t);
		world:shell(("module:reload(%q, %q)"):format(world.kind.module, t.service));
		local current = "return prosody.hosts[module.host].modules.muc.get_room_from_jid(room.jid) == room";
		t:same(hand(t, current), "true", "that add-ons have the rooms of now");
		still_meet(t);
	end);
end

local function not_replaced()
	return home.test("a reload of \"muc\" does not bring stock in our place", "rooms", OPTIONS, function (t, world)
		meet(t);
		local output = world.server:shell(("module:reload('muc', %q)"):format(t.service));
		t.check(output:find("save-state-failed", 1, true), output);
		t:same(hand(t, "return module:depends('muc').module.name, room == muc.get_room_from_jid(room.jid)"), "muc");
		still_meet(t);
	end);
end

-- What depends on rooms goes when they go.
local function unloaded(kind)
	return home.test(("%s is unloaded, and add-ons with it"):format(kind), kind, OPTIONS, function (t, world)
		meet(t);
		world:shell(("module:unload(%q, %q)"):format(world.kind.module, t.service));
		t.owner:cannot_set("cancel/service-unavailable", "<run xmlns='urn:x-prosody-scion:hand'>return 1</run>");
		world:shell(("module:load(%q, %q)"):format(world.kind.module, t.service));
		world:shell(("module:load('rooms_hand', %q)"):format(t.service));
		still_meet(t);
	end);
end

tap.run({
	there_and_back("stock"), there_and_back("rooms"), keeps_archive("stock"), keeps_archive("rooms"),
	taken_over("stock"), taken_over("rooms"), reloaded("stock"), reloaded("rooms"),
	unloaded("stock"), unloaded("rooms"), not_replaced(),
});
