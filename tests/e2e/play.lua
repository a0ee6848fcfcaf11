-- SPDX-License-Identifier: MIT
-- play: plays scripts in scansion's format against a running server and prints TAP.
-- usage: lua5.4 tests/e2e/play.lua HOST PORT SCRIPT.scs...
package.path = (arg[0]:match("^(.*)/") or ".") .. "/../?.lua;" .. package.path;
local scansion = require "e2e.scansion";
local tap = require "e2e.tap";

local host, port = arg[1], math.tointeger(tonumber(arg[2]));
if not host or not port or not arg[3] then
	io.stderr:write("usage: lua5.4 tests/e2e/play.lua HOST PORT SCRIPT.scs...\n");
	os.exit(2);
end

local tests = {};
for i, name in ipairs({ table.unpack(arg, 3) }) do
	tests[i] = { name, function ()
		local file = assert(io.open(name));
		local script, err = scansion.parse(file:read("a"));
		file:close();
		assert(script, err);
		assert(scansion.play(script, { host = host, port = port }));
	end };
end
tap.run(tests);
