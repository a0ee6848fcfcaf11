-- SPDX-License-Identifier: MIT
-- nodes: the C programs of this folder, which are ends of our transport, as child processes.
local certificates = require "e2e.certificates";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local servers = require "bench.servers";

local nodes = {};

local PATIENCE = 60; -- seconds

nodes.HOME = "1-ff00:0:2";
nodes.AWAY = "1-ff00:0:3"; -- two routers further, with the one between them three in all

-- Makes a folder with a network that runs and certificates: { folder, network, certificates }.
function nodes.world(name)
	local folder = ("%s/bench/%s"):format(harness.BUILD, name);
	local output, ok = process.run({ "mkdir", "-p", folder });
	assert(ok, output);
	local base = folder .. "/node";
	local authority = certificates.authority(folder, "authority");
	authority:server(base, { names = { "server.example.org", "client.example.org" } });
	process.write_file(base .. ".ca", process.read_file(authority.certificate));
	return { folder = folder, network = servers.network(folder .. "/network"), certificates = base };
end

-- Waits until a child has said a line that fits, and returns what the pattern captures.
function nodes.wait_line(child, pattern)
	local found = loop.wait(function ()
		local captures = { ("\n" .. child:output()):match("\n" .. pattern .. "\n") };
		return captures[1] and captures or child:status() and {};
	end, PATIENCE);
	assert(found and found[1], ("%s said no %q but: %s"):format(child.name, pattern, child:output():sub(-500)));
	return table.unpack(found);
end

-- Starts any program; its output is that of this run alone.
function nodes.start(world, name, command)
	os.remove(("%s/%s.out"):format(world.folder, name));
	return process.start(world.folder, name, command);
end

function nodes.program(name)
	return ("%s/tests/bench/bench_%s"):format(harness.BUILD, name);
end

-- One of our programs at `host` of an AS. Its port is the same wherever it is.
function nodes.node(world, program, isd_as, host, ...)
	return nodes.start(world, program, {
		nodes.program(program), ("%s,%s"):format(isd_as, host), "31467",
		world.network:path_file(isd_as), world.certificates, ...
	});
end

-- A server in an AS: the child and the words that lead a client to it.
function nodes.serve(world, isd_as)
	local host = isd_as == nodes.HOME and "127.4.2.50" or "127.4.3.50";
	local child = nodes.node(world, "serve", isd_as, host);
	nodes.wait_line(child, "(ready)");
	return child, { ("%s,%s"):format(isd_as, host), "31467" };
end

-- Waits for the end of a child that measures; its output.
function nodes.finish(child)
	local status = loop.wait(function () return child:status(); end, PATIENCE);
	assert(status == 0, ("%s: %s"):format(child.name, child:output():sub(-500)));
	return child:output();
end

return nodes;
