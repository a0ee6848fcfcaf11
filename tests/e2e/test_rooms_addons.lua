-- SPDX-License-Identifier: MIT
-- Add-ons that were written for stock rooms do in ours what they do in stock's. Those that this release has not are
-- skipped.
local addons = require "e2e.rooms.addons";
local home = require "e2e.rooms.home";
local prosody = require "e2e.prosody";
local suite = require "e2e.rooms.suite";
local world_of = require "e2e.rooms.world";

local wanted = {};
for _, set in pairs(addons.sets) do
	table.move(set.needs, 1, #set.needs, #wanted + 1, wanted);
end
local has = home.has_modules(wanted);

-- The first add-on of a set that is missing here.
local function missing(set)
	for _, name in ipairs(set.needs) do
		if not has[name] then
			return name;
		end
	end
end

local sets = { main = {} };
for name, set in pairs(addons.sets) do
	local enabled = set.is_loaded_later and {} or set.needs;
	local options = { modules_enabled = { "rooms_hand", table.unpack(enabled) } };
	for key, value in pairs(set.options or {}) do
		options[key] = value;
	end
	sets[name] = not missing(set) and options or nil;
end
for _, test in ipairs(suite.tests) do
	local name = missing(addons.sets[test.set]);
	test.lacks = name and ("neither this Prosody nor prosody-modules here has mod_%s"):format(name);
end

addons.http_port = prosody.free_ports(1);
home.run(home.world(world_of.kinds(os.getenv("SX_ROOMS")), {
	folder = "rooms-addons", sets = sets,
	hosts = { { 'Component "pubsub.example.org" "pubsub"', {
		admins = { "owner@example.org" }, autocreate_on_subscribe = true, autocreate_on_publish = true,
	} } },
	options = {
		http_ports = { addons.http_port }, http_interfaces = { "127.0.0.1" }, https_ports = {},
	},
}));
