-- SPDX-License-Identifier: MIT
-- home: rooms at home in a Prosody: a service that changes from one component to the other and keeps its name, and runs
-- of tests of add-ons against both kinds.
local harness = require "e2e.harness";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local scene = require "e2e.rooms.scene";
local suite = require "e2e.rooms.suite";
local tap = require "e2e.tap";
local world_of = require "e2e.rooms.world";

local home = setmetatable({}, { __index = world_of });
home.__index = home;

local SERVICE = "rooms." .. world_of.domain;
local OPTIONS = {
	plugin_paths = { harness.ROOT .. "/lua/plugins", harness.ROOT .. "/tests/e2e/plugins" },
	modules_enabled = { "roster", "saslauth", "disco", "ping", "vcard", "admin_shell" },
	network_settings = { nagle = false }, -- else each second stanza waits 40 ms for an acknowledgement
};
local COMMON = { -- of all services
	restrict_room_creation = "local", storage = "internal", name = "Talk",
	muc_scion_unlimited_jids = { world_of.domain }, -- tests are faster than people
};

local function with(options, more)
	local all = {};
	for _, source in ipairs({ options, more }) do
		for key, value in pairs(source) do
			all[key] = value;
		end
	end
	return all;
end

local function component(service, kind, options)
	return { ("Component %q %q"):format(service, kind.module), with(COMMON, options) };
end

-- A server with the services of some kinds. `setup`: folder (under build/e2e), sets (name -> options of a component of
-- each kind), hosts (more of them, as in prosody.lua), options (global ones).
function home.world(kinds, setup)
	local folder = ("%s/e2e/%s"):format(harness.BUILD, setup.folder);
	local output, ok = process.run({ "sh", "-c", "rm -rf \"$1\" && mkdir -p \"$1/data\" \"$1/certs\"", "sh", folder });
	assert(ok, output);
	local hosts = { table.unpack(setup.hosts or {}) };
	for _, kind in ipairs(kinds) do
		for set, options in pairs(setup.sets or {}) do
			hosts[#hosts + 1] = component(world_of.service(kind, set), kind, options);
		end
	end
	local options = with(with(OPTIONS, { log = { debug = folder .. "/prosody.log" } }), setup.options or {});
	local server = prosody.new(folder, { domain = world_of.domain, hosts = hosts, options = options });
	return setmetatable({ folder = folder, kinds = kinds, connections = {}, server = server }, world_of);
end

function home.service()
	return SERVICE;
end

local function kind_of(name)
	return world_of.kinds(name)[1];
end

-- A server with one service, which can change from one kind ("rooms" or "stock") to the other; and the scene on it.
local function new(kind, folder, options)
	local self = setmetatable(home.world({}, { folder = folder }), home);
	self.options, self.host = options, {};
	table.insert(self.server.hosts, self.host);
	self:set_kind(kind);
	self:start();
	return self, scene.new(self, self.kind);
end

-- From its next start on the service is of this kind.
function home:set_kind(kind)
	self.kind = kind_of(kind);
	self.host[1], self.host[2] = table.unpack(component(SERVICE, self.kind, self.options[kind]));
end

-- A restart with the other Component line.
function home:becomes(kind, t)
	self:set_kind(kind);
	t.kind = self.kind;
	t:restart();
end

-- A command of the admin shell that must not fail.
function home:shell(command)
	local output, ok = self.server:shell(command);
	assert(ok and not output:find("^!") and not output:find("\n!"), ("%s: %s"):format(command, output));
	return output;
end

-- The other component takes over at once, with all who are in its rooms.
function home:turns_into(kind, t)
	self:set_kind(kind);
	t.kind = self.kind;
	self.server:write_config();
	self:shell("config:reload()");
	self:shell(("host:deactivate(%q)"):format(SERVICE));
	self:shell(("host:activate(%q)"):format(SERVICE));
end

-- What the service keeps of the room of the scene, as a table.
function home:stored(t)
	local file = ("%s/data/%s/config/%s.dat"):format(self.folder, SERVICE:gsub("%.", "%%2e"), t.room:match("^[^@]+"));
	return assert(load(assert(process.read_file(file), "no such file: " .. file), "=stored", "t", {}))();
end

-- Ends the server; a test that got this far fails with what was logged as errors.
function home:finish()
	self:stop();
	local faults = self:new_faults();
	assert(not faults, faults);
end

-- A TAP point with a service of its own, which starts as `kind`; `options`: kind -> those of the component.
function home.test(name, kind, options, body)
	return { name, function ()
		local self, t = new(kind, "home-" .. name:gsub("[^%w]+", "-"):sub(1, 40), options);
		local ok, err = xpcall(body, function (err)
			return scene.failure(err) or tap.explain(err);
		end, t, self);
		local finished, why = pcall(self.finish, self);
		if not ok then
			self.server:kill();
			error(type(err) == "string" and ("%s\nsee %s"):format(err, self.folder) or err, 0);
		end
		assert(finished, why);
	end };
end

-- Folders in which this Prosody looks for modules, by what it says of itself.
local function module_folders(server)
	local list = {};
	server:write_config();
	for line in server:control("about"):match("Plugin directories:(.-)\n%s*\n"):gmatch("[^\n]+") do
		list[#list + 1] = line:match("^%s*(/.-)/?%s*$");
	end
	return list;
end

-- Which of the modules this Prosody has: name -> true.
function home.has_modules(names)
	local server = home.world({}, { folder = "home-modules" }).server;
	local found = {};
	for _, folder in ipairs(module_folders(server)) do
		for _, name in ipairs(names) do
			local file = ("%s/mod_%s"):format(folder, name);
			found[name] = found[name] or process.read_file(file .. ".lua") ~= nil
				or process.read_file(("%s/mod_%s.lua"):format(file, name)) ~= nil;
		end
	end
	return found;
end

local function point_of(world, kind, test)
	local differs = kind.name == "stock" and suite.differs(test, world.version);
	local name = ("%s: %s"):format(kind.name, test.name);
	return { differs and ("%s (differs: %s)"):format(name, differs) or name, function ()
		local lacks = test.lacks or test.lacks_in and test.lacks_in[world.version];
		if lacks then
			tap.skip(lacks);
		end
		local outcome, why = suite.run(world, kind, test);
		assert((outcome == "passed") == not differs, why or ("it passed, but the record says: %s"):format(tostring(differs)));
	end };
end

-- Runs all tests of the suite against both kinds; `more` are points that come last.
function home.run(world, more)
	local points = {};
	world:start();
	for _, test in ipairs(suite.tests) do
		for _, kind in ipairs(world.kinds) do
			points[#points + 1] = point_of(world, kind, test);
		end
	end
	table.move(more or {}, 1, #(more or {}), #points + 1, points);
	points[#points + 1] = { "the server ends in good order", function ()
		world:stop();
	end };
	tap.run(points);
end

return home;
