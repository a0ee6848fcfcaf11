-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local unpack = table.unpack or unpack; -- luacheck: ignore 113
local names = require "sx.names";

local H1, H2 = "1-ff00:0:110,10.0.0.1", "2-ff00:0:210,10.0.0.2";

local function options()
	return {
		port = 31467;
		names = { order = { "static", "hosts", "rains", "dns" }, deadline = 1.5, hosts = { "/etc/scion/hosts", "/etc/hosts" },
			cache_bytes = 1000, rains = { roots = { "ed25519 1 aa", "/root.pem" }, servers = { "192.0.2.1:1" },
			trust = "verify" }, dns = {} };
		peers = { ["s.example.org"] = { address = { H1, H2 }, port = 4000 }, ["p.example.org"] = { port = 5000 },
			["ä.example.org"] = { address = { H2 } } };
	};
end

local function to_ascii(name)
	return (name:gsub("ä", "xn--4ca"));
end

describe("the settings of names", function ()
	it("are what the core takes", function ()
		assert.same({
			order = "static,hosts,rains,dns", deadline_ms = 1500, cache_bytes = 1000, scion_port = 31468, unsigned = false,
			statics = ("s.example.org %s %s\nxn--4ca.example.org %s"):format(H1, H2, H2),
			hosts = "/etc/scion/hosts\n/etc/hosts", roots = "ed25519 1 aa\n/root.pem", servers = "192.0.2.1:1",
		}, names.settings(options(), to_ascii));
	end);

	it("leave out what there is none of", function ()
		local config = options();
		config.names.hosts, config.names.rains.roots, config.names.rains.servers = {}, {}, {};
		config.names.rains.trust, config.names.rains.port, config.peers = "unsigned", 7, {};
		config.names.dns.servers = { "192.0.2.1", "[::1]:53" };
		assert.same({ order = "static,hosts,rains,dns", deadline_ms = 1500, cache_bytes = 1000, scion_port = 7,
			unsigned = true, dns = "192.0.2.1,[::1]:53" }, names.settings(config, to_ascii));
	end);
end);

describe("names", function ()
	local asked, found;

	before_each(function ()
		asked = nil;
		found = { texts = { source = "rains", reason = "" }, list = {} };
		function found:targets() return self.list; end
		function found:text(which) return self.texts[which]; end
		function found:judge(pem) self.pem = pem; return unpack(self.verdict, 1, 3); end
	end);

	local function ask(method, ...)
		local config = options();
		local env = {
			resolve = function (name, how, answer)
				asked = { name, how };
				if found == "busy" then
					return nil, "too many questions";
				end
				answer(found);
				return true;
			end;
			to_ascii = to_ascii;
		};
		local result;
		local self = names.new(config, env);
		local args = { ... };
		args[#args + 1] = function (...) result = { ... }; end;
		self[method](self, unpack(args));
		return result[1], result[2];
	end

	it("come with the peer's port, the one that was found, or ours", function ()
		found.list = { { address = H1, port = 100 }, { address = H2 } };
		assert.same({ { address = H1, port = 100, source = "rains" }, { address = H2, port = 31467, source = "rains" } },
			(ask("lookup", "b.example.org", false)));
		assert.equal(5000, ask("lookup", "p.example.org", false)[1].port);
		assert.equal(5000, ask("lookup", "p.example.org", false)[2].port);
	end);

	it("are asked for by their A-labels, over SCION alone where that is the policy", function ()
		ask("lookup", "ä.example.org", true);
		assert.same({ "xn--4ca.example.org", { scion_only = true } }, asked);
	end);

	it("say why nobody knows", function ()
		found.texts.reason = "hosts: not listed; dns: no answer";
		local list, err = ask("lookup", "x.example.org", false);
		assert.is_nil(list);
		assert.equal("no SCION address known for x.example.org (hosts: not listed; dns: no answer)", err);
		found.texts.reason, found.list = "", { { address = "192.0.2.1", plain = true, port = 5 } };
		list, err = ask("lookup", "x.example.org", false);
		assert.is_nil(list);
		assert.truthy(err:find("plain QUIC only", 1, true));
		found = nil;
		list, err = ask("lookup", "x.example.org", false);
		assert.is_nil(list);
		assert.truthy(err:find("given up", 1, true));
		found = "busy";
		list, err = ask("lookup", "x.example.org", false);
		assert.is_nil(list);
		assert.equal("x.example.org cannot be looked up: too many questions", err);
	end);

	for _, case in ipairs {
		{ { true }, "match" }, { { nil, "wrong hash", "EREFUSED" }, "mismatch", "wrong hash" },
		{ { nil, "says nothing", "ENOTFOUND" }, "none", "says nothing" },
		{ { nil, "out of memory", "ENOMEM" }, "none", "out of memory" },
	} do
		it(("prove a certificate or not: %s"):format(case[3] or case[2]), function ()
			found.verdict = case[1];
			local word, reason = ask("prove", "b.example.org", "PEM", { scion_only = true, fresh = true });
			assert.equal(case[2], word);
			assert.equal(case[3], reason);
			assert.equal("PEM", found.pem);
			assert.same({ "b.example.org", { certificates = true, scion_only = true, fresh = true } }, asked);
		end);
	end

	it("prove nothing when nobody can be asked", function ()
		found = nil;
		assert.equal("none", (ask("prove", "b.example.org", "PEM", {})));
		found = "busy";
		local word, reason = ask("prove", "b.example.org", "PEM", {});
		assert.same({ "none", "too many questions" }, { word, reason });
	end);
end);
