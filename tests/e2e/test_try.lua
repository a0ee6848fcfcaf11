-- SPDX-License-Identifier: MIT
-- module/try.sh, as somebody types it who has never seen this.
local socket = require "socket";
local harness = require "e2e.harness";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local tap = require "e2e.tap";

local function try(port, ...)
	return process.run({ "env", ("TRY_PORT=%d"):format(port), "sh", harness.ROOT .. "/module/try.sh", ... });
end

local function contains(output, ...)
	for _, text in ipairs({ ... }) do
		assert(output:find(text, 1, true), ("%q is missing in:\n%s"):format(text, output));
	end
end

-- What install.sh says to a user without root or sudo on a machine that has no packages at all.
local function without_packages(folder)
	local script = [[
		mkdir -p "$1" && cd "$1" || exit 1
		for tool in sh awk dirname; do ln -sf "$(command -v $tool)" $tool; done
		printf '#!/bin/sh\necho 1000\n' >id
		printf '#!/bin/sh\nexit 1\n' >dpkg-query
		chmod +x id dpkg-query
		PATH=$1 sh "$2" run build
	]];
	return process.run({ "sh", "-c", script, "sh", folder, harness.ROOT .. "/tests/install.sh" });
end

tap.run({
	{ "once shows a conversation, a group call, the ways of the packets and the figures", function ()
		local output, ok = try((prosody.free_ports(1)), "--once");
		assert(ok, output);
		contains(output, "romeo@a.example.org", "juliet@b.example.org", "message: ", "presence: ", "ping (there and back)",
			"a.example.org to b.example.org: ", "b.example.org to a.example.org: ", "QUIC handshake", "round trip",
			"No DNS query and no TCP connection");
		contains(output, "mercutio sees itself: preparing", "What romeo@a.example.org sees in balcony@rooms.example.org",
			"juliet shows audio+video, in a session that juliet began (active)", "All of them see what they should: 3 people",
			"a.example.org to d.example.org: ", "d.example.org to c.example.org: ", "All have proven each other's");
		assert(output:find("1%-ff00:0:113%s+interface +%d+ +%->"), output);
		assert(output:find("MTU %d+, %d+ min left"), output);
	end },

	{ "a port that is taken is named, with what to do", function ()
		local taken = assert(socket.bind("127.0.0.1", 0));
		local port = math.tointeger(tonumber((select(2, taken:getsockname()))));
		local output, ok = try(port, "--once");
		taken:close();
		assert(not ok, output);
		contains(output, ("Port %d is taken"):format(port), "TRY_PORT=");
	end },

	{ "an option that there is not shows the usage", function ()
		local output, ok = try(15222, "--twice");
		assert(not ok, output);
		contains(output, "usage: try.sh [--once]");
	end },

	{ "who may not install is told which packages are missing", function ()
		local output, ok = without_packages(harness.BUILD .. "/e2e/no-packages");
		assert(not ok, output);
		contains(output, "apt-get install", "prosody", "libngtcp2-dev");
	end },
});
