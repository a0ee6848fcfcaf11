-- SPDX-License-Identifier: MIT
-- websocket: an XML stream in WebSocket frames (RFC 7395), for `client.connect`.
local loop = require "e2e.loop";
local stream = require "e2e.stream";
local xml = require "e2e.xml";

local websocket = {};

local FRAMING = "urn:ietf:params:xml:ns:xmpp-framing";
local UPGRADE = table.concat({
	"GET /xmpp-websocket HTTP/1.1", "Host: %s", "Connection: Upgrade", "Upgrade: websocket",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: xmpp", "", "",
}, "\r\n");
local MASK = "\1\2\3\4";
local HEADER = ("<stream:stream xmlns='%s' xmlns:stream='%s'>"):format(xml.NS_CLIENT, xml.NS_STREAM);

local function length_of(size)
	if size < 126 then
		return string.char(128 + size);
	elseif size < 65536 then
		return string.pack(">BI2", 128 + 126, size);
	end
	return string.pack(">BI8", 128 + 127, size);
end

local function frame(data)
	local masked = {};
	for i = 1, #data do
		masked[i] = string.char(data:byte(i) ~ MASK:byte((i - 1) % 4 + 1));
	end
	return "\129" .. length_of(#data) .. MASK .. table.concat(masked);
end

-- The first frame in `buffer`: opcode, payload and what follows, or nil.
local function unframe(buffer)
	if #buffer < 2 then
		return nil;
	end
	local first, size = buffer:byte(1, 2);
	local at = 3;
	if size == 126 or size == 127 then
		local format = size == 126 and ">I2" or ">I8";
		if #buffer < 2 + string.packsize(format) then
			return nil;
		end
		size, at = string.unpack(format, buffer, 3);
	end
	if #buffer < at + size - 1 then
		return nil;
	end
	return first & 15, buffer:sub(at, at + size - 1), buffer:sub(at + size);
end

local function read(self, data)
	self.frames = self.frames .. data;
	for opcode, payload, rest in function () return unframe(self.frames); end do
		self.frames = rest;
		if payload:find("^<close") then
			self.finished = true;
		elseif opcode == 1 and not payload:find("^<open") then
			local ok, err = self.inner:feed(payload);
			if not ok then
				return nil, err;
			end
		end
	end
	return true;
end

local STANZAS = { iq = true, presence = true, message = true };

--- Each stanza of a text names its namespace, which is not that of what is around it.
function websocket.with_namespace(text)
	return (text:gsub("<(%a+)([^>]*)", function (name, rest)
		if STANZAS[name] and not rest:find("xmlns=", 1, true) then
			return ("<%s xmlns='%s'%s"):format(name, xml.NS_CLIENT, rest);
		end
	end));
end

local function upgrade(self, host, seconds)
	local answer = "";
	self.parser = { feed = function (_, data) answer = answer .. data; return true; end };
	stream.send(self, UPGRADE:format(host));
	loop.wait(function () return answer:find("\r\n\r\n", 1, true); end, seconds);
	assert(answer:find("^HTTP/1.1 101"), "no WebSocket: " .. answer);
	self.frames = answer:match("\r\n\r\n(.*)$");
	self.parser = { feed = function (_, data) return read(self, data); end };
end

--- As stream.connect.
function websocket.connect(host, port, seconds)
	local self, err = stream.connect(host, port, seconds);
	if not self then
		return nil, err;
	end
	upgrade(self, host, seconds);
	function self.open(_, to)
		self.inner = xml.stream({
			opened = function () end;
			element = function (element) self:receive(element); end;
			closed = function () self.finished = true; end;
		});
		self.inner:feed(HEADER);
		self:send(("<open xmlns='%s' to='%s' version='1.0'/>"):format(FRAMING, xml.escape(to)));
	end
	function self.send(_, data)
		local text = data == "</stream:stream>" and ("<close xmlns='%s'/>"):format(FRAMING) or websocket.with_namespace(data);
		stream.send(self, frame(text));
	end
	return self;
end

return websocket;
