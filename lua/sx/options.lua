-- SPDX-License-Identifier: MIT
-- options: reads the global `scion` table of the configuration. Everything wrong is said at once, one line each. A
-- wrong table still yields what is needed to never downgrade: which peers may not be reached over other transports.

local text = require "sx.text";

local POLICIES = { "never", "fallback", "prefer", "require" };
local DEFAULT_PORT = 31467;
local HOSTS_FILES_MOST = 16;
local NAME_SOURCES = { "static", "hosts", "rains", "dns" };

-- What the words of later versions need before they can be taken.
local LATER = "is not available in this version";

local top_keys = { "address", "port", "paths", "policy", "trust", "dialback", "names", "peers" };
local name_keys = { "order", "deadline", "hosts", "cache_bytes", "rains", "dns" };
local rains_keys = { "roots", "servers", "trust", "port" };
local dns_keys = { "servers" };
local peer_keys = { "policy", "address", "port", "trust" };

---@class sx.reader collects what is wrong
local reader = {};
local reader_mt = { __index = reader };

function reader:wrong(path, value, expected)
	self.errors[#self.errors + 1] = {
		path = path;
		text = ("option %s: found %s, expected %s"):format(path, (text.found(value)), expected);
	};
end

function reader:later(path, value)
	self.errors[#self.errors + 1] = {
		path = path;
		text = ("option %s: %s %s"):format(path, (text.found(value)), LATER);
	};
end

local function contains(list, value)
	for _, known in ipairs(list) do
		if known == value then
			return true;
		end
	end
	return false;
end

local function key_path(path, key)
	if type(key) == "string" and key:find("^[%a_][%w_]*$") then
		return path.."."..key;
	elseif type(key) == "string" then
		return ("%s[%q]"):format(path, key);
	end
	return ("%s[%s]"):format(path, tostring(key));
end

