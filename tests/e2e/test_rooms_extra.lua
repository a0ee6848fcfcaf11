-- SPDX-License-Identifier: MIT
-- What rooms do beyond XEP-0045 (items C8 to C21): hats, avatars, slow mode, activity, versions of affiliations,
-- self-pings, pages, metrics and the shell.
local garden_of = require "e2e.rooms.garden";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local SERVICE, ROOM, NS = garden_of.SERVICE, garden_of.ROOM, garden_of.NS;
local start, join, garden, say = garden_of.start, garden_of.join, garden_of.open, garden_of.say;
local hear, error_of, assert_error = garden_of.hear, garden_of.error_of, garden_of.assert_error;
local configure = garden_of.configure;
local expect_error, disco, info_of = garden_of.expect_error, garden_of.disco, garden_of.info_of;

-- The answer of a hat command with its form submitted.
local function hat_command(user, name, fields)
	local form = "";
	for key, value in pairs(fields or {}) do
		form = form .. ("<field var='hats#%s'><value>%s</value></field>"):format(key, value);
	end
	return assert(user:request(("<iq type='set' to='%s'><command xmlns='http://jabber.org/protocol/commands' "
		.. "node='urn:xmpp:hats:commands:%s'><x xmlns='%s' type='submit'>%s</x></command></iq>")
		:format(ROOM, name, NS.data, form)));
end

