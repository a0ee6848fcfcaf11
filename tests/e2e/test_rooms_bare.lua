-- SPDX-License-Identifier: MIT
-- Our rooms need nothing of stock's: the tests of rooms pass in a Prosody that has no mod_muc, nor any add-on of it.
local harness = require "e2e.harness";
local process = require "e2e.process";
local tap = require "e2e.tap";

local PROGRAM = os.getenv("PROSODY") or "/usr/bin/prosody";
local BARE = harness.BUILD .. "/e2e/rooms-bare";

-- A path that the start script of an installed Prosody has in itself, as in CFG_SOURCEDIR='/usr/lib/prosody'.
local function configured(script, name)
	local path = script:match("\n" .. name .. "='(/[^']*)'");
	if not path then
		tap.skip(("%s is not an installed Prosody: it has no %s"):format(PROGRAM, name));
	end
	return (path:gsub("/$", ""));
end

local COPY = [[
source=$1 plugins=$2 bare=$3
rm -rf "$bare" && mkdir -p "$bare/lib" "$bare/modules" || exit 1
ln -s "$source"/* "$bare/lib/" && rm -f "$bare/lib/modules"
ln -s "$plugins"/* "$bare/modules/"
rm -f "$bare/modules/muc" "$bare"/modules/mod_muc* "$bare/modules/mod_admin_shell.lua"
echo "-- The shell of Prosody 13.0 needs stock's rooms." >"$bare/modules/mod_admin_shell.lua"
! find -L "$bare" -name 'mod_muc*' -o -name 'muc.lib.lua' | grep .
]];

local function write_program(name, source, plugins)
	local script = assert(process.read_file((PROGRAM:gsub("prosody$", name))), "there is no " .. name);
	local function replaced(key, path, text)
		return (text:gsub("(\n" .. key .. "=)'[^']*'", function (head) return ("%s'%s'"):format(head, path); end));
	end
	script = replaced("CFG_SOURCEDIR", source, script);
	process.write_file(("%s/%s"):format(BARE, name), replaced("CFG_PLUGINDIR", plugins .. "/", script));
	assert(process.run({ "chmod", "+x", ("%s/%s"):format(BARE, name) }));
end

local function make_bare()
	local script = assert(process.read_file(PROGRAM));
	local output, ok = process.run({ "sh", "-c", COPY, "sh", configured(script, "CFG_SOURCEDIR"),
		configured(script, "CFG_PLUGINDIR"), BARE });
	assert(ok, output);
	for _, name in ipairs({ "prosody", "prosodyctl" }) do
		write_program(name, BARE .. "/lib", BARE .. "/modules");
	end
end

local function run_tests()
	local output, ok = process.run({ "env", ("PROSODY=%s/prosody"):format(BARE), "SX_ROOMS=rooms", "SX_BUILD=" .. BARE,
		"lua5.4", harness.ROOT .. "/tests/e2e/test_rooms.lua" });
	local passed, failed = select(2, output:gsub("\nok ", "")), select(2, output:gsub("\nnot ok ", ""));
	print(("# %d passed, %d failed in %s"):format(passed, failed, BARE));
	local _, begin = output:find("\nnot ok ", 1, true);
	assert(ok and failed == 0, output:sub(begin and begin - 7 or -4000):sub(1, 8000));
	assert(passed > 300, "it has hardly run:\n" .. output:sub(1, 2000));
end

tap.run({
	{ "a Prosody without mod_muc is made", make_bare },
	{ "our rooms pass all tests of rooms in it", run_tests },
});
