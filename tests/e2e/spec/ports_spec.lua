-- SPDX-License-Identifier: MIT
-- The ports that servers of a test are given.
local socket = require "socket";
local prosody = require "e2e.prosody";

describe("a free port", function ()
	it("is given once", function ()
		local seen = {};
		for _ = 1, 200 do
			local one, two = prosody.free_ports(2);
			assert.is_nil(seen[one]);
			assert.is_nil(seen[two]);
			assert.is_true(one ~= two);
			seen[one], seen[two] = true, true;
		end
	end);

	it("is none that the kernel gives to connections", function ()
		local file = assert(io.open("/proc/sys/net/ipv4/ip_local_port_range"));
		local first = file:read("n");
		file:close();
		for _ = 1, 200 do
			assert.is_true(prosody.free_ports(1) < first);
		end
	end);

	it("is none that somebody listens on", function ()
		local taken = assert(socket.bind("127.0.0.1", prosody.free_ports(1) + 1));
		local _, port = taken:getsockname();
		assert.is_true(prosody.free_ports(1) ~= tonumber(port));
		taken:close();
	end);

	it("is not looked for without end", function ()
		assert.error_matches(function () prosody.free_ports(100000); end, "no 100000 TCP ports are free");
	end);
end);
