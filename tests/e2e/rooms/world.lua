-- SPDX-License-Identifier: MIT
-- world: one Prosody with the room services under test side by side, and connections of its users that are kept open;
-- or the users are on another server, in another AS.
local client = require "e2e.client";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local remote = require "e2e.rooms.remote";

local world = {};
world.__index = world;

local DOMAIN, ELSEWHERE = "example.org", "elsewhere.example.net";
local PLUGINS = harness.ROOT .. "/lua/plugins";

world.domain = DOMAIN;

-- Who takes part: name -> account. A name that ends in 2 is the second session of the same account.
local USERS = {};
for _, name in ipairs({ "owner", "admin", "member", "outcast", "guest", "other", "third" }) do
	USERS[name] = ("%s@%s/first"):format(name, DOMAIN);
	USERS[name .. "2"] = ("%s@%s/second"):format(name, DOMAIN);
end
USERS.stranger = ("stranger@%s/first"):format(ELSEWHERE);

world.users = USERS;

-- The services: a component of ours and one of stock Prosody for each set of options.
local KINDS = {
	{ name = "rooms", module = "muc_scion" },
	{ name = "stock", module = "muc" },
};
local COMMON = {
	restrict_room_creation = "local", storage = "internal", name = "Talk",
	muc_scion_unlimited_jids = { DOMAIN }, -- tests are faster than people
};
local SETS = {
	main = {},
	limited = { muc_scion_unlimited_jids = {} }, -- as for people
	hasty = { muc_room_lock_timeout = 1 }, -- locked rooms are soon over
	listed = { muc_room_default_public = true },
	archived = {},
	welcoming = { allow_unaffiliated_register = true },
	fixed = { enforce_registered_nickname = true },
	capped = { max_history_messages = 3 },
	few = { muc_max_rooms = 2 },
	-- For random actions, fast ones.
	open = { muc_room_locking = false, muc_tombstones = false, muc_scion_unlimited_jids = { DOMAIN } },
};

local STOCK_SETS = { archived = { modules_enabled = { "muc_mam" } } }; -- what ours does by itself

local function options_of(kind, set)
	local options = {};
	for _, source in ipairs({ COMMON, SETS[set], kind.name == "stock" and STOCK_SETS[set] or nil }) do
		for key, value in pairs(source) do
			options[key] = value;
		end
	end
	return options;
end

local function has_module(name)
	return name == "muc" or process.read_file(("%s/mod_%s.lua"):format(PLUGINS, name)) ~= nil;
end

-- The kinds to test: those named in `wanted` ("rooms stock"), or all there are.
function world.kinds(wanted)
	local list = {};
	for _, kind in ipairs(KINDS) do
		local asked = not wanted or (" %s "):format(wanted):find((" %s "):format(kind.name), 1, true);
		if asked and (wanted or has_module(kind.module)) then
			list[#list + 1] = kind;
		end
	end
	return list;
end

function world.service(kind, set)
	return set == "main" and ("%s.%s"):format(kind.name, DOMAIN) or ("%s-%s.%s"):format(set, kind.name, DOMAIN);
end

local function hosts_of(kinds)
	local hosts = {};
	for _, kind in ipairs(kinds) do
		for set in pairs(SETS) do
			hosts[#hosts + 1] = {
				("Component %q %q"):format(world.service(kind, set), kind.module), options_of(kind, set),
			};
		end
	end
	return hosts;
end

local OPTIONS = {
	plugin_paths = { PLUGINS },
	network_settings = { nagle = false }, -- else each second stanza waits 40 ms for an acknowledgement
};

local function one_server(self, hosts)
	table.insert(hosts, 1, { ("VirtualHost %q"):format(ELSEWHERE) });
	local options = {
		log = { debug = self.folder .. "/prosody.log" },
		modules_enabled = { "roster", "saslauth", "disco", "ping", "vcard", "admin_shell" },
	};
	for key, value in pairs(OPTIONS) do
		options[key] = value;
	end
	self.server = prosody.new(self.folder, { domain = DOMAIN, hosts = hosts, options = options });
end

-- Describes the servers, in which no user is yet. `place` "remote": the users are elsewhere.
function world.new(kinds, place)
	local folder = harness.BUILD .. "/e2e/" .. (place and "rooms-" .. place or "rooms");
	local output, ok = process.run({ "sh", "-c", "rm -rf \"$1\" && mkdir -p \"$1/data\" \"$1/certs\"", "sh", folder });
	assert(ok, output);
	local self = setmetatable({ folder = folder, kinds = kinds, connections = {} }, world);
	if place then
		self.place = remote.new(folder, hosts_of(kinds), { DOMAIN, ELSEWHERE }, OPTIONS);
		self.server = self.place.rooms;
	else
		one_server(self, hosts_of(kinds));
	end
	return self;
end

function world:start()
	if self.is_running then
		return;
	end
	if self.place and not self.place.is_running then
		assert(self.place.users:start());
		self.place.is_running = true;
	end
	assert(self.server:start());
	self.is_running = true;
	self.version = self.server:log():match("Prosody version (%d+%.%d+)") or "unknown";
end

-- All that the server sent has been read, to the end of each stream.
local function are_read(connections)
	for _, user in pairs(connections) do
		if not user.stream.ended then
			return false;
		end
	end
	return true;
end

-- Ends the server with the rooms; users that are on it are gone. `start` starts it where it is not running.
function world:stop()
	local status, manner = self.server:stop();
	assert(status == 0 and not manner, ("the server ended with status %s %s"):format(tostring(status), manner or ""));
	self.is_running = false;
	if not self.place then
		loop.wait(function () return are_read(self.connections); end, 5);
		self.connections = {};
	end
end

-- Ends all.
function world:close()
	self:stop();
	if self.place then
		self.place.stop();
	end
end

-- Where users log in.
function world:c2s_port()
	return (self.place and self.place.users or self.server).c2s_port;
end

-- The open connection of a user, by name.
function world:connection(name)
	local known = self.connections[name];
	if known and not known.stream.ended and not known.stream.finished then
		return known;
	end
	local user = assert(client.connect({
		jid = assert(USERS[name], "no such user: " .. name), password = "secret", host = "127.0.0.1",
		port = self:c2s_port(), tls = false,
	}));
	self.connections[name] = user;
	return user;
end

-- What the log says of errors since the last call: one text, or nil.
function world:new_faults()
	local found = {};
	self.log = self.log or assert(io.open(self.server.log_file));
	for line in self.log:lines() do
		if line:find("\terror\t", 1, true) or line:find("[Tt]raceback") then
			found[#found + 1] = line;
		end
	end
	return found[1] and table.concat(found, "\n");
end

return world;
