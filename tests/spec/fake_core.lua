-- SPDX-License-Identifier: MIT
-- fake_core: the face of lua/sx/core.d.lua in memory. Contexts of one network reach each other; nothing moves until
-- process() of the sending side is called, as with the real one. Tests reach into `network` to make things fail.

local KINDS = { "accept", "open", "readable", "writable", "finish", "close" };
local RECEIVE_MOST = 65536;

local names = { EUNREACH = "no path", ESTALE = "stale handle", EAGAIN = "nothing there", ELIMIT = "over a limit",
	ECLOSED = "closed", EINVAL = "bad argument", ETIMEDOUT = "timed out", ERESET = "reset by peer",
	EMALFORMED = "malformed", ENOTFOUND = "not found" };

local function fail(name, text)
	return nil, text or names[name], name;
end

local context = {};
local context_mt = { __index = context };

local function note(channel, kind)
	local owner = channel.context;
	if not channel.pending[kind] then
		channel.pending[kind] = true;
		owner.queue[#owner.queue + 1] = channel;
	end
	owner.ready = true;
end

local function new_channel(owner, fields)
	local network = owner.network;
	network.last_handle = network.last_handle + 1;
	local channel = fields;
	channel.handle = network.last_handle;
	channel.context = owner;
	channel.pending = {};
	channel.inbox, channel.outbox = "", "";
	owner.channels[channel.handle] = channel;
	network.live = network.live + 1;
	return channel;
end

local function find(self, handle)
	assert(not self.closed, "context is closed");
	assert(type(handle) == "number", "number expected");
	return self.channels[handle];
end

local function close_channel(channel, status, reason)
	if not channel.over then
		channel.over, channel.reason = status or "ECLOSED", reason or "both sides have finished";
		note(channel, "close");
	end
end

--- Both ends of a stream learn that it broke, as after a lost connection.
local function break_stream(channel, status, reason)
	close_channel(channel, status, reason);
	if channel.peer then
		close_channel(channel.peer, status, reason);
	end
end

function context:close()
	if self.closed then
		return;
	end
	self:process();
	for _, channel in pairs(self.channels) do
		self.network.live = self.network.live - 1;
		if channel.peer then
			close_channel(channel.peer, "ECLOSED", "the peer has shut down");
		end
	end
	self.network.endpoints[self.key] = nil;
	self.network.live = self.network.live - 1;
	self.closed = true;
end

function context:fd()
	assert(not self.closed, "context is closed");
	return self.number;
end

local function connect(self, channel)
	local target = channel.target;
	local other = self.network.endpoints[target.address.."|"..target.port];
	channel.dialling = false;
	if not other or self.network.silent then
		return close_channel(channel, "ETIMEDOUT", "no answer from "..target.address);
	end
	local domain = other.domains[target.remote_name];
	if not domain then
		return close_channel(channel, "ETLS", "unrecognized name "..target.remote_name);
	end
	local peer = new_channel(other, {
		dialled = false; peer = channel; alpn = target.alpn; local_name = target.remote_name; remote_name = "";
		peer_address = self.address; peer_port = self.port;
		certificate = self.domains[target.local_name]; connection = channel.connection;
	});
	channel.peer, channel.certificate, channel.is_open = peer, domain, true;
	peer.is_open = true;
	note(channel, "open");
	note(peer, "accept");
end

local function move(channel)
	local peer = channel.peer;
	if channel.held or not peer or channel.over then
		return;
	end
	if channel.outbox ~= "" and not peer.over then
		channel.context.stream_bytes_out = channel.context.stream_bytes_out + #channel.outbox;
		peer.inbox = peer.inbox..channel.outbox;
		channel.outbox = "";
		if not peer.paused then
			note(peer, "readable");
		end
		if channel.was_full then
			channel.was_full = false;
			note(channel, "writable");
		end
	end
	if channel.finishing and not channel.finished then
		channel.finished = true;
		note(peer, "finish");
	end
	if channel.finished and peer.finished then
		close_channel(channel);
		close_channel(peer);
	end
end

function context:process()
	assert(not self.closed, "context is closed");
	self.ready = false;
	self.processed = self.processed + 1;
	local all = {};
	for _, channel in pairs(self.channels) do
		all[#all + 1] = channel;
	end
	for _, channel in ipairs(all) do
		if channel.dialling then
			connect(self, channel);
		end
		move(channel);
	end
	return true;
end

function context:next_event()
	assert(not self.closed, "context is closed");
	local channel = self.queue[1];
	if not channel then
		return nil;
	end
	for _, kind in ipairs(KINDS) do
		if channel.pending[kind] then
			channel.pending[kind] = nil;
			table.remove(self.queue, 1);
			local status = kind == "close" and channel.over or nil;
			return kind, channel.handle, status, channel.udata or 0, kind == "readable" and #channel.inbox or 0;
		end
	end
	error("a queued channel has nothing pending");
end

function context:next_log()
	local line = table.remove(self.log, 1);
	if not line then
		return nil;
	end
	return line[1], line[2];
end

function context:domain_set(domain)
	assert(type(domain.name) == "string" and type(domain.certificate) == "string" and type(domain.key) == "string");
	if self.network.bad_files[domain.certificate] then
		return fail("EINVAL", domain.certificate..": "..self.network.bad_files[domain.certificate]);
	end
	self.domains[domain.name] = { der = "DER of "..domain.certificate, verify = self.network.verify[domain.name] or "" };
	return true;
end

function context:domain_remove(name)
	self.domains[name] = nil;
	return true;
end

function context:dial(target, udata)
	assert(not self.closed, "context is closed");
	assert(type(target.local_name) == "string" and type(target.remote_name) == "string");
	if not self.domains[target.local_name] then
		return fail("ENOTFOUND", "no certificate for "..target.local_name);
	elseif self.network.unreachable[target.address] then
		return fail("EUNREACH", "no path to "..target.address);
	end
	self.network.last_connection = self.network.last_connection + 1;
	local channel = new_channel(self, {
		dialled = true; dialling = true; target = target; udata = udata; alpn = target.alpn;
		local_name = target.local_name; remote_name = target.remote_name; peer_address = target.address;
		peer_port = target.port; connection = self.network.last_connection;
	});
	self.ready = true;
	return channel.handle;
end

function context:set_udata(handle, udata)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	channel.udata = udata;
	return true;
end

function context:send(handle, data)
	local channel = find(self, handle);
	assert(type(data) == "string", "string expected");
	if not channel then
		return fail("ESTALE");
	elseif channel.over or channel.finishing or not channel.is_open then
		return fail("ECLOSED");
	elseif #channel.outbox + #data > self.network.queue_most then
		channel.was_full = true;
		return fail("ELIMIT");
	end
	channel.outbox = channel.outbox..data;
	self.ready = true;
	return true;
end

function context:send_batch(handle, fan, batch, first, most)
	local bytes, following = fan:bytes(batch, first, most);
	return self:send(handle, bytes) and following;
end

function context:receive(handle, most)
	local channel = find(self, handle);
	most = most or RECEIVE_MOST;
	assert(most > 0 and most <= RECEIVE_MOST, "most must be from 1 to 65536");
	if not channel then
		return fail("ESTALE");
	elseif channel.inbox == "" then
		return fail("EAGAIN");
	end
	local data = channel.inbox:sub(1, most);
	channel.inbox = channel.inbox:sub(most + 1);
	return data;
end

function context:finish(handle)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	channel.finishing = true;
	self.ready = true;
	return true;
end

function context:reset(handle)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	channel.outbox = "";
	break_stream(channel, "ERESET", "reset");
	return true;
end

function context:release(handle)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	if not channel.over and channel.peer then
		close_channel(channel.peer, "ERESET", "reset by peer");
	end
	self.channels[handle] = nil;
	self.network.live = self.network.live - 1;
	for i = #self.queue, 1, -1 do
		if self.queue[i] == channel then
			table.remove(self.queue, i);
		end
	end
	return true;
end

function context:pause(handle, paused)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	channel.paused = paused;
	if not paused and channel.inbox ~= "" then
		note(channel, "readable");
	end
	return true;
end

function context:hold(handle, held)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	channel.held = held;
	self.ready = true;
	return true;
end

function context:state(handle)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	return { dialled = channel.dialled, peer_port = channel.peer_port, connection = channel.connection,
		verified = channel.certificate ~= nil and channel.certificate.verify == "", handshake_ns = 4e6, rtt_ns = 2e6,
		readable = #channel.inbox, unsent = #channel.outbox, unacked = self.network.unacked };
end

local texts = {
	peer = function (channel) return channel.peer_address; end;
	path = function () return "local"; end;
	alpn = function (channel) return channel.alpn; end;
	local_name = function (channel) return channel.local_name; end;
	remote_name = function (channel) return channel.remote_name; end;
	cipher = function () return "TLS_AES_128_GCM_SHA256"; end;
	verify = function (channel)
		return channel.certificate and channel.certificate.verify or "no certificate";
	end;
	reason = function (channel) return channel.reason or ""; end;
};

function context:text(handle, which)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	return texts[which](channel);
end

function context:certificate(handle, depth)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	elseif (depth or 0) > 0 or not channel.certificate then
		return fail("ENOTFOUND");
	end
	return channel.certificate.der;
end

function context:export(handle, label, len)
	local channel = find(self, handle);
	if not channel then
		return fail("ESTALE");
	end
	return (label..channel.connection..(" "):rep(len)):sub(1, len);
end

function context:streams()
	local handle;
	return function ()
		handle = next(self.channels, handle);
		return handle;
	end;
end

function context:counters()
	local streams = 0;
	for _ in pairs(self.channels) do
		streams = streams + 1;
	end
	return { stream_bytes_out = self.stream_bytes_out, streams = streams };
end

function context:paths(isd_as)
	return self.network.known_paths[isd_as] or {};
end

---@return table core has the functions of sx.core
---@return table network what tests turn: silent, unreachable, queue_most, verify, bad_files, unacked, known_paths
local function new()
	local network = { endpoints = {}, live = 0, last_handle = 100, last_connection = 0, queue_most = 1024 * 1024,
		unreachable = {}, verify = {}, bad_files = {}, unacked = 0, known_paths = {}, numbers = 0 };
	local core = { version = "0.1.0", kinds = KINDS };
	network.break_stream = break_stream;

	function core.address_normal(text)
		local isd_as, host = text:match("^(%d+%-[%x:]+),%[?([%x.:]+)%]?$");
		if not isd_as then
			return fail("EMALFORMED");
		end
		return isd_as..","..host;
	end

	function core.live_objects()
		return network.live;
	end

	function core.open(options)
		assert(type(options.address) == "string" and type(options.paths) == "string");
		local key = options.address.."|"..options.port;
		if network.endpoints[key] then
			return fail("EADDRINUSE", "port is taken");
		end
		network.numbers = network.numbers + 1;
		network.live = network.live + 1;
		local self = setmetatable({ network = network, key = key, address = options.address, port = options.port,
			channels = {}, queue = {}, log = {}, domains = {}, processed = 0, stream_bytes_out = 0,
			number = network.numbers }, context_mt);
		network.endpoints[key] = self;
		return self;
	end

	return core, network;
end

return { new = new };
