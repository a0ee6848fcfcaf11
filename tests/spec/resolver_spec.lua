-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local resolver = require "sx.resolver";

--- A stock resolver with these addresses; counts how often it was asked.
local function stock_of(addresses, last_error)
	local stock = { hostname = "b.example.org", asked = 0 };
	function stock:next(callback)
		self.asked = self.asked + 1;
		local address = table.remove(addresses, 1);
		if not address then
			self.last_error = last_error;
			return callback(nil);
		end
		return callback("tcp", address, 5269, { stock = true }, true);
	end
	return stock;
end

local session = { from_host = "a.example.org", to_host = "b.example.org" };

describe("a search for a peer", function ()
	local now, scion, scion_error, scion_asked, later;

	before_each(function ()
		now, scion_asked, later, scion_error = 100, 0, nil, nil;
		scion = { { address = "1-ff00:0:1,10.0.0.1", port = 31467, source = "static" },
			{ address = "1-ff00:0:1,10.0.0.2", port = 31468, source = "static" } };
	end);

	local function search(policy)
		return resolver.new({
			now = function () return now; end;
			targets = function (_, _, answer)
				scion_asked = scion_asked + 1;
				if later then
					later.answer = function () answer(scion, scion_error); end;
					return;
				end
				answer(scion, scion_error);
			end;
		}, session, policy);
	end

	--- Asks until there is nothing more; the addresses in order.
	local function drain(r)
		local found = {};
		for _ = 1, 20 do
			local address, ended;
			r:next(function (conn_type, ip)
				address, ended = ip, conn_type == nil;
			end);
			if ended then
				return table.concat(found, " ");
			end
			found[#found + 1] = address;
		end
		error("a resolver without an end");
	end

	it("prefers SCION and goes on with stock targets", function ()
		assert.equal("1-ff00:0:1,10.0.0.1 1-ff00:0:1,10.0.0.2 192.0.2.1 192.0.2.2",
			drain(search("prefer"):wrap(stock_of { "192.0.2.1", "192.0.2.2" })));
	end);

	it("falls back to SCION after the stock targets", function ()
		assert.equal("192.0.2.1 1-ff00:0:1,10.0.0.1 1-ff00:0:1,10.0.0.2",
			drain(search("fallback"):wrap(stock_of { "192.0.2.1" })));
	end);

	it("never asks the stock resolver under require", function ()
		local stock = stock_of { "192.0.2.1" };
		assert.equal("1-ff00:0:1,10.0.0.1 1-ff00:0:1,10.0.0.2", drain(search("require"):wrap(stock)));
		assert.equal(0, stock.asked);
	end);

	it("does not look for SCION addresses before their turn", function ()
		local r = search("fallback"):wrap(stock_of { "192.0.2.1" });
		r:next(function () end);
		assert.equal(0, scion_asked);
	end);

	it("hands out what net.connect and the dialler need", function ()
		local got;
		search("prefer"):wrap(stock_of {}):next(function (...) got = { n = select("#", ...), ... }; end);
		assert.same({ n = 5, "scion-quic", "1-ff00:0:1,10.0.0.1", 31467,
			{ servername = "b.example.org", from_host = "a.example.org", source = "static" }, false }, got);
	end);

	it("passes stock targets through as they are", function ()
		local got;
		search("fallback"):wrap(stock_of { "192.0.2.1" }):next(function (...) got = { n = select("#", ...), ... }; end);
		assert.same({ n = 5, "tcp", "192.0.2.1", 5269, { stock = true }, true }, got);
	end);

	it("has the host name that net.connect prints", function ()
		assert.equal("b.example.org", search("prefer"):wrap(stock_of {}).hostname);
		assert.equal("b.example.org", search("prefer"):wrap({ next = function () end }).hostname);
	end);

	it("waits for an answer that comes later", function ()
		later = {};
		local got;
		search("require"):wrap(stock_of {}):next(function (_, ip) got = ip; end);
		assert.is_nil(got);
		later.answer();
		assert.equal("1-ff00:0:1,10.0.0.1", got);
	end);

	it("says why there is no SCION address", function ()
		scion, scion_error = nil, "no SCION address known";
		local r = search("require"):wrap(stock_of {});
		assert.equal("", drain(r));
		assert.equal("no SCION address known", r.last_error);
	end);

	it("says what the stock resolver said when that came last", function ()
		scion, scion_error = nil, "no SCION address known";
		local r = search("prefer"):wrap(stock_of({}, "zero SRV records found"));
		assert.equal("", drain(r));
		assert.equal("zero SRV records found", r.last_error);
	end);

	it("stops trying SCION when the stock transports have waited long enough", function ()
		local r = search("prefer"):wrap(stock_of { "192.0.2.1" });
		r:next(function () end);
		now = now + 5.5;
		assert.equal("192.0.2.1", drain(r));
	end);

	it("tries every SCION target under require, however long it takes", function ()
		local r = search("require"):wrap(stock_of {});
		r:next(function () end);
		now = now + 60;
		assert.equal("1-ff00:0:1,10.0.0.2", drain(r));
	end);

	describe("shared by the two resolvers of Prosody 0.12.3", function ()
		--- As net.resolvers.chain does: the direct TLS one first, then the other.
		local function chain(policy, direct, starttls)
			local shared = search(policy);
			local second = shared:wrap(starttls);
			local first = shared:wrap(direct);
			local one = drain(first);
			return one.." | "..drain(second), second;
		end

		it("yields SCION targets once, first, under prefer", function ()
			assert.equal("1-ff00:0:1,10.0.0.1 1-ff00:0:1,10.0.0.2 192.0.2.1 | 192.0.2.2",
				(chain("prefer", stock_of { "192.0.2.1" }, stock_of { "192.0.2.2" })));
			assert.equal(1, scion_asked);
		end);

		it("yields them once, last, under fallback", function ()
			assert.equal("192.0.2.1 | 192.0.2.2 1-ff00:0:1,10.0.0.1 1-ff00:0:1,10.0.0.2",
				(chain("fallback", stock_of { "192.0.2.1" }, stock_of { "192.0.2.2" })));
			assert.equal(1, scion_asked);
		end);

		it("yields nothing else under require, and the second knows why, too", function ()
			scion, scion_error = nil, "no SCION address known";
			local direct, starttls = stock_of { "192.0.2.1" }, stock_of { "192.0.2.2" };
			local found, second = chain("require", direct, starttls);
			assert.equal(" | ", found);
			assert.equal("no SCION address known", second.last_error);
			assert.equal(0, direct.asked + starttls.asked);
		end);
	end);
end);

describe("the wrapper of server.addclient", function ()
	it("leaves other connections alone, with all arguments", function ()
		local got;
		local wrapped = resolver.wrap_addclient(function (...)
			got = { n = select("#", ...), ... };
			return "conn", nil;
		end);
		assert.equal("conn", (wrapped("192.0.2.1", 5269, "listeners", "*a", nil, "tcp", nil)));
		assert.same({ n = 7, "192.0.2.1", 5269, "listeners", "*a", nil, "tcp", nil }, got);
		wrapped("192.0.2.1", 5269, "listeners");
		assert.equal(3, got.n);
	end);

	it("dials ours", function ()
		local extra = { servername = "b.example.org", from_host = "a.example.org" };
		local wrapped = resolver.wrap_addclient(error, function (target, listeners, given)
			assert.same({ local_name = "a.example.org", remote_name = "b.example.org", address = "1-ff00:0:1,10.0.0.1",
				port = 31467 }, target);
			assert.equal("listeners", listeners);
			assert.equal(extra, given);
			return nil, "no path";
		end);
		assert.same({ nil, "no path" },
			{ wrapped("1-ff00:0:1,10.0.0.1", 31467, "listeners", "*a", nil, "scion-quic", extra) });
	end);
end);
