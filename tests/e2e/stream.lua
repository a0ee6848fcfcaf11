-- SPDX-License-Identifier: MIT
-- stream: an XML stream over TCP and TLS: bytes out, elements in. `client` logs in on one; tests may use it bare.
local socket = require "socket";
local ssl = require "ssl";
local loop = require "e2e.loop";
local xml = require "e2e.xml";

local stream = {};
stream.__index = stream;

local READ_SIZE = 65536;
local AGAIN = { timeout = true, wantread = true, wantwrite = true };

local function fail(self, reason)
	if self.ended then
		return;
	end
	self.ended = reason;
	loop.unwatch(self.conn);
	self.conn:close();
end

local function read(self)
	while not self.ended do
		local data, err, partial = self.conn:receive(READ_SIZE);
		data = data or partial;
		if data and data ~= "" then
			self.bytes_in = self.bytes_in + #data;
			local ok, xml_err = self.parser:feed(data);
			if not ok then
				fail(self, "broken XML: " .. xml_err);
			end
		end
		if err and not AGAIN[err] then
			fail(self, err);
		elseif err then
			return;
		end
	end
end

local function write(self)
	while self.ended == nil do
		if self.sent == #self.outgoing then
			self.outgoing, self.sent, self.queued = table.concat(self.queued), 0, {};
		end
		if self.outgoing == "" then
			return;
		end
		local last, err, partial = self.conn:send(self.outgoing, self.sent + 1);
		self.sent = last or partial or self.sent;
		if err and not AGAIN[err] then
			fail(self, err);
		elseif err then
			return;
		end
	end
end

local function watch(self)
	loop.watch(self.conn, {
		readable = function () read(self); end;
		writable = function () write(self); end;
		wants_write = function () return #self.queued > 0 or self.sent < #self.outgoing; end;
	});
end

-- Connects. Nil and why when nobody answers.
function stream.connect(host, port, seconds)
	local conn = socket.tcp();
	conn:settimeout(seconds);
	local ok, err = conn:connect(host, port);
	if not ok then
		conn:close();
		return nil, ("cannot connect to %s port %d: %s"):format(host, port, err);
	end
	conn:settimeout(0);
	conn:setoption("tcp-nodelay", true);
	local self = setmetatable({ conn = conn, inbox = {}, queued = {}, outgoing = "", sent = 0, bytes_in = 0 }, stream);
	watch(self);
	return self;
end

-- An element has come. `self.watch`, if there is one, sees it first; what it returns true for is not for the inbox.
function stream:receive(element)
	if not (self.watch and self.watch(element, self)) then
		self.inbox[#self.inbox + 1] = element;
	end
end

-- Starts a fresh XML stream towards `to`, also after TLS and login.
function stream:open(to, from)
	self.header = nil;
	self.parser = xml.stream({
		opened = function (header) self.header = header; end;
		element = function (element) self:receive(element); end;
		closed = function () self.finished = true; end;
	});
	local from_text = from and (" from='%s'"):format(xml.escape(from)) or "";
	self:send(("<?xml version='1.0'?><stream:stream to='%s'%s xmlns='%s' xmlns:stream='%s' version='1.0' xml:lang='en'>")
		:format(xml.escape(to), from_text, xml.NS_CLIENT, xml.NS_STREAM));
end

-- Any bytes, well-formed or not.
function stream:send(bytes)
	self.queued[#self.queued + 1] = bytes;
	if not self.ended then
		write(self);
	end
end

-- Turns the connection into TLS. `cafile`: whom to trust; without it any certificate will do.
function stream:start_tls(seconds, host, cafile)
	loop.unwatch(self.conn);
	local conn, err = ssl.wrap(self.conn, {
		mode = "client", protocol = "any", options = { "all", "no_sslv3" },
		verify = cafile and "peer" or "none", cafile = cafile,
	});
	if not conn then
		return nil, "TLS: " .. err;
	end
	conn:sni(host);
	conn:settimeout(0);
	self.conn = conn;
	loop.watch(conn, { readable = function () end });
	local result = loop.wait(function ()
		local ok, why = conn:dohandshake();
		return ok and "done" or not AGAIN[why] and why;
	end, seconds);
	loop.unwatch(conn);
	if result ~= "done" then
		conn:close();
		self.ended = "TLS: " .. (result or "timeout");
		return nil, self.ended;
	end
	watch(self);
	return true;
end

-- Reads nothing until `go_on`.
function stream:pause()
	loop.unwatch(self.conn);
end

function stream:go_on()
	watch(self);
end

-- Takes the first element that `fits`, waiting for it. Nil and why: "timeout" or how the stream ended.
function stream:take(fits, seconds)
	local seen = 0;
	local function find()
		for i = seen + 1, #self.inbox do
			if fits(self.inbox[i]) then
				return table.remove(self.inbox, i);
			end
		end
		seen = #self.inbox;
		return self.finished and "finished" or self.ended and "ended";
	end
	local found, err = loop.wait(find, seconds);
	if found == "ended" then
		return nil, "connection ended: " .. self.ended;
	elseif found == "finished" then
		return nil, "the server closed the stream";
	end
	return found, err;
end

-- Ends it without a word.
function stream:kill()
	fail(self, "killed");
end

-- Says goodbye and waits for the server's.
function stream:close(seconds)
	if self.ended then
		return;
	end
	self:send("</stream:stream>");
	loop.wait(function () return self.finished or self.ended; end, seconds);
	fail(self, "closed");
end

return stream;
