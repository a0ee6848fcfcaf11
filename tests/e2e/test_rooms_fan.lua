-- SPDX-License-Identifier: MIT
-- What rooms send past Prosody's routing is what they would have sent through it: to sessions of all kinds, whatever
-- happens to them meanwhile. SX_SEED and SX_ACTIONS repeat or lengthen a run.
local proc = require "bench.proc";
local equality = require "e2e.rooms.equality";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local prosody = require "e2e.prosody";
local remote = require "e2e.rooms.remote";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local DOMAIN = "example.org";
local SIDES = { "fast." .. DOMAIN, "slow." .. DOMAIN };
local EPISODE = 100;

local seed = tonumber(os.getenv("SX_SEED") or os.time() % 100000);
local most = tonumber(os.getenv("SX_ACTIONS") or 10000);
math.randomseed(seed);

local OPTIONS = {
	restrict_room_creation = "local", muc_room_locking = false, muc_tombstones = false,
	muc_scion_unlimited_jids = { DOMAIN }, muc_scion_max_stanza_bytes = 0, muc_scion_max_nick_bytes = 0,
};

local function components()
	local list = {};
	for _, name in ipairs(SIDES) do
		local options = { muc_scion_fastpath = name == SIDES[1] };
		for key, value in pairs(OPTIONS) do
			options[key] = value;
		end
		list[#list + 1] = { ("Component %q %q"):format(name, "muc_scion"), options };
	end
	return list;
end

-- `more`: a module of tests/e2e/plugins.
local function new_server(world, more)
	local http_port = prosody.free_ports(1);
	local server = assert(world:server({
		domain = DOMAIN, hosts = components(), options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins", harness.ROOT .. "/tests/e2e/plugins" },
			network_settings = { nagle = false },
			modules_enabled = {
				"roster", "saslauth", "tls", "disco", "ping", "smacks", "carbons", "blocklist", "csi_simple", "mam", "admin_shell",
				"websocket", more,
			},
			http_ports = { http_port }, https_ports = {}, http_interfaces = { "127.0.0.1" }, consider_websocket_secure = true,
			c2s_stanza_size_limit = 1024 * 1024,
		},
	}):start());
	server.http_port = http_port;
	return server;
end

local KINDS = {
	owner = {}, admin = { tls = true, smacks = true }, member = { smacks = true }, guest = { tls = true },
	other = { websocket = true, smacks = true },
};
local KINDS_ELSEWHERE = { owner = {}, admin = { smacks = true }, member = { smacks = true }, guest = {}, other = {} };

local function sessions_on(server, kinds, services)
	local sessions = {};
	for name, kind in pairs(kinds) do
		sessions[name] = equality.session(("%s@%s/first"):format(name, DOMAIN), kind, server, services);
	end
	return sessions;
end

local ELSEWHERE = {
	plugin_paths = { harness.ROOT .. "/lua/plugins" }, network_settings = { nagle = false },
	modules_enabled = {
		"roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "csi_simple", "s2s_bidi", "admin_shell", "scion",
		"s2s_scion",
	},
};

-- What rooms:traffic() says of a room: { fast, slow, reason }.
local function traffic(server, room)
	local output = server:shell("rooms:traffic()");
	local fast, slow, reason = output:match(room:gsub("%p", "%%%0") .. "%s*|%s*%d+ |%s*(%d+) |%s*(%d+) |([^\n]*)");
	assert(fast, output);
	return { fast = tonumber(fast), slow = tonumber(slow), reason = reason };
end

local JOIN = "<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>";

-- Users "u1" and so on of a kind, in a room; `name`: called otherwise.
local function crowd(server, room, count, kind, name)
	local list = {};
	for i = 1, count do
		list[i] = equality.session(("%s%d@%s/r"):format(name or "u", i, DOMAIN), kind, server);
		list[i].user:send(JOIN:format(room, list[i].jid:match("^%w+")));
		list[i]:sync();
	end
	return list;
end

local function say(one, room, body)
	one.user:send(("<message type='groupchat' to='%s'><body>%s</body></message>"):format(room, body));
end

