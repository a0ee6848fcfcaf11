-- SPDX-License-Identifier: MIT
-- mod_scion_shell: `scion:peers()`, `scion:paths("2-ff00:0:211")` and `scion:status()` in Prosody's admin shell.

module:set_global();
module:depends("scion");

module:require "sx";
local runtime = require "sx.runtime";
local report = require "sx.report";
local format_table = require "util.human.io".table;
local features = require "core.features".available;
local time_now = require "util.time".now;

-- Wide, for paths with many hops.
local TABLE_WIDTH = 200;

local commands = {
	peers = "Peers with streams over SCION: path, handshake and round-trip time, bytes under way";
	paths = "Paths known to an AS";
	status = "State of the transport, its counters, and dials that failed lately";
};

local function print_table(print, columns, rows)
	local row = format_table(columns, TABLE_WIDTH);
	print(row());
	for _, fields in ipairs(rows) do
		print(row(fields));
	end
end

local handlers = {};

function handlers.peers(print)
	local rows = report.peers(runtime, module:shared("/*/s2s/sessions"));
	print_table(print, report.peer_columns, rows);
	return true, ("%d streams"):format(#rows);
end

function handlers.paths(print, isd_as)
	if type(isd_as) ~= "string" then
		return nil, "name an AS, such as \"2-ff00:0:211\"";
	end
	local paths, err = report.paths(runtime, isd_as);
	if not paths then
		return nil, err;
	end
	for _, path in ipairs(paths) do
		print(path);
	end
	return true, ("%d paths to %s"):format(#paths, isd_as);
end

function handlers.status(print)
	for _, line in ipairs(report.status(runtime, time_now())) do
		print(line);
	end
	return true, runtime.driver and "running" or "not running";
end

--- 13.0 takes commands as items.
local function add_items()
	for name, desc in pairs(commands) do
		module:add_item("shell-command", {
			section = "scion";
			section_desc = "The SCION transport";
			name = name;
			desc = desc;
			args = name == "paths" and { { name = "isd_as", type = "string" } } or {};
			handler = function (self, ...) return handlers[name](self.session.print, ...); end;
		});
	end
end

--- 0.12 has an environment table that each shell session looks into.
local function add_environment()
	local env = module:shared("/*/admin_shell/env");
	env.scion = {};
	for name in pairs(commands) do
		env.scion[name] = function (self, ...) return handlers[name](self.session.print, ...); end;
	end
	function env.scion:help()
		for name, desc in pairs(commands) do
			self.session.print(("scion:%s(%s) - %s"):format(name, name == "paths" and "isd_as" or "", desc));
		end
		return true, "see lua/README.md";
	end
end

function module.load()
	if features:contains("loader") then
		add_items();
	else
		add_environment();
	end
end

function module.unload()
	if not features:contains("loader") then
		module:shared("/*/admin_shell/env").scion = nil;
	end
end
