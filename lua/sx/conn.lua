-- SPDX-License-Identifier: MIT
-- conn: one QUIC stream dressed as a connection of Prosody's net.server, so that stock sessions ride on it unchanged.
-- Writes go to the core at once and leave with the next turn of the driver; bytes not yet read stay in the core.
--
-- States: connecting -> open -> closing -> closed -> gone. In `closing` the listener has still to hear ondisconnect;
-- in `closed` it has, and what was written is on its way out; `gone` has no handle any more.

local luasec = require "sx.luasec";

local READ_MOST = 65536;
-- What the core does not take at once waits here; a peer that lets more pile up has stopped reading.
local OVERFLOW_MOST = 32 * 1024 * 1024;
local PIECE = 65536;
local LINGER = 5;
local LINGER_ROUNDS = 6;

local methods = {};
local conn_mt = { __index = methods };

function conn_mt:__tostring()
	return ("<scion stream %s %s %s>"):format(self.id, self.dialled and "to" or "from", self.scion_addr or "?");
end

luasec.extend(methods);

--- Calls a listener; its errors are logged, never passed on.
function methods:on(what, ...)
	local listener = self.listeners and self.listeners["on"..what];
	if not listener then
		return nil;
	end
	local ok, result = xpcall(listener, self.env.traceback, self, ...);
	if not ok then
		self.log("error", "Error in listener on%s of %s: %s", what, tostring(self), tostring(result));
		return nil;
	end
	return result;
end

local function stop_timer(self)
	if self.timer then
		self.env.timer.stop(self.timer);
		self.timer = nil;
	end
end

-- Sessions keep a connection longer than its stream, and ask it things.
local gone_core = setmetatable({}, {
	__index = function ()
		return function ()
			return nil, "closed", "ESTALE";
		end;
	end;
});

--- Forgets the stream; no callback follows.
function methods:gone()
	stop_timer(self);
	self.state = "gone";
	self.overflow = nil;
	self.core = gone_core;
end

--- Lets go of the handle.
local function release(self)
	if self.state == "gone" then
		return;
	end
	self.driver:forget(self);
	self.core:release(self.handle);
	self:gone();
end

--- Whoever closes, what was accepted for sending gets time to arrive; then the handle goes.
local function linger(self)
	local rounds = 0;
	local function check()
		rounds = rounds + 1;
		self.timer = nil;
		local state = self.core:state(self.handle);
		local busy = self.overflow or state and state.unsent + state.unacked > 0;
		if busy and rounds < LINGER_ROUNDS then
			self.timer = self.env.timer.start(LINGER, check);
			return nil;
		end
		release(self);
		return nil;
	end
	self.timer = self.env.timer.start(LINGER, check);
end

--- Tells the listener, once, and keeps the stream only while it still carries something.
local function disconnect(self, reason)
	if self.state == "closed" or self.state == "gone" then
		return;
	end
	stop_timer(self);
	local was_connecting = self.was_connecting or self.state == "connecting";
	self.state = "closed";
	self:on("disconnect", reason);
	if self.state == "gone" then
		return;
	end
	if self.over or was_connecting then
		release(self);
		return;
	end
	linger(self);
end

--- Gives the core what it did not take before; FIN follows the last byte.
local function push_overflow(self)
	local queue = self.overflow;
	while queue and queue.first <= queue.last do
		local data = queue[queue.first];
		local ok = self.core:send(self.handle, data);
		if not ok then
			return;
		end
		queue[queue.first] = nil;
		queue.first = queue.first + 1;
		queue.bytes = queue.bytes - #data;
	end
	self.overflow = nil;
	if self.finishing then
		self.core:finish(self.handle);
	end
end

local function finish(self)
	self.finishing = true;
	if not self.overflow then
		self.core:finish(self.handle);
	end
end

--- A stream that broke: nothing we still hold can leave.
local function break_off(self, reason)
	self.core:reset(self.handle);
	self.over = reason;
	self.overflow = nil;
	disconnect(self, reason);
end

local function queue_overflow(self, data)
	local queue = self.overflow or { first = 1, last = 0, bytes = 0 };
	if queue.bytes + #data > OVERFLOW_MOST then
		break_off(self, "send buffer is full: the peer has stopped reading");
		return nil, "send buffer is full";
	end
	-- The core takes a piece whole or not at all, so no piece may be larger than its whole queue.
	for from = 1, #data, PIECE do
		queue.last = queue.last + 1;
		queue[queue.last] = data:sub(from, from + PIECE - 1);
	end
	queue.bytes = queue.bytes + #data;
	self.overflow = queue;
	return #data;
end

--- Accepts data for sending: its length, or nil and why not.
function methods:write(data)
	if self.state ~= "open" then
		return nil, "closed";
	end
	if self.overflow then
		self.driver:dirty(self);
		return queue_overflow(self, data);
	end
	local ok, text, name = self.core:send(self.handle, data);
	if ok then
		self.driver:dirty(self);
		return #data;
	end
	if name == "ELIMIT" then
		self.driver:dirty(self);
		return queue_overflow(self, data);
	end
	return nil, text;
end
methods.send = methods.write;

--- Takes entries of a batch of a fan-out of the core, which writes them itself, from `first` on, as many as fit into
--- `most` bytes: the number of the next one, or nil when only `write` will do.
function methods:write_batch(fan, batch, first, most)
	local following;
	if self.state == "open" and not self.overflow then
		following = self.core:send_batch(self.handle, fan, batch, first, most);
	end
	if following then
		self.driver:dirty(self);
	end
	return following;
end

