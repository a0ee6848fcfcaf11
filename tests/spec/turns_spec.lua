-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local new_turns = require "sx.turns";

describe("turns", function ()
	local started, run, done, errors, soon;

	before_each(function ()
		started, run, done, errors = 0, nil, {}, {};
		soon = new_turns(
			function (f) started, run = started + 1, f; end,
			function (err) errors[#errors + 1] = err; end);
	end);

	local function note(what)
		return function () done[#done + 1] = what; end;
	end

	it("does what it was given in one turn, in order", function ()
		soon(note("a"));
		soon(note("b"));
		assert.same({}, done);
		assert.is_nil(run());
		assert.same({ "a", "b" }, done);
		assert.equal(1, started);
	end);

	it("has what work makes done in the turn after, by the same timer", function ()
		soon(function ()
			done[#done + 1] = "a";
			soon(note("b"));
		end);
		assert.equal(0, run());
		assert.same({ "a" }, done);
		assert.is_nil(run());
		assert.same({ "a", "b" }, done);
		assert.equal(1, started);
	end);

	it("starts anew when it has rested", function ()
		soon(note("a"));
		run();
		soon(note("b"));
		assert.equal(2, started);
		run();
		assert.same({ "a", "b" }, done);
	end);

	it("goes on after an error", function ()
		soon(function ()
			soon(note("b"));
			error("broken");
		end);
		soon(note("a"));
		assert.equal(0, run());
		run();
		assert.same({ "a", "b" }, done);
		assert.equal(1, #errors);
		assert.truthy(errors[1]:find("broken", 1, true));
	end);
end);
