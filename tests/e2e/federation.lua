-- SPDX-License-Identifier: MIT
-- federation: the worlds of the tests about servers over SCION: stock Prosodys in leaf ASes, two of them in different
-- ISDs where nothing else is said.
local client = require "e2e.client";
local harness = require "e2e.harness";
local sandbox = require "e2e.sandbox";
local scionproto = require "e2e.scionproto";
local trap = require "e2e.trap";
local xml = require "e2e.xml";

local federation = {};

local PORT = 31467;
-- Leaf ASes of the default network.
local SITES = {
	["a.example.org"] = { isd_as = "1-ff00:0:113", host = "127.3.4.20" };
	["b.example.org"] = { isd_as = "2-ff00:0:211", host = "127.3.7.20" };
	["c.example.org"] = { isd_as = "1-ff00:0:112", host = "127.3.3.20" };
	["d.example.org"] = { isd_as = "1-ff00:0:114", host = "127.3.5.20" };
};
local TWO = { "a.example.org", "b.example.org" };

-- The rooms that the last of four servers has.
federation.FOUR = { "a.example.org", "b.example.org", "c.example.org", "d.example.org" };
federation.ROOMS = "rooms.example.org";
local HOME = { [federation.ROOMS] = "d.example.org" };

federation.NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";
federation.PING = "<iq type='get' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>";

function federation.address(domain)
	local site = SITES[HOME[domain] or domain];
	return ("%s,%s"):format(site.isd_as, site.host);
end

local ROUTER = os.getenv("SX_ROUTER"); -- a border router of scionproto, to run over instead of our own

-- Starts the network of a world; `world.sandbox` from then on.
function federation.network(world)
	local program = ("%s/tests/sandbox/sandbox"):format(harness.BUILD);
	local topology = ("%s/tests/sandbox/topology.lua"):format(harness.ROOT);
	local folder = world.folder .. "/network";
	if ROUTER then
		world.sandbox = scionproto.start(program, ROUTER, topology, folder);
	else
		world.sandbox = assert(sandbox.start(program, topology, folder));
	end
end

-- The domains of a server: its own and those of its components.
function federation.domains_of(server)
	local domains = { server.domain };
	for _, host in ipairs(server.hosts) do
		domains[#domains + 1] = host[1]:match("\"(.-)\"");
	end
	return domains;
end

local PATH = "> (function (session) return session and session.conn and session.conn.scion and "
	.. "session.conn:scion_path() or 'none' end)(prosody.hosts['%s'].s2sout['%s'])";

-- The path of the stream by which one server reaches another, as its transport has it.
local function path_of_stream(from, to)
	for _, ours in ipairs(federation.domains_of(from)) do
		for _, theirs in ipairs(federation.domains_of(to)) do
			local path = from:shell(PATH:format(ours, theirs)):match("(%d+%-%S+#%d+ > [^\n]*#%d+)");
			if path then
				return { path = path };
			end
		end
	end
end

-- The way of the packets between two servers: as our routers counted it, else as the sender's transport has it.
function federation.way(world, from, to)
	if world.sandbox.way then
		return world.sandbox:way(federation.address(from.domain), federation.address(to.domain));
	end
	return path_of_stream(from, to);
end

-- The other servers' domains and those of their components.
local function peers_of(world, domain)
	local peers = {};
	local function add(name)
		if (HOME[name] or name) ~= domain then
			peers[name] = { address = { federation.address(name) }, port = PORT };
		end
	end
	for _, other in ipairs(world.domains or TWO) do
		add(other);
		if HOME[federation.ROOMS] == other then
			add(federation.ROOMS);
		end
	end
	return peers;
end

-- The `scion` table of a server; `changes` go over it.
function federation.options(world, domain, changes)
	local options = {
		address = federation.address(domain), port = PORT, policy = "require",
		paths = "file:" .. world.sandbox:path_file(SITES[domain].isd_as), peers = peers_of(world, domain),
	};
	for key, value in pairs(changes or {}) do
		options[key] = value;
	end
	return options;
end

-- A server with SCION, not started. `description` as for harness.server, and `scion`: changes to its `scion` table.
function federation.server(world, description)
	local options = {
		s2s_secure_auth = false, -- Prosody's default; over SCION a proof of the name is needed all the same
		plugin_paths = { harness.ROOT .. "/lua/plugins" },
		modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "s2s_bidi", "admin_shell",
			"scion", "s2s_scion", "scion_shell" },
		scion = federation.options(world, description.domain, description.scion),
	};
	if world.is_test then
		table.insert(options.plugin_paths, harness.ROOT .. "/tests/e2e/plugins");
		table.insert(options.modules_enabled, "live_objects");
	end
	for key, value in pairs(description.options or {}) do
		options[key] = value;
	end
	local server = world:server(setmetatable({ options = options }, { __index = description }));
	server.counts_objects = world.is_test;
	return server;
end

-- The description of the server that has the rooms. `options`: of the component, over its defaults.
function federation.rooms(options)
	local component = { restrict_room_creation = false };
	for key, value in pairs(options or {}) do
		component[key] = value;
	end
	return {
		hosts = { { ("Component %q %q"):format(federation.ROOMS, "muc_scion"), component } },
		certificate = { names = { HOME[federation.ROOMS], federation.ROOMS } },
	};
