-- SPDX-License-Identifier: MIT
-- scionproto: the same network as `sandbox`, made of scionproto's own border routers. They take no commands and count
-- for nobody: tests that need commands are skipped over them.
local loop = require "e2e.loop";
local process = require "e2e.process";
local tap = require "e2e.tap";

local scionproto = {};
scionproto.__index = scionproto;

local BFD_SECONDS = 3; -- the routers find each other within 2

local function configs(folder)
	local list = {};
	for path in process.run({ "find", folder, "-name", "br.toml" }):gmatch("[^\n]+") do
		list[#list + 1] = path;
	end
	return list;
end

-- Writes what the routers need with the sandbox program, and starts one for each AS.
function scionproto.start(sandbox_program, router, topology, folder)
	local self = setmetatable({ folder = folder, children = {} }, scionproto);
	local output, ok = process.run({ sandbox_program, "--topology", topology, "--write-scionproto", folder });
	assert(ok, output);
	for i, config in ipairs(configs(folder)) do
		self.children[i] = process.start((config:gsub("/br%.toml$", "")), "router", { router, "--config", config });
	end
	loop.sleep(BFD_SECONDS);
	for _, child in ipairs(self.children) do
		assert(not child:status(), "a border router has ended:\n" .. child:output());
	end
	return self;
end

function scionproto.command()
	tap.skip("scionproto's routers take no commands");
end

scionproto.each_link = scionproto.command;

function scionproto:path_file(isd_as)
	return ("%s/%s.paths.json"):format(self.folder, (isd_as:gsub(":", "_")));
end

function scionproto:stop()
	for _, child in ipairs(self.children) do
		child:stop();
	end
	return 0;
end

return scionproto;
