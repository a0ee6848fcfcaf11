-- SPDX-License-Identifier: MIT
-- harness: the world of one test: a run folder, certificates, a name server, Prosody servers, the sandbox network.
local certificates = require "e2e.certificates";
local client = require "e2e.client";
local dns = require "e2e.dns";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local tap = require "e2e.tap";

local harness = {};
harness.__index = harness;

local ROOT = os.getenv("SX_ROOT") or process.run({ "sh", "-c", "pwd" }):gsub("\n$", "");

harness.ROOT = ROOT;
harness.BUILD = os.getenv("SX_BUILD") or ROOT .. "/build";

-- A fresh world in `folder`, whose old contents are removed.
function harness.new(folder)
	local output, ok = process.run({ "sh", "-c", "rm -rf \"$1\" && mkdir -p \"$1/certs\"", "sh", folder });
	assert(ok, output);
	local self = setmetatable({
		folder = folder, build = harness.BUILD, servers = {}, users = {}, expected = {},
	}, harness);
	self.authority = certificates.authority(folder, "authority");
	self.dns = dns.start({});
	return self;
end

-- Options that make libunbound ask our name server and nobody else.
local function unbound_options(self)
	return {
		resolvconf = false, hoststxt = false, forward = { ("127.0.0.1@%d"):format(self.dns.port) },
		options = { ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" },
	};
end

-- A server for `description.domain` with a certificate: description.certificate = { names, expired, authority } where
-- it is not to be a good one. Other fields as prosody.new. It is not started.
function harness:server(description)
	local domain = description.domain;
	local folder = ("%s/%s"):format(self.folder, domain);
	local output, ok = process.run({ "mkdir", "-p", folder .. "/data", folder .. "/certs" });
	assert(ok, output);
	local wanted = description.certificate or {};
	(wanted.authority or self.authority):server(("%s/certs/%s"):format(folder, domain),
		{ names = wanted.names or { domain }, expired = wanted.expired });
	local options = {
		certificates = folder .. "/certs", ssl = { cafile = self.authority.certificate }, unbound = unbound_options(self),
	};
	for key, value in pairs(description.options or {}) do
		options[key] = value;
	end
	local server = prosody.new(folder, setmetatable({ options = options }, { __index = description }));
	self.servers[#self.servers + 1] = server;
	return server;
end

-- Makes a server reachable by TCP under its name.
function harness:publish(server, port)
	self.dns.records["_xmpp-server._tcp." .. server.domain] = {
		SRV = { target = server.domain, port = port or server.s2s_port },
	};
	self.dns.records[server.domain] = { A = "127.0.0.1" };
end

-- Logs a user in. Any password will do on servers with the default `authentication`.
function harness:user(server, username, options)
	local settings = {
		jid = ("%s@%s"):format(username, server.domain), password = "secret", host = "127.0.0.1", port = server.c2s_port,
		tls = false,
	};
	for key, value in pairs(options or {}) do
		settings[key] = value;
	end
	local user = assert(client.connect(settings));
	self.users[#self.users + 1] = user;
	return user;
end

-- From now on log lines that fit the pattern are no fault.
function harness:expect_fault(pattern)
	self.expected[#self.expected + 1] = pattern;
end

-- Ends a server; what is wrong with how it ended goes into `faults`.
local function stop_server(self, server, faults)
	local status, manner = server:stop();
	if status ~= 0 or manner then
		faults[#faults + 1] = ("%s ended with status %s %s"):format(server.domain, tostring(status), manner or "");
	end
	if server.counts_objects and not server:log():find("\t0 objects of the core are left", 1, true) then
		faults[#faults + 1] = server.domain .. ": did not end with all objects of the core gone";
	end
	table.move(server:faults(self.expected), 1, 1000, #faults + 1, faults);
end

-- Ends everything. Raises when a server hung, crashed or logged an error that nobody expected.
function harness:stop()
	local faults = {};
	client.each(self.users, function (user) user:close(2); end, 10);
	for _, server in ipairs(self.servers) do
		if server.child then
			stop_server(self, server, faults);
		end
	end
	for _, trap in ipairs(self.traps or {}) do
		trap:stop();
	end
	if self.sandbox and self.sandbox:stop() ~= 0 then
		faults[#faults + 1] = "the sandbox network: " .. self.sandbox.child:output();
	end
	if self.rains then
		self.rains:stop();
	end
	self.dns:stop();
	if #faults > 0 then
		error(("in %s:\n%s"):format(self.folder, table.concat(faults, "\n")), 0);
	end
end

-- A TAP test that runs `body(world)` in a world of its own.
function harness.test(name, body)
	local short = name:gsub("[^%w]+", "-"):sub(1, 40);
	return { name, function ()
		local world = harness.new(("%s/e2e/%s"):format(harness.BUILD, short));
		world.is_test = true;
		local ok, err = xpcall(body, tap.explain, world);
		local stopped, why = pcall(world.stop, world);
		if not ok then
			error(type(err) == "string" and ("%s\nsee %s"):format(err, world.folder) or err, 0);
		elseif not stopped then
			error(why, 0);
		end
	end };
end

return harness;
