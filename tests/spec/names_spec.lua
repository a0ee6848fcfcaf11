-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local new_names = require "sx.names".new;

local H1, H2 = "1-ff00:0:110,10.0.0.1", "2-ff00:0:210,10.0.0.2";

describe("names", function ()
	local hosts, config;

	before_each(function ()
		hosts = {};
		config = {
			port = 31467;
			names = { order = { "static", "hosts" }, hosts = { "/etc/scion/hosts", "/etc/hosts" } };
			peers = { ["s.example.org"] = { address = { H1 }, port = 4000 }, ["p.example.org"] = { port = 5000 } };
		};
	end);

	local function ask(domain)
		local list, err;
		new_names(config, function (name) return hosts[name] or {}; end):lookup(domain, function (...)
			list, err = ...;
		end);
		return list, err;
	end

	it("come from the static map, with the peer's port", function ()
		assert.same({ { address = H1, port = 4000, source = "static" } }, (ask("s.example.org")));
	end);

	it("come from hosts files, with the peer's port or ours", function ()
		hosts = { b = { H2, H1 }, ["p.example.org"] = { H1 } };
		assert.same({ { address = H2, port = 31467, source = "hosts" }, { address = H1, port = 31467, source = "hosts" } },
			(ask("b")));
		assert.equal(5000, ask("p.example.org")[1].port);
	end);

	it("come from the first source that knows, of those that may be asked", function ()
		hosts = { ["s.example.org"] = { H2 }, b = { H2 } };
		assert.equal(H1, ask("s.example.org")[1].address);
		config.names.order = { "hosts", "static" };
		assert.equal(H2, ask("s.example.org")[1].address);
		config.names.order = { "static" };
		assert.is_nil((ask("b")));
	end);

	it("say who was asked when nobody knows", function ()
		local _, err = ask("x.example.org");
		assert.equal("no SCION address known for x.example.org (asked: the static map, hosts files)", err);
	end);
end);
