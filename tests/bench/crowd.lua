-- SPDX-License-Identifier: MIT
-- crowd: the many clients of crowd.c, which this starts and gives commands.
local loop = require "e2e.loop";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local harness = require "e2e.harness";
local socket = require "socket";

local crowd = {};
crowd.__index = crowd;

local PATIENCE = 600; -- seconds for one command; crowd.c gives up long before when nothing happens

-- Starts a crowd with its files in `folder`.
function crowd.start(folder)
	local port = prosody.free_ports(1);
	local self = setmetatable({}, crowd);
	self.child = process.start(folder, "crowd", { ("%s/tests/bench/bench_crowd"):format(harness.BUILD), tostring(port) });
	self.control = assert(loop.wait(function () return socket.connect("127.0.0.1", port); end, 5), "no crowd");
	self.control:settimeout(PATIENCE);
	return self;
end

-- Gives a command (crowd.c has a list) and waits for what came of it: its numbers by name.
function crowd:tell(text, ...)
	assert(self.control:send(text:format(...)));
	local line = self.control:receive();
	assert(line and line:find("^ok "), line or "the crowd has left: " .. self.child:output());
	local answer = {};
	for name, value in line:gmatch("(%w+)=([%d.]+)") do
		answer[name] = tonumber(value);
	end
	return answer;
end

function crowd:stop()
	self.control:close();
	return self.child:stop();
end

return crowd;
