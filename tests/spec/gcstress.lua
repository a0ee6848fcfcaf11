-- SPDX-License-Identifier: MIT
-- A helper of busted: the collector works all the time, so that what the core's faces leave to it too early is found.
if rawget(_G, "jit") then
	local calls = 0;
	jit.off();
	debug.sethook(function ()
		calls = calls + 1;
		if calls % 100 == 0 then
			collectgarbage();
		end
	end, "c");
else
	collectgarbage("incremental", 0, 1000);
end