-- pairs() has no order; messages shall.
local function sorted_keys(t)
	local keys = {};
	for key in pairs(t) do
		keys[#keys + 1] = key;
	end
	table.sort(keys, function (a, b)
		return tostring(a) < tostring(b);
	end);
	return keys;
end

--- A table with only these keys, or nil. Returns also the known keys that unknown ones were perhaps meant to be.
function reader:keys(path, value, known)
	local meant = {};
	if type(value) ~= "table" then
		self:wrong(path, value, "a table");
		return nil, meant;
	end
	for _, key in ipairs(sorted_keys(value)) do
		if not contains(known, key) then
			local near = text.nearest(tostring(key), known);
			meant[near] = true;
			self.errors[#self.errors + 1] = {
				path = key_path(path, key);
				text = ("option %s: unknown; did you mean %q?"):format(key_path(path, key), near);
			};
		end
	end
	return value, meant;
end

--- A list of strings without holes; each entry goes through `check(path, entry)`, which returns it or nil.
function reader:list(path, value, expected, check)
	if type(value) ~= "table" then
		self:wrong(path, value, expected);
		return nil;
	end
	local out, count = {}, 0;
	for _ in pairs(value) do
		count = count + 1;
	end
	for i = 1, count do
		if value[i] == nil then -- a hole, or a key that is no index
			self:wrong(path, value, expected);
			return nil;
		end
	end
	for i, entry in ipairs(value) do
		local entry_path = key_path(path, i);
		if type(entry) ~= "string" or entry == "" then
			self:wrong(entry_path, entry, "a string");
		else
			out[#out + 1] = check(self, entry_path, entry);
		end
	end
	return out;
end

function reader:integer(path, value, least, most)
	if type(value) ~= "number" or value ~= math.floor(value) or value < least or value > most then
		self:wrong(path, value, ("an integer from %d to %d"):format(least, most));
		return nil;
	end
	return value;
end

function reader:word(path, value, words)
	if type(value) ~= "string" or not contains(words, value) then
		self:wrong(path, value, text.one_of(words));
		return nil;
	end
	return value;
end

function reader:trust(path, value)
	return self:word(path, value, { "any", "pkix", "rains" });
end

function reader:address(path, value)
	local normal = type(value) == "string" and self.env.normalise(value);
	if not normal then
		self:wrong(path, value, "a SCION address such as \"1-ff00:0:111,192.0.2.10\"");
	end
	return normal or nil;
end

function reader:domain(path, value)
	local normal = type(value) == "string" and not value:find("[%s@/,]") and self.env.prep(value);
	if not normal or normal == "" then
		self:wrong(path, value, "a domain name");
		return nil;
	end
	return normal;
end

function reader:paths(path, value)
	if type(value) == "string" then
		if value:find("^file:.") then
			return value;
		elseif value == "auto" or value:find("^daemon:") or value:find("^control:") then
			self:later(path, value);
			return nil;
		end
	end
	self:wrong(path, value, "\"file:NAME\" with the name of a path file");
	return nil;
end

local function line(self, path, entry)
	if entry:find("[%c]") then
		self:wrong(path, entry, "one line of text");
		return nil;
	end
	return entry;
end

function reader:rains(path, value)
	local t = self:keys(path, value, rains_keys) or {};
	local out = { roots = {}, servers = {}, trust = "verify" };
	if t.roots ~= nil then
		out.roots = self:list(path..".roots", t.roots, "a list of root keys, or of files with them", line) or {};
	end
	if t.servers ~= nil then
		out.servers = self:list(path..".servers", t.servers, "a list of RAINS servers", line) or {};
	end
	if t.trust ~= nil then
		out.trust = self:word(path..".trust", t.trust, { "verify", "unsigned" });
	end
	if t.port ~= nil then
		out.port = self:integer(path..".port", t.port, 1, 65535);
	end
	if #out.servers > 0 and #out.roots == 0 and out.trust == "verify" then
		self:wrong(path..".roots", t.roots, "the root key of RAINS: what its servers say counts only when it is signed");
	end
	return out;
end

local function dns_server(self, path, entry)
	if entry:find("[%c%s,]") then
		self:wrong(path, entry, "a DNS server such as \"192.0.2.1\" or \"127.0.0.1:5353\"");
		return nil;
	end
	return entry;
end

function reader:dns(path, value)
	local t = self:keys(path, value, dns_keys) or {};
	return { servers = t.servers ~= nil and self:list(path..".servers", t.servers, "a list of DNS servers", dns_server)
		or nil };
end

local function name_source(self, path, entry)
	return self:word(path, entry, NAME_SOURCES);
end

function reader:order(path, value)
	local order = self:list(path, value, "a list of \"static\", \"hosts\", \"rains\" and \"dns\"", name_source);
	local seen = {};
	for i, source in ipairs(order or {}) do
		if seen[source] then
			self:wrong(key_path(path, i), source, "each source once");
		end
		seen[source] = true;
	end
	return order;
end

local function file_name(self, path, entry)
	if entry:find("[%c]") then
		self:wrong(path, entry, "a file name");
		return nil;
	end
	return entry;
end

local name_readers = {
	order = reader.order;
	deadline = function (self, path, value)
		if type(value) ~= "number" or not (value > 0 and value <= 60) then
			self:wrong(path, value, "seconds, more than 0 and at most 60");
			return nil;
		end
		return value;
	end;
	hosts = function (self, path, value)
		local list = self:list(path, value, "a list of file names", file_name);
		if list and #list > HOSTS_FILES_MOST then
			self:wrong(path, #list, ("at most %d files"):format(HOSTS_FILES_MOST));
		end
		return list;
	end;
	cache_bytes = function (self, path, value)
		return self:integer(path, value, 0, 2^32);
	end;
	rains = reader.rains;
	dns = reader.dns;
};

--- RAINS is asked where it is set up; in an order of the operator's own it must be.
local function settle_order(self, path, out, is_given)
	for i, source in ipairs(#out.rains.servers == 0 and out.order or {}) do
		if source == "rains" and is_given then
			self:wrong(path..".rains.servers", nil, ("a server to ask, as \"rains\" is in %s.order"):format(path));
		elseif source == "rains" then
			table.remove(out.order, i);
			return;
		end
	end
end

function reader:names(path, value)
	local default_order = { "static", "hosts", "rains", "dns" };
	local out = { order = default_order, deadline = 2,
		hosts = { "/etc/scion/hosts", "/etc/hosts" }, cache_bytes = 4194304,
		rains = { roots = {}, servers = {}, trust = "verify" }, dns = {} };
	local t = value ~= nil and self:keys(path, value, name_keys) or {};
	for key, read in pairs(name_readers) do
		if t[key] ~= nil then
			out[key] = read(self, path.."."..key, t[key]) or out[key];
		end
	end
	settle_order(self, path, out, t.order ~= nil and out.order ~= default_order);
	return out;
end

--- Trust in RAINS needs a RAINS to ask.
local function check_trust(self, path, trust, config)
	if trust == "rains" and #config.names.rains.servers == 0 then
		self:wrong("scion.names.rains.servers", nil, ("a server to ask, as %s is \"rains\""):format(path));
	end
end

local peer_readers = {
	policy = function (self, path, value)
		return self:word(path, value, POLICIES);
	end;
	address = function (self, path, value)
		return self:list(path, value, "a list of SCION addresses", reader.address);
	end;
	port = function (self, path, value)
		return self:integer(path, value, 1, 65535);
	end;
	trust = reader.trust;
};

--- One peer. What is wrong with it can only make it stricter.
function reader:peer(path, value)
	local out = {};
	local t, meant = self:keys(path, value, peer_keys);
	for key, read in pairs(peer_readers) do
		if t and t[key] ~= nil then
			out[key] = read(self, path.."."..key, t[key]);
		end
	end
	if not t or meant.policy or t.policy ~= nil and not out.policy then
		out.policy = "require";
	end
	return out;
end

--- All peers, and whether one of them could not even be named.
function reader:peers(path, value)
	local out, complete = {}, true;
	if type(value) ~= "table" then
		self:wrong(path, value, "a table of peers by domain");
		return out, false;
	end
	for _, key in ipairs(sorted_keys(value)) do
		local domain = self:domain(key_path(path, key), key);
		if domain then
			out[domain] = self:peer(("%s[%q]"):format(path, key), value[key]);
		else
			complete = false;
		end
	end
	return out, complete;
end

function reader:dialback(path, value)
	local out = {};
	local list = self:list(path, value, "a list of domains", reader.domain);
	for _, domain in ipairs(list or {}) do
		out[domain] = true;
	end
	return out;
end

--- Reads policy and peers: what a broken configuration must still honour.
local function read_policies(self, raw, meant, config)
	config.policy = "prefer";
	if raw.policy ~= nil then
		config.policy = self:word("scion.policy", raw.policy, POLICIES);
	end
	local complete = true;
	if raw.peers ~= nil then
		config.peers, complete = self:peers("scion.peers", raw.peers);
	end
	if not config.policy or meant.policy then
		config.policy, config.unreadable = "require", "scion.policy";
	elseif not complete or meant.peers then
		config.unreadable = "scion.peers";
	end
end

local function read_rest(self, raw, config)
	config.address = self:address("scion.address", raw.address);
	config.paths = self:paths("scion.paths", raw.paths);
	if raw.port ~= nil then
		config.port = self:integer("scion.port", raw.port, 1, 65535);
	end
	if raw.trust ~= nil then
		config.trust = self:trust("scion.trust", raw.trust);
	end
	if raw.dialback ~= nil then
		config.dialback = self:dialback("scion.dialback", raw.dialback);
	end
	config.names = self:names("scion.names", raw.names);
	check_trust(self, "scion.trust", config.trust, config);
	for _, domain in ipairs(sorted_keys(config.peers)) do
		check_trust(self, ("scion.peers[%q].trust"):format(domain), config.peers[domain].trust, config);
	end
end

---@class sx.config
---@field ok boolean nothing is wrong: the transport may run
---@field errors { path: string, text: string }[] one line each
---@field unreadable string? "scion.policy" or "scion.peers": nobody can tell which peers are `require`
---@field policy string of peers not listed
---@field names { order: string[], deadline: number, hosts: string[], cache_bytes: integer, rains: table, dns: table }
---@field trust "any"|"pkix"|"rains" what proves a peer's name
---@field peers table<string, { policy: string?, address: string[]?, port: integer?, trust: string? }>
---@field dialback table<string, true>

---@param raw any the option as configured
---@param env { normalise: fun(text: string): string?, prep: fun(domain: string): string? }
---@return sx.config
local function read(raw, env)
	local self = setmetatable({ errors = {}, env = env }, reader_mt);
	local config = { errors = self.errors, peers = {}, dialback = {}, policy = "prefer", port = DEFAULT_PORT,
		trust = "any" };
	if raw == nil then
		self:wrong("scion", raw, "a table, above the first VirtualHost");
	elseif type(raw) ~= "table" then
		self:wrong("scion", raw, "a table");
		config.policy, config.unreadable = "require", "scion";
	else
		local _, meant = self:keys("scion", raw, top_keys);
		read_policies(self, raw, meant, config);
		read_rest(self, raw, config);
	end
	config.ok = #self.errors == 0;
	return config;
end

--- What proves the name of a peer.
local function trust_of(config, domain)
	local peer = config.peers[domain];
	return peer and peer.trust or config.trust;
end

--- The policy towards a peer; where nobody can tell the strictest, and true: it is only assumed.
local function policy_of(config, domain)
	local peer = config.peers[domain];
	if config.unreadable and not (peer and peer.policy == "require") then
		return "require", true;
	end
	return peer and peer.policy or config.policy, false;
end

return { read = read, policy_of = policy_of, trust_of = trust_of };
