-- SPDX-License-Identifier: MIT
-- What rooms keep, in Prosody: ids, archive, moderation, erasure, and stock mod_muc_mam beside it. C1 and so on are the
-- items of the companion checklist that the tests cover.
local harness = require "e2e.harness";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local ROOM, SERVICE = "garden@rooms.a.example.org", "rooms.a.example.org";
local MAM, SID, USER = "urn:xmpp:mam:2", "urn:xmpp:sid:0", "http://jabber.org/protocol/muc#user";
local OCCUPANT_ID = "urn:xmpp:occupant-id:0";
local RETRACT, MODERATE = "urn:xmpp:message-retract:1", "urn:xmpp:message-moderate:1";

-- What the operator has chosen to keep things in; each test runs with each.
local STORAGES = {
	{ name = "files", options = { storage = "internal" } },
	{ name = "SQLite", options = { storage = "sql", sql = { driver = "SQLite3", database = "prosody.sqlite" } } },
};
local storage;

local function extended(options, more)
	for key, value in pairs(more or {}) do
		options[key] = value;
	end
	return options;
end

local function start(world, rooms)
	local options = extended({ restrict_room_creation = false }, rooms);
	local server = world:server({
		domain = "a.example.org",
		options = extended({ plugin_paths = { harness.ROOT .. "/lua/plugins" } }, storage.options),
		hosts = { { ("Component %q \"muc_scion\""):format(SERVICE), options } },
	});
	assert(server:start());
	return server;
end

