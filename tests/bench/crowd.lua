-- SPDX-License-Identifier: MIT
-- crowd: the many clients of crowd.c, which this starts and gives commands.
local loop = require "e2e.loop";
local process = require "e2e.process";
local prosody = require "e2e.prosody";
local harness = require "e2e.harness";
local socket = require "socket";

local crowd = {};
crowd.__index = crowd;

local PATIENCE = 620; -- seconds for one command; crowd.c gives up before

-- In what is raised when something took longer than the crowd waits.
crowd.TOO_LONG = "the crowd waits no longer";

-- Starts a crowd with its files in `folder`, called `name` there.
function crowd.start(folder, name)
	local port = prosody.free_ports(1);
	local self = setmetatable({}, crowd);
	local program = ("%s/tests/bench/bench_crowd"):format(harness.BUILD);
	self.child = process.start(folder, name or "crowd", { program, tostring(port) });
	self.control = assert(loop.wait(function () return socket.connect("127.0.0.1", port); end, 5), "no crowd");
	self.control:settimeout(PATIENCE);
	return self;
end

-- Gives a command (crowd.c has a list) and waits for what came of it: its numbers by name. The loop turns meanwhile:
-- servers ask its name server.
function crowd:tell(text, ...)
	local line, err;
	assert(self.control:send(text:format(...)));
	loop.watch(self.control, { readable = function () line, err = self.control:receive(); end });
	loop.wait(function () return line or err; end, PATIENCE);
	loop.unwatch(self.control);
	assert(line, "the crowd has left: " .. self.child:output());
	if line:find("^late ") then
		error(("%s: %s"):format(crowd.TOO_LONG, line), 2);
	end
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
