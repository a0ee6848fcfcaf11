-- SPDX-License-Identifier: MIT
-- The fan-out as lua/sx/core.d.lua promises it, held against a real face (face.lua).
local core, missing = dofile("tests/spec/face.lua").load();

if not core then
	describe("the fan-out", function ()
		pending(missing .. " is not set: nothing to hold against the contract");
	end);
	return;
end

local STALE = 2 ^ 51 - 1;

describe("the fan-out", function ()
	local fan;

	before_each(function ()
		fan = assert(core.fan());
	end);

	after_each(function ()
		fan = nil;
		collectgarbage();
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);

	-- All that leaves, batch by batch.
	local function drain(most)
		local list = {};
		for batch, _, count in fan.next, fan do
			local at = 1;
			while at <= count do
				local bytes, following = fan:bytes(batch, at, most);
				list[#list + 1], at = bytes, following;
			end
			assert(fan:done(batch));
		end
		return table.concat(list, "|");
	end

	it("writes a stanza once for each of many", function ()
		local form = assert(fan:form("<m to='", "'>\0</m>"));
		local addresses, targets = {}, { "a", "b", "c" };
		for _, to in ipairs(targets) do
			addresses[to] = assert(fan:address(to));
		end
		assert.equal(4, fan:put_all(form, targets, addresses, 1));
		assert.is_true(fan:put(form, addresses.b));
		assert.equal("<m to='a'>\0</m>|<m to='b'>\0</m><m to='b'>\0</m>|<m to='c'>\0</m>", drain());
		assert.is_nil(fan:next());
	end);

	it("stops at the first recipient that it does not know", function ()
		local form, addresses = fan:form("", " "), { a = fan:address("a"), c = fan:address("c") };
		local targets = { "a", "b", "c" };
		assert.equal(2, fan:put_all(form, targets, addresses, 1));
		assert.equal(4, fan:put_all(form, targets, addresses, 3));
		assert.equal(5, fan:put_all(form, targets, addresses, 5));
		assert.equal("a |c ", drain());
	end);

	it("says what is in a batch", function ()
		local small, large, address = fan:form("<", ">", 1), fan:form("<<<", ">>>", 6), fan:address("abc");
		fan:put(small, address, true);
		fan:put(large, address, true);
		assert.same({ 2, 14, 0 }, { fan:look(address) });
		local batch, sink, count, marks, bytes, largest, is_bulk = fan:next();
		assert.same({ address, 2, 7, 14, 9, true }, { sink, count, marks, bytes, largest, is_bulk });
		assert.same({ small, address }, { fan:entry(batch, 1) });
		assert.same({ large, address }, { fan:entry(batch, 2) });
		assert.same({ 0, 0, 0 }, { fan:look(address) });
		fan:done(batch);
	end);

	it("writes a batch in pieces", function ()
		local form, address = fan:form("", "123"), fan:address("a");
		for _ = 1, 5 do
			fan:put(form, address);
		end
		assert.equal("a123a123|a123a123|a123", drain(11));
		fan:put(form, address);
		assert.equal("a123", drain(1));
	end);

	it("holds what is for one, and gives it out of turn", function ()
		local form, a, b = fan:form("", " "), fan:address("a"), fan:address("b");
		fan:hold(a, true);
		fan:put(form, a);
		fan:put(form, b);
		assert.equal("b ", drain());
		local batch, sink, count = fan:take(a);
		assert.same({ a, 1 }, { sink, count });
		fan:done(batch);
		assert.is_nil(fan:take(a));
		fan:put(form, a);
		fan:hold(a, false);
		assert.equal("a ", drain());
	end);

	it("takes back what a batch has left, before what came meanwhile", function ()
		local form, x = fan:form("", " "), fan:address("x");
		local a, b = fan:address("a", x), fan:address("b", x);
		for _, address in ipairs({ a, b, x }) do
			fan:put(form, address);
		end
		local batch = fan:next();
		fan:put(form, a);
		assert.equal("ENOTFOUND", (select(3, fan:give_back(batch, 4))));
		assert.is_true(fan:give_back(batch, 2));
		assert.same({ 3, 6, 2 }, { fan:look(x) });
		assert.equal("ESTALE", (select(3, fan:done(batch))));
		assert.equal("b x a ", drain());
		assert.equal("ESTALE", (select(3, fan:give_back(batch, 1))));
	end);

	it("names forms that nobody needs", function ()
		local one, two, address = fan:form("12345", ""), fan:form("12345", ""), fan:address("a");
		fan:put(two, address);
		assert.is_nil(fan:reap(5));
		assert.equal(one, fan:reap());
		assert.is_nil(fan:reap());
		drain();
		assert.equal(two, fan:reap(4));
		assert.same({ 0, 0, 0, 1, 0 }, { fan:state() });
	end);

	it("forgets addresses that nobody needs", function ()
		local form, server = fan:form("", " "), fan:address("x");
		local user = fan:address("u@x", server);
		fan:put(form, user);
		assert.same({ nil, "EAGAIN" }, { fan:forget(user), (select(3, fan:forget(user))) });
		assert.equal("u@x ", drain());
		assert.is_nil((fan:forget(server)));
		assert.is_true(fan:forget(user));
		assert.is_true(fan:forget(server));
		assert.equal("ESTALE", (select(3, fan:forget(server))));
	end);

	it("knows nothing of handles that it has not given", function ()
		local form, address = fan:form("", ""), fan:address("a");
		for _, handle in ipairs({ 0, STALE }) do
			assert.equal("ESTALE", (select(3, fan:put(handle, address))));
			assert.equal("ESTALE", (select(3, fan:put(form, handle))));
			assert.equal("ESTALE", (select(3, fan:hold(handle, true))));
			assert.equal("ESTALE", (select(3, fan:entry(handle, 1))));
			assert.equal("ESTALE", (select(3, fan:bytes(handle, 1))));
			assert.equal("ESTALE", (select(3, fan:done(handle))));
			assert.is_nil(fan:take(handle));
		end
		assert.equal("ESTALE", (select(3, fan:address("b", STALE))));
	end);

	it("has entries from 1 to what it says, and no others", function ()
		local form, address = fan:form("", " "), fan:address("a");
		fan:put(form, address);
		local batch = fan:next();
		for _, index in ipairs({ -1, 0, 2, 2 ^ 32, 2 ^ 40 }) do
			assert.equal("ENOTFOUND", (select(3, fan:entry(batch, index))));
			assert.equal("ENOTFOUND", (select(3, fan:bytes(batch, index))));
		end
		fan:done(batch);
	end);

	it("is no more when it has been closed, with all that waited", function ()
		fan:put(fan:form("", " "), fan:address("a"));
		fan:close();
		assert.equal(0, core.live_objects());
		fan:close();
		assert.error(function () fan:state(); end);
		assert.error(function () fan:next(); end);
	end);

	it("raises where it is misused", function ()
		assert.error(function () fan:form("x"); end);
		assert.error(function () fan:form({}, "x"); end);
		assert.error(function () fan:address(nil); end);
		assert.error(function () fan:put("x", 1); end);
		assert.error(function () fan:take("x"); end);
		assert.error(function () fan:entry({}, 1); end);
		assert.error(function () fan:bytes(1, "x"); end);
	end);
end);
