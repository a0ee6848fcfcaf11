-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local new_backoff = require "sx.backoff".new;

describe("failed dials", function ()
	local now, backoff;

	before_each(function ()
		now = 100;
		backoff = new_backoff(function () return now; end);
	end);

	it("keep a peer alone for a minute, then twice as long, up to ten", function ()
		for _, wait in ipairs { 60, 120, 240, 480, 600, 600 } do
			assert.is_nil((backoff:left("b")));
			backoff:failed("b", "timed out");
			assert.same({ wait, "timed out" }, { backoff:left("b") });
			now = now + wait - 1;
			assert.equal(1, (backoff:left("b")));
			now = now + 1;
		end
	end);

	it("are forgotten after a dial that worked", function ()
		backoff:failed("b", "x");
		backoff:worked("b");
		assert.is_nil((backoff:left("b")));
		backoff:failed("b", "x");
		assert.equal(60, (backoff:left("b")));
	end);

	it("say nothing of other peers", function ()
		backoff:failed("b", "x");
		assert.is_nil((backoff:left("c")));
	end);

	it("can be cleared", function ()
		backoff:failed("b", "x");
		backoff:clear();
		assert.is_nil((backoff:left("b")));
	end);

	it("do not fill the memory", function ()
		for i = 1, 5000 do
			backoff:failed("peer"..i, "x");
		end
		assert.equal(1000, backoff.count);
		now = now + 61;
		backoff:failed("late", "x");
		assert.equal(60, (backoff:left("late")));
		assert.equal(1, backoff.count);
	end);
end);
