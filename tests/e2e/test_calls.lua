-- SPDX-License-Identifier: MIT
-- Group calls in a room, on one server: G2 to G22 of the list of calls. Those between servers are in
-- test_calls_scion.lua.
local call = require "e2e.call";
local client = require "e2e.client";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local DOMAIN, ROOMS = "one.example.org", "rooms.one.example.org";
local NS = call.NS;
local NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";
local JINGLE_IQ = "<iq type='set'><jingle xmlns='urn:xmpp:jingle:1' scansion:strict='false' %s/></iq>";
local OPEN = { ["muc#roomconfig_whois"] = "anyone", ["muc#roomconfig_persistentroom"] = "0" };
local VEILED = { ["muc#roomconfig_whois"] = "moderators" };

local world, server;

local function start()
	world = harness.new(harness.BUILD .. "/e2e/calls");
	server = world:server({ domain = DOMAIN, options = {
		plugin_paths = { harness.ROOT .. "/lua/plugins" }, c2s_stanza_size_limit = 1048576,
		modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "admin_shell" },
	}, hosts = { { ("Component %q %q"):format(ROOMS, "muc_scion") } } });
	assert(server:start());
end

local rooms = 0;

-- People of these names, logged in, and a fresh room for them, in which they are not.
local function gather(...)
	rooms = rooms + 1;
	local people = {};
	for i, name in ipairs({ ... }) do
		local user = world:user(server, name, { jid = ("%s@%s/real%d"):format(name, DOMAIN, rooms) });
		people[i] = call.person(user, name, ("call%d@%s"):format(rooms, ROOMS));
	end
	return table.unpack(people);
end

-- The same, in the call; the first of them has made and configured the room.
local function meet(fields, ...)
	local people = { gather(...) };
	for i, one in ipairs(people) do
		if i == 1 then
			one:create();
			one:unlock(fields);
		else
			one:enter();
		end
	end
	call.wait_until_met(people);
	return table.unpack(people);
end

local function child_of(element, name, xmlns)
	return assert(xml.child(element, name, xmlns), xml.text(element));
end

local function condition_of(element)
	local err = child_of(element, "error");
	for _, child in ipairs(err) do
		if child.name ~= "text" then
			return child.name;
		end
	end
end

local function is_presence_of(one, nick, fits)
	return function (element)
		return element.name == "presence" and element.attr.from == one.room .. "/" .. nick and (not fits or fits(element));
	end;
end

-- A ping to its own nick, answered, shows that all that was sent before has arrived.
local function sync(...)
	for _, one in ipairs({ ... }) do
		one:request("get", one.room .. "/" .. one.nick, "<ping xmlns='urn:xmpp:ping'/>");
	end
end

