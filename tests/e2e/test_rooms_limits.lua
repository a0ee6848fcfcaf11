-- SPDX-License-Identifier: MIT
-- What the operator of rooms can bound and choose (item 206).
local garden_of = require "e2e.rooms.garden";
local harness = require "e2e.harness";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local SERVICE, ROOM, NS = garden_of.SERVICE, garden_of.ROOM, garden_of.NS;
local start, join, garden, say = garden_of.start, garden_of.join, garden_of.open, garden_of.say;
local hear, configure, expect_error = garden_of.hear, garden_of.configure, garden_of.expect_error;
local disco, info_of = garden_of.disco, garden_of.info_of;

tap.run({
	harness.test("206: messages that come too fast wait, then are refused", function (world)
		local romeo, juliet = garden(world, {
			muc_scion_message_rate = 2, muc_scion_message_burst = 2, muc_scion_max_delay = 1,
		});
		for i = 1, 5 do
			say(juliet, tostring(i));
		end
		expect_error(juliet, "wait", "policy-violation", "Too many messages; try again in 2 seconds");
		for i = 1, 4 do
			hear(romeo, "juliet", tostring(i));
		end
		assert(romeo:expect_nothing(0.3, "<message type='groupchat'><body/></message>"));
	end),

	harness.test("206: nicks, stanzas and subjects that are too big are refused", function (world)
		local romeo, juliet = garden(world, {
			muc_scion_max_nick_bytes = 10, muc_scion_max_stanza_bytes = 1000, muc_scion_max_text_bytes = 50,
		});
		juliet:send(("<presence to='%s/%s'/>"):format(ROOM, ("j"):rep(11)));
		expect_error(juliet, "modify", "policy-violation", "A nick has at most 10 bytes");
		say(juliet, ("x"):rep(1000));
		expect_error(juliet, "modify", "policy-violation", "at most 1000");
		romeo:send(("<message type='groupchat' to='%s'><subject>%s</subject></message>"):format(ROOM, ("s"):rep(51)));
		expect_error(romeo, "modify", "policy-violation", "A subject has at most 50 bytes");
	end),

	harness.test("206: affiliations, sessions and queries beyond the options are refused", function (world)
		local romeo, juliet, server = garden(world, {
			muc_scion_max_affiliations = 1, muc_scion_max_sessions = 1, muc_scion_query_rate = 1, muc_scion_query_burst = 1,
			muc_scion_max_delay = 0,
		});
		local function ask(user, payload)
			user:send(("<iq type='set' id='a' to='%s'>%s</iq>"):format(ROOM, payload));
		end
		ask(romeo, "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='a@example.org'/>"
			.. "</query>");
		expect_error(romeo, "wait", "resource-constraint", "This room knows too many people already");
		local again = world:user(server, "juliet");
		again:send(("<presence to='%s/juliet'><x xmlns='%s'/></presence>"):format(ROOM, NS.muc));
		expect_error(again, "wait", "resource-constraint", "Too many sessions of yours are in this room");
		for _ = 1, 2 do
			ask(juliet, "<query xmlns='urn:xmpp:mam:2'/>");
		end
		expect_error(juliet, "wait", "policy-violation", "Too many queries of the archive; try again in 1 seconds");
	end),

	harness.test("206: options of the wrong type leave their defaults", function (world)
		local names = {
			"muc_max_rooms", "muc_room_cache_size", "muc_scion_max_occupants", "muc_scion_history_bytes",
			"muc_scion_max_nick_bytes", "muc_scion_max_stanza_bytes", "muc_scion_max_text_bytes", "muc_scion_max_form_values",
			"muc_scion_max_affiliations", "muc_scion_max_sessions", "muc_scion_query_rate", "muc_scion_query_burst",
			"muc_scion_message_rate", "muc_scion_message_burst", "muc_scion_presence_rate", "muc_scion_nick_rate",
			"muc_scion_join_rate", "muc_scion_join_burst", "muc_scion_max_delay", "muc_scion_max_waiting",
			"muc_scion_max_waiting_bytes", "muc_scion_max_vcard_bytes", "max_history_messages",
			"muc_avatar_advertise_hashes",
		};
		local lenient = { "muc_scion_unlimited_jids", "muc_scion_room_metrics", "muc_vcard" };
		world:expect_fault("not understood, expecting");
		world:expect_fault("muc_avatar_advertise_hashes is");
		for _, wrong in ipairs({ "soon", true, -1, {}, { { "x" } } }) do
			local settings = {};
			for _, name in ipairs(names) do
				settings[name] = wrong;
			end
			for _, name in ipairs(lenient) do
				settings[name] = wrong;
			end
			local romeo, juliet, server = garden(world, settings);
			say(juliet, "still here");
			hear(romeo, "juliet", "still here");
			assert(info_of(romeo, ROOM)["vcard-temp"], "vCards are gone");
			if type(wrong) ~= "table" then
				assert(server:log():find("max_nick_bytes' not understood", 1, true), "not reported");
			end
			romeo:close();
			juliet:close();
			server:stop();
		end
	end),

	harness.test("rooms that are public, or stay, can be reserved for administrators", function (world)
		local server, users = start(world, { muc_room_allow_public = false, muc_room_allow_persistent = false },
			{ "romeo", "root" }, { admins = { "root@example.org" } });
		local kept = { ["muc#roomconfig_publicroom"] = "1", ["muc#roomconfig_persistentroom"] = "1" };
		for name, may in pairs({ romeo = false, root = true }) do
			local user, room = users[name], ("%s@%s"):format(name, SERVICE);
			join(user, name, room);
			local ask = ("<iq type='get' to='%s'><query xmlns='%s'/></iq>"):format(room, NS.owner);
			local form = xml.text(assert(user:request(ask)));
			for field in pairs(kept) do
				assert((form:find(field, 1, true) ~= nil) == may, name .. ": " .. form);
			end
			assert(configure(user, kept, room).attr.type == "result");
			local listed = disco(user, SERVICE, "items");
			assert((xml.text(listed):find(room, 1, true) ~= nil) == may, xml.text(listed));
		end
		assert(not server:log():find("traceback"));
	end),

	harness.test("new rooms take private messages as the operator says", function (world)
		local server, users = start(world, { muc_room_default_allow_pm = "moderator" }, { "romeo", "juliet", "nurse" });
		join(users.romeo, "romeo");
		join(users.juliet, "juliet");
		join(users.nurse, "nurse");
		users.juliet:send(("<message type='chat' to='%s/nurse'><body>psst</body></message>"):format(ROOM));
		expect_error(users.juliet, "auth", "forbidden");
		users.romeo:send(("<message type='chat' to='%s/nurse'><body>psst</body></message>"):format(ROOM));
		assert(users.nurse:expect(("<message type='chat' from='%s/romeo'><body>psst</body></message>"):format(ROOM)));
		assert(not server:log():find("not understood"));
	end),
});
