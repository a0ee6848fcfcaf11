-- SPDX-License-Identifier: MIT
-- What rooms send past Prosody's routing arrives whatever is done to recipients while it is sent, in bounded memory.
local proc = require "bench.proc";
local equality = require "e2e.rooms.equality";
local fan = require "e2e.rooms.fan";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local session = require "e2e.rooms.session";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local SIDES = fan.sides;
local ROOM = "r@" .. SIDES[1];

local kinds = {};
for _, kind in ipairs(session.kinds) do
	kinds[kind.name] = kind;
end

local function numbers(count)
	local list = {};
	for i = 1, count do
		list[i] = i;
	end
	return table.concat(list, " ");
end

local function assert_has_all(one, count)
	local found = table.concat(fan.bodies(one:take()), " ");
	assert(found == numbers(count), ("%s (%s): lost or doubled: %s"):format(one.jid, one.kind.name, found));
end

--- Escaping

local ODD = "o'd\"d <&> ]]> \u{e9}";
local SAID = ("<message type='groupchat' to='odd@%%s' id='a1'><body>%s\n\t&#13;\u{1f600}\u{2028}</body>"
	.. "<x xmlns=\"urn:x:'&amp;&lt;&gt;&quot;\" y='%s&#9;&#10;' z:w='1' xmlns:z='urn:z&amp;'/></message>")
	:format(xml.escape(ODD), xml.escape(ODD));

