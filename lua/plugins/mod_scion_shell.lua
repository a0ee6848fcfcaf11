-- SPDX-License-Identifier: MIT
-- mod_scion_shell: what operators ask of the transport in Prosody's admin shell; `scion:help()` lists it.

module:set_global();
module:depends("scion");

module:require "sx";
local runtime = require "sx.runtime";
local report = require "sx.report";
local format_table = require "util.human.io".table;
local features = require "core.features".available;
local promise = require "util.promise";
local idna_to_ascii = require "util.encodings".idna.to_ascii;

-- Wide, for paths with many hops.
local TABLE_WIDTH = 200;

local commands = {
	peers = "Peers with streams over SCION: path, handshake and round-trip time, bytes under way";
	paths = "Paths known to an AS";
	resolve = "Where a domain is, asked anew: who was asked, what proves the answers, and the addresses";
	flush = "Forgets what is known of names: answers, and which name servers have failed";
	rooms = "Rooms of mod_muc_scion: occupants, and what was delivered past Prosody's routing (fast) or through it";
	status = "State of the transport, its counters, and dials that failed lately";
};

local arguments = { paths = "isd_as", resolve = "domain" };

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

--- What was found, line by line.
local function print_answer(print, answer)
	for line in answer:text("trace"):gmatch("[^\n]+") do
		print(line);
	end
	local targets = answer:targets();
	for _, target in ipairs(targets) do
		print(("%s port %s"):format(target.address, target.port or "of ours"));
	end
	return targets;
end

function handlers.resolve(print, name)
	if type(name) ~= "string" then
		return nil, "name a domain, such as \"b.example.org\"";
	elseif not runtime.driver then
		return nil, runtime.down or "the SCION transport does not run";
	end
	return promise.new(function (resolve, reject)
		local ok, err = runtime.driver:resolve(idna_to_ascii(name) or name, { fresh = true }, function (answer)
			if not answer then
				return reject("the search was given up");
			end
			local count = #print_answer(print, answer);
			if count == 0 then
				return reject(("nothing found (%s)"):format(answer:text("reason")));
			end
			resolve(("addresses: %d, from %s"):format(count, answer:text("source")));
		end);
		if not ok then
			reject(err);
		end
	end);
end

function handlers.flush()
	if not runtime.driver then
		return nil, runtime.down or "the SCION transport does not run";
	end
	runtime.driver.context:names_flush();
	return true, "nothing is known of names any more";
end

function handlers.rooms(print)
	for _, host in pairs(prosody.hosts) do
		local service = host.modules and rawget(host.modules, "muc_scion");
		if service then
			return service.print_traffic(print);
		end
	end
	return true, "no host has rooms of mod_muc_scion";
end

function handlers.status(print)
	for _, line in ipairs(report.status(runtime)) do
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
			args = arguments[name] and { { name = arguments[name], type = "string" } } or {};
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
			self.session.print(("scion:%s(%s) - %s"):format(name, arguments[name] or "", desc));
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
