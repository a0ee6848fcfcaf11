-- SPDX-License-Identifier: MIT
-- What rooms do beyond XEP-0045 (items 206 and C8 to C21): limits, hats, avatars, slow mode, activity, versions of
-- affiliations, self-pings, pages, metrics and the shell.
local harness = require "e2e.harness";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local SERVICE = "rooms.example.org";
local ROOM = "garden@" .. SERVICE;
local NS = {
	muc = "http://jabber.org/protocol/muc", user = "http://jabber.org/protocol/muc#user",
	owner = "http://jabber.org/protocol/muc#owner", data = "jabber:x:data",
	config = "http://jabber.org/protocol/muc#roomconfig", info = "http://jabber.org/protocol/disco#info",
	items = "http://jabber.org/protocol/disco#items", stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas",
};

-- A server with rooms, and users by name, the first one an owner of ROOM.
local function start(world, options, names, global)
	local settings = { plugin_paths = { harness.ROOT .. "/lua/plugins" }, muc_scion_locking = false };
	for key, value in pairs(options or {}) do
		settings[key] = value;
	end
	local globals = { plugin_paths = settings.plugin_paths };
	for key, value in pairs(global or {}) do
		globals[key] = value;
	end
	settings.plugin_paths = nil;
	local server = world:server({
		domain = "example.org", options = globals, hosts = { { ("Component %q \"muc_scion\""):format(SERVICE), settings } },
	});
	assert(server:start());
	local users = {};
	for _, name in ipairs(names or { "romeo", "juliet" }) do
		users[name] = world:user(server, name);
	end
	return server, users;
end

local function join(user, nick, room, inside)
	room = room or ROOM;
	user:send(("<presence to='%s/%s'><x xmlns='%s'>%s</x></presence>"):format(room, nick, NS.muc, inside or ""));
	return assert(user:expect(function (element)
		return element.name == "message" and element.attr.from:find(room, 1, true) == 1 and xml.child(element, "subject");
	end));
end

-- The garden with romeo, its owner, and juliet.
local function garden(world, options, global)
	local server, users = start(world, options, nil, global);
	join(users.romeo, "romeo");
	join(users.juliet, "juliet");
	users.romeo:forget();
	users.juliet:forget();
	return users.romeo, users.juliet, server;
end

local function say(user, text)
	user:send(("<message type='groupchat' to='%s'><body>%s</body></message>"):format(ROOM, text));
end

local function hear(user, nick, text)
	local wanted = "<message type='groupchat' from='%s/%s'><body>%s</body></message>";
	return assert(user:expect(wanted:format(ROOM, nick, text)));
end

-- Type, condition and text of an error.
local function error_of(stanza)
	local element = assert(xml.child(stanza, "error"), "no error: " .. xml.text(stanza));
	local condition, text;
	for _, child in ipairs(element) do
		if type(child) == "table" and child.xmlns == NS.stanzas then
			if child.name == "text" then
				text = xml.content(child);
			else
				condition = child.name;
			end
		end
	end
	return element.attr.type, condition, text;
end

local function assert_error(stanza, kind, condition, pattern)
	local got_kind, got, text = error_of(assert(stanza));
	assert(got_kind == kind and got == condition and (not pattern or text and text:find(pattern)), xml.text(stanza));
end

-- Waits for an error that a user gets from a room.
local function expect_error(user, kind, condition, pattern)
	local stanza = assert(user:expect(function (element) return element.attr.type == "error"; end));
	assert_error(stanza, kind, condition, pattern);
	return stanza;
end

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
});
