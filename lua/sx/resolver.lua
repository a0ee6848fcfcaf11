-- SPDX-License-Identifier: MIT
-- resolver: stands in for Prosody's resolver of an outgoing server stream and adds SCION targets to it, before or after
-- the stock ones or instead of them, as the policy says. It speaks the protocol of net.connect: next(callback).

local CONN_TYPE = "scion-quic";
-- No SCION target is tried later than this after the first when stock transports wait their turn.
local PATIENCE = 5;

---@class sx.search the SCION side of one search for a peer, shared by all resolvers made for one session
---@field policy "fallback"|"prefer"|"require"
---@field stock_left integer stock resolvers that are not yet exhausted
---@field asked boolean? the search has begun: no more resolvers join it
local search = {};
local search_mt = { __index = search };

local function too_late(self)
	return self.policy == "prefer" and self.started and self.env.now() - self.started > PATIENCE;
end

--- Hands out the next SCION target, or nil when there is none (any more).
function search:next(callback)
	if self.targets then
		local target = not too_late(self) and table.remove(self.targets, 1);
		if not target then
			self.exhausted = true;
			return callback(nil);
		end
		self.started = self.started or self.env.now();
		return callback(CONN_TYPE, target.address, target.port, {
			servername = self.remote;
			from_host = self.from;
			source = target.source;
		}, false);
	end
	return self.env.targets(self.remote, self.policy, function (list, err)
		self.targets = list or {};
		self.last_error = err;
		return self:next(callback);
	end);
end

--- The stock side has no more targets. True when SCION's turn has come only now.
function search:stock_ended()
	self.stock_left = self.stock_left - 1;
	return self.policy == "fallback" and self.stock_left <= 0 and not self.exhausted;
end

local resolver = {};
local resolver_mt = { __index = resolver };

local function ask_stock(self, callback)
	return self.stock:next(function (...)
		if (...) ~= nil then
			return callback(...);
		end
		self.last_error = self.stock.last_error or self.last_error;
		if not self.stock_done then
			self.stock_done = true;
			self.scion_turn = self.search:stock_ended();
		end
		if self.scion_turn then
			return self:next(callback);
		end
		return callback(nil);
	end);
end

function resolver:next(callback)
	self.search.asked = true;
	if not self.scion_turn then
		return ask_stock(self, callback);
	end
	return self.search:next(function (...)
		if (...) ~= nil then
			return callback(...);
		end
		self.last_error = self.search.last_error or self.last_error;
		self.scion_turn = false;
		if self.search.policy == "prefer" then
			return ask_stock(self, callback);
		end
		return callback(nil);
	end);
end

--- A stock resolver that must not be asked: all there is comes from the search, through whichever is asked first.
local silent = {};

function silent.next(_, callback)
	return callback(nil);
end

--- Wraps a stock resolver. Several may share one search: 0.12 makes one for each of its two services.
function search:wrap(stock)
	self.stock_left = self.stock_left + 1;
	return setmetatable({
		hostname = stock.hostname or self.remote; -- net.connect prints it
		stock = self.policy == "require" and silent or stock;
		stock_done = self.policy == "require";
		search = self;
		scion_turn = self.policy ~= "fallback";
		last_error = self.policy == "require" and self.last_error or nil;
	}, resolver_mt);
end

---@class sx.search_env
---@field targets fun(remote: string, policy: string, answer: fun(list: table[]?, err: string?))
---@field now fun(): number seconds

---@param env sx.search_env
---@param session { from_host: string, to_host: string }
---@param policy "fallback"|"prefer"|"require"
local function new(env, session, policy)
	return setmetatable({
		env = env;
		from = session.from_host;
		remote = session.to_host;
		policy = policy;
		stock_left = 0;
	}, search_mt);
end

--- Wraps server.addclient so that targets of ours are dialled by `dial(target, listeners, extra)`.
local function wrap_addclient(original, dial)
	return function (address, port, listeners, ...)
		local _, _, conn_type, extra = ...; -- pattern, TLS context
		if conn_type ~= CONN_TYPE then
			return original(address, port, listeners, ...);
		end
		return dial({
			local_name = extra.from_host;
			remote_name = extra.servername;
			address = address;
			port = port;
		}, listeners, extra);
	end;
end

return { new = new, wrap_addclient = wrap_addclient };
