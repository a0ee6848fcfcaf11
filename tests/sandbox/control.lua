--- Tells a running sandbox what to do: control.connect("run/sandbox.sock"):command("link 1-ff00:0:111#1 down").
-- SPDX-License-Identifier: MIT
local unix = require "socket.unix";

local control = {};
local session = {};
session.__index = session;

--- Connects to the socket of a sandbox. Returns nil and a text when nobody listens there.
---@param path string
---@param timeout number? seconds to wait for each line, 10 when left out
function control.connect(path, timeout)
	-- Versions of luasocket differ: the module is the constructor, or a table of constructors.
	local make = type(unix) == "table" and (unix.stream or unix.tcp) or unix;
	local socket = make();
	local ok, problem = socket:connect(path);
	if not ok then
		return nil, ("no sandbox at %s: %s"):format(path, problem);
	end
	socket:settimeout(timeout or 10);
	return setmetatable({ socket = socket }, session);
end

--- Carries out one command. Returns its lines, without the closing "ok"; or nil and the error.
---@param line string
---@return string[]? lines
---@return string? problem
function session:command(line)
	local sent, problem = self.socket:send(line .. "\n");
	if not sent then
		return nil, problem;
	end
	local lines = {};
	while true do
		local answer;
		answer, problem = self.socket:receive("*l");
		if not answer then
			return nil, problem;
		elseif answer == "ok" then
			return lines;
		elseif answer:sub(1, 7) == "error: " then
			return nil, answer:sub(8);
		end
		lines[#lines + 1] = answer;
	end
end

--- The counters as a table: counters["1-ff00:0:111#1"].out_packets, .drops.mac and so on.
function session:counters()
	local lines, problem = self:command("counters");
	if not lines then
		return nil, problem;
	end
	local counters = {};
	for _, line in ipairs(lines) do
		local name, in_packets, in_bytes, out_packets, out_bytes, reasons =
			line:match("^(%S+) in (%d+) (%d+) out (%d+) (%d+) drop (%S+)$");
		local drops = {};
		for reason, count in reasons:gmatch("([%a_]+)=(%d+)") do
			drops[reason] = tonumber(count);
		end
		counters[name] = {
			in_packets = tonumber(in_packets), in_bytes = tonumber(in_bytes);
			out_packets = tonumber(out_packets), out_bytes = tonumber(out_bytes);
			drops = drops;
		};
	end
	return counters;
end

--- The flows between two hosts in both directions: a list of { src, dst, packets, bytes, path }.
---@param src string? "1-ff00:0:113,127.0.0.1"; all when left out
---@param dst string?
function session:flows(src, dst)
	local lines, problem = self:command(table.concat({ "flows", src, dst }, " "));
	if not lines then
		return nil, problem;
	end
	local flows = {};
	for _, line in ipairs(lines) do
		local from, to, packets, bytes, path = line:match("^(%S+) (%S+) packets (%d+) bytes (%d+) path (.*)$");
		if from then
			flows[#flows + 1] = {
				src = from, dst = to, packets = tonumber(packets), bytes = tonumber(bytes), path = path;
			};
		end
	end
	return flows;
end

function session:close()
	self.socket:close();
end

return control;
