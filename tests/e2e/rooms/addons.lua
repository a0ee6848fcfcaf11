-- SPDX-License-Identifier: MIT
-- addons: add-ons of stock rooms, those of Prosody and those of Debian's prosody-modules, by what users see of them.
local forms = require "e2e.rooms.forms";
local hand = require "e2e.rooms.hand";
local http = require "socket.http";
local ltn12 = require "ltn12";
local archive = require "e2e.rooms.mam";
local suite = require "e2e.rooms.suite";
local words = require "e2e.rooms.words";
local xml = require "e2e.xml";

local addons = { http_port = nil };

local message, notice, presence, refusal = words.message, words.notice, words.presence, words.refusal;
local test = suite.section("At home", "Add-ons of stock rooms");

local MAM, SID = "urn:xmpp:mam:2", "urn:xmpp:sid:0";
local FASTEN, MODERATE, RETRACT = "urn:xmpp:fasten:0", "urn:xmpp:message-moderate:0", "urn:xmpp:message-retract:0";
local OOB = "<x xmlns='jabber:x:oob'><url>http://example.org/cat.png</url></x>";
local MEDIA = "{xmpp:prosody.im}muc#roomconfig_unaffiliated_media";

-- Set of options -> the add-ons it needs and other options. `world` gets those whose add-ons are there.
addons.sets = {
	mam = { needs = { "muc_mam" } },
	mam_off = { needs = { "muc_mam" }, options = { muc_log_by_default = false } },
	unique = { needs = { "muc_unique" } },
	vcard = { needs = { "vcard_muc" } },
	moderation = { needs = { "muc_mam", "muc_moderation" } },
	log = { needs = { "muc_mam", "http_muc_log" } },
	limits = { needs = { "muc_limits" }, options = { muc_event_rate = 1, muc_burst_factor = 1 } },
	media = { needs = { "muc_restrict_media" } },
	rtbl = { needs = { "muc_rtbl" }, is_loaded_later = true, options = {
		muc_rtbl_jid = "pubsub.example.org", muc_rtbl_node = "bans",
	} },
};

