-- SPDX-License-Identifier: MIT
-- names: what the core's resolver is told of the configuration, and what it is asked: where a domain is, and whether
-- its certificate is the one that RAINS names. Answers come through callbacks.

local names = {};
local names_mt = { __index = names };

local RAINS_PORT_OFFSET = 1;

local function lines(list)
	return #list > 0 and table.concat(list, "\n") or nil;
end

--- The static map as lines of a hosts file, sorted, for the core.
local function statics(config, to_ascii)
	local out = {};
	for domain, peer in pairs(config.peers) do
		if peer.address and #peer.address > 0 then
			out[#out + 1] = ("%s %s"):format(to_ascii(domain) or domain, table.concat(peer.address, " "));
		end
	end
	table.sort(out);
	return lines(out);
end

--- What context:names_set takes, from the options.
---@param config sx.config without errors
---@param to_ascii fun(domain: string): string?
---@return sx.names
local function settings(config, to_ascii)
	local options = config.names;
	return {
		order = table.concat(options.order, ",");
		deadline_ms = math.ceil(options.deadline * 1000);
		cache_bytes = options.cache_bytes;
		statics = statics(config, to_ascii);
		hosts = lines(options.hosts);
		roots = lines(options.rains.roots);
		servers = lines(options.rains.servers);
		unsigned = options.rains.trust == "unsigned";
		scion_port = options.rains.port or config.port + RAINS_PORT_OFFSET;
		dns = options.dns.servers and table.concat(options.dns.servers, ",") or nil;
	};
end

--- Targets of an answer as the search for a peer wants them; the peer's own port goes before what was found.
local function targets_of(self, domain, answer)
	local peer = self.config.peers[domain];
	local list = {};
	for _, target in ipairs(answer:targets()) do
		if not target.plain then
			list[#list + 1] = {
				address = target.address;
				port = peer and peer.port or target.port or self.config.port;
				source = answer:text("source");
			};
		end
	end
	return list;
end

--- Asks where a domain is. `answer` gets a list of { address, port, source }, or nil and a text that says who was
--- asked.
---@param domain string
---@param scion_only boolean nothing may leave for it but over SCION
---@param answer fun(list: table[]?, err: string?)
function names:lookup(domain, scion_only, answer)
	local ok, err = self.resolve(self.to_ascii(domain) or domain, { scion_only = scion_only }, function (found)
		local list = found and targets_of(self, domain, found) or {};
		if #list > 0 then
			return answer(list);
		end
		local why = found and found:text("reason") or "the search was given up";
		return answer(nil, ("no SCION address known for %s (%s)"):format(domain, why ~= "" and why or "plain QUIC only"));
	end);
	if not ok then
		return answer(nil, ("%s cannot be looked up: %s"):format(domain, err));
	end
end

--- Asks RAINS whether `pem`, a chain with the leaf first, is the domain's. `verdict` gets "match", "mismatch" or
--- "none", and why it is no match.
---@param domain string
---@param pem string
---@param how { scion_only: boolean, fresh: boolean? }
---@param verdict fun(word: "match"|"mismatch"|"none", reason: string?)
function names:prove(domain, pem, how, verdict)
	local question = { certificates = true, scion_only = how.scion_only, fresh = how.fresh };
	local ok, err = self.resolve(self.to_ascii(domain) or domain, question, function (found)
		if not found then
			return verdict("none", "the search was given up");
		end
		local matches, reason, name = found:judge(pem);
		if matches then
			return verdict("match");
		end
		return verdict(name == "EREFUSED" and "mismatch" or "none", reason);
	end);
	if not ok then
		return verdict("none", err);
	end
end

---@param config sx.config as read by sx.options, without errors
---@param env { resolve: function, to_ascii: fun(name: string): string? } resolve as driver:resolve
local function new(config, env)
	return setmetatable({ config = config, resolve = env.resolve, to_ascii = env.to_ascii }, names_mt);
end

return { new = new, settings = settings };
