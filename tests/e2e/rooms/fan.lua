-- SPDX-License-Identifier: MIT
-- fan: a server with two services that differ in how their stanzas leave, and crowds in their rooms.
local harness = require "e2e.harness";
local prosody = require "e2e.prosody";
local session = require "e2e.rooms.session";
local xml = require "e2e.xml";

local fan = {};

local DOMAIN = "example.org";

fan.domain = DOMAIN;
--- First that with the fast path.
fan.sides = { "fast." .. DOMAIN, "slow." .. DOMAIN };

local OPTIONS = {
	restrict_room_creation = "local", muc_room_locking = false, muc_tombstones = false,
	muc_scion_unlimited_jids = { DOMAIN }, muc_scion_max_stanza_bytes = 0, muc_scion_max_nick_bytes = 0,
};
fan.plugin_paths = { harness.ROOT .. "/lua/plugins", harness.ROOT .. "/tests/e2e/plugins" };

--- `more`: further options of both.
function fan.components(more)
	local list = {};
	for _, name in ipairs(fan.sides) do
		local options = { muc_scion_fastpath = name == fan.sides[1] };
		for _, source in ipairs({ OPTIONS, more or {} }) do
			for key, value in pairs(source) do
				options[key] = value;
			end
		end
		list[#list + 1] = { ("Component %q %q"):format(name, "muc_scion"), options };
	end
	return list;
end

--- A server for users and rooms, with all that lets sessions differ. `more`: a module of tests/e2e/plugins;
--- `of_rooms`: further options of the services.
function fan.server(world, more, of_rooms)
	local http_port = prosody.free_ports(1);
	local server = assert(world:server({
		domain = DOMAIN, hosts = fan.components(of_rooms), options = {
			plugin_paths = fan.plugin_paths, network_settings = { nagle = false },
			modules_enabled = {
				"roster", "saslauth", "tls", "disco", "ping", "smacks", "carbons", "blocklist", "csi_simple", "mam", "admin_shell",
				"websocket", "bosh", "rooms_counts", more,
			},
			http_ports = { http_port }, https_ports = {}, http_interfaces = { "127.0.0.1" },
			consider_websocket_secure = true, consider_bosh_secure = true, c2s_stanza_size_limit = 1024 * 1024,
		},
	}):start());
	server.http_port = http_port;
	return server;
end

--- What rooms:traffic() says of a room: { fast, slow, reason }.
function fan.traffic(server, room)
	local output = server:shell("rooms:traffic()");
	local fast, slow, reason = output:match(room:gsub("%p", "%%%0") .. "%s*|%s*%d+ |%s*(%d+) |%s*(%d+) |([^\n]*)");
	assert(fast, output);
	return { fast = tonumber(fast), slow = tonumber(slow), reason = reason };
end

--- The presence that enters a room under a nick.
function fan.join(room, nick)
	return ("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>"):format(room, xml.escape(nick));
end

--- Users "u1" and so on of a kind, in a room; `name`: called otherwise.
function fan.crowd(server, room, count, kind, name)
	local list = {};
	for i = 1, count do
		list[i] = session.new(("%s%d@%s/r"):format(name or "u", i, DOMAIN), kind, server);
		list[i]:send(fan.join(room, list[i].jid:match("^%w+")));
		list[i]:sync();
	end
	return list;
end

function fan.say(one, room, body)
	one:send(("<message type='groupchat' to='%s'><body>%s</body></message>"):format(room, body));
end

--- Bodies of the messages in a list.
function fan.bodies(list)
	local found = {};
	for _, element in ipairs(list) do
		local body = element.name == "message" and xml.child(element, "body");
		found[#found + 1] = body and xml.content(body) or nil;
	end
	return found;
end

return fan;
