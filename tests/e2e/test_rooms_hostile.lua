-- SPDX-License-Identifier: MIT
-- Every stanza that rooms know (rooms/stanzas.lua), spoilt in every way (rooms/mutations.lua), from people of all
-- ranks: the server answers what it has to, logs no error, keeps its size, and its rooms work.
--
-- SX_SEED and SX_STANZAS vary or lengthen a run.
local client = require "e2e.client";
local harness = require "e2e.harness";
local process = require "e2e.process";
local siege = require "e2e.rooms.siege";
local stanzas = require "e2e.rooms.stanzas";
local tap = require "e2e.tap";
local xml = require "e2e.xml";

local SERVICE = "rooms.example.org";
local BATCH = 100;
local GROWTH = 1048576; -- bytes that the server may need more after all of the attack than after the first part

local seed = tonumber(os.getenv("SX_SEED") or 1);
local count = tonumber(os.getenv("SX_STANZAS") or 4000);

local function start(world)
	local server = world:server({
		domain = "example.org", options = {
			plugin_paths = { harness.ROOT .. "/lua/plugins", process.HERE .. "/plugins" }, log = { info = "*console" },
			admins = { "root@example.org" }, network_settings = { nagle = false },
			modules_enabled = { "roster", "saslauth", "disco", "ping", "vcard" },
		},
		hosts = {
			{ "VirtualHost \"elsewhere.example.net\"" },
			{ ("Component %q \"muc_scion\""):format(SERVICE), {
				modules_enabled = { "census" }, muc_scion_unlimited_jids = { "example.org" },
				component_admins_as_room_owners = true, muc_room_default_public = true, muc_room_cache_size = 20,
			} },
		},
	});
	server.options.log = { info = server.log_file };
	assert(server:start());
	local users = {};
	for _, name in ipairs({ "root", "probe", table.unpack(siege.attackers) }) do
		local domain = name == "stranger" and "elsewhere.example.net" or "example.org";
		users[name] = assert(client.connect({ jid = ("%s@%s/first"):format(name, domain), password = "secret",
			host = "127.0.0.1", port = server.c2s_port, tls = false }));
	end
	return server, users;
end

local function census(users)
	local answer = assert(users.root:request(("<iq type='get' to='%s'><census xmlns='urn:example:census'/></iq>")
		:format(SERVICE)));
	local attr = assert(xml.child(answer, "census"), xml.text(answer)).attr;
	return tonumber(attr.bytes), tonumber(attr.rooms);
end

-- A function that returns what the log says of errors since the last call.
local function log_reader(server)
	local log = assert(io.open(server.log_file));
	return function ()
		local found = {};
		for line in log:lines() do
			found[#found + 1] = (line:find("\terror\t", 1, true) or line:find("[Tt]raceback")) and line or nil;
		end
		return found;
	end;
end

-- Throws things in batches, each in a fresh room. `next_throw` returns false at the end.
local function attack(war, new_faults, next_throw)
	local goes_on = true;
	while goes_on do
		war:moves();
		war:storm(function ()
			for _ = 1, BATCH do
				goes_on = goes_on and next_throw();
			end
		end);
		war:check_room();
		war:ends();
		local faults = new_faults();
		assert(#faults == 0, table.concat(faults, "\n"));
	end
end

-- Each template with each mutation, once.
local function each_pair(war)
	local template, mutation = 1, 0;
	return function ()
		mutation = mutation + 1;
		if mutation > #siege.mutations then
			template, mutation = template + 1, 1;
		end
		if not stanzas[template] then
			return false;
		end
		local who = siege.attackers[math.max(1, (template + mutation) % 9 - 4)]; -- mostly an owner
		war:throw(who, stanzas[template], siege.mutations[mutation]);
		return true;
	end;
end

local function at_random(war, dice)
	local left = count;
	return function ()
		left = left - 1;
		local who = siege.attackers[dice(3) == 1 and dice(#siege.attackers) or dice(2)]; -- owners and admins come far
		local first, second = siege.mutations[dice(#siege.mutations)], siege.mutations[dice(#siege.mutations)];
		war:throw(who, stanzas[dice(#stanzas)], first, dice(3) == 1 and second or nil);
		return left > 0;
	end;
end

tap.run({
	harness.test("spoilt stanzas of all kinds from everybody", function (world)
		print(("# seed %d"):format(seed));
		math.randomseed(seed);
		local server, users = start(world);
		local war = siege.new(users, math.random);
		local new_faults = log_reader(server);
		attack(war, new_faults, each_pair(war));
		local before = census(users);
		attack(war, new_faults, at_random(war, math.random));
		local after, rooms = census(users);
		print(("# %d stanzas, %.1f MB before, %.1f MB after, addresses looked for in %d of %d batches"):format(war.sent,
			before / 1048576, after / 1048576, war.watched, war.storms));
		local counts = {};
		for condition, number in pairs(war.refused) do
			counts[#counts + 1] = ("%s %d"):format(condition, number);
		end
		table.sort(counts);
		print("# answers: " .. table.concat(counts, ", "));
		assert(after - before < GROWTH, "the server needs too much memory");
		assert(rooms == 0, "rooms are left: " .. rooms);
		assert(war.watched > war.storms / 2, "addresses were rarely looked for");
	end),
});
