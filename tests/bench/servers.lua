-- SPDX-License-Identifier: MIT
-- servers: pairs of stock Prosody servers, alike but for what carries their streams to each other.
local harness = require "e2e.harness";
local prosody = require "e2e.prosody";
local sandbox = require "e2e.sandbox";

local servers = {};

local PORT = 31467;
local NAMES = { "a.example.org", "b.example.org" };
-- Where the two servers of a pair are, and what their streams take. The order is that of the tables.
servers.KINDS = {
	{ name = "TCP+TLS", policy = "never", at = { "1-ff00:0:2,127.4.2.11", "1-ff00:0:2,127.4.2.12" } },
	{ name = "QUIC, same AS", policy = "require", at = { "1-ff00:0:2,127.4.2.21", "1-ff00:0:2,127.4.2.22" } },
	{ name = "QUIC, 3 routers", policy = "require", at = { "1-ff00:0:2,127.4.2.31", "1-ff00:0:3,127.4.3.31" } },
};

-- Starts the network of all measurements, its files in `folder`.
function servers.network(folder)
	return assert(sandbox.start(("%s/tests/sandbox/sandbox"):format(harness.BUILD),
		("%s/tests/bench/topology.lua"):format(harness.ROOT), folder));
end

-- b.example.org and so many further domains of the same server: b1.example.org, b2...
local function domains_of(name, extra)
	local domains = { name };
	for i = 1, extra do
		domains[#domains + 1] = name:gsub("%.", i .. ".", 1);
	end
	return domains;
end

local function scion_options(network, kind, side, extra)
	local peers = {};
	for _, domain in ipairs(domains_of(NAMES[3 - side], extra)) do
		peers[domain] = { address = { kind.at[3 - side] }, port = PORT };
	end
	return {
		address = kind.at[side], port = PORT, policy = kind.policy, peers = peers,
		paths = "file:" .. network:path_file(kind.at[side]:match("^[^,]+")),
	};
end

-- The stock configuration of the tests with further hosts, and a log that does not cost more than the stanzas.
local function prepare(server, domains)
	server.options.log = { warn = server.log_file };
	function server:write_config()
		prosody.write_config(self);
		local file = assert(io.open(self.config_file, "a"));
		for i = 2, #domains do
			file:write(("VirtualHost %q\n"):format(domains[i]));
		end
		file:close();
	end
end

local function start(world, network, kind, side, extra)
	local domains = domains_of(NAMES[side], side == 2 and extra or 0);
	local server = world:server({
		domain = NAMES[side],
		certificate = { names = domains },
		options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins" },
			modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "s2s_bidi", "scion",
				"s2s_scion" },
			scion = scion_options(network, kind, side, extra),
		},
	});
	prepare(server, domains);
	for _, domain in ipairs(domains) do
		world:publish(setmetatable({ domain = domain }, { __index = server }));
	end
	assert(server:start());
	return server, domains;
end

-- Two servers that run, the second with `extra` further domains: { world, a, b, domains, pids, kind }.
function servers.pair(folder, network, kind, extra)
	local world = harness.new(("%s/%s"):format(folder, kind.name:gsub("%W+", "-")));
	local a = start(world, network, kind, 1, extra or 0);
	local b, domains = start(world, network, kind, 2, extra or 0);
	return { world = world, a = a, b = b, domains = domains, kind = kind, pids = { a.child.pid, b.child.pid } };
end

-- Runs `body(pairs, network)` with a pair of each kind, and stops all of them however it ends.
function servers.with_pairs(folder, extra, body)
	local network = servers.network(folder .. "/network");
	local pairs_of = {};
	local ok, err = xpcall(function ()
		for i, kind in ipairs(servers.KINDS) do
			pairs_of[i] = servers.pair(folder, network, kind, extra);
		end
		body(pairs_of, network);
	end, debug.traceback);
	for _, pair in ipairs(pairs_of) do
		pair.world.users = {}; -- their sockets were taken over for measuring
		pair.world:stop();
	end
	network:stop();
	if not ok then
		error(err, 0);
	end
end

-- The packets that crossed routers between two SCION addresses: 0 for what stayed in an AS.
function servers.routed_packets(network, kind)
	local way = network:way(kind.at[1], kind.at[2]);
	return way and way.packets or 0;
end

return servers;
