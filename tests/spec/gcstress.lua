-- SPDX-License-Identifier: MIT
-- A helper of busted's: the collector works all the time, so that what the core's faces leave to it too early is found.
if rawget(_G, "jit") then
	local left = 0;
	jit.off();
	debug.sethook(function ()
		left = left - 1;
		if left <= 0 then
			collectgarbage();
			left = math.max(100, collectgarbage("count") / 25); -- each costs as much as there is on the heap
		end
	end, "c");
else
	collectgarbage("incremental", 0, 1000);
end
