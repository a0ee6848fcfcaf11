-- SPDX-License-Identifier: MIT
-- names: a domain -> SCION addresses. Asks the static map and hosts files in the configured order; the first source
-- that knows the name answers. Answers come through a callback, because later sources have to wait for the network.

local names = {};
local names_mt = { __index = names };

local function from_static(self, domain)
	local peer = self.config.peers[domain];
	return peer and peer.address or {};
end

local function from_hosts(self, domain)
	return self.find_in_hosts(domain);
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
---@param find_in_hosts fun(domain: string): string[] the addresses that hosts files have for a name
local function new(config, find_in_hosts)
	return setmetatable({ config = config, find_in_hosts = find_in_hosts }, names_mt);
end

return { new = new };