--- Flushes, ends our direction and disconnects the listener in the next turn of the loop. Harmless when repeated.
function methods:close()
	if self.state ~= "open" and self.state ~= "connecting" then
		return;
	end
	self.was_connecting = self.state == "connecting";
	self.state = "closing";
	if not self.was_connecting then
		self:resume_writes();
		finish(self);
	end
	self.driver:attend(self);
end

--- Drops everything at once; no callback follows.
function methods:destroy()
	self.listeners = nil;
	release(self);
end

function methods:setlistener(listeners, data)
	self:on("detach");
	self.listeners = listeners;
	self:on("attach", data);
end

function methods:pause()
	if not self.paused then
		self.paused = true;
		self.core:pause(self.handle, true);
	end
end

function methods:resume()
	if not self.paused then
		return;
	end
	self.paused = false;
	self.last_read = self.env.now();
	self.core:pause(self.handle, false);
	self.driver:attend(self);
end

function methods:pause_writes()
	if not self.held and self.state == "open" then
		self.held = true;
		self.core:hold(self.handle, true);
	end
end

function methods:resume_writes()
	if self.held then
		self.held = false;
		self.core:hold(self.handle, false);
	end
end

--- The host part alone: modules use it as a key and parse it as an IP address.
function methods:ip()
	local host = (self.scion_addr or ""):match(",%[?([^%]]+)%]?$");
	if not host or not host:find("[.:]") then
		return "0.0.0.0"; -- a service address
	end
	return host;
end

function methods:port()
	return self.peer_port;
end

function methods:clientport()
	return self.dialled and self.driver.port or self.peer_port;
end

function methods:serverport()
	return self.dialled and self.peer_port or self.driver.port;
end

function methods:server()
	return self.driver.listening;
end

--- Our way to the peer now, hop by hop.
function methods:scion_path()
	return self.state ~= "gone" and self.core:text(self.handle, "path") or nil;
end

--- True while bytes we accepted have not been handed to the transport.
function methods:backlogged()
	return self.overflow ~= nil;
end

function methods.setoption()
	return true;
end

function methods.set_mode()
	return true;
end

function methods.getfd()
	return -1;
end

--- Whitespace keepalives and smacks requests come from the listener; no answer means that the peer is lost.
local function check_idle(self)
	if self.state ~= "open" then
		return nil;
	end
	local timeout = self.env.read_timeout();
	local idle = self.env.now() - self.last_read;
	if self.paused or idle < timeout then
		return self.paused and timeout or timeout - idle;
	end
	if self:on("readtimeout") == true then
		self.last_read = self.env.now();
		return timeout;
	end
	self.timer = nil;
	if self.state == "open" then
		break_off(self, "read timeout");
	end
	return nil;
end

--- The driver tells that the stream is there.
function methods:opened()
	local state = self.core:state(self.handle) or {};
	self.state = "open";
	self.scion_addr = self.core:text(self.handle, "peer") or self.scion_addr;
	self.peer_port = state.peer_port or self.peer_port;
	self.last_read = self.env.now();
	self.timer = self.env.timer.start(self.env.read_timeout(), function ()
		return check_idle(self);
	end);
	self:on("connect");
end

-- XEP-0467 streams begin with XML. The first byte 0 or 1 announces the multistream successor, which we do not speak.
local function is_xml(data)
	return data:find("^[<\t\n\r ]") or data:find("^\239");
end

local function deliver(self, data)
	self.last_read = self.env.now();
	if self.state ~= "open" then
		return; -- the session is over; reading on lets the peer's FIN through
	end
	if not self.sniffed and not is_xml(data) then
		break_off(self, ("not XMPP over QUIC as in XEP-0467: first byte is 0x%02x"):format(data:byte()));
		return;
	end
	self.sniffed = true;
	self:on("incoming", data);
end

--- Nothing more will come: the peer finished, or the stream is over.
local function end_of_data(self)
	if self.over then
		if self.state == "closed" then
			release(self);
		else
			disconnect(self, self.over);
		end
		return;
	end
	if self.ended and self.state == "open" then
		finish(self);
		disconnect(self, "closed");
	end
end

--- One step of what is due: at most one read, so that a busy stream leaves room for the others.
function methods:attend()
	if self.state == "closing" then
		disconnect(self, nil);
	end
	if self.state == "gone" or self.state == "connecting" and not self.over then
		return;
	end
	if self.paused and self.state == "open" then
		return;
	end
	local data = self.core:receive(self.handle, READ_MOST);
	if not data then
		end_of_data(self);
		return;
	end
	deliver(self, data);
	if #data == READ_MOST or self.ended or self.over then
		self.driver:attend(self);
	end
end

function methods:writable()
	push_overflow(self);
	if not self.overflow then
		self.driver:dirty(self); -- the listener waits to hear that all has been sent
	end
end

--- The peer sent its last byte.
function methods:finished()
	self.ended = true;
	self:attend();
end

--- The stream is over, for `reason`.
function methods:lost(reason)
	self.over = reason;
	self:attend();
end

--- The transport goes away under us.
function methods:abandon(reason)
	self.over = reason;
	disconnect(self, reason);
end

---@param driver table what owns the context: dirty, attend, forget; env, context
---@param handle integer
---@param fields table dialled, listeners, extra, target, scion_addr, peer_port
local function new(driver, handle, fields)
	local env = driver.env;
	local id = env.new_id();
	local self = setmetatable({
		id = id;
		log = env.logger(id);
		env = env;
		core = driver.context;
		driver = driver;
		handle = handle;
		state = "connecting";
		created = env.now();
		last_read = env.now();
		starttls = false; -- mod_tls: no STARTTLS here
		scion = true;
		paused = false;
		held = false;
	}, conn_mt);
	for name, value in pairs(fields) do
		self[name] = value;
	end
	return self;
end

return { new = new };
