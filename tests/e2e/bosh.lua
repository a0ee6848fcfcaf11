-- SPDX-License-Identifier: MIT
-- bosh: an XML stream in HTTP requests (XEP-0124, XEP-0206), for `client.connect`: one request waits at the server for
-- what comes, a second one brings what is sent meanwhile. Answers count in the order of their requests.
local loop = require "e2e.loop";
local stream = require "e2e.stream";
local websocket = require "e2e.websocket";
local xml = require "e2e.xml";

local bosh = setmetatable({}, { __index = stream });
bosh.__index = bosh;

local PATIENCE = 10; -- seconds to connect
local WAIT = 60; -- seconds that a request may wait at the server
local LINES = 2;
local NS_BODY = "http://jabber.org/protocol/httpbind";
local REQUEST = table.concat({
	"POST /http-bind HTTP/1.1", "Host: %s", "Content-Type: text/xml; charset=utf-8", "Content-Length: %d", "", "%s",
}, "\r\n");

local ask_more; -- calls what calls it: an answer makes room for what waits

local function take_body(self, text)
	local body = assert(xml.parse(text));
	self.sid = self.sid or body.attr.sid;
	for _, element in ipairs(body) do
		if type(element) == "table" then
			self:receive(element);
		end
	end
	self.finished = self.finished or body.attr.type == "terminate";
end

local function take_answer(self, line, text)
	self.answers[line.rid], line.rid = text, nil;
	while self.answers[self.awaited] do
		local answer = self.answers[self.awaited];
		self.answers[self.awaited], self.unanswered[self.awaited] = nil, nil;
		self.awaited = self.awaited + 1;
		take_body(self, answer);
	end
	ask_more(self);
end

local function read(self, line, data)
	line.buffer = line.buffer .. data;
	local head, rest = line.buffer:match("^(.-\r\n\r\n)(.*)$");
	local length = head and tonumber(head:lower():match("\r\ncontent%-length: *(%d+)"));
	if length and #rest >= length then
		assert(head:find("^HTTP/1.1 200"), head);
		line.buffer = rest:sub(length + 1);
		take_answer(self, line, rest:sub(1, length));
	end
	return true;
end

-- Connection number `i`, or nil where that is in use. Where nobody answers, all ends.
local function free_line(self, i)
	local line = self.lines[i];
	if not line or line.ended then
		local err;
		line, err = stream.connect(self.host, self.port, PATIENCE);
		if not line then
			self.ended = err;
			return nil;
		end
		line.buffer = "";
		line.parser = { feed = function (_, data) return read(self, line, data); end };
		self.lines[i] = line;
	end
	return not line.rid and line or nil;
end

local function post(self, line, rid)
	local body = self.unanswered[rid];
	line.rid = rid;
	line:send(REQUEST:format(self.host, #body, body));
end

-- What there is to send, as the body of a request.
local function next_body(self)
	local sid = self.sid and (" sid='%s'"):format(self.sid) or "";
	local text = websocket.with_namespace(table.concat(self.queued));
	local body = ("<body xmlns='%s' rid='%d'%s%s>%s</body>"):format(NS_BODY, self.rid, sid, self.attributes or "", text);
	self.queued, self.attributes = {}, nil;
	return body;
end

-- Sends what there is to send; else makes sure that one request waits at the server.
function ask_more(self)
	local lines = {};
	for i = 1, LINES do
		lines[#lines + 1] = not (self.ended or self.finished) and free_line(self, i) or nil;
	end
	local has_text, is_waiting = #self.queued > 0 or self.attributes, #lines < LINES;
	if #lines == 0 or self.ended or is_waiting and not (has_text and self.sid) then
		return;
	end
	self.unanswered[self.rid] = next_body(self);
	self.rid = self.rid + 1;
	post(self, lines[1], self.rid - 1);
end

--- As stream.connect.
function bosh.connect(host, port)
	local self = setmetatable({
		host = host, port = port, inbox = {}, queued = {}, lines = {}, rid = 1000, awaited = 1000, answers = {},
		unanswered = {},
	}, bosh);
	return self;
end

function bosh:open(to)
	local more = self.sid and " xmpp:restart='true'" or (" wait='%d' hold='1' ver='1.6' xmpp:version='1.0'"):format(WAIT);
	self.attributes = (" to='%s' xmlns:xmpp='urn:xmpp:xbosh'%s"):format(xml.escape(to), more);
	ask_more(self);
end

function bosh:send(bytes)
	self.queued[#self.queued + 1] = bytes;
	ask_more(self);
end

--- All connections drop, and the session waits for `come_back`.
function bosh:drop()
	for _, line in pairs(self.lines) do
		line:kill();
	end
	self.lines = {};
end

-- Another request is answered: what was sent before on other connections has been read.
local function wait_for_server(self)
	local line, is_answered = assert(stream.connect(self.host, self.port, PATIENCE)), false;
	line.parser = { feed = function () is_answered = true; return true; end };
	line:send(("GET /http-bind HTTP/1.1\r\nHost: %s\r\n\r\n"):format(self.host));
	assert(loop.wait(function () return is_answered; end, PATIENCE));
	line:kill();
end

--- Asks again what was not answered. mod_bosh takes that only while no later request has come.
function bosh:come_back()
	local count = 0;
	for rid = self.awaited, self.rid - 1 do
		count = count + 1;
		post(self, assert(free_line(self, count), self.ended), rid);
	end
	wait_for_server(self);
	ask_more(self);
end

function bosh:kill()
	self:drop();
	self.ended = self.ended or "killed";
end

function bosh:close(seconds)
	self.attributes = " type='terminate'";
	ask_more(self);
	loop.wait(function () return self.finished or self.ended; end, seconds);
	self:kill();
end

return bosh;
