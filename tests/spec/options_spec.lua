-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local options = require "sx.options";
local core = require "fake_core".new();

local env = {
	normalise = function (text) return (core.address_normal(text)); end;
	prep = function (domain) return domain ~= "bad..name" and domain:lower() or nil; end;
};

local function good()
	return {
		address = "1-ff00:0:111,192.0.2.10";
		port = 31467;
		paths = "file:/etc/prosody/paths.json";
		policy = "prefer";
		trust = "any";
		dialback = { "old.example.org" };
		names = { order = { "static", "hosts" }, deadline = 2, hosts = { "/etc/scion/hosts", "/etc/hosts" },
			cache_bytes = 4194304, rains = { roots = {}, servers = {}, trust = "verify" }, dns = {} };
		peers = { ["b.example.org"] = { policy = "require", address = { "2-ff00:0:211,192.0.2.20" }, port = 31467,
			trust = "pkix" } };
	};
end

local function read(raw)
	return options.read(raw, env);
end

--- Sets a deep value by its keys.
local function with(path, value)
	local raw = good();
	local t = raw;
	for i = 1, #path - 1 do
		t = t[path[i]];
	end
	t[path[#path]] = value;
	return raw;
end

local samples = { string = "nonsense", number = -1.5, boolean = true, table = { x = 1 }, ["function"] = print,
	list = { 5 }, empty = "" };

-- Every option: its path, how the message names it, and which of the samples (and more) are wrong.
local B = "b.example.org";
local all = { "string", "number", "boolean", "table", "function", "list", "empty" };
local rows = {
	{ { "address" }, "scion.address", all, { "1-ff00:0:111", "ff00:0:111,1.2.3.4" } },
	{ { "port" }, "scion.port", all, { 0, 65536, 31467.5, "31467", 0 / 0, math.huge } },
	{ { "paths" }, "scion.paths", all, { "file:", "/etc/paths.json", "auto", "daemon:127.0.0.1:30255", "control:/etc" } },
	{ { "policy" }, "scion.policy", all, { "Require", "off" } },
	{ { "trust" }, "scion.trust", all, { "none" } },
	{ { "dialback" }, "scion.dialback", { "string", "number", "boolean", "table", "function", "list", "empty" },
		{ { "a b" }, { "a@b" }, { "" }, { "bad..name" }, { true }, { "a.example.org", nil, "c.example.org" } } },
	{ { "names" }, "scion.names", all, { { ordre = {} } } },
	{ { "names", "order" }, "scion.names.order", all, { { "static", "static" }, { "Static" }, { "dht" } } },
	{ { "names", "deadline" }, "scion.names.deadline", all, { 0, 61, "2", 0 / 0 } },
	{ { "names", "hosts" }, "scion.names.hosts", { "string", "number", "boolean", "table", "function", "list", "empty" },
		{ { "" }, { {} }, { "a\nb" }, { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
		"17" } } },
	{ { "names", "cache_bytes" }, "scion.names.cache_bytes", all, { -1, 1.5 } },
	{ { "names", "rains" }, "scion.names.rains", all, {} },
	{ { "names", "rains", "roots" }, "scion.names.rains.roots", { "string", "number", "boolean", "table", "list" },
		{ { "a\nb" } } },
	{ { "names", "rains", "servers" }, "scion.names.rains.servers", { "string", "number", "boolean", "table" },
		{ { "a\nb" } } },
	{ { "names", "rains", "port" }, "scion.names.rains.port", all, { 0, 65536 } },
	{ { "names", "rains", "trust" }, "scion.names.rains.trust", all, {} },
	{ { "names", "dns" }, "scion.names.dns", { "string", "number", "boolean", "table", "function", "list" }, {} },
	{ { "names", "dns", "servers" }, "scion.names.dns.servers", { "string", "number", "boolean", "table", "function" },
		{ { "1.1.1.1,2.2.2.2" }, { "a b" }, { "" } } },
	{ { "peers" }, "scion.peers", { "string", "number", "boolean", "function", "list", "empty" },
		{ { ["a b"] = {} }, { [""] = {} }, { B } } },
	{ { "peers", B }, 'scion.peers["b.example.org"]', all, {} },
	{ { "peers", B, "policy" }, 'scion.peers["b.example.org"].policy', all, { "REQUIRE" } },
	{ { "peers", B, "address" }, 'scion.peers["b.example.org"].address', all, { { "x" }, "2-ff00:0:211,192.0.2.20" } },
	{ { "peers", B, "port" }, 'scion.peers["b.example.org"].port', all, { 0, 65536, "1" } },
	{ { "peers", B, "trust" }, 'scion.peers["b.example.org"].trust', all, { "none" } },
};

describe("the scion option", function ()
	it("is taken as in the manual", function ()
		local config = read(good());
		assert.same({}, config.errors);
		assert.is_true(config.ok);
		assert.equal("1-ff00:0:111,192.0.2.10", config.address);
		assert.equal("file:/etc/prosody/paths.json", config.paths);
		assert.same({ ["old.example.org"] = true }, config.dialback);
		assert.same({ policy = "require", address = { "2-ff00:0:211,192.0.2.20" }, port = 31467, trust = "pkix" },
			config.peers[B]);
		assert.same({ "static", "hosts" }, config.names.order);
	end);

	it("has defaults for all but address and paths", function ()
		local config = read { address = "1-ff00:0:111,[::1]", paths = "file:p" };
		assert.same({}, config.errors);
		assert.equal(31467, config.port);
		assert.equal("prefer", config.policy);
		assert.equal("any", config.trust);
		assert.same({}, config.peers);
		assert.same({}, config.dialback);
		assert.same({ order = { "static", "hosts", "dns" }, deadline = 2, hosts = { "/etc/scion/hosts", "/etc/hosts" },
			cache_bytes = 4194304, rains = { roots = {}, servers = {}, trust = "verify" }, dns = {} }, config.names);
		assert.equal("1-ff00:0:111,::1", config.address);
	end);

	it("asks RAINS where it is set up", function ()
		local raw = good();
		raw.names = { rains = { servers = { "192.0.2.1" }, roots = { "root.pem" }, port = 31469 } };
		raw.trust = "rains";
		local config = read(raw);
		assert.same({}, config.errors);
		assert.same({ "static", "hosts", "rains", "dns" }, config.names.order);
		assert.same({ servers = { "192.0.2.1" }, roots = { "root.pem" }, trust = "verify", port = 31469 },
			config.names.rains);
		assert.equal("rains", options.trust_of(config, "a.example.org"));
		assert.equal("pkix", options.trust_of(config, B));
	end);

	for name, change in pairs {
		["an order with it"] = function (raw) raw.names.order = { "rains" }; end;
		["trust in it"] = function (raw) raw.trust = "rains"; end;
		["a peer's trust in it"] = function (raw) raw.peers[B].trust = "rains"; end;
	} do
		it("needs a RAINS server for "..name, function ()
			local raw = good();
			change(raw);
			local config = read(raw);
			assert.equal(1, #config.errors);
			assert.truthy(config.errors[1].text:find("option scion.names.rains.servers: found nothing", 1, true));
		end);
	end

	it("needs a root key for what RAINS servers say, or to be told that there is none", function ()
		local raw = good();
		raw.names.rains = { servers = { "192.0.2.1" } };
		assert.truthy(read(raw).errors[1].text:find("option scion.names.rains.roots: found nothing", 1, true));
		raw.names.rains.trust = "unsigned";
		assert.same({}, read(raw).errors);
	end);

	it("has canonical domains", function ()
		local config = read(with({ "peers" }, { ["B.Example.ORG"] = { policy = "never" } }));
		assert.equal("never", options.policy_of(config, "b.example.org"));
	end);

	for _, key in ipairs { "address", "paths" } do
		it("needs "..key, function ()
			local config = read(with({ key }, nil));
			assert.is_false(config.ok);
			assert.equal(1, #config.errors);
			assert.truthy(config.errors[1].text:find("option scion."..key..": found nothing, expected", 1, true));
		end);
	end

	for _, value in ipairs { "x", 5, true, print } do
		it("is no "..type(value), function ()
			local config = read(value);
			assert.is_false(config.ok);
			assert.equal("scion", config.unreadable);
			assert.truthy(config.errors[1].text:find("option scion: found", 1, true));
			assert.same({ "require", true }, { options.policy_of(config, "any.example.org") });
		end);
	end

	it("may be missing: then there is no SCION, and nothing else changes", function ()
		local config = read(nil);
		assert.is_false(config.ok);
		assert.is_nil(config.unreadable);
		assert.truthy(config.errors[1].text:find("above the first VirtualHost", 1, true));
		assert.equal("prefer", (options.policy_of(config, "any.example.org")));
	end);
end);

describe("a wrong value", function ()
	for _, row in ipairs(rows) do
		local path, name = row[1], row[2];
		local values = {};
		for _, kind in ipairs(row[3]) do
			values[#values + 1] = samples[kind];
		end
		for _, value in ipairs(row[4]) do
			values[#values + 1] = value;
		end
		it("of "..name.." is refused by name, in one line", function ()
			for i, value in ipairs(values) do
				local config = read(with(path, value));
				local shown = ("%s value %d (%s)"):format(name, i, tostring(value));
				assert.is_false(config.ok, shown);
				assert.is_truthy(#config.errors > 0, shown);
				for _, wrong in ipairs(config.errors) do
					assert.equal("option "..name, wrong.text:sub(1, #name + 7), shown);
					assert.is_nil(wrong.text:find("\n", 1, true), shown);
					assert.truthy(wrong.text:find("expected", 1, true) or wrong.text:find("did you mean", 1, true)
						or wrong.text:find("not available in this version", 1, true), shown);
				end
			end
		end);
	end

	it("covers every option there is", function ()
		local covered = {};
		for _, row in ipairs(rows) do
			covered[row[2]] = true;
		end
		local function walk(t, path)
			for key, value in pairs(t) do
				local name = key == B and 'scion.peers["b.example.org"]' or type(key) == "string" and path.."."..key;
				if name then
					assert.is_true(covered[name], name);
				end
				if name and type(value) == "table" then
					walk(value, name);
				end
			end
		end
		walk(good(), "scion");
	end);

	it("is reported with all others at once", function ()
		local config = read { address = 5, port = "x", paths = false };
		assert.equal(3, #config.errors);
	end);

	it("is shown short, however long it is", function ()
		local config = read(with({ "policy" }, ("x\n"):rep(10000)));
		assert.is_true(#config.errors[1].text < 250);
		assert.is_nil(config.errors[1].text:find("\n", 1, true));
	end);

	for _, case in ipairs {
		{ { "adress" }, "scion.adress", "address" }, { { "peer" }, "scion.peer", "peers" },
		{ { "names", "ordre" }, "scion.names.ordre", "order" }, { { "names", "rains", "root" }, "scion.names.rains.root",
			"roots" }, { { "peers", B, "polici" }, 'scion.peers["b.example.org"].polici', "policy" },
		{ { 1 }, "scion[1]", "port" },
	} do
		it("for an unknown key "..case[2].." names the nearest known one", function ()
			local config = read(with(case[1], {}));
			assert.equal(1, #config.errors);
			assert.equal("option "..case[2]..": unknown; did you mean \""..case[3].."\"?", config.errors[1].text);
		end);
	end
end);

describe("a broken configuration", function ()
	local function policies(raw)
		local config = read(raw);
		assert.is_false(config.ok);
		return function (domain)
			return (options.policy_of(config, domain));
		end, config;
	end

	it("keeps the policies that could be read", function ()
		local policy, config = policies(with({ "port" }, "x"));
		assert.equal("require", policy(B));
		assert.equal("prefer", policy("other.example.org"));
		assert.is_nil(config.unreadable);
	end);

	it("keeps a default policy that could be read", function ()
		local raw = with({ "port" }, "x");
		raw.policy = "require";
		assert.equal("require", (policies(raw))("other.example.org"));
	end);

	for _, bad in ipairs { { policy = "requires" }, { policy = 5 }, { polciy = "require" }, 5, "require" } do
		it("reads a peer whose policy is unclear as require", function ()
			local raw = good();
			raw.peers = { ["c.example.org"] = bad };
			local policy, config = policies(raw);
			assert.equal("require", policy("c.example.org"));
			assert.equal("prefer", policy("other.example.org"));
			assert.is_nil(config.unreadable);
		end);
	end

	it("keeps a peer's clear policy when something else of it is wrong", function ()
		local policy = policies(with({ "peers" }, { ["c.example.org"] = { policy = "never", port = "x" } }));
		assert.equal("never", policy("c.example.org"));
	end);

	for _, case in ipairs {
		{ "scion.policy", { "policy" }, "requires" }, { "scion.policy", { "policy" }, 5 },
		{ "scion.policy", { "polcy" }, "require" }, { "scion.peers", { "peers" }, "b.example.org" },
		{ "scion.peers", { "peers" }, { "b.example.org" } }, { "scion.peers", { "peeers" }, {} },
		{ "scion.peers", { "peers" }, { ["a b"] = { policy = "require" } } },
	} do
		it(("assumes require for everybody when %s cannot be read (%s)"):format(case[1], tostring(case[3])), function ()
			local _, config = policies(with(case[2], case[3]));
			assert.equal(case[1], config.unreadable);
			assert.same({ "require", true }, { options.policy_of(config, "other.example.org") });
		end);
	end

	it("knows the peers that are certainly require from those assumed to be", function ()
		local _, config = policies(with({ "policy" }, 5));
		assert.same({ "require", false }, { options.policy_of(config, B) });
		assert.same({ "require", true }, { options.policy_of(config, "other.example.org") });
	end);
end);
