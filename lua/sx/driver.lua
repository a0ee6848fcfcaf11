-- SPDX-License-Identifier: MIT
-- driver: owns the core's context inside Prosody's loop. One watched descriptor; each time it is readable one turn:
-- listeners may add to what they send, the core works, events go to the connections. The core never calls us.

local new_conn = require "sx.conn".new;

-- Events taken in one turn; more wait for the next, so that other connections of the server get their share.
local EVENTS_MOST = 512;
local LOG_LEVELS = { [0] = "debug", "info", "warn", "error" };
local LOG_LINES_MOST = 64;

local driver = {};
local driver_mt = { __index = driver };

--- Watches a descriptor for reading on any of the three network backends. `onreadable` must not raise.
---@return fun() close
local function watch(server, fd, onreadable)
	local handle = server.watchfd(fd, onreadable);
	return function ()
		if handle.close then
			handle:close();
		else
			handle:setflags(false); -- the libevent backend has no close
		end
	end;
end

--- Runs the next turn soon even if the descriptor stays quiet.
function driver:wake()
	if self.woken or self.closed then
		return;
	end
	self.woken = true;
	self.env.later(function ()
		self.woken = false;
		self.safe_turn();
	end);
end

--- Notes a connection that has something to send.
function driver:dirty(conn)
	if not conn.is_dirty then
		conn.is_dirty = true;
		self.to_flush[#self.to_flush + 1] = conn;
	end
end

--- Notes a connection that has something to do in the next turn.
function driver:attend(conn)
	if not conn.is_waiting then
		conn.is_waiting = true;
		self.to_attend[#self.to_attend + 1] = conn;
		self:wake();
	end
end

function driver:forget(conn)
	self.conns[conn.handle] = nil;
end

--- Before anything leaves, listeners add what goes with it (XEP-0198 asks for acknowledgements here).
local function predrain(self)
	for _, conn in ipairs(self.to_flush) do
		if conn.state == "open" then
			conn:on("predrain");
		end
	end
end

local function drained(self)
	local flushed = self.to_flush;
	self.to_flush = {};
	for _, conn in ipairs(flushed) do
		conn.is_dirty = false;
	end
	for _, conn in ipairs(flushed) do
		if conn.state == "open" and not conn.held and not conn:backlogged() then
			conn:on("drain");
		end
	end
end

local function attend_all(self)
	local waiting = self.to_attend;
	self.to_attend = {};
	for _, conn in ipairs(waiting) do
		conn.is_waiting = false;
		conn:attend();
	end
end

--- A peer's stream: whoever serves its ALPN label gets it, else it is reset.
local function accept(self, handle)
	local context = self.context;
	local alpn = context:text(handle, "alpn") or "";
	local listeners = self.accepting and self.env.service(alpn);
	if not listeners then
		context:release(handle);
		self.env.log("info", "Refused a stream of %s: nobody serves \"%s\" now",
			context:text(handle, "peer") or "a peer", alpn);
		return;
	end
	local conn = new_conn(self, handle, { dialled = false, listeners = listeners });
	self.conns[handle] = conn;
	conn:opened();
end

local function dialled(self, conn, reason)
	if conn.dialled and not conn.answered then
		conn.answered = true;
		self.env.dialled(conn.target, reason);
	end
end

local handlers = {};

function handlers.open(self, conn)
	dialled(self, conn, nil);
	if conn.state == "connecting" then
		conn:opened();
	end
end

function handlers.readable(_, conn)
	conn:attend();
end

function handlers.writable(self, conn)
	conn:writable();
	self:dirty(conn);
end

function handlers.finish(_, conn)
	conn:finished();
end

function handlers.close(self, conn, status)
	local reason = self.context:text(conn.handle, "reason");
	if not reason or reason == "" then
		reason = status or "closed";
	end
	dialled(self, conn, reason);
	conn:lost(reason);
end

--- What came of a question, for as long as its callback runs.
local answer = {};
local answer_mt = { __index = answer };

function answer:targets()
	return self.context:answer_targets(self.handle) or {};
end

function answer:text(which)
	return self.context:answer_text(self.handle, which) or "";
end

function answer:judge(pem)
	return self.context:answer_judge(self.handle, pem);
end

local function answered(self, handle, status)
	local callback = self.questions[handle];
	self.questions[handle] = nil;
	if callback then
		local given_up = status == "ECLOSED" or status == "ENOMEM";
		local found = not given_up and setmetatable({ context = self.context, handle = handle }, answer_mt) or nil;
		local ok, err = xpcall(callback, self.env.traceback, found);
		if not ok then
			self.env.log("error", "Error in the answer to a question: %s", tostring(err));
		end
	end
	if not self.closed then
		self.context:answer_release(handle);
	end
end

--- Asks the core for a name. `callback` gets the answer, or nil when the search was given up.
---@return true? ok, string? err
function driver:resolve(name, how, callback)
	if self.closed then
		return nil, "the SCION transport is shutting down";
	end
	local handle, err, code = self.context:resolve(name, how);
	if not handle then
		return nil, code == "EINVAL" and ("%q is no domain"):format(name) or err;
	end
	self.questions[handle] = callback;
	return true;
end

local function dispatch(self)
	for _ = 1, EVENTS_MOST do
		local kind, handle, status = self.context:next_event();
		if not kind then
			return;
		end
		local conn = self.conns[handle];
		if kind == "answer" then
			answered(self, handle, status);
		elseif kind == "accept" then
			accept(self, handle);
		elseif conn and handlers[kind] then
			handlers[kind](self, conn, status);
		end
		if self.closed then
			return; -- a listener shut the server down
		end
	end
	self:wake();
end

local function pass_log(self)
	for _ = 1, LOG_LINES_MOST do
		local level, line = self.context:next_log();
		if not level then
			return;
		end
		self.env.log(LOG_LEVELS[level] or "info", "%s", line);
	end
end

--- One turn of the loop.
function driver:turn()
	if self.closed then
		return;
	end
	predrain(self);
	if self.closed then
		return; -- a listener shut the server down
	end
	local ok, text = self.context:process();
	if not ok then
		self.env.log("error", "SCION transport: %s", text);
	end
	pass_log(self);
	drained(self);
	attend_all(self);
	if not self.closed then
		dispatch(self);
	end
end

--- Opens a stream to `target` (local_name, remote_name, address, port, alpn): a connection or nil and why not.
function driver:dial(target, listeners, extra)
	if self.closed or not self.accepting then
		return nil, "the SCION transport is shutting down";
	end
	local handle, text = self.context:dial(target);
	if not handle then
		self.env.dialled(target, text);
		return nil, text;
	end
	local conn = new_conn(self, handle, {
		dialled = true;
		listeners = listeners;
		extra = extra;
		target = target;
		scion_addr = target.address;
		peer_port = target.port;
	});
	self.conns[handle] = conn;
	return conn;
end

--- No new streams, in or out; live ones go on.
function driver:stop_accepting()
	self.accepting = false;
end

--- Ends everything: `timeout_ms` for what is on its way, then the context goes. With `reason`, listeners hear it.
function driver:close(timeout_ms, reason)
	if self.closed then
		return;
	end
	self.accepting = false;
	if reason then
		local conns = {};
		for _, conn in pairs(self.conns) do
			conns[#conns + 1] = conn;
		end
		for _, conn in ipairs(conns) do
			conn:abandon(reason);
		end
	end
	self.closed = true;
	self.unwatch();
	self.context:close(timeout_ms);
	for _, conn in pairs(self.conns) do
		conn:gone();
	end
	self.conns = {};
end

--- What accepted connections name as their server.
local function listening_of(address, port)
	local host = address:match(",%[?([^%]]+)%]?$") or address;
	return {
		hosts = {};
		ip = function () return host; end;
		port = function () return port; end;
		serverport = function () return port; end;
	};
end

---@class sx.driver_env everything of Prosody that is needed here
---@field watch fun(fd: integer, onreadable: fun()): fun() close
---@field later fun(f: fun()) runs it in a later turn of the loop
---@field timer { start: fun(delay: number, f: fun(): number?): any, stop: fun(id: any) } a number returned re-arms
---@field now fun(): number seconds
---@field new_id fun(): string
---@field logger fun(id: string): fun(level: string, format: string, ...)
---@field log fun(level: string, format: string, ...)
---@field traceback fun(err: any): string
---@field certificate fun(der: string): any LuaSec's object
---@field read_timeout fun(): number
---@field service fun(alpn: string): table? the listener that serves a label
---@field dialled fun(target: table, reason: string?) how a dial ended; nil: well

---@param context sx.context
---@param env sx.driver_env
---@param own { address: string, port: integer }
local function new(context, env, own)
	local self = setmetatable({
		context = context;
		env = env;
		address = own.address;
		port = own.port;
		conns = {};
		questions = {};
		to_flush = {};
		to_attend = {};
		accepting = true;
	}, driver_mt);
	self.listening = listening_of(own.address, own.port);
	function self.safe_turn()
		local ok, err = xpcall(self.turn, env.traceback, self);
		if not ok then
			env.log("error", "SCION transport: %s", tostring(err));
		end
	end
	self.unwatch = env.watch(context:fd(), self.safe_turn);
	return self;
end

return { new = new, watch = watch };
