-- SPDX-License-Identifier: MIT
-- remote: the room services on one server, their users on another in another AS; everything between them is on SCION.
local federation = require "e2e.federation";
local harness = require "e2e.harness";

local remote = {};

local ROOMS_AT, USERS_AT = "d.example.org", "a.example.org"; -- sites of the default network
local PORT = 31467;
local MODULES = {
	"roster", "saslauth", "tls", "dialback", "disco", "ping", "vcard", "s2s_bidi", "admin_shell", "scion", "s2s_scion",
};
local HOME = "home.example.com"; -- a server needs a host that is no component

local function names_of(hosts)
	local names = {};
	for i, host in ipairs(hosts) do
		names[i] = host[1]:match("\"(.-)\"");
	end
	return names;
end

-- The options of a server at a site; `peers` are the domains at the other.
local function options_of(home, site, peers, other, more)
	local scion = {
		address = federation.address(site), port = PORT, policy = "require", peers = {},
		paths = "file:" .. home.sandbox:path_file(federation.address(site):match("^[^,]+")),
	};
	for _, domain in ipairs(peers) do
		scion.peers[domain] = { address = { federation.address(other) }, port = PORT };
	end
	local options = { modules_enabled = MODULES, s2s_ports = {}, scion = scion };
	for key, value in pairs(more) do
		options[key] = value;
	end
	return options;
end

-- Starts the network, describes both servers: { rooms, users, stop() }. `hosts` are those with rooms, `domains` those
-- with users, the first of them the main one; `more`: options of both.
function remote.new(folder, hosts, domains, more)
	local home = harness.new(folder);
	federation.network(home);
	local services = names_of(hosts);
	local rooms = home:server({
		domain = HOME, hosts = hosts, certificate = { names = { HOME, table.unpack(services) } },
		options = options_of(home, ROOMS_AT, domains, USERS_AT, more),
	});
	local users = home:server({
		domain = domains[1], hosts = { { ("VirtualHost %q"):format(domains[2]) } }, certificate = { names = domains },
		options = options_of(home, USERS_AT, services, ROOMS_AT, more),
	});
	return {
		rooms = rooms, users = users,
		-- The way by which border routers have passed on most packets from the users to the rooms.
		way = function () return home.sandbox:way(federation.address(USERS_AT), federation.address(ROOMS_AT)); end,
		stop = function () home:stop(); end,
	};
end

return remote;
