-- SPDX-License-Identifier: MIT
-- sandbox: the SCION network of tests/sandbox as a child process, its commands and what its routers counted.
local loop = require "e2e.loop";
local process = require "e2e.process";
local control = require "sandbox.control";

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

local function ask(self, question)
	local session = assert(control.connect(self.folder .. "/sandbox.sock", ANSWER_SECONDS));
	local answer, problem = question(session);
	session:close();
	return assert(answer, problem);
end

-- Sends a command line; the lines of its answer. Raises when the sandbox refuses it.
function sandbox:command(line)
	return ask(self, function (session) return session:command(line); end);
end

-- What each interface has counted: see control.lua.
function sandbox:counters()
	return ask(self, function (session) return session:counters(); end);
end

-- Does the same to every link: `each_link("loss %s 2")`.
function sandbox:each_link(command)
	for name in pairs(self:counters()) do
		if not name:find("#0$") then -- the inside of an AS
			self:command(command:format(name));
		end
	end
end

-- The strongest flow from one host to another, { src, dst, packets, bytes, path }, or nil.
function sandbox:way(from, to)
	local strongest;
	for _, flow in ipairs(ask(self, function (session) return session:flows(from, to); end)) do
		if flow.src == from and (not strongest or flow.packets > strongest.packets) then
			strongest = flow;
		end
	end
	return strongest;
end

-- The path file of an AS, for the option `scion.paths`.
function sandbox:path_file(isd_as)
	return ("%s/%s.paths.json"):format(self.folder, (isd_as:gsub(":", "_")));
end

function sandbox:stop()
	return self.child:stop();
end

return sandbox;