-- What somebody has seen others show since its own arrival: a list of "nick state".
local function events_of(one)
	local list, is_in = {}, false;
	for _, element in ipairs(one.record) do
		if element.name == "presence" and element.attr.type == nil then
			is_in = is_in or call.codes(element)["110"];
			local muji = xml.child(element, "muji", NS.MUJI);
			local state = not muji and "out" or xml.child(muji, "preparing") and "preparing" or "contents";
			list[#list + 1] = is_in and element.attr.from .. " " .. state or nil;
		end
	end
	return list;
end

-- What both have seen, they have seen in the same order.
local function assert_same_order(one, other)
	local places = {};
	for i, event in ipairs(events_of(other)) do
		places[event] = places[event] or i;
	end
	local last, seen = 0, {};
	for _, event in ipairs(events_of(one)) do
		if places[event] and not seen[event] then
			assert(places[event] > last, ("%s and %s saw %s at different places"):format(one.nick, other.nick, event));
			last, seen[event] = places[event], true;
		end
	end
end

-- No name of an account of these others in anything that somebody has received.
local function assert_veiled(one, others)
	for _, other in ipairs(others) do
		for _, element in ipairs(one.record) do
			local text = xml.text(element);
			assert(other == one or not text:lower():find(other.user.username .. "@", 1, true),
				("%s was told who %s is: %s"):format(one.nick, other.nick, text));
		end
	end
end

local tests = {};
local function test(name, body)
	tests[#tests + 1] = { name, body };
end

test("the server starts", start);

test("G2 a room for a call is locked until its owner has configured it", function ()
	local romeo, juliet = gather("romeo", "juliet");
	romeo:create();
	juliet:show(("<x xmlns='%s'/>"):format(NS.MUC));
	local refused = juliet:expect("<presence type='error'/>");
	assert(condition_of(refused) == "item-not-found", xml.text(refused));
	romeo:unlock(OPEN);
	juliet:enter();
	call.wait_until_met({ romeo, juliet });
end);

test("G3 G4 three meet: preparing, then contents, three sessions, begun by who came later", function ()
	local romeo, juliet, nurse = meet(OPEN, "romeo", "juliet", "nurse");
	for _, one in ipairs({ romeo, juliet }) do
		local _, preparing = one:expect(is_presence_of(one, "nurse"));
		local _, contents = one:expect(is_presence_of(one, "nurse"));
		assert(preparing < contents);
		assert(child_of(one.record[preparing], "muji", NS.MUJI)[1].name == "preparing");
		assert(child_of(one.record[contents], "muji", NS.MUJI)[1].name == "content");
	end
	assert_same_order(romeo, juliet);
	assert_same_order(juliet, nurse);
end);

test("G5 what a call carries arrives as it was sent", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	juliet.is_silent = true;
	local payload = "<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='s' xml:lang='it' xmlns:x='urn:x:1'"
		.. " x:a=' b &amp; &quot;c&apos; '><muji xmlns='urn:xmpp:jingle:muji:0' room='" .. romeo.room .. "'/>"
		.. "<z xmlns='urn:x:2'/> text &lt;&#10;\ttext  <a xmlns='urn:x:3'><b xmlns='jabber:client'>&#233;</b><c/></a>"
		.. "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256'><![CDATA[<A&B>]]></fingerprint>"
		.. call.jingle("session-initiate", "inner", { "audio", "video" }) .. "<a/><z/></jingle>";
	romeo.user:send(("<iq type='set' id='g5' xml:lang='fr' to='%s/juliet'>%s</iq>"):format(romeo.room, payload));
	local got = juliet:expect(function (element) return element.name == "iq" and xml.child(element, "jingle", NS.JINGLE)
		and xml.text(element):find("urn:x:2", 1, true); end);
	local wanted = xml.text(assert(xml.parse(payload)));
	assert(xml.text(child_of(got, "jingle")) == wanted, xml.text(got) .. "\nis not\n" .. wanted);
	assert(got.attr["http://www.w3.org/XML/1998/namespace\1lang"] == "fr");
	local muji = "<muji xmlns='urn:xmpp:jingle:muji:0' k=' &lt; '><content xmlns='urn:xmpp:jingle:1' name='a'> x <y/>"
		.. "</content><z xmlns='urn:x:4' l='&amp;amp;'/></muji>";
	romeo:show("<before xmlns='urn:x:5'/>" .. muji .. "<status>&#10;</status>");
	local presence = juliet:expect(is_presence_of(juliet, "romeo", function (element)
		return xml.child(element, "before", "urn:x:5");
	end));
	assert(xml.text(child_of(presence, "muji")) == xml.text(assert(xml.parse(muji))), xml.text(presence));
	assert(presence[1].name == "before" and presence[2].name == "muji" and presence[3].name == "status");
end);

test("G6 in a semi-anonymous room a call tells nobody who is who", function ()
	local romeo, juliet, nurse = meet(VEILED, "romeo", "juliet", "nurse");
	nurse.is_silent = true;
	local answer = loop.spawn(function ()
		local asked = nurse:expect(JINGLE_IQ:format("sid='g6'"));
		nurse.user:send(("<iq type='error' id='%s' to='%s'>%s<error type='cancel' by='%s'><gone xmlns='%s'>xmpp:%s</gone>"
			.. "<text xmlns='%s'>%s is not well</text></error></iq>"):format(asked.attr.id, asked.attr.from,
			xml.text(child_of(asked, "jingle")), nurse.user.full_jid, NS_STANZAS, nurse.user.jid, NS_STANZAS, nurse.user.jid));
	end);
	local back = juliet:tell("nurse", call.jingle("session-info", "g6", { "audio" },
		("initiator='%s' responder='%s'"):format(juliet.user.full_jid, nurse.user.full_jid)), "error");
	loop.join({ answer }, 5);
	assert(condition_of(back) == "gone", xml.text(back));
	nurse:show("");
	nurse.user:kill();
	juliet:wait("nurse is still there", function () return not juliet.peers.nurse; end);
	juliet:tell("nurse", call.jingle("session-info", "g6", { "audio" }), "error");
	assert_veiled(juliet, { romeo, nurse });
	assert_veiled(nurse, { romeo, juliet });
	assert(romeo:received():find("juliet@", 1, true), "a moderator does see");
end);

test("G7 who comes late sees the contents that are there", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	local first = juliet:expect(is_presence_of(juliet, "romeo"));
	local muji = child_of(first, "muji", NS.MUJI);
	assert(xml.text(muji) == xml.text(assert(xml.parse(call.contents(romeo.media)))), xml.text(first));
	local item = child_of(child_of(first, "x", NS.USER), "item");
	assert(item.attr.jid == romeo.user.full_jid);
end);

test("G8 who leaves is seen to leave the call, its sessions and the room, in this order", function ()
	local romeo, juliet, nurse = meet(OPEN, "romeo", "juliet", "nurse");
	nurse:leave();
	for _, one in ipairs({ romeo, juliet }) do
		local _, out = one:expect(is_presence_of(one, "nurse", function (element)
			return not element.attr.type and not xml.child(element, "muji", NS.MUJI);
		end));
		local _, ended = one:expect(JINGLE_IQ:format("action='session-terminate'"));
		local _, gone = one:expect(is_presence_of(one, "nurse", function (e) return e.attr.type == "unavailable"; end));
		assert(out < ended and ended < gone, ("%d %d %d"):format(out, ended, gone));
	end
	call.wait_until_met({ romeo, juliet });
end);

test("G9 who is kicked is seen to go with 307 and reaches nobody any more", function ()
	local romeo, juliet, nurse = meet(OPEN, "romeo", "juliet", "nurse");
	local answer = romeo:request("set", romeo.room,
		"<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='nurse' role='none'/></query>");
	assert(answer.attr.type == "result", xml.text(answer));
	for _, one in ipairs({ romeo, juliet, nurse }) do
		local gone = one:expect(is_presence_of(one, "nurse", function (e) return e.attr.type == "unavailable"; end));
		assert(call.codes(gone)["307"], xml.text(gone));
	end
	local count = #juliet.record;
	local refused = nurse:tell("juliet", call.jingle("session-info", "late", { "audio" }), "error");
	assert(condition_of(refused) == "not-acceptable", xml.text(refused));
	refused = juliet:tell("nurse", call.jingle("session-info", "late", { "audio" }), "error");
	assert(condition_of(refused) == "item-not-found", xml.text(refused));
	for i = count + 1, #juliet.record do
		local element = juliet.record[i];
		assert(element.attr.type or element.attr.from ~= juliet.room .. "/nurse", xml.text(element));
		assert(not xml.child(element, "jingle"), xml.text(element));
	end
	call.wait_until_met({ romeo, juliet });
end);

test("G11 200 KiB pass, 300 KiB are an error, and no stream ends", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	local function blob(kib)
		return call.jingle("session-info", "big", { "audio" }, "", ("<x xmlns='urn:x'>%s</x>"):format(("y"):rep(kib * 1024)));
	end
	romeo:tell("juliet", blob(200));
	assert(condition_of(romeo:tell("juliet", blob(300), "error")) == "policy-violation");
	romeo:tell("juliet", blob(1));
	assert(not romeo.user.stream.ended and not juliet.user.stream.ended);
end);

test("G12 of two sessions with one nick the one in the call is called", function ()
	local romeo, desk = gather("romeo", "juliet");
	local user = world:user(server, "juliet", { jid = ("juliet@%s/phone%d"):format(DOMAIN, rooms) });
	local phone = call.person(user, "juliet", romeo.room);
	romeo:create();
	romeo:unlock(OPEN);
	desk:show(("<x xmlns='%s'/>"):format(NS.MUC));
	desk:expect(is_presence_of(desk, "juliet"));
	phone:enter();
	call.wait_until_met({ romeo, phone });
	assert(romeo.peers.juliet == "audio+video", "nobody sees the phone in the call");
	romeo:tell("juliet", call.jingle("session-initiate", "other", { "audio" }));
	sync(desk, phone);
	for _, element in ipairs(desk.record) do
		assert(not xml.child(element, "jingle", NS.JINGLE), xml.text(element));
	end
	phone:show("");
	desk:show(call.contents({ "audio" }));
	romeo:wait("the desk is not seen in the call", function () return romeo.peers.juliet == "audio"; end);
	romeo:tell("juliet", call.jingle("session-initiate", "desk", { "audio" }));
	desk:expect(JINGLE_IQ:format("sid='desk'"));
	romeo:tell("juliet", call.jingle("session-info", "other", { "audio" }));
	phone:expect(JINGLE_IQ:format("sid='other' action='session-info'"));
end);

test("G13 an invitation to a call has the id by which it can be answered", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	romeo.user:send(("<message type='groupchat' to='%s' id='own'><invite xmlns='urn:xmpp:call-invites:0' video='true'>"
		.. "<muji xmlns='%s' room='call@elsewhere.example'/></invite><store xmlns='urn:xmpp:hints'/></message>")
		:format(romeo.room, NS.MUJI));
	local got = juliet:expect(function (element)
		return element.name == "message" and xml.child(element, "invite", "urn:xmpp:call-invites:0");
	end);
	assert(child_of(child_of(got, "invite"), "muji").attr.room == "call@elsewhere.example");
	local id = xml.child(got, "stanza-id", "urn:xmpp:sid:0");
	assert(id and id.attr.by == romeo.room and id.attr.id ~= "", xml.text(got));
end);

test("G16 after the room has become open all are shown again, with who they are", function ()
	local romeo, juliet, nurse = meet(VEILED, "romeo", "juliet", "nurse");
	local count = #juliet.record;
	assert_veiled(juliet, { romeo, nurse });
	romeo:unlock(OPEN);
	local _, told = juliet:expect(function (element)
		return element.name == "message" and call.codes(element)["172"];
	end);
	for _, other in ipairs({ romeo, nurse }) do
		local presence, place = juliet:expect(is_presence_of(juliet, other.nick, function (element)
			return xml.child(xml.child(element, "x", NS.USER), "item").attr.jid == other.user.full_jid;
		end));
		assert(place > told and told > count);
		child_of(presence, "muji", NS.MUJI);
	end
end);

test("G17 a new nick in the middle of a call ends nothing", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	juliet:show(call.contents(juliet.media), "jule");
	juliet:wait("no new nick", function () return juliet.nick == "jule"; end);
	call.wait_until_met({ romeo, juliet });
	local sid = romeo.sessions.jule.sid;
	romeo:tell("jule", call.jingle("session-info", sid, { "audio" }));
	juliet:tell("romeo", call.jingle("session-info", sid, { "audio" }));
end);

test("G18 25 people, four updates each: all arrive, an update that is none goes to nobody", function ()
	local people = { gather("p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15",
		"p16", "p17", "p18", "p19", "p20", "p21", "p22", "p23", "p24", "p25") };
	people[1]:create();
	people[1]:unlock(OPEN);
	for i = 2, #people do
		people[i]:show(("<x xmlns='%s'/>"):format(NS.MUC));
	end
	local function all_see(state, seconds)
		for _, one in ipairs(people) do
			one:wait("does not see all " .. state, function ()
				for i = 1, #people do
					if one.peers["p" .. i] ~= state then
						return false;
					end
				end
				return true;
			end, seconds);
		end
	end
	local begin, bytes = loop.now(), 0;
	for _, one in ipairs(people) do
		bytes = bytes - one.user.stream.bytes_in;
	end
	for _, media in ipairs({ { "audio" }, { "audio", "video" }, { "video" }, { "audio", "screen" } }) do
		for _, one in ipairs(people) do
			one:show(call.contents(media));
			one:show(call.contents(media));
		end
		all_see(table.concat(media, "+"), 30);
	end
	sync(table.unpack(people));
	local count = 0;
	for _, one in ipairs(people) do
		bytes = bytes + one.user.stream.bytes_in;
		for _, element in ipairs(one.record) do
			count = count + (element.name == "presence" and 1 or 0);
		end
	end
	print(("# 100 updates, each sent twice, to 25: %.1f s, %.2f MB"):format(loop.now() - begin, bytes / 1e6));
	-- 25 arrivals seen by who is there, p1's three, and an update to 25 and once more to its sender.
	local most = 25 * 26 / 2 + 24 * 25 / 2 + 4 * 25 * (25 + 1) + 10;
	assert(count <= most, ("%d presences, at most %d were needed"):format(count, most));
end);

test("G20 a call of another room, and one from outside, are refused", function ()
	local romeo, juliet = meet(OPEN, "romeo", "juliet");
	local nurse = call.person(world:user(server, "nurse"), "nurse", romeo.room);
	local count = #juliet.record;
	local other = ("<muji xmlns='%s' room='other@%s'/>"):format(NS.MUJI, ROOMS);
	local refused = romeo:tell("juliet", call.jingle("session-initiate", "x", { "audio" }, "", other), "error");
	assert(condition_of(refused) == "policy-violation", xml.text(refused));
	refused = nurse:tell("juliet", call.jingle("session-initiate", "x", { "audio" }), "error");
	assert(condition_of(refused) == "not-acceptable", xml.text(refused));
	sync(juliet);
	for i = count + 1, #juliet.record do
		assert(not xml.child(juliet.record[i], "jingle", NS.JINGLE), xml.text(juliet.record[i]));
	end
end);

test("G21 a screen is added in the middle of a call", function ()
	local romeo, juliet, nurse = meet(OPEN, "romeo", "juliet", "nurse");
	local both = (call.contents(romeo.media):gsub("</muji>$", "<preparing/></muji>"));
	romeo:show(both);
	local own = romeo:expect(is_presence_of(romeo, "romeo", function (element)
		return xml.child(xml.child(element, "muji", NS.MUJI) or {}, "preparing") and xml.text(element):find("audio");
	end));
	assert(xml.text(child_of(own, "muji")) == xml.text(assert(xml.parse(both))));
	romeo.media = { "audio", "video", "screen" };
	romeo:show(call.contents(romeo.media));
	for _, nick in ipairs({ "juliet", "nurse" }) do
		romeo:tell(nick, call.jingle("content-add", romeo.sessions[nick].sid, { "screen" }, "",
			"<content-category xmlns='urn:xmpp:jingle:apps:category:0' category='screen'/>"));
	end
	for _, one in ipairs({ juliet, nurse }) do
		local got = one:expect(JINGLE_IQ:format("action='content-add'"));
		child_of(child_of(got, "jingle"), "content-category", "urn:xmpp:jingle:apps:category:0");
	end
	call.wait_until_met({ romeo, juliet, nurse });
end);

test("G22 five enter at once: no deadlock, ten sessions, one to a pair", function ()
	local people = { gather("romeo", "juliet", "nurse", "paris", "tybalt") };
	people[1]:show(("<x xmlns='%s'/>"):format(NS.MUC));
	people[1]:expect(is_presence_of(people[1], "romeo"));
	people[1]:unlock(OPEN);
	client.each(people, function (one) one:enter(); end, 20);
	local function count()
		local active, sum = {}, 0;
		for _, one in ipairs(people) do
			for nick, session in pairs(one.sessions) do
				local key = one.nick < nick and one.nick .. nick or nick .. one.nick;
				assert(not active[key] or active[key] == session.sid, "two sessions for " .. key);
				active[key] = session.sid;
				sum = sum + (session.state == "active" and 1 or 0);
			end
		end
		return sum;
	end
	assert(loop.wait(function () return count() == 20; end, 10), ("%d ends of sessions are active"):format(count()));
	for i = 2, 5 do
		for k = 1, i - 1 do
			assert_same_order(people[i], people[k]);
		end
	end
end);

test("the server ends in good order", function () world:stop(); end);

tap.run(tests);