local function configure(owner, fields)
	local values = {};
	for name, value in pairs(fields or {}) do
		values[#values + 1] = ("<field var='muc#roomconfig_%s'><value>%s</value></field>"):format(name, value);
	end
	local answer = assert(owner:request(("<iq type='set' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
		.. "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
		.. "<value>http://jabber.org/protocol/muc#roomconfig</value></field>%s</x></query></iq>")
		:format(ROOM, table.concat(values))));
	assert(answer.attr.type == "result", xml.text(answer));
end

local function is_subject(element)
	return element.name == "message" and xml.child(element, "subject") ~= nil and not xml.child(element, "body");
end

local function join(user, nick)
	user:send(("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(ROOM, nick));
	assert(user:expect(is_subject));
end

-- The server with a room, persistent and open: Romeo's, and Juliet is there.
local function garden(world, rooms, fields)
	local server = start(world, rooms);
	local romeo, juliet = world:user(server, "romeo"), world:user(server, "juliet");
	join(romeo, "romeo");
	fields = fields or {};
	fields.persistentroom = "1";
	configure(romeo, fields);
	join(juliet, "juliet");
	return server, romeo, juliet;
end

local function shown(element, name, xmlns)
	return element and xml.child(element, name, xmlns);
end

-- Sends a groupchat message; what `other` is sent of it, and its ids from the room.
local function say(from, other, content)
	from:send(("<message to='%s' type='groupchat' id='m-1'>%s<mark xmlns='urn:x:mark'/></message>"):format(ROOM, content));
	local seen = assert(other:expect(function (element) return shown(element, "mark", "urn:x:mark") ~= nil; end));
	local ids = {};
	for _, child in ipairs(seen) do
		if child.name == "stanza-id" and child.xmlns == SID and child.attr.by == ROOM then
			ids[#ids + 1] = child.attr.id;
		end
	end
	return seen, ids;
end

-- What the archive says: a list of { id, message }, and the answer.
local function ask(user, inside)
	user:forget();
	local answer = assert(user:request(("<iq type='set' to='%s'><query xmlns='%s'>%s</query></iq>")
		:format(ROOM, MAM, inside or "")));
	local list = {};
	for _, element in ipairs(user.stream.inbox) do
		local result = shown(element, "result", MAM);
		if result then
			local forwarded = xml.child(result, "forwarded", "urn:xmpp:forward:0");
			list[#list + 1] = { id = result.attr.id, message = xml.child(forwarded, "message") };
		end
	end
	return list, answer;
end

local function body(message)
	local element = xml.child(message, "body");
	return element and xml.content(element);
end

local function bodies(list)
	local texts = {};
	for _, entry in ipairs(list) do
		texts[#texts + 1] = body(entry.message) or "-";
	end
	return table.concat(texts, " ");
end

local function check(found, expected)
	assert(found == expected, ("expected %s, found %s"):format(tostring(expected), tostring(found)));
end

local function check_refused(answer, condition)
	local problem = answer.attr.type == "error" and xml.child(answer, "error");
	assert(shown(problem, condition, "urn:ietf:params:xml:ns:xmpp-stanzas"), xml.text(answer));
end

local function features(user, address)
	local answer, found = assert(user:request(
		("<iq type='get' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"):format(address))), {};
	for _, child in ipairs(xml.child(answer, "query", "http://jabber.org/protocol/disco#info")) do
		if child.name == "feature" then
			found[child.attr.var] = (found[child.attr.var] or 0) + 1;
		end
	end
	return found;
end

local function affiliate(owner, jid, affiliation)
	local answer = assert(owner:request(("<iq type='set' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
		.. "<item jid='%s' affiliation='%s'/></query></iq>"):format(ROOM, jid, affiliation)));
	assert(answer.attr.type == "result", xml.text(answer));
end

local function form(name, value)
	return ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>%s</value></field>"):format(MAM)
		.. ("<field var='%s'><value>%s</value></field></x>"):format(name, value);
end

local function set(inside)
	return ("<set xmlns='http://jabber.org/protocol/rsm'>%s</set>"):format(inside);
end

local function moderate(user, id)
	return assert(user:request(("<iq type='set' to='%s'><moderate xmlns='%s' id='%s'><retract xmlns='%s'/>"
		.. "<reason>rude</reason></moderate></iq>"):format(ROOM, MODERATE, id, RETRACT)));
end

local tests = {
	{ "C1 C2: the archive is for those who may enter", function (world)
		local server, romeo, juliet = garden(world, nil, { membersonly = "0" });
		local nurse, tybalt = world:user(server, "nurse"), world:user(server, "tybalt");
		say(juliet, romeo, "<body>one</body>");
		check(bodies((ask(nurse))), "one");
		affiliate(romeo, tybalt.jid, "outcast");
		check_refused(select(2, ask(tybalt)), "forbidden");
		configure(romeo, { membersonly = "1" });
		check_refused(select(2, ask(nurse)), "forbidden");
		affiliate(romeo, nurse.jid, "member");
		check(bodies((ask(nurse))), "one");
		configure(romeo, { enablearchiving = "0" });
		assert(romeo:expect(("<message from='%s' type='groupchat'><x xmlns='%s'><status code='171'/></x></message>")
			:format(ROOM, USER)));
		check_refused(select(2, ask(nurse)), "service-unavailable");
		assert(not features(nurse, ROOM)[MAM], "the feature is still shown");
	end },

	{ "C3 C6: real JIDs for those who may see them, occupant ids for all", function (world)
		local _, romeo, juliet = garden(world);
		say(juliet, romeo, "<body>one</body>");
		local function jid_for(user)
			local message = ask(user)[1].message;
			assert(xml.child(message, "occupant-id", OCCUPANT_ID), xml.text(message));
			local x = xml.child(message, "x", USER);
			return x and xml.child(x, "item").attr.jid;
		end
		check(jid_for(juliet), nil);
		check(jid_for(romeo), juliet.jid);
		configure(romeo, { whois = "anyone" });
		check(jid_for(juliet), juliet.jid);
	end },

	{ "C4 C5 C21: one id for each message, the archive's, and no forged one", function (world)
		local _, romeo, juliet = garden(world, nil, { changesubject = "1" });
		local known = {};
		for _, what in ipairs({ "<body>one</body>", "<body>two</body>", "<subject>three</subject>" }) do
			local seen, ids = say(juliet, romeo, what .. ("<stanza-id xmlns='%s' by='%s' id='forged'/>"):format(SID, ROOM));
			check(#ids, 1);
			assert(ids[1] ~= "forged" and not known[ids[1]], "an id that is not the room's, or not unique");
			check(seen.attr.id, "m-1");
			known[ids[1]] = true;
		end
		local list = ask(juliet);
		check(#list, 3);
		for _, entry in ipairs(list) do
			assert(known[entry.id], "unknown: " .. entry.id);
			check(entry.message.attr.id, "m-1");
			assert(not shown(entry.message, "stanza-id", SID));
		end
		local found = features(juliet, ROOM);
		for _, name in ipairs({ MAM, MAM .. "#extended", SID, RETRACT, MODERATE, "urn:xmpp:message-moderate:0",
			"http://jabber.org/protocol/muc#stable_id" }) do
			check(found[name], 1);
		end
		check(features(juliet, SERVICE)[MAM], 1);
	end },

	{ "C10 C11: moderators retract, and a tombstone remains", function (world)
		local server, romeo, juliet = garden(world);
		local _, ids = say(juliet, romeo, "<body>wherefore</body>");
		check_refused(moderate(juliet, ids[1]), "forbidden");
		check_refused(moderate(romeo, "nothing"), "item-not-found");
		check(moderate(romeo, ids[1]).attr.type, "result");
		local told = assert(juliet:expect(function (element) return shown(element, "retract", RETRACT) ~= nil; end));
		check(told.attr.from, ROOM);
		local retract = xml.child(told, "retract", RETRACT);
		check(retract.attr.id, ids[1]);
		check(xml.content(xml.child(retract, "reason", RETRACT)), "rude");
		local moderated = xml.child(retract, "moderated", MODERATE);
		check(moderated.attr.by, ROOM .. "/romeo");
		assert(xml.child(moderated, "occupant-id", OCCUPANT_ID) and xml.child(told, "apply-to", "urn:xmpp:fasten:0"));
		local list = ask(juliet);
		check(#list, 2);
		check(list[1].id, ids[1]);
		check(body(list[1].message), nil);
		assert(xml.child(list[1].message, "retracted", RETRACT), xml.text(list[1].message));
		local nurse = world:user(server, "nurse");
		join(nurse, "nurse");
		assert(nurse:expect(function (element) return shown(element, "retracted", RETRACT) ~= nil; end));
		assert(nurse:expect_nothing(0.2, function (element) return shown(element, "body") ~= nil; end));
	end },

	{ "C18 C19: what has no body is passed on, and kept as hints say", function (world)
		local _, romeo, juliet = garden(world);
		local rows = {
			{ "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>a</reaction></reactions>", true },
			{ "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", true },
			{ ("<retract xmlns='%s' id='x'/>"):format(RETRACT), true },
			{ "<invite xmlns='urn:xmpp:call-invites:0'/><store xmlns='urn:xmpp:hints'/>", true },
			{ "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false },
			{ "<body>off the record</body><no-store xmlns='urn:xmpp:hints'/>", false },
		};
		local kept = 0;
		for number, row in ipairs(rows) do
			local _, ids = say(juliet, romeo, row[1]);
			check(#ids, 1);
			kept = kept + (row[2] and 1 or 0);
			local list = ask(romeo);
			assert(#list == kept, ("row %d: %d messages"):format(number, #list));
			check((list[#list] or {}).id == ids[1], row[2]);
		end
		local _, passed = say(juliet, romeo, "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
		say(juliet, romeo, "<body>after</body>");
		check(bodies((ask(romeo, set(("<after>%s</after>"):format(passed[1]))))), "after");
		juliet:send(("<message to='%s/romeo' type='chat'><body>psst</body></message>"):format(ROOM));
		assert(romeo:expect("<message type='chat'><body>psst</body></message>", 5) or true);
		check(#ask(romeo), kept + 1);
	end },

	{ "pages, ids and times are asked for", function (world)
		local _, romeo, juliet = garden(world);
		local ids = {};
		for i = 1, 5 do
			local _, given = say(juliet, romeo, ("<body>%d</body>"):format(i));
			ids[i] = given[1];
		end
		check(bodies((ask(romeo, set("<max>2</max>")))), "1 2");
		check(bodies((ask(romeo, set("<max>2</max><before/>")))), "4 5");
		check(bodies((ask(romeo, set("<max>2</max><before/>") .. "<flip-page/>"))), "5 4");
		check(bodies((ask(romeo, set(("<max>2</max><after>%s</after>"):format(ids[2]))))), "3 4");
		check(bodies((ask(romeo, form("after-id", ids[3])))), "4 5");
		check(bodies((ask(romeo, form("ids", ids[2] .. "</value><value>" .. ids[4])))), "2 4");
		check(bodies((ask(romeo, form("start", "2001-01-01T00:00:00Z")))), "1 2 3 4 5");
		check(bodies((ask(romeo, form("end", "2001-01-01T00:00:00Z")))), "");
		check(bodies((ask(romeo, form("with", ROOM .. "/juliet")))), "1 2 3 4 5");
		check_refused(select(2, ask(romeo, form("ids", "nothing"))), "item-not-found");
		check_refused(select(2, ask(romeo, form("start", "soon"))), "bad-request");
		local answer = assert(romeo:request(("<iq type='get' to='%s'><metadata xmlns='%s'/></iq>"):format(ROOM, MAM)));
		local metadata = xml.child(answer, "metadata", MAM);
		check(xml.child(metadata, "start", MAM).attr.id, ids[1]);
		check(xml.child(metadata, "end", MAM).attr.id, ids[5]);
		answer = assert(romeo:request(("<iq type='get' to='%s'><query xmlns='%s'/></iq>"):format(ROOM, MAM)));
		assert(xml.text(answer):find("before-id", 1, true), xml.text(answer));
	end },

	{ "a restart leaves archive and history, the end of a room neither", function (world)
		local server, romeo, juliet = garden(world, nil, { changesubject = "1" });
		local _, ids = say(juliet, romeo, "<body>one</body>");
		say(juliet, romeo, "<subject>night</subject>");
		say(juliet, romeo, "<body>two</body>");
		romeo:close(5);
		juliet:close(5);
		server:stop();
		assert(server:start());
		juliet = world:user(server, "juliet");
		juliet:send(("<presence to='%s/juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(ROOM));
		for _, text in ipairs({ "one", "two" }) do
			local seen = assert(juliet:expect(function (element) return shown(element, "body") ~= nil; end));
			check(body(seen), text);
			assert(text ~= "one" or xml.child(seen, "stanza-id", SID).attr.id == ids[1], xml.text(seen));
			assert(xml.child(seen, "delay", "urn:xmpp:delay").attr.from == ROOM, xml.text(seen));
		end
		check(bodies((ask(juliet))), "one - two");
		romeo = world:user(server, "romeo");
		local answer = assert(romeo:request(("<iq type='set' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
			.. "<destroy/></query></iq>"):format(ROOM)));
		check(answer.attr.type, "result");
		local left = server:control("shell", "> local s = require'core.storagemanager'.open('" .. SERVICE
			.. "', 'muc_log', 'archive'); local n = 0; for _ in s:find('garden') do n = n + 1 end; return 'left: '..n");
		assert(left:find("left: 0", 1, true), left);
	end },

	{ "the operator erases, and makes old messages expire", function (world)
		local server, romeo, juliet = garden(world, { muc_scion_erase_deleted_users = true });
		say(juliet, romeo, "<body>hers</body>");
		say(romeo, juliet, "<body>his</body>");
		local output = server:shell(("rooms:erase(%q, %q)"):format(ROOM, juliet.jid));
		assert(output:find("1 messages erased", 1, true), output);
		local list = ask(romeo);
		check(bodies(list), "- his");
		assert(not xml.text(list[1].message):find("juliet", 1, true), xml.text(list[1].message));
		output = server:shell("rooms:erase('nowhere@rooms.a.example.org', 'x@a.example.org')");
		assert(output:find("there is no room", 1, true), output);
		output = server:shell("rooms:erase('garden@a.example.org', 'x@a.example.org')");
		assert(output:find("no rooms of mod_muc_scion", 1, true), output);
		output = server:shell(("rooms:expire(%q)"):format(SERVICE));
		assert(output:find("0 messages removed", 1, true), output);
		server:shell("> prosody.events.fire_event('user-deleted', { username = 'romeo', host = 'a.example.org' })");
		assert(server:wait_log("Erased 1 messages of romeo@a.example.org", 5));
		check(bodies((ask(juliet))), "- -");
	end },

	{ "an archive that is full loses its oldest tenth", function (world)
		local _, romeo, juliet = garden(world, { storage_archive_item_limit = 20 });
		for i = 1, 21 do
			say(juliet, romeo, ("<body>%d</body>"):format(i));
		end
		check(bodies((ask(juliet))), "3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21");
		say(juliet, romeo, "<body>22</body>");
		check(bodies((ask(juliet))), "3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22");
	end },

	{ "stock mod_muc_mam takes over, reads what we have kept, and gives it back", function (world)
		local server, romeo, juliet = garden(world);
		say(juliet, romeo, "<body>one</body>");
		local output = server:shell(("module:load('muc_mam', %q)"):format(SERVICE));
		assert(server:wait_log("mod_muc_mam is loaded", 5), output);
		local _, ids = say(juliet, romeo, "<body>two</body>");
		check(#ids, 1);
		local list = ask(juliet);
		check(bodies(list), "one two");
		check(list[2].id, ids[1]);
		assert(not shown(list[1].message, "x", USER), "a real JID is shown");
		_, ids = say(juliet, romeo, "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
		check(#ids, 0);
		local found = features(juliet, ROOM);
		check(found[MAM], 1);
		check(found[SID], 1);
		server:shell(("module:unload('muc_mam', %q)"):format(SERVICE));
		_, ids = say(juliet, romeo, "<body>three</body>");
		check(#ids, 1);
		check(bodies((ask(juliet))), "one two three");
		check(features(juliet, ROOM)[MAM], 1);
		check(features(juliet, SERVICE)[MAM], 1);
		romeo:close(5);
		juliet:close(5);
		server:stop();
		server.hosts[1][2].modules_enabled = { "muc_mam" };
		assert(server:start());
		romeo, juliet = world:user(server, "romeo"), world:user(server, "juliet");
		join(romeo, "romeo");
		join(juliet, "juliet");
		romeo:forget();
		_, ids = say(juliet, romeo, "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
		check(#ids, 0);
		check(bodies((ask(juliet))), "one two three");
	end },
};

local points = {};
for _, chosen in ipairs(STORAGES) do
	for _, test in ipairs(tests) do
		points[#points + 1] = harness.test(("%s: %s"):format(chosen.name, test[1]), function (world)
			storage = chosen;
			test[2](world);
		end);
	end
end
tap.run(points);