local function bodies(list)
	local found = {};
	for _, element in ipairs(list) do
		local body = element.name == "message" and xml.child(element, "body");
		found[#found + 1] = body and xml.content(body) or nil;
	end
	return found;
end

local stock_memory; -- MB

-- How many MB the server grows by when nine users of ten do not read what a room sends: 154 MB. Then they go.
local function flood(server, room, name)
	local list, before = crowd(server, room, 10, {}, name), proc.memory(server.child.pid);
	for i = 2, 10 do
		loop.unwatch(list[i].user.stream.conn);
	end
	for i = 1, 60 do
		say(list[1], room, ("x"):rep(256000) .. i);
		list[1]:sync();
	end
	local grown = (proc.memory(server.child.pid) - before) / 1e6;
	for i = 2, 10 do
		list[i].user:kill();
		list[1]:sync();
	end
	return grown;
end

local function numbers(count)
	local list = {};
	for i = 1, count do
		list[i] = i;
	end
	return list;
end

local function compare(sessions, count)
	local number, total = 0, 0;
	while total < count do
		number = number + 1;
		local why, done = equality.episode(sessions, SIDES, "episode" .. number, EPISODE);
		total = total + done;
		assert(not why, ("seed %d, episode %d: %s"):format(seed, number, why));
	end
	print(("# %d actions compared, seed %d"):format(total, seed));
end

tap.run({
	harness.test("every user gets the same of both paths, in the same order", function (world)
		local server = new_server(world);
		compare(sessions_on(server, KINDS), most);
	end),

	{ "users of another server, over SCION, get the same of both paths", function ()
		local place = remote.new(harness.BUILD .. "/e2e/rooms-fan-remote", components(), { DOMAIN, "elsewhere.example.net" },
			ELSEWHERE);
		assert(place.users:start());
		assert(place.rooms:start());
		local sessions = sessions_on(place.users, KINDS_ELSEWHERE, SIDES);
		compare(sessions, most // 4);
		local room = "r@" .. SIDES[1];
		for name, one in pairs(sessions) do
			one.user:send(JOIN:format(room, name));
			one:sync();
			say(one, room, "here");
			one:sync();
		end
		local seen = traffic(place.rooms, room);
		print(("# fast %d, slow %d %s"):format(seen.fast, seen.slow, seen.reason));
		assert(seen.slow == 0, "some go the slow way");
		place.stop();
	end },

	harness.test("sessions on TLS with XEP-0198 get 99 of 100 stanzas the fast way", function (world)
		local server, room = new_server(world), "r@" .. SIDES[1];
		local list = crowd(server, room, 10, { tls = true, smacks = true });
		for i = 1, 100 do
			say(list[1 + i % 10], room, "x" .. i);
			list[1 + i % 10]:sync();
		end
		for _, one in ipairs(list) do
			assert(#bodies(one:take()) == 100);
		end
		local seen = traffic(server, room);
		print(("# fast %d, slow %d %s"):format(seen.fast, seen.slow, seen.reason));
		assert(seen.fast >= 99 * seen.slow and seen.fast > 1000, "too few went the fast way");
	end),

	harness.test("whatever has to be escaped arrives the same by both paths", function (world)
		local server = new_server(world);
		local odd = "o'd\"d <&> ]]> \u{e9}";
		local one = equality.session(("u1@%s/%s"):format(DOMAIN, odd), {}, server);
		local two = equality.session(("u2@%s/r"):format(DOMAIN), { tls = true, smacks = true }, server);
		for _, side in ipairs(SIDES) do
			for i, who in ipairs({ one, two }) do
				who.user:send(JOIN:format("odd@" .. side, xml.escape(odd .. i)));
				who:sync();
			end
			one.user:send(("<message type='groupchat' to='odd@%s' id='a1'><body>%s\n\t&#13;\u{1f600}\u{2028}</body>"
				.. "<x xmlns=\"urn:x:'&amp;&lt;&gt;&quot;\" y='%s' z:w='1' xmlns:z='urn:z&amp;'/></message>")
				:format(side, xml.escape(odd), xml.escape(odd)));
			one.user:send(("<message type='chat' to='odd@%s/%s' id='a2'><body>%s</body></message>")
				:format(side, xml.escape(odd .. 2), xml.escape(odd)));
			one:sync();
		end
		for _, who in ipairs({ one, two }) do
			local list = who:take();
			local fast = equality.texts_from(list, SIDES[1], who.user.jid);
			assert(#fast >= 4, "too little has come");
			local slow = equality.texts_from(list, SIDES[2], who.user.jid);
			local one_text, two_text = table.concat(fast, "\n"), table.concat(slow, "\n");
			assert(one_text == two_text, one_text .. "\n\n" .. two_text);
		end
	end),

	harness.test("recipients that vanish while much is sent take nothing from the others", function (world)
		local server, room = new_server(world), "r@" .. SIDES[1];
		local list = crowd(server, room, 20, { smacks = true });
		local said = {};
		for i = 1, 60 do
			said[i] = ("<message type='groupchat' to='%s'><body>%d</body></message>"):format(room, i);
		end
		list[1].user:send(table.concat(said, "", 1, 30));
		for i = 11, 20 do
			list[i].user:kill();
		end
		list[1].user:send(table.concat(said, "", 31));
		list[1]:sync();
		for i = 1, 10 do
			assert(table.concat(bodies(list[i]:take()), " ") == table.concat(numbers(60), " "));
		end
		for i = 11, 20 do
			list[i].is_away = true;
			for _, element in ipairs(list[i].user.stream.inbox) do
				table.insert(list[i].earlier, element);
			end
			assert(table.concat(bodies(list[i]:take()), " ") == table.concat(numbers(60), " "), "lost or doubled");
		end
	end),

	harness.test("filters that come and go, and sessions that end, while a room sends", function (world)
		local server, room = new_server(world, "rooms_filters"), "r@" .. SIDES[1];
		local list = crowd(server, room, 8, { tls = true });
		for i = 1, 40 do
			say(list[1], room, (i % 3 == 0 and "toggle " or i == 31 and "close " or "say ") .. i);
			if i % 4 == 0 then
				list[1]:sync();
			end
		end
		local marked = 0;
		for i, one in ipairs(list) do
			if i ~= 4 then
				local all = one:take();
				for k, body in ipairs(bodies(all)) do
					assert(body:match("%d+") == tostring(k), body);
				end
				assert(#bodies(all) == 40);
				for _, element in ipairs(all) do
					marked = marked + (xml.child(element, "seen", "urn:example:seen") and 1 or 0);
				end
			end
		end
		assert(marked > 0 and marked < 40, marked);
		assert(list[4].user.stream.finished or list[4].user.stream.ended);
	end),

	harness.test("large stanzas to those that do not read take memory by the stock path", function (world)
		stock_memory = flood(new_server(world), "r@" .. SIDES[2], "u");
		print(("# %.1f MB for 154 MB"):format(stock_memory));
	end),

	harness.test("large stanzas to those that do not read take hardly more memory", function (world)
		local grown = flood(new_server(world), "r@" .. SIDES[1], "u");
		print(("# %.1f MB for 154 MB"):format(grown));
		assert(grown < 1.3 * stock_memory + 30, "too much");
	end),
});
