-- SPDX-License-Identifier: MIT
-- names: a domain -> SCION addresses. Asks the static map and hosts files in the configured order; the first source
-- that knows the name answers. Answers come through a callback, because later sources have to wait for the network.

local hosts = require "sx.hosts";

local names = {};
local names_mt = { __index = names };

local function from_static(self, domain)
	local peer = self.config.peers[domain];
	return peer and peer.address or {};
end

--- The parsed file, read again when it changed. A file that is not there knows nothing.
local function load_file(self, name)
	local stamp = self.env.stat(name);
	local file = self.files[name];
	if file and file.stamp == stamp then
		return file.map;
	end
	local map, warnings = {}, {};
	if stamp then
		local content, err = self.env.read(name);
		if content then
			map, warnings = hosts.parse(content, self.env.normalise);
		else
			self.env.log("warn", "Hosts file %s cannot be read: %s", name, err);
		end
	end
	for _, warning in ipairs(warnings) do
		self.env.log("warn", "Hosts file %s, line %d: %s", name, warning.line, warning.text);
	end
	self.files[name] = { stamp = stamp, map = map };
	return map;
end

local function from_hosts(self, domain)
	local found, seen = {}, {};
	for _, name in ipairs(self.config.names.hosts) do
		for _, address in ipairs(load_file(self, name)[domain] or {}) do
			if not seen[address] then
				seen[address] = true;
				found[#found + 1] = address;
			end
		end
	end
	return found;
end

local sources = { static = from_static, hosts = from_hosts };
local titles = { static = "the static map", hosts = "hosts files" };

local function asked(order)
	local words = {};
	for i, source in ipairs(order) do
		words[i] = titles[source];
	end
	return table.concat(words, ", ");
end

--- Asks for a domain. `answer` gets a list of { address, port, source }, or nil and a text that says who was asked.
---@param domain string
---@param answer fun(list: table[]?, err: string?)
function names:lookup(domain, answer)
	local peer = self.config.peers[domain];
	local port = peer and peer.port or self.config.port;
	local order = self.config.names.order;
	for _, source in ipairs(order) do
		local addresses = sources[source](self, domain);
		if #addresses > 0 then
			local list = {};
			for i, address in ipairs(addresses) do
				list[i] = { address = address, port = port, source = source };
			end
			return answer(list);
		end
	end
	return answer(nil, ("no SCION address known for %s (asked: %s)"):format(domain, asked(order)));
end

---@param config sx.config as read by sx.options, without errors
---@param env { stat: function, read: function, normalise: function, log: function }
--- `stat(name)` returns what changes with the file, nil when there is none; `read(name)` its text, or nil and why not.
local function new(config, env)
	return setmetatable({ config = config, env = env, files = {} }, names_mt);
end

return { new = new };
