-- SPDX-License-Identifier: MIT
-- mod_live_objects: when Prosody ends, says how many objects of our core are left. More than none is an error, which
-- fails the test (harness.lua).

module:set_global();
module:depends("scion"); -- which finds the library below

local runtime = require "sx.runtime";

module:hook("server-stopped", function ()
	local count = runtime.core and runtime.core.live_objects() or 0;
	module:log(count == 0 and "info" or "error", "%d objects of the core are left", count);
end, -100); -- after mod_scion has closed it