tap.run({
	harness.test("C13: hats of clients are taken out", function (world)
		local romeo, juliet = garden(world);
		juliet:send(("<presence to='%s/juliet'><status>here</status><hats xmlns='urn:xmpp:hats:0'>"
			.. "<hat uri='urn:example:king' title='King'/></hats></presence>"):format(ROOM));
		local seen = assert(romeo:expect(("<presence from='%s/juliet'><status>here</status></presence>"):format(ROOM)));
		assert(not xml.child(seen, "hats", "urn:xmpp:hats:0"), xml.text(seen));
	end),

	harness.test("C14: hats are made, given, seen, listed, taken and removed", function (world)
		local romeo, juliet, server = garden(world);
		local hat = { uri = "https://example.org/hats#host", title = "Host", hue = "327.25" };
		local worn = ("<presence from='%s/juliet'><hats xmlns='urn:xmpp:hats:0'><hat uri='%s' title='Host' hue='327.25'/>"
			.. "</hats></presence>"):format(ROOM, hat.uri);
		assert(hat_command(romeo, "create", hat).attr.type == "result");
		local features, values = info_of(romeo, ROOM);
		assert(features["urn:xmpp:hats:0"] and values["hats#hash"], "not announced");
		assert(juliet:expect("<message type='groupchat'><x xmlns='" .. NS.user .. "'><status code='104'/></x></message>"));
		assert(info_of(romeo, ROOM)["urn:xmpp:hats:0"] and select(2, info_of(romeo, ROOM))["hats#hash"]);
		local given = hat_command(romeo, "assign", { uri = hat.uri, jid = "juliet@example.org" });
		assert(given.attr.type == "result", xml.text(given));
		assert(romeo:expect(worn));
		assert(juliet:expect(worn));
		local nurse = world:user(server, "nurse");
		join(nurse, "nurse");
		assert(nurse:expect(worn));
		assert(xml.text(hat_command(nurse, "list")):find(hat.uri, 1, true));
		assert(hat_command(romeo, "destroy", { uri = hat.uri }).attr.type == "result");
		local seen = assert(nurse:expect(("<presence from='%s/juliet'/>"):format(ROOM)));
		assert(not xml.child(seen, "hats", "urn:xmpp:hats:0"), xml.text(seen));
		assert_error(hat_command(romeo, "assign", { uri = hat.uri, jid = "juliet@example.org" }), "cancel", "item-not-found");
	end),

	harness.test("C12: the avatar of a room", function (world)
		local romeo, juliet, server = garden(world, nil, { c2s_stanza_size_limit = 300000 });
		local function request(user, kind, inside)
			return assert(user:request(("<iq type='%s' to='%s'><vCard xmlns='vcard-temp'>%s</vCard></iq>")
				:format(kind, ROOM, inside or "")));
		end
		local photo = "<PHOTO><TYPE>image/png</TYPE><BINVAL>QUJD</BINVAL></PHOTO>";
		local hash = "3c01bdbb26f358bab27f267924aa2c9a03fcfdb8"; -- SHA-1 of "ABC"
		local update = "<presence from='%s'><x xmlns='vcard-temp:x:update'><photo>%s</photo></x></presence>";
		local changed = "<message type='groupchat'><x xmlns='" .. NS.user .. "'><status code='104'/></x></message>";
		assert_error(request(juliet, "get"), "cancel", "item-not-found");
		assert_error(request(juliet, "set", photo), "auth", "forbidden");
		assert(request(romeo, "set", photo).attr.type == "result");
		assert(juliet:expect(update:format(ROOM, hash)));
		assert(juliet:expect(changed));
		local features, values = info_of(juliet, ROOM);
		assert(features["vcard-temp"] and values["muc#roominfo_avatarhash"] == hash, "not in disco");
		local nurse = world:user(server, "nurse");
		assert(xml.text(request(nurse, "get")):find("QUJD", 1, true));
		join(nurse, "nurse");
		assert(nurse:expect(update:format(ROOM, hash)));
		local big = ("<PHOTO><BINVAL>%s</BINVAL></PHOTO>"):format(("QUJD"):rep(35000));
		assert_error(request(romeo, "set", big), "modify", "policy-violation", "at most 131072 bytes");
		assert_error(request(romeo, "set", "<PHOTO><BINVAL>!</BINVAL></PHOTO>"), "modify", "bad-request");
		assert(request(romeo, "set").attr.type == "result");
		assert(juliet:expect(update:format(ROOM, "")));
		assert(not select(2, info_of(juliet, ROOM))["muc#roominfo_avatarhash"], "the digest is still there");
	end),

	harness.test("C12: a stock add-on for vCards that is loaded serves them", function (world)
		local romeo = garden(world, { modules_enabled = { "vcard" } });
		local answer = assert(romeo:request("<iq type='get' to='" .. ROOM .. "'><vCard xmlns='vcard-temp'/></iq>"));
		assert(select(3, error_of(answer)) == nil, "this is our own text: " .. xml.text(answer));
	end),

	harness.test("C15: slow mode", function (world)
		local romeo, juliet, server = garden(world);
		local field = "muc#roomconfig_slow_mode_duration";
		assert_error(configure(romeo, { [field] = "soon" }), "modify", "bad-request", "slow_mode_duration");
		assert(configure(romeo, { [field] = "2" }).attr.type == "result");
		assert(select(2, info_of(juliet, ROOM))["muc#roominfo_slow_mode_duration"] == "2", "not in disco");
		local phone = world:user(server, "juliet");
		join(phone, "juliet");
		say(juliet, "one");
		hear(romeo, "juliet", "one");
		say(phone, "two");
		expect_error(phone, "wait", "policy-violation", "2 seconds lie between");
		say(romeo, "three");
		say(romeo, "four");
		hear(juliet, "romeo", "four");
		assert(romeo:expect_nothing(2, "<message type='groupchat'><body>two</body></message>"));
		say(phone, "five");
		hear(romeo, "juliet", "five");
	end),

	harness.test("C16: the activity of rooms that are public and stay, bodyless messages aside", function (world)
		local romeo, juliet = garden(world);
		local name = "{urn:xmpp:muc-activity}message-activity";
		local function activity()
			return select(2, info_of(juliet, ROOM))[name];
		end
		say(juliet, "one");
		juliet:send(("<message type='groupchat' to='%s'><active xmlns='http://jabber.org/protocol/chatstates'/></message>")
			:format(ROOM));
		hear(romeo, "juliet", "one");
		assert(not activity(), "told of a hidden room");
		configure(romeo, { ["muc#roomconfig_publicroom"] = "1", ["muc#roomconfig_persistentroom"] = "1" });
		assert(activity() == "1.00", activity());
		configure(romeo, { ["muc#roomconfig_passwordprotectedroom"] = "1", ["muc#roomconfig_roomsecret"] = "x" });
		assert(not activity(), "told of a room with a password");
	end),

	harness.test("C17: versions of affiliations", function (world)
		local romeo, _, server = garden(world);
		local MAV = "urn:xmpp:muc:affiliations:1";
		local phone = world:user(server, "romeo");
		-- The first stanza that a join brings, and the version in the presence with 110.
		local function enter(since)
			phone:forget();
			phone:send(("<presence to='%s/romeo'><x xmlns='%s'><mav xmlns='%s' %s/></x></presence>")
				:format(ROOM, NS.muc, MAV, since and ("since='%s'"):format(since) or ""));
			local first = assert(phone:expect(function (element) return element.attr.from:find(ROOM, 1, true) == 1; end));
			local own = first;
			local function version()
				local x = xml.child(own, "x", NS.user);
				return x and own.name == "presence" and xml.child(x, "mav", MAV);
			end
			while not version() do
				own = assert(phone:expect(function (element) return element.name == "presence"; end));
			end
			return first, version().attr["until"];
		end
		local function affiliate(jid, affiliation)
			assert(romeo:request(("<iq type='set' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
				.. "<item jid='%s' affiliation='%s'/></query></iq>"):format(ROOM, jid, affiliation)).attr.type == "result");
		end
		assert(info_of(romeo, ROOM)[MAV], "not announced");
		local first, version = enter();
		assert(first.name == "message" and xml.text(first):find("romeo@example.org", 1, true), xml.text(first));
		assert(enter(version).name == "presence", "a difference without one");
		affiliate("nurse@example.org", "member");
		assert(romeo:expect(function (element)
			local x = element.name == "message" and xml.child(element, "x", NS.user);
			return x and xml.child(x, "mav", MAV) and xml.child(x, "mav", MAV).attr.since == version;
		end));
		local changed = enter(version);
		local text = xml.text(changed);
		assert(text:find("jid='nurse@example.org'", 1, true) and not text:find("jid='romeo@", 1, true), text);
		text = xml.text((enter("unknown")));
		assert(text:find("jid='romeo@example.org'", 1, true) and not text:find("since", 1, true), text);
	end),

	harness.test("C8, C9: self-pings of each session, pings between occupants", function (world)
		local romeo, juliet, server = garden(world);
		local ping = "<iq type='get' to='" .. ROOM .. "/%s'><ping xmlns='urn:xmpp:ping'/></iq>";
		assert(juliet:request(ping:format("juliet")).attr.type == "result");
		local phone = world:user(server, "juliet");
		assert_error(phone:request(ping:format("juliet")), "cancel", "not-acceptable");
		join(phone, "juliet");
		assert(phone:request(ping:format("juliet")).attr.type == "result");
		juliet:send(("<presence type='unavailable' to='%s/juliet'/>"):format(ROOM));
		assert(juliet:expect(function (element) return element.attr.type == "unavailable"; end));
		assert_error(juliet:request(ping:format("juliet")), "cancel", "not-acceptable");
		assert(phone:request(ping:format("juliet")).attr.type == "result");
		assert_error(phone:request(ping:format("nobody")), "cancel", "item-not-found");
		phone:send(("<iq type='get' id='p1' to='%s/romeo'><ping xmlns='urn:xmpp:ping'/></iq>"):format(ROOM));
		local asked = assert(romeo:expect(
			("<iq type='get' from='%s/juliet'><ping xmlns='urn:xmpp:ping'/></iq>"):format(ROOM)));
		romeo:send(("<iq type='result' id='%s' to='%s/juliet'/>"):format(asked.attr.id, ROOM));
		assert(phone:expect(("<iq type='result' id='p1' from='%s/romeo'/>"):format(ROOM)));
	end),

	harness.test("3, 4, C20: the list of rooms, whole and in pages", function (world)
		local _, users = start(world, { muc_room_default_public = true }, { "romeo" });
		for i = 1, 5 do
			join(users.romeo, "romeo", ("r%d@%s"):format(i, SERVICE));
		end
		local function list(inside)
			return xml.child(disco(users.romeo, SERVICE, "items", inside), "query", NS.items);
		end
		local function jids(query)
			local found = {};
			for _, item in ipairs(query) do
				if type(item) == "table" and item.name == "item" then
					found[#found + 1] = item.attr.jid:match("^r(%d)@");
				end
			end
			return table.concat(found);
		end
		local all = list();
		assert(jids(all) == "12345" and not xml.child(all, "set"), xml.text(all));
		local page = "<set xmlns='http://jabber.org/protocol/rsm'>%s</set>";
		local second = list(page:format("<max>2</max><after>r2@rooms.example.org</after>"));
		local set = xml.child(second, "set", "http://jabber.org/protocol/rsm");
		assert(jids(second) == "34" and xml.child(set, "first").attr.index == "2"
			and xml.content(xml.child(set, "count")) == "5", xml.text(second));
		assert(jids(list(page:format("<max>2</max><before/>"))) == "45");
		assert_error(disco(users.romeo, SERVICE, "items", page:format("<max>2</max><after>gone</after>")),
			"cancel", "item-not-found");
	end),

	harness.test("C21: stable ids are announced everywhere, unique names by the stock module", function (world)
		local romeo = garden(world, { modules_enabled = { "muc_unique" } });
		local stable, unique = "http://jabber.org/protocol/muc#stable_id", "http://jabber.org/protocol/muc#unique";
		local service = info_of(romeo, SERVICE);
		assert(service[stable] and service[unique] and info_of(romeo, ROOM)[stable], "not announced");
		local answer = assert(romeo:request(("<iq type='get' to='%s'><unique xmlns='%s'/></iq>"):format(SERVICE, unique)));
		assert(#xml.content(xml.child(answer, "unique", unique)) > 5, xml.text(answer));
	end),

	harness.test("metrics of rooms", function (world)
		local romeo, juliet, server = garden(world, {
			muc_scion_message_rate = 1, muc_scion_message_burst = 1, muc_scion_max_delay = 1,
			muc_scion_room_metrics = { ROOM },
		}, { statistics = "internal", statistics_interval = 1 });
		for i = 1, 3 do
			say(juliet, tostring(i));
		end
		expect_error(juliet, "wait", "policy-violation");
		hear(romeo, "juliet", "2");
		local shown = loop.wait(function ()
			local text = server:shell("stats:show('muc_scion')");
			return text:find("room_occupants", 1, true) and text;
		end, 5) or "no statistics";
		for _, line in ipairs({
			"muc_scion/deliveries", "kind=presence ", "kind=message ", "occupants\n +host=rooms.example.org +2 ",
			"kind=message outcome=delayed", "kind=message outcome=refused", "condition=policy%-violation",
			"room=garden@rooms.example.org +2 ", "state=all +1 ", "state=live +1 ", "sessions\n +host=rooms.example.org +2 ",
		}) do
			assert(shown:find(line), line .. " is not in:\n" .. shown);
		end
	end),

	harness.test("the stock shell commands for rooms", function (world)
		local _, juliet, server = garden(world);
		local function shell(command, expected)
			local output = server:shell(command);
			assert(output:find(expected), ("%s: %s expected, but %s"):format(command, expected, output));
		end
		local function in_garden(call, expected)
			shell(("muc:room('%s'):%s"):format(ROOM, call), expected);
		end
		local function sees_itself(text)
			assert(juliet:expect(function (element)
				return element.attr.from == ROOM .. "/juliet" and xml.text(element):find(text, 1, true);
			end));
		end
		shell("muc:list('rooms.example.org')", "garden@rooms.example.org\nOK: 1 rooms");
		shell("muc:create('made@rooms.example.org', { name = 'Made' })", "Result: room made@rooms.example.org");
		shell("muc:create('made@rooms.example.org')", "Error: Room exists already");
		shell("muc:room('made@rooms.example.org'):get_name()", "Result: Made");
		shell("muc:room('none@rooms.example.org')", "Error: No such room");
		in_garden("set_affiliation(true, 'nurse@example.org', 'admin')", "Result: true");
		in_garden("get_affiliation('nurse@example.org')", "Result: admin");
		in_garden(("set_role(true, '%s/juliet', 'visitor')"):format(ROOM), "Result: true");
		sees_itself("role='visitor'");
		in_garden("set_persistent(true)", "Result: true");
		in_garden("save()", "Result: nil");
		local stored = process.read_file(server.folder .. "/data/rooms%2eexample%2eorg/config/garden.dat");
		assert(stored and stored:find("persistent", 1, true), "the room was not stored");
		in_garden("destroy()", "Result: true");
		sees_itself("<destroy");
		in_garden("get_persistent()", "Result: true"); -- what is left of it says that it is gone
		shell("muc:room('made@rooms.example.org'):destroy()", "Result: true");
		shell("muc:room('made@rooms.example.org')", "Error: No such room");
	end),

	harness.test("210: hats, avatar, slow mode, activity and versions survive a restart", function (world)
		local romeo, _, server = garden(world);
		local hat = { uri = "https://example.org/hats#host", title = "Host" };
		assert(configure(romeo, {
			["muc#roomconfig_persistentroom"] = "1", ["muc#roomconfig_publicroom"] = "1",
			["muc#roomconfig_slow_mode_duration"] = "20",
		}).attr.type == "result");
		say(romeo, "one");
		hear(romeo, "romeo", "one");
		assert(hat_command(romeo, "create", hat).attr.type == "result");
		assert(hat_command(romeo, "assign", { uri = hat.uri, jid = "romeo@example.org" }).attr.type == "result");
		assert(romeo:request(("<iq type='set' to='%s'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>QUJD</BINVAL></PHOTO></vCard>"
			.. "</iq>"):format(ROOM)).attr.type == "result");
		local _, before = info_of(romeo, ROOM);
		assert(server:stop() == 0);
		assert(server:start());
		romeo = world:user(server, "romeo");
		local _, after = info_of(romeo, ROOM);
		for _, name in ipairs({
			"muc#roominfo_avatarhash", "muc#roominfo_slow_mode_duration", "hats#hash",
			"{urn:xmpp:muc-activity}message-activity",
		}) do
			assert(after[name] and after[name] == before[name], ("%s: %s, was %s"):format(name, after[name], before[name]));
		end
		romeo:send(("<presence to='%s/romeo'><x xmlns='%s'><mav xmlns='urn:xmpp:muc:affiliations:1'/></x></presence>")
			:format(ROOM, NS.muc));
		assert(romeo:expect(function (element)
			return element.name == "presence" and xml.text(element):find(hat.uri, 1, true)
				and xml.text(element):find("urn:xmpp:muc:affiliations:1", 1, true);
		end));
	end),
});
