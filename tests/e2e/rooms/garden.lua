-- SPDX-License-Identifier: MIT
-- garden: a server with one room, and what tests of it have in common.
local harness = require "e2e.harness";
local xml = require "e2e.xml";

local garden = {};

local SERVICE = "rooms.example.org";
local ROOM = "garden@" .. SERVICE;
local NS = {
	muc = "http://jabber.org/protocol/muc", user = "http://jabber.org/protocol/muc#user",
	owner = "http://jabber.org/protocol/muc#owner", data = "jabber:x:data",
	config = "http://jabber.org/protocol/muc#roomconfig", info = "http://jabber.org/protocol/disco#info",
	items = "http://jabber.org/protocol/disco#items", stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas",
};

-- A server with rooms, and users by name, the first one an owner of ROOM.
function garden.start(world, options, names, global)
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

function garden.join(user, nick, room, inside)
	room = room or ROOM;
	user:send(("<presence to='%s/%s'><x xmlns='%s'>%s</x></presence>"):format(room, nick, NS.muc, inside or ""));
	return assert(user:expect(function (element)
		return element.name == "message" and element.attr.from:find(room, 1, true) == 1 and xml.child(element, "subject");
	end));
end

-- The garden with romeo, its owner, and juliet.
function garden.open(world, options, global)
	local server, users = garden.start(world, options, nil, global);
	garden.join(users.romeo, "romeo");
	garden.join(users.juliet, "juliet");
	users.romeo:forget();
	users.juliet:forget();
	return users.romeo, users.juliet, server;
end

function garden.say(user, text)
	user:send(("<message type='groupchat' to='%s'><body>%s</body></message>"):format(ROOM, text));
end

function garden.hear(user, nick, text)
	local wanted = "<message type='groupchat' from='%s/%s'><body>%s</body></message>";
	return assert(user:expect(wanted:format(ROOM, nick, text)));
end

-- Type, condition and text of an error.
function garden.error_of(stanza)
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

function garden.assert_error(stanza, kind, condition, pattern)
	local got_kind, got, text = garden.error_of(assert(stanza));
	assert(got_kind == kind and got == condition and (not pattern or text and text:find(pattern)), xml.text(stanza));
end

-- Submits a form of the owner; { name = value }.
function garden.configure(user, fields, room)
	local form = "";
	for name, value in pairs(fields) do
		form = form .. ("<field var='%s'><value>%s</value></field>"):format(name, value);
	end
	return assert(user:request(("<iq type='set' to='%s'><query xmlns='%s'><x xmlns='%s' type='submit'>"
		.. "<field var='FORM_TYPE'><value>%s</value></field>%s</x></query></iq>")
		:format(room or ROOM, NS.owner, NS.data, NS.config, form)));
end

-- Waits for an error that a user gets from a room.
function garden.expect_error(user, kind, condition, pattern)
	local stanza = assert(user:expect(function (element) return element.attr.type == "error"; end));
	garden.assert_error(stanza, kind, condition, pattern);
	return stanza;
end

-- A disco#info or disco#items answer.
function garden.disco(user, to, kind, inside)
	return assert(user:request(("<iq type='get' to='%s'><query xmlns='%s'>%s</query></iq>")
		:format(to, NS[kind], inside or "")));
end

-- The features and the values of the form in a disco#info answer.
function garden.info_of(user, to)
	local query = assert(xml.child(garden.disco(user, to, "info"), "query", NS.info));
	local features, values = {}, {};
	for _, child in ipairs(query) do
		if type(child) == "table" and child.name == "feature" then
			features[child.attr.var] = true;
		end
	end
	for _, field in ipairs(xml.child(query, "x", NS.data) or {}) do
		local value = type(field) == "table" and field.name == "field" and xml.child(field, "value");
		if value then
			values[field.attr.var] = xml.content(value);
		end
	end
	return features, values;
end

garden.SERVICE, garden.ROOM, garden.NS = SERVICE, ROOM, NS;
return garden;