end

local function describe(domain, changes)
	local description = { domain = domain, options = { s2s_ports = {} } };
	for key, value in pairs(changes or {}) do
		description[key] = value;
	end
	return description;
end

-- Where DNS leads for a server: to a trap.
local function set_trap(world, server)
	local one = trap.start();
	table.insert(world.traps, one);
	for _, domain in ipairs(federation.domains_of(server)) do
		world:publish({ domain = domain }, one.port);
	end
end

-- Network and servers that talk over SCION alone: their TCP ports are closed, and traps stand where DNS leads.
-- `changes`: domain -> description. `prepare(servers)` is called before they start. The list of servers.
function federation.start(world, domains, changes, prepare)
	if not world.sandbox then
		federation.network(world);
	end
	local servers = {};
	world.traps, world.domains = {}, domains;
	for i, domain in ipairs(domains) do
		servers[i] = federation.server(world, describe(domain, changes and changes[domain]));
		set_trap(world, servers[i]);
	end
	if prepare then
		prepare(servers);
	end
	for _, server in ipairs(servers) do
		assert(server:start());
	end
	return servers;
end

-- The same with two servers.
function federation.pair(world, changes, prepare)
	return table.unpack(federation.start(world, TWO, changes, prepare));
end

-- Nothing went round SCION: no DNS query for a server, no TCP connection, and the routers saw both directions, between
-- the two servers or between each and `hub`.
function federation.assert_scion_only(world, hub)
	hub = hub or world.servers[1];
	for i, server in ipairs(world.servers) do
		assert(world.dns:asked(server.domain) == 0, "a DNS query for " .. server.domain);
		assert(world.traps[i].caught == 0, "a TCP connection towards " .. server.domain);
		for _, pair in ipairs(server ~= hub and { { server, hub }, { hub, server } } or {}) do
			local from, to = table.unpack(pair);
			assert(federation.way(world, from, to), ("no packets from %s to %s"):format(from.domain, to.domain));
		end
	end
	assert(world.dns:asked(federation.ROOMS) == 0, "a DNS query for " .. federation.ROOMS);
end

-- How many QUIC handshakes a server has completed, in either role.
function federation.handshakes(server)
	local output = server:shell("scion:status()");
	return assert(tonumber(output:match("handshakes%D+(%d+)")), output);
end

-- Sends a message and waits for it on the other side.
function federation.say(from, to, text, seconds)
	from:send(("<message to='%s' type='chat'><body>%s</body></message>"):format(to.full_jid, text));
	return to:expect(("<message from='%s' type='chat'><body>%s</body></message>"):format(from.full_jid, text), seconds);
end

-- Sends a message to an address that must bounce; the text of its error.
function federation.bounce(from, to_jid, seconds)
	from.next_id = from.next_id + 1;
	local id = ("bounce-%d"):format(from.next_id);
	from:send(("<message to='%s' type='chat' id='%s'><body>lost?</body></message>"):format(to_jid, id));
	local message = assert(from:expect(("<message type='error' id='%s' from='%s'/>"):format(id, to_jid), seconds));
	local err = assert(xml.child(message, "error"));
	local text = xml.child(err, "text", federation.NS_STANZAS);
	return text and xml.content(text) or "", xml.text(err);
end

-- Sends messages whose ids are the numbers `first` to `last`, of `size` bytes each.
function federation.send_numbered(from, to, first, last, size)
	local filling = ("x"):rep(size);
	for number = first, last do
		from:send(("<message to='%s' type='chat' id='%d'><body>%s</body></message>"):format(to.full_jid, number, filling));
	end
end

local function is_message(element)
	return element.name == "message";
end

-- Waits for those messages: each once, in order, whole, and none of another kind between them. Raises when not.
function federation.receive_numbered(user, first, last, size, seconds)
	local filling = ("x"):rep(size);
	for number = first, last do
		local message = assert(user:expect(is_message, seconds));
		assert(message.attr.type == "chat", xml.text(message):sub(1, 500));
		assert(message.attr.id == tostring(number), ("expected number %d, got %s"):format(number, message.attr.id));
		assert(xml.content(xml.child(message, "body")) == filling, ("message %d is damaged"):format(number));
	end
end

-- Many numbered messages at once in both directions, `size` bytes each; all arrive, in order. The servers are connected
-- first: when both dial at once, Prosody itself may deliver what it queued for its own dial after what came later. So
-- may Debian 13's with stanzas over 10,000 bytes: it takes the limit from before authentication for that of a bidi
-- stream, and opens one of its own for them.
function federation.exchange(one, other, count, size, seconds)
	assert(federation.say(one, other, "first"));
	assert(federation.say(other, one, "second"));
	federation.send_numbered(one, other, 1, count, size);
	federation.send_numbered(other, one, 1, count, size);
	client.each({ one, other }, function (user)
		federation.receive_numbered(user, 1, count, size, seconds);
	end, seconds);
	assert(one:expect_nothing(0.2, is_message) and other:expect_nothing(0.2, is_message));
end

return federation;