-- Bytes of what comes on a connection without frames, or nil.
local function record(one)
	local parser, bytes = one.user.stream.parser, {};
	if parser then
		one.user.stream.parser = { feed = function (_, data)
			bytes[#bytes + 1] = data;
			return parser:feed(data);
		end };
	end
	return parser and bytes;
end

local function sorted_tag(name, attributes)
	local list = {};
	for attribute in attributes:gmatch("[^%s=]+='[^']*'") do
		list[#list + 1] = attribute;
	end
	table.sort(list);
	return ("<%s %s%s>"):format(name, table.concat(list, " "), attributes:match("/?$"));
end

-- Stanzas from a service as they were written, without frames and what is random; but attributes, which Prosody writes
-- in any order, are sorted, and so are stanzas: presences come in any order.
local function written(bytes, service)
	local list = {};
	local cut = { message = "\0<message ", presence = "\0<presence ", iq = "\0<iq " };
	for stanza in table.concat(bytes):gsub("<(%a+) ", cut):gmatch("%z([^%z]+)") do
		if stanza:find("from='[^']*" .. service:gsub("%p", "%%%0")) then
			list[#list + 1] = stanza:match("^(.*</%a+>)"):gsub("<r xmlns='urn:xmpp:sm:3'/>", "")
				:gsub("<([%w:-]+) ([^>]*)>", sorted_tag):gsub(service:gsub("%p", "%%%0"), "SERVICE")
				:gsub("(<[os]%w+%-id )(.-)id='[^']*'", "%1%2"):gsub(" until='[^']*'", ""):gsub(" since='[^']*'", "");
		end
	end
	table.sort(list);
	return table.concat(list, "\n");
end

local function assert_same(one, two, who)
	assert(one == two, ("%s got\n%s\n\nand\n%s"):format(who, one, two));
end

local function say_odd_things(list)
	for _, side in ipairs(SIDES) do
		for i, who in ipairs(list) do
			who:send(fan.join("odd@" .. side, ODD .. i));
			who:sync();
		end
		list[1]:send(SAID:format(side));
		for i in ipairs(list) do
			list[1]:send(("<message type='chat' to='odd@%s/%s' id='a2'><body>%s</body></message>")
				:format(side, xml.escape(ODD .. i), xml.escape(ODD)));
		end
		list[1]:sync();
	end
end

--- Recipients that end inside of a hook

-- What the service does when it hears "close": sessions of v1 and so on end while the message is under way.
local CLOSE = [[
	module:hook("muc-broadcast-message", function (event)
		if event.stanza:get_child_text("body") == "close" then
			for i = 1, %d do
				local victim = prosody.full_sessions["v" .. i .. "@%s/r"];
				if victim then victim:close(); end
			end
		end
	end);
]];

-- Somebody has seen as many leave.
local function wait_for_leaves(one, count)
	local function has_seen_all()
		local left = 0;
		for _, element in ipairs(one.got) do
			left = left + (element.name == "presence" and element.attr.type == "unavailable" and 1 or 0);
		end
		return left >= count;
	end
	assert(loop.wait(has_seen_all, 20), "not all are seen to leave");
end

-- What each of a crowd of three gets in a room of a service while the sessions of others end so: texts, sorted, as the
-- room learns that somebody cannot be reached when delivery is tried, which is later on the fast path.
local function seen_of_closing(server, side)
	local room, victims = "closing@" .. side, {};
	local crowd = fan.crowd(server, room, 3, kinds["tls smacks"]);
	for i, kind in ipairs(session.kinds) do
		victims[i] = session.new(("v%d@%s/r"):format(i, fan.domain), kind, server);
		victims[i]:send(fan.join(room, "v" .. i));
		victims[i]:sync();
	end
	local code = CLOSE:format(#victims, fan.domain);
	crowd[1]:request(("<iq type='set' to='%s'><run xmlns='urn:x-prosody-scion:hand'>%s</run></iq>")
		:format(side, xml.escape(code)));
	for _, body in ipairs({ "before", "close", "after" }) do
		fan.say(crowd[1], room, body);
	end
	crowd[1]:sync();
	local seen = {};
	for i, one in ipairs(crowd) do
		wait_for_leaves(one, #victims);
		local list = one:take();
		assert(table.concat(fan.bodies(list), " ") == "before close after");
		local texts = equality.texts_from(list, side, one.bare_jid);
		table.sort(texts);
		seen[i] = table.concat(texts, "\n");
	end
	for _, list in ipairs({ crowd, victims }) do
		for _, one in ipairs(list) do
			one:finish();
		end
	end
	return seen;
end

--- Recipients that do not read

local stock_memory; -- MB

-- How many MB the server grows by when nine users of ten do not read what a room sends: 154 MB. Then they go, but for
-- one, which reads at last.
local function flood(server, room)
	local list, before = fan.crowd(server, room, 10, kinds.plain), proc.memory(server.child.pid);
	for i = 2, 10 do
		list[i].user.stream:pause();
	end
	for i = 1, 60 do
		fan.say(list[1], room, ("x"):rep(256000) .. i);
		list[1]:sync();
	end
	local grown = (proc.memory(server.child.pid) - before) / 1e6;
	for i = 3, 10 do
		list[i].user:kill();
		list[1]:sync();
	end
	list[2].user.stream:go_on();
	for i, body in ipairs(fan.bodies(list[2]:take())) do
		assert(#body >= 256000 and body:match("%d+") == tostring(i), "out of order");
	end
	return grown;
end

--- A reload in the middle

local CROWD = 60;
local PAUSE = 0.005; -- seconds between two that join: the service is at work all the time

local function nick_of(one)
	return one.jid:match("^%w+");
end

-- Who is in the room, as somebody has been told: nicks in order.
local function seen_by(one)
	local present, nicks = {}, {};
	for _, element in ipairs(one.got) do
		local nick = element.name == "presence" and element.attr.from:match("/(.*)");
		assert(not nick or element.attr.type ~= "error", nick and xml.text(element));
		if nick == nick_of(one) and element.attr.type == "unavailable" then
			present = {};
		elseif nick then
			present[nick] = element.attr.type ~= "unavailable" or nil;
		end
	end
	for nick in pairs(present) do
		nicks[#nicks + 1] = nick;
	end
	table.sort(nicks);
	return table.concat(nicks, " ");
end

-- All join, one soon after the other, and go out and come in again until the service has been reloaded meanwhile.
-- Returns how often somebody has joined, before and in all.
local function join_while_reloading(server, list)
	local task, reload, count, before = nil, nil, 0, nil;
	repeat
		for _, one in ipairs(list) do
			local leave = task and ("<presence type='unavailable' to='%s/%s'/>"):format(ROOM, nick_of(one)) or "";
			one:send(leave .. fan.join(ROOM, nick_of(one)));
			count = count + 1;
			loop.sleep(PAUSE);
			before = before or reload and reload:status() and count;
			assert(count < 200 * #list, "it is not reloaded");
		end
		task = task or loop.spawn(function ()
			reload = server:begin_shell(("module:reload(%q, %q)"):format("muc_scion", SIDES[1]));
		end);
	until before;
	assert(reload:status() == 0 and reload:output():find("OK", 1, true), reload:output());
	return before, count;
end

tap.run({
	harness.test("sessions on TLS with XEP-0198 get 99 of 100 stanzas the fast way", function (world)
		local server = fan.server(world);
		local list = fan.crowd(server, ROOM, 10, kinds["tls smacks"]);
		for i = 1, 100 do
			fan.say(list[1 + i % 10], ROOM, "x" .. i);
			list[1 + i % 10]:sync();
		end
		for _, one in ipairs(list) do
			assert(#fan.bodies(one:take()) == 100);
		end
		local seen = fan.traffic(server, ROOM);
		print(("# fast %d, slow %d %s"):format(seen.fast, seen.slow, seen.reason));
		assert(seen.fast >= 99 * seen.slow and seen.fast > 1000, "too few went the fast way");
	end),

	harness.test("without the fast path everything is counted as slow", function (world)
		local server, room = fan.server(world), "r@" .. SIDES[2];
		local list = fan.crowd(server, room, 2, kinds.plain);
		local before = fan.traffic(server, room);
		fan.say(list[1], room, "to both");
		list[1]:sync();
		local after = fan.traffic(server, room);
		assert(before.slow > 0 and after.slow == before.slow + 2 and after.fast == 0, after.slow);
		assert(after.reason:find("off", 1, true), after.reason);
	end),

	harness.test("whatever has to be escaped arrives the same by both paths", function (world)
		local server, list, bytes = fan.server(world), {}, {};
		for i, kind in ipairs(session.kinds) do
			list[i] = session.new(("u%d@%s/%s"):format(i, fan.domain, ODD), kind, server);
			bytes[i] = record(list[i]);
		end
		say_odd_things(list);
		for i, who in ipairs(list) do
			local got = who:take();
			local fast = equality.texts_from(got, SIDES[1], who.bare_jid);
			assert(#fast >= #list, "too little has come");
			local slow = equality.texts_from(got, SIDES[2], who.bare_jid);
			assert_same(table.concat(fast, "\n"), table.concat(slow, "\n"), who.kind.name);
			if bytes[i] then
				assert_same(written(bytes[i], SIDES[1]), written(bytes[i], SIDES[2]), who.kind.name);
			end
		end
	end),

	harness.test("recipients that vanish while much is sent take nothing from the others", function (world)
		local server, list = fan.server(world), {};
		for i, kind in ipairs(session.kinds) do
			for k, one in ipairs(fan.crowd(server, ROOM, 3, kind, "kind" .. i)) do
				one.vanishes = k == 1;
				list[#list + 1] = one;
			end
		end
		local said = {};
		for i = 1, 60 do
			said[i] = ("<message type='groupchat' to='%s'><body>%d</body></message>"):format(ROOM, i);
		end
		list[2]:send(table.concat(said, "", 1, 30));
		for _, one in ipairs(list) do
			if one.vanishes and one:can_resume() then
				one:drop();
			elseif one.vanishes then
				one.user:kill();
			end
		end
		list[2]:send(table.concat(said, "", 31));
		list[2]:sync();
		for _, one in ipairs(list) do
			if not one.vanishes or one:can_resume() then
				assert_has_all(one, 60);
			end
		end
	end),

	harness.test("sessions whose connections are reset while something waits for them can be resumed", function (world)
		local server, list = fan.server(world), {};
		local speaker = fan.crowd(server, ROOM, 1, kinds.plain, "speaker")[1];
		for _, name in ipairs({ "smacks", "tls smacks", "websocket smacks that lags" }) do
			for _, one in ipairs(fan.crowd(server, ROOM, 4, kinds[name], name:gsub(" ", ""))) do
				one.user.stream:pause();
				list[#list + 1] = one;
			end
		end
		fan.say(speaker, ROOM, 1); -- which nobody reads: the kernel resets what ends so
		speaker:sync();
		for i = 2, 40 do
			fan.say(speaker, ROOM, i);
		end
		for _, one in ipairs(list) do
			one:drop();
		end
		speaker:sync();
		for _, one in ipairs(list) do
			assert_has_all(one, 40);
		end
	end),

	harness.test("what is sent while a session is resumed comes in order, once", function (world)
		local server = fan.server(world);
		local speaker = fan.crowd(server, ROOM, 1, kinds.plain, "speaker")[1];
		for _, name in ipairs({ "smacks", "tls smacks that lags", "websocket smacks that lags" }) do
			local one = fan.crowd(server, ROOM, 1, kinds[name], name:gsub(" ", ""))[1];
			one:take();
			for round = 0, 9 do
				one:drop();
				fan.say(speaker, ROOM, 3 * round + 1);
				speaker:sync();
				one:come_back(function () fan.say(speaker, ROOM, 3 * round + 2); end);
				fan.say(speaker, ROOM, 3 * round + 3);
			end
			speaker:sync();
			assert_has_all(one, 30);
		end
	end),

	harness.test("filters that come and go, and sessions that end, while a room sends", function (world)
		local server = fan.server(world, "rooms_filters");
		local list = fan.crowd(server, ROOM, 8, kinds.tls);
		for i = 1, 40 do
			fan.say(list[1], ROOM, (i % 3 == 0 and "toggle " or i == 31 and "close " or "say ") .. i);
			if i % 4 == 0 then
				list[1]:sync();
			end
		end
		local marked = 0;
		for i, one in ipairs(list) do
			if i ~= 4 then
				local all = one:take();
				for k, body in ipairs(fan.bodies(all)) do
					assert(body:match("%d+") == tostring(k), body);
				end
				assert(#fan.bodies(all) == 40);
				for _, element in ipairs(all) do
					marked = marked + (xml.child(element, "seen", "urn:example:seen") and 1 or 0);
				end
			end
		end
		assert(marked > 0 and marked < 40, marked);
		assert(list[4].user.stream.finished or list[4].user.stream.ended);
	end),

	harness.test("sessions that a hook of the room ends while it sends look the same by both paths", function (world)
		local server = fan.server(world, nil, { modules_enabled = { "rooms_hand" } });
		local fast, slow = seen_of_closing(server, SIDES[1]), seen_of_closing(server, SIDES[2]);
		for i in ipairs(fast) do
			assert_same(fast[i], slow[i], "u" .. i);
		end
	end),

	harness.test("nobody is lost when the service is reloaded while many join", function (world)
		local server, list = fan.server(world), {};
		for i = 1, CROWD do
			list[i] = session.new(("u%d@%s/r"):format(i, fan.domain), session.kinds[i % #session.kinds + 1], server);
		end
		print(("# reloaded when %d of %d had joined"):format(join_while_reloading(server, list)));
		for _ = 1, 2 do
			for _, one in ipairs(list) do
				one:sync();
			end
		end
		local all = seen_by(list[1]);
		assert(select(2, all:gsub("u%d+", "")) == CROWD, all);
		for _, one in ipairs(list) do
			local seen = seen_by(one);
			assert(seen == all, ("%s (%s) sees %s"):format(one.jid, one.kind.name, seen));
			one:check();
		end
	end),

	harness.test("large stanzas to those that do not read take memory by the stock path", function (world)
		stock_memory = flood(fan.server(world), "r@" .. SIDES[2]);
		print(("# %.1f MB for 154 MB"):format(stock_memory));
	end),

	harness.test("large stanzas to those that do not read take hardly more memory", function (world)
		local grown = flood(fan.server(world), ROOM);
		print(("# %.1f MB for 154 MB"):format(grown));
		assert(grown < 1.3 * stock_memory + 30, "too much");
	end),
});
