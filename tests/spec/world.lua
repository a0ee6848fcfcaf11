-- SPDX-License-Identifier: MIT
-- world: a loop with a virtual clock and two servers on a fake network, for specs of what stands on the core.

package.path = "./lua/?.lua;./tests/spec/?.lua;"..package.path;

local new_core = require "fake_core".new;
local new_driver = require "sx.driver".new;

local world = {};
local world_mt = { __index = world };

--- Runs what is due, then again, until nothing happens any more.
function world:settle()
	for _ = 1, 1000 do
		local busy = false;
		local queue = self.soon;
		self.soon = {};
		for _, f in ipairs(queue) do
			busy = true;
			f();
		end
		for context, onreadable in pairs(self.watched) do
			if context.ready or context.queue[1] then
				busy = true;
				onreadable();
			end
		end
		if not busy then
			return;
		end
	end
	error("the world does not come to rest");
end

--- Lets `seconds` pass, timer by timer.
function world:advance(seconds)
	local till = self.now + seconds;
	self:settle();
	while true do
		local first;
		for _, timer in pairs(self.timers) do
			if timer.at <= till and (not first or timer.at < first.at) then
				first = timer;
			end
		end
		if not first then
			break;
		end
		self.now = math.max(self.now, first.at);
		self.timers[first.id] = nil;
		local again = first.f();
		if again then
			first.at = self.now + again;
			self.timers[first.id] = first;
		end
		self:settle();
	end
	self.now = till;
end

local function timer_of(self)
	return {
		start = function (delay, f)
			self.last_timer = self.last_timer + 1;
			self.timers[self.last_timer] = { id = self.last_timer, at = self.now + delay, f = f };
			return self.last_timer;
		end;
		stop = function (id)
			self.timers[id] = nil;
		end;
	};
end

local function env_of(self, context)
	return {
		watch = function (fd, onreadable)
			assert(fd == context:fd());
			self.watched[context] = onreadable;
			return function () self.watched[context] = nil; end;
		end;
		later = function (f) self.soon[#self.soon + 1] = f; end;
		timer = timer_of(self);
		now = function () return self.now; end;
		new_id = function ()
			self.ids = self.ids + 1;
			return "id"..self.ids;
		end;
		logger = function () return self.log; end;
		log = self.log;
		traceback = function (err) return err; end;
		certificate = function (der) return { pem = der }; end;
		read_timeout = function () return 840; end;
		service = function (alpn) return alpn == "xmpp-server" and self.services[context] or nil; end;
		dialled = function (target, reason)
			self.dialled[#self.dialled + 1] = { target = target, reason = reason };
		end;
	};
end

--- A server at an address that shows a certificate for `domain`. `listeners` get the streams peers open.
function world:server(address, domain, listeners)
	local context = assert(self.core.open { address = address, port = 31467, paths = "file:none" });
	self.services[context] = listeners;
	assert(context:domain_set { name = domain, certificate = domain..".crt", key = domain..".key" });
	return new_driver(context, env_of(self, context), { address = address, port = 31467 });
end

--- Listeners that write down what they hear: { "connect" }, { "incoming", data }, ...
local function recorder()
	local heard = {};
	local listeners = {};
	for _, what in ipairs { "connect", "incoming", "disconnect", "predrain", "drain", "attach", "detach" } do
		listeners["on"..what] = function (conn, value)
			heard.conn = conn;
			heard[#heard + 1] = { what, value };
		end;
	end
	function heard.words()
		local words = {};
		for i, entry in ipairs(heard) do
			words[i] = entry[1];
		end
		return table.concat(words, " ");
	end
	function heard.data()
		local parts = {};
		for _, entry in ipairs(heard) do
			parts[#parts + 1] = entry[1] == "incoming" and entry[2] or nil;
		end
		return table.concat(parts);
	end
	function heard.last(what)
		for i = #heard, 1, -1 do
			if heard[i][1] == what then
				return heard[i];
			end
		end
	end
	function heard.count(what)
		local count = 0;
		for _, entry in ipairs(heard) do
			count = count + (entry[1] == what and 1 or 0);
		end
		return count;
	end
	return listeners, heard;
end

local function new()
	local self = setmetatable({ now = 1000, soon = {}, timers = {}, last_timer = 0, watched = {}, services = {},
		ids = 0, dialled = {}, logged = {} }, world_mt);
	self.core, self.network = new_core();
	function self.log(level, format, ...)
		self.logged[#self.logged + 1] = level..": "..format:format(...);
	end
	return self;
end

return { new = new, recorder = recorder };
