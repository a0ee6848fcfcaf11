-- SPDX-License-Identifier: MIT
-- rains: the name server of the sandbox, with one zone, example.org., below a root of our own; what it knows are the
-- servers of a test: their addresses, and the hashes of their certificates.
local ssl = require "ssl";
local control = require "sandbox.control";
local federation = require "e2e.federation";
local loop = require "e2e.loop";
local process = require "e2e.process";
local prosody = require "e2e.prosody";

local rains = {};
rains.__index = rains;

local START_SECONDS = 10;
local SXCTL, PROGRAM = "%s/module/cli/sxctl", "%s/tests/sandbox/sandbox-rains";
local SCION = "[1-ff00:0:110,127.3.0.20]:31500"; -- a host in a core AS of the default network

local function run(list)
	local output, ok = process.run(list);
	assert(ok, output);
	return output;
end

-- The SHA-256 of a server's own certificate, as RAINS names it.
function rains.hash(server)
	local pem = process.read_file(("%s/certs/%s.crt"):format(server.folder, server.domain));
	return assert(ssl.loadcertificate(pem)):digest("sha256");
end

-- The objects of a server: its address and the hashes of certificates, of its own when there are no others.
function rains.objects(address, hashes)
	local out = { (":scion: %s"):format(address:gsub(",(.*)$", ",[%1]")) };
	for _, hash in ipairs(hashes) do
		out[#out + 1] = (":cert: :tls: :endEntity: :sha256: %s"):format(hash);
	end
	return table.concat(out, " ");
end

-- Signs a zone file with a key that is made when there is none: what sxctl says.
local function sign(self, name)
	return run({ SXCTL:format(self.build), "zone", ("%s/%s.zone"):format(self.folder, name), "--key",
		("%s/%s.key"):format(self.folder, name) });
end

-- Writes the zone from `self.records`, subject -> objects.
function rains:write_zone()
	local lines = { ":Z: example.org. . [" };
	for subject, objects in pairs(self.records) do
		lines[#lines + 1] = (":A: %s [ %s ]"):format(subject, objects);
	end
	lines[#lines + 1] = "]";
	process.write_file(self.folder .. "/example.zone", table.concat(lines, "\n") .. "\n");
end

local function write_root(self)
	local key = sign(self, "example"):match(":deleg: :ed25519: 1 %x+");
	process.write_file(self.folder .. "/root.zone", ([[
:Z: . . [
	:A: example.org [ :redir: ns.example.org. ]
	:A: example.org [ %s ]
	:A: ns.example.org [ :ip4: 127.0.0.1 ]
]
]]):format(key));
	self.root = assert(sign(self, "root"):match("\n%s*(ed25519 1 %x+)"));
end

local function wait_until_ready(self)
	local state = loop.wait(function ()
		return self.child:status() and "ended" or self.child:output():find("ready\n", 1, true) and "ready";
	end, START_SECONDS);
	assert(state == "ready", self.child:output());
	return self;
end

-- Starts the name server in `folder`. `records`: subject in example.org. -> objects as text.
-- More words: arguments of the program.
function rains.start(build, folder, records, ...)
	local self = setmetatable({ build = build, folder = folder, records = records }, rains);
	run({ "mkdir", "-p", folder });
	self:write_zone();
	write_root(self);
	self.tls = ("127.0.0.1:%d"):format((prosody.free_ports(1)));
	self.scion = SCION;
	self.child = process.start(folder, "rains", { PROGRAM:format(build), "--run", folder .. "/run", "--tls", self.tls,
		"--scion", SCION, "--zone", folder .. "/example.zone", "--key", folder .. "/example.key", "--zone",
		folder .. "/root.zone", "--key", folder .. "/root.key", ... });
	return wait_until_ready(self);
end

-- A command line; the lines of its answer.
function rains:command(line)
	local session = assert(control.connect(self.folder .. "/run/rains.sock", 5));
	local answer, problem = session:command(line);
	session:close();
	return assert(answer, problem);
end

-- Serves changed records from now on, and all of it signed anew.
function rains:change(subject, objects)
	self.records[subject] = objects;
	self:write_zone();
	for _, zone in ipairs({ "example", "root" }) do
		self:command(("zone %s/%s.zone"):format(self.folder, zone));
	end
end

-- How often a name was asked for.
function rains:asked(name)
	local count = 0;
	for _, line in ipairs(self:command("counters")) do
		local found, times = line:match("^asked (%S+) %S+ (%d+)$");
		count = count + (found == name and tonumber(times) or 0);
	end
	return count;
end

-- The `names` option of a server that asks here; over SCION unless `over_tls`.
function rains:names(over_tls)
	return {
		order = { "rains" },
		rains = { roots = { self.root }, servers = { over_tls and self.tls or self.scion } },
	};
end

-- The records of a server and its components, which have its certificate. `own`: objects in place of its own.
local function add_server(records, server, own)
	for _, name in ipairs(federation.domains_of(server)) do
		local subject = name:match("^[^.]+");
		records[subject] = own and own[subject] or rains.objects(server.options.scion.address, { rains.hash(server) });
		records["_xmpp-server._udpscion." .. subject] = (":srv: %s. %d 0"):format(name, server.options.scion.port);
	end
end

-- Starts a name server that knows these servers, which are not started yet, and lets them ask it. `how`, may be nil:
-- records (subject -> objects, in place of a server's own), over_tls: they ask over TLS,
-- valid: seconds for which signatures hold.
function rains.serve(world, servers, how)
	how = how or {};
	local records = {};
	for _, server in ipairs(servers) do
		add_server(records, server, how.records);
	end
	world.rains = rains.start(world.build, world.folder .. "/rains", records, "--valid", tostring(how.valid or 86400));
	for _, server in ipairs(servers) do
		server.options.scion.names = world.rains:names(how.over_tls);
	end
end

function rains:stop()
	return self.child:stop();
end

return rains;
