-- SPDX-License-Identifier: MIT
-- proc: what the kernel knows about a process.
local process = require "e2e.process";

local proc = {};

local TICKS = tonumber((process.run({ "getconf", "CLK_TCK" })));

-- Seconds of CPU that a process has used so far, in user and kernel mode; in steps of 1/TICKS.
function proc.cpu(pid)
	local stat = assert(process.read_file(("/proc/%d/stat"):format(pid)), "no such process");
	local fields = {};
	for field in stat:match("^.*%)(.*)$"):gmatch("%S+") do
		fields[#fields + 1] = field;
	end
	return (fields[12] + fields[13]) / TICKS;
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
