-- SPDX-License-Identifier: MIT
-- trap: a TCP port where nobody should come; counts who does.
local socket = require "socket";
local loop = require "e2e.loop";

local trap = {};
trap.__index = trap;

function trap.start()
	local listener = assert(socket.bind("127.0.0.1", 0));
	listener:settimeout(0);
	local self = setmetatable({ listener = listener, caught = 0, port = tonumber((select(2, listener:getsockname()))) },
		trap);
	loop.watch(listener, { readable = function ()
		local conn = listener:accept();
		if conn then
			self.caught = self.caught + 1;
			conn:close();
		end
	end });
	return self;
end

function trap:stop()
	loop.unwatch(self.listener);
	self.listener:close();
end

return trap;
