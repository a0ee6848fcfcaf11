-- SPDX-License-Identifier: MIT
-- turns: work for the next turn of the host's loop.
--
-- Prosody's loop decides how long it waits for the network by the time at which it began to look at its timers. A
-- timer that is set for now by the callback of another is therefore waited for as long as that callback took. One that
-- asks to be called again is not: there is one timer for all the work, and it goes on where work makes more of it.

--- `start(run)` has run() called in the next turn, and again in the one after as long as it returns 0; `fail(text)`
--- hears of errors. Returns a function that has work() done in the next turn.
---@param start fun(run: fun(): number?)
---@param fail fun(text: string)
return function (start, fail)
	local waiting, is_due = {}, false;
	local function run()
		local taken = waiting;
		waiting = {};
		for _, work in ipairs(taken) do
			local ok, err = xpcall(work, debug.traceback);
			if not ok then
				fail(err);
			end
		end
		is_due = waiting[1] ~= nil;
		return is_due and 0 or nil;
	end
	return function (work)
		waiting[#waiting + 1] = work;
		if not is_due then
			is_due = true;
			start(run);
		end
	end;
end;
