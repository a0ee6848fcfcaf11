-- SPDX-License-Identifier: MIT
-- proc: what the kernel knows about a process.
local process = require "e2e.process";

local proc = {};

-- Seconds of CPU that the threads of a process have used so far; exact, unlike those in /proc/PID/stat, whose ticks of
-- 10 ms miss most of a server that wakes up for a moment at a time.
function proc.cpu(pid)
	local output, ok = process.run({ "sh", "-c", ("cat /proc/%d/task/*/schedstat"):format(pid) });
	assert(ok, output);
	local sum = 0;
	for nanoseconds in output:gmatch("(%d+) %d+ %d+\n") do
		sum = sum + tonumber(nanoseconds);
	end
	return sum / 1e9;
end

-- Bytes of a process that are in memory, without pages of files.
function proc.memory(pid)
	local status = assert(process.read_file(("/proc/%d/status"):format(pid)), "no such process");
	return tonumber(status:match("RssAnon:%s*(%d+) kB")) * 1024;
end

-- All CPU seconds of a list of processes.
function proc.cpu_of(pids)
	local sum = 0;
	for _, pid in ipairs(pids) do
		sum = sum + proc.cpu(pid);
	end
	return sum;
end

return proc;
