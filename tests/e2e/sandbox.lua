-- SPDX-License-Identifier: MIT
-- sandbox: the SCION network of tests/sandbox as a child process, its commands and what its routers counted.
local unix = require "socket.unix";
local loop = require "e2e.loop";
local process = require "e2e.process";

local sandbox = {};
sandbox.__index = sandbox;

local START_SECONDS = 10;
local ANSWER_SECONDS = 5;

-- Starts PROGRAM for a topology file; its files are in `folder`. Nil and what it said when it does not get ready.
function sandbox.start(program, topology, folder)
	local self = setmetatable({ folder = folder }, sandbox);
	local _, ok = process.run({ "mkdir", "-p", folder });
	assert(ok, "cannot make " .. folder);
	self.child = process.start(folder, "sandbox", { program, "--topology", topology, "--run", folder });
	local state = loop.wait(function ()
		return self.child:status() and "ended" or self.child:output():find("ready\n", 1, true) and "ready";
	end, START_SECONDS);
	if state ~= "ready" then
		self.child:stop();
		return nil, ("the sandbox network %s: %s"):format(state or "did not get ready", self.child:output());
	end
	return self;
end

-- Sends a command line; the lines of its answer. Raises when the sandbox refuses it.
function sandbox:command(line)
	local conn = assert(unix());
	conn:settimeout(ANSWER_SECONDS);
	assert(conn:connect(self.folder .. "/sandbox.sock"));
	assert(conn:send(line .. "\n"));
	local lines = {};
	while true do
		local answer = assert(conn:receive("*l"));
		if answer == "ok" or answer:find("^error: ") then
			conn:close();
			assert(answer == "ok", ("%s: %s"):format(line, answer));
			return lines;
		end
		lines[#lines + 1] = answer;
	end
end

-- Does the same to every link: `each_link("loss %s 2")`.
function sandbox:each_link(command)
	for _, line in ipairs(self:command("counters")) do
		local interface = line:match("^(%S+#[1-9]%d*) ");
		if interface then
			self:command(command:format(interface));
		end
	end
end

-- What went between two hosts, in both directions, the strongest flow first: { { from, to, packets, bytes, path } }.
function sandbox:flows(host, other)
	local flows = {};
	for _, line in ipairs(self:command(("flows %s %s"):format(host, other))) do
		local from, to, packets, bytes, path = line:match("^(%S+) (%S+) packets (%d+) bytes (%d+) path (.*)$");
		if from then
			flows[#flows + 1] = { from = from, to = to, packets = tonumber(packets), bytes = tonumber(bytes), path = path };
		end
	end
	table.sort(flows, function (x, y) return x.packets > y.packets; end);
	return flows;
end

-- The strongest flow from one host to another, or nil.
function sandbox:way(from, to)
	for _, flow in ipairs(self:flows(from, to)) do
		if flow.from == from then
			return flow;
		end
	end
	return nil;
end

-- The paths between two ASes by the segments known now, as texts.
function sandbox:paths(from, to)
	return self:command(("paths %s %s"):format(from, to));
end

-- The path file of an AS, for the option `scion.paths`.
function sandbox:path_file(isd_as)
	return ("%s/%s.paths.json"):format(self.folder, (isd_as:gsub(":", "_")));
end

function sandbox:stop()
	return self.child:stop();
end

return sandbox;
