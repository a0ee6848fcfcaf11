-- SPDX-License-Identifier: MIT
-- 6.1 S-5 Scripts: whole scenes in scansion's format, about what Prosody's own scripts for rooms are about.
local process = require "e2e.process";
local scansion = require "e2e.scansion";
local suite = require "e2e.rooms.suite";

local test = suite.section("6.1", "Scripts");

local FOLDER = process.HERE .. "/rooms/scripts/";
local ROOM = "orchard@rooms%.example%.org"; -- as the scripts call it; each is played in a fresh room

local NAMES = {
	"affiliation_notify", "create_destroy", "mediated_invite", "members_only_change", "members_only_deregister",
	"nickname_change", "nickname_strict", "outcast_reason", "password", "presence_probe", "register", "show_offline",
	"subject", "whois_anyone_member",
};

for _, name in ipairs(NAMES) do
	local text = assert(process.read_file(("%s%s.scs"):format(FOLDER, name)));
	test { "S-5", text:match("^# ([^\n]*)"), function (t)
		-- What is still under way to the users of one script must not reach those of the next.
		local resource = "/" .. t.room:match("^[^@]+");
		local script = assert(scansion.parse((text:gsub(ROOM, t.room):gsub("/script%f[%s]", resource))));
		local ok, err = scansion.play(script, { host = "127.0.0.1", port = t.world:c2s_port() });
		t.check(ok, ("%s.scs, %s"):format(name, tostring(err)));
	end };
end