local function stanza_id(t, element)
	local ids = words.children(element, "stanza-id", SID);
	t.same(t, #ids, 1, "the number of stanza ids");
	t.same(t, ids[1].attr.by, "{room}", "who gave the id");
	return ids[1].attr.id;
end

test { "muc_mam", "muc_mam keeps what is said, under the id that all get", set = "mam", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.guest:says("one", "<stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='forged'/>");
	t.owner:says("two");
	t.guest:whispers("owner", "psst");
	local one, two = t.member:gets(message { "guest", body = "one" }, message { "owner", body = "two" });
	local list = archive(t, t.member);
	t:same({ list[1][1], list[2][1], #list }, { stanza_id(t, one), stanza_id(t, two), 2 });
	t:same(xml.content(xml.child(list[1][2], "body")), "one");
	t:same(list[1][2].attr.from, "{room}/guest");
	t.check(forms.features(t.guest:get(forms.disco()))[MAM], "no feature");
end };

test { "muc_mam", "muc_mam is where history comes from after a restart", set = "mam", function (t)
	t:create({ persistentroom = 1 });
	for _, body in ipairs({ "one", "two", "three" }) do
		t.owner:says(body);
	end
	local got = t.owner:gets(message { "owner", body = "one" });
	t:restart();
	t.guest:join();
	local again = t.guest:gets(message { "owner", body = "one" }, message { "owner", body = "two" },
		message { "owner", body = "three" });
	t:same(stanza_id(t, again), stanza_id(t, got), "the id in history");
end };

local ARCHIVING = "muc#roomconfig_enablearchiving";

test { "muc_mam", "muc_mam is switched on and off by its field of the form", set = "mam_off", function (t)
	t:create();
	t.owner:says("unseen");
	t:configure({ [ARCHIVING] = 1 });
	t.owner:gets(notice { status = "170" });
	t.owner:says("kept");
	t:same(forms.read(t.owner:get(forms.owner()))[ARCHIVING][1], "1");
	t:configure({ [ARCHIVING] = 0 });
	t.owner:gets(notice { status = "171" });
	t.owner:says("unseen again");
	local list = archive(t, t.owner);
	t:same({ #list, xml.content(xml.child(list[1][2], "body")) }, { 1, "kept" });
end };

test { "muc_mam", "muc_mam forgets a room that is destroyed", set = "mam", function (t)
	t:create();
	t.owner:says("gone soon");
	t.owner:set(forms.owner("<destroy/>"));
	t:create();
	t:same(#archive(t, t.owner), 0, "what is left in the archive");
end };

local UNIQUE = "http://jabber.org/protocol/muc#unique";

test { "muc_unique", "muc_unique makes a name for a room", set = "unique", function (t)
	local answer = t.guest:get(("<unique xmlns='%s'/>"):format(UNIQUE), "{service}");
	local name = xml.content(xml.child(answer, "unique", UNIQUE));
	t.check(#name > 10, "no name: " .. name);
	t.check(forms.features(t.guest:get(forms.disco(), "{service}"))[UNIQUE], "no feature");
end };

local PHOTO = "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>";
local PHOTO_HASH = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"; -- sha1 of "hello"

test { "vcard_muc", "vcard_muc keeps a picture of the room, tells its hash and that it changed", set = "vcard",
	function (t)
	t:create();
	t:enter("guest");
	t.guest:cannot_set("auth/forbidden", PHOTO);
	t.owner:set(PHOTO);
	t.guest:gets(notice { status = "104" });
	t.guest:get("<vCard xmlns='vcard-temp'/>");
	local fields = forms.read(t.guest:get(forms.disco()));
	t:same(fields["{http://modules.prosody.im/mod_vcard_muc}avatar#sha1"][1], PHOTO_HASH);
	t.other:join();
	t.other:gets(("<presence from='{room}'><x xmlns='vcard-temp:x:update'><photo>%s</photo></x></presence>")
		:format(PHOTO_HASH));
end };

local function moderation(id)
	return ("<apply-to xmlns='%s' id='%s'><moderate xmlns='%s'><retract xmlns='%s'/><reason>rude</reason></moderate>"
		.. "</apply-to>"):format(FASTEN, xml.escape(id), MODERATE, RETRACT);
end

test { "muc_moderation", "muc_moderation takes a message back, in the archive too", set = "moderation", function (t)
	t:create();
	t:enter("guest");
	t.guest:says("rude words");
	local id = stanza_id(t, t.owner:gets(message { "guest", body = "rude words" }));
	t.guest:cannot_set("auth/forbidden", moderation(id));
	t:forget();
	t.owner:set(moderation(id));
	t.guest:gets(("<message type='groupchat' from='{room}'><apply-to xmlns='%s' id='%s' scansion:strict='false'>"
		.. "<moderated xmlns='%s' by='{room}/owner'/></apply-to></message>"):format(FASTEN, id, MODERATE));
	local first = archive(t, t.owner)[1];
	t:same(first[1], id);
	t.check(xml.child(first[2], "moderated", MODERATE) and not xml.child(first[2], "body"), "it is in the archive still");
	t.check(forms.features(t.guest:get(forms.disco()))[MODERATE], "no feature");
end };

-- A page of the web server of this host.
local function page(t, path)
	local parts = {};
	local _, status = http.request({
		url = ("http://127.0.0.1:%d%s"):format(addons.http_port, path), headers = { host = t.service },
		sink = ltn12.sink.table(parts),
	});
	return table.concat(parts), status;
end

test { "http_muc_log", "http_muc_log shows what was said, and no room that is hidden or closed", set = "log",
	function (t)
	t:create({ publicroom = 1, roomname = "Garden", persistentroom = 1 });
	t.owner:says("by any other name");
	local node, today = t.room:match("^[^@]+"), os.date("!%Y-%m-%d");
	local link = forms.read(t.guest:get(forms.disco()))["muc#roominfo_logs"][1];
	t:same(link:match("/muc_log/.*$"), ("/muc_log/%s/"):format(node));
	local text, status = page(t, ("/muc_log/%s/%s"):format(node, today));
	t:same(status, 200);
	t.check(text:find("by any other name", 1, true) and text:find("Garden", 1, true), text);
	t.check(page(t, "/muc_log/"):find("Garden", 1, true), "it is not in the list");
	t:configure({ membersonly = 1, publicroom = 0 });
	t:same(select(2, page(t, ("/muc_log/%s/%s"):format(node, today))), 403);
	t.check(not page(t, "/muc_log/"):find("Garden", 1, true), "it is in the list still");
end };

test { "muc_limits", "muc_limits refuses what comes too fast", set = "limits", function (t)
	t:create();
	t:enter("guest");
	for i = 1, 10 do
		t.guest:says(tostring(i));
	end
	t.guest:gets(refusal { "message", "wait/policy-violation" });
end };

test { "muc_restrict_media", "muc_restrict_media lets only members show pictures, unless the form allows it",
	set = "media", function (t)
	t:create({}, "member");
	t:enter("member", "guest");
	t.guest:says("look", OOB);
	t.owner:gets_only(message { "guest", body = "look", without = OOB });
	t.member:says("look", OOB);
	t.owner:gets_only(message { "member", body = "look", with = OOB });
	t:configure({ [MEDIA] = 1 });
	t:same(forms.read(t.owner:get(forms.owner()))[MEDIA][1], "1");
	t:same(forms.read(t.guest:get(forms.disco()))[MEDIA][1], "1");
	t.owner:forgets();
	t.guest:says("look", OOB);
	t.owner:gets_only(message { "guest", body = "look", with = OOB });
end };

local PUBSUB = "http://jabber.org/protocol/pubsub";

-- The add-on subscribes when it is loaded: the other service has to be there by then.
local function load_rtbl(t)
	t.pubsub = "pubsub.example.org";
	hand(t, [[local manager = require "core.modulemanager";
		return manager.is_loaded(module.host, "muc_rtbl") or assert(manager.load(module.host, "muc_rtbl"))]]);
end

-- Puts somebody on the list, or takes it off; returns when the add-on knows.
local function list(t, name, action)
	local hash = hand(t, ([[return require "util.hashes".sha256("{%s.bare}", true)]]):format(name));
	t.owner:set(("<pubsub xmlns='%s'><%s node='bans' notify='true'><item id='%s'>%s</item></%s></pubsub>"):format(PUBSUB,
		action, hash, action == "publish" and "<report xmlns='urn:xmpp:reporting:1'/>" or "", action), "{pubsub}");
	local question = ("return module:shared('muc_rtbl/banned_hashes')[%q]"):format(hash);
	t.eventually(function ()
		return hand(t, question) == (action == "publish" and "true" or "nil");
	end, "the add-on does not hear of the list");
	t:forget();
end

test { "muc_rtbl", "muc_rtbl keeps out who is on a list of a pubsub service, and silences who is in", set = "rtbl",
	function (t)
	t:create({}, "member");
	load_rtbl(t);
	t:enter("guest", "member");
	list(t, "guest", "publish");
	t.guest:says("spam");
	t.guest:gets(refusal { "message", "cancel/forbidden" });
	t.owner:gets_no(message {});
	t.guest:leave();
	t.guest:join();
	t.guest:gets(refusal { "presence", "cancel/forbidden" });
	t.other:join();
	t.other:gets(presence { "other", as = "none/participant", status = "110" });
	list(t, "guest", "retract");
	t.guest:join();
	t.guest:gets(presence { "guest", as = "none/participant", status = "110" });
end };

test { "muc_rtbl", "muc_rtbl lets private messages pass of who is on no list",
	stock = { ["0.12"] = "the add-on of that time expects an occupant in the event, and fails" }, set = "rtbl",
	function (t)
	t:create();
	load_rtbl(t);
	t:enter("guest");
	t.guest:whispers("owner", "hello");
	t.owner:gets(message { "guest", body = "hello", type = "chat" });
end };

return addons;
