-- SPDX-License-Identifier: MIT
-- session: a user on a connection of some kind, and what can happen to that. All that it gets is kept in order. With
-- XEP-0198 it counts, and checks what the server counts: of both directions nothing is lost, and nothing comes twice.
local bosh = require "e2e.bosh";
local client = require "e2e.client";
local differential = require "e2e.rooms.differential";
local websocket = require "e2e.websocket";
local xml = require "e2e.xml";

local session = {};
session.__index = session;

local PING = "<iq type='get' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>";
local COUNTS = "urn:x-prosody-scion:counts";
local NS_SM = "urn:xmpp:sm:3";
local STANZAS = { message = true, presence = true, iq = true };
local LAG = 4;
local PATIENCE = 20; -- seconds

--- `smacks`: with XEP-0198; then `lags`: it acknowledges late, and has lost the rest when its connection drops;
--- `is_short`: it cannot resume.
session.kinds = {
	{ name = "plain" },
	{ name = "tls", tls = true },
	{ name = "smacks", smacks = true },
	{ name = "smacks that lags", smacks = true, lags = true },
	{ name = "tls smacks", tls = true, smacks = true },
	{ name = "tls smacks that lags", tls = true, smacks = true, lags = true },
	{ name = "short smacks", smacks = true, is_short = true },
	{ name = "websocket", connect = websocket.connect, is_http = true },
	{ name = "websocket smacks that lags", connect = websocket.connect, is_http = true, smacks = true, lags = true },
	{ name = "bosh", connect = bosh.connect, is_http = true, is_bosh = true },
};

--- How often things have happened.
session.happened = {};

local function note(what, number)
	session.happened[what] = (session.happened[what] or 0) + (number or 1);
end

-- Text of a stanza without what says that it has waited for its recipient.
local function text_of(self, element)
	local copy = { name = element.name, xmlns = element.xmlns, attr = element.attr };
	for _, child in ipairs(element) do
		local is_delay = type(child) == "table" and child.name == "delay" and child.xmlns == "urn:xmpp:delay";
		copy[#copy + 1] = not (is_delay and child.attr.from == self.bare_jid) and child or nil;
	end
	return differential.canonical(copy);
end

local function acknowledge(self, stream, h)
	for _ = self.acked + 1, h do
		table.remove(self.unacked, 1);
	end
	self.acked = h;
	stream:send(("<a xmlns='%s' h='%d'/>"):format(NS_SM, h));
end

local function keep(self, element)
	self.handled = self.handled + 1;
	self.got[#self.got + 1] = element;
	self.unacked[#self.unacked + 1] = self.kind.smacks and element or nil;
	local lost = table.remove(self.lost, 1);
	if lost then
		local was, is = text_of(self, lost), text_of(self, element);
		assert(was == is, ("%s lost\n  %s\nand got instead\n  %s"):format(self.jid, was, is));
		note("sent again");
	end
end

local function watch(self, element, stream)
	if STANZAS[element.name] then
		keep(self, element);
	elseif element.xmlns ~= NS_SM then
		return false;
	elseif element.name == "enabled" then
		self.handled, self.acked, self.sent, self.unacked = 0, 0, 0, {};
	elseif element.name == "r" then
		local lag = self.kind.lags and math.min(self.handled % LAG, self.handled - self.acked) or 0;
		acknowledge(self, stream, self.handled - lag);
		return true;
	elseif element.name == "a" then
		local sent = self.asked or self.sent;
		assert(tonumber(element.attr.h) == sent, ("%s has sent %d, not %s"):format(self.jid, sent, element.attr.h));
		self.asked = nil;
		return true;
	end
	return false;
end

-- Connects; `lost` as client.connect's `resume`.
local function connect(self, lost)
	local kind, server = self.kind, self.server;
	self.is_inactive, self.is_away = false, false;
	return client.connect({
		jid = self.jid, password = "secret", host = "127.0.0.1", port = kind.is_http and server.http_port or server.c2s_port,
		tls = kind.tls or false, connect = kind.connect, resume = lost,
		watch = function (element, stream) return watch(self, element, stream); end,
	});
end

-- Its end is known to rooms elsewhere, and what they say of it has come back: the next session of its name does not see
-- it.
local function wait_for_rooms(self)
	if not self.services then
		return;
	end
	local domain = self.bare_jid:match("@(.*)");
	local probe = assert(client.connect({
		jid = "probe@" .. domain, password = "secret", host = "127.0.0.1", port = self.server.c2s_port, tls = false,
	}));
	for _, service in ipairs(self.services) do
		assert(probe:request(PING:format(service), PATIENCE));
	end
	probe:close();
end

local function begin(self)
	self.user = assert(connect(self));
	if self.kind.is_short then
		self.user:send(("<enable xmlns='%s'/>"):format(NS_SM));
		assert(self.user:expect(("<enabled xmlns='%s'/>"):format(NS_SM)));
	elseif self.kind.smacks then
		self.resumption = assert(self.user:enable_resumption());
	end
	self.full_jid = self.user.full_jid;
end

--- A session of a kind. `server` tells where to connect; `services` are on another server.
function session.new(jid, kind, server, services)
	local self = setmetatable({
		jid = jid, bare_jid = jid:match("^[^/]+"), kind = kind, server = server, services = services, got = {}, lost = {},
		unacked = {}, handled = 0, sent = 0, acked = 0,
	}, session);
	begin(self);
	return self;
end

--- Sends XML text, stanzas or others.
function session:send(text)
	for _, element in ipairs(assert(xml.parse_all(text))) do
		self.sent = self.sent + (STANZAS[element.name] and 1 or 0);
	end
	self.user:send(text);
	self.is_behind = true;
end

function session:request(text)
	self.sent = self.sent + 1;
	local answer, err = self.user:request(text, PATIENCE);
	return answer or error(("%s: %s"):format(self.kind.name, err), 2);
end

--- What it has sent is done, and what came of it is here.
function session:sync()
	for _, service in ipairs(self.services or { self.user.domain }) do
		self:request(PING:format(service));
	end
	self.is_behind = false;
end

-- What is not acknowledged when a session ends comes back to the room that it is from as an error.
local function acknowledge_all(self)
	if self.kind.smacks then
		self:sync();
		acknowledge(self, self.user.stream, self.handled);
	end
end

--- The server has counted what the client has.
function session:check()
	if not self.kind.smacks then
		return;
	end
	self:sync();
	local handled, acked = self.handled, self.acked;
	local answer = self:request(("<iq type='get'><counts xmlns='%s'/></iq>"):format(COUNTS));
	local counts = assert(xml.child(answer, "counts", COUNTS), xml.text(answer)).attr;
	local here = ("handled %d, acked %d, unacked %d"):format(self.sent, acked, handled - acked);
	local there = ("handled %s, acked %s, unacked %s"):format(counts.handled, counts.acked, counts.unacked);
	assert(here == there, ("%s (%s): the client counts %s, the server %s"):format(self.jid, self.kind.name, here, there));
	assert(#self.lost == 0, "not all that was lost has come again");
	self.asked = self.sent;
	self.user:send(("<r xmlns='%s'/>"):format(NS_SM));
	note("counts compared");
end

--- It becomes inactive, or active again (XEP-0352). Not on BOSH: mod_csi_simple pauses the connection of one request.
function session:turn()
	if not self.kind.is_bosh then
		self.is_inactive = not self.is_inactive;
		self:send(("<%s xmlns='urn:xmpp:csi:0'/>"):format(self.is_inactive and "inactive" or "active"));
		note("turned");
	end
end

--- It ends in good order, and begins anew.
function session:leave()
	self:sync();
	acknowledge_all(self);
	self.user:close();
	wait_for_rooms(self);
	begin(self);
	note("left");
end

--- It ends for good.
function session:finish()
	self.user:close();
end

--- Its connection ends, and it with it.
function session:kill()
	self:sync();
	acknowledge_all(self);
	self.user:kill();
	wait_for_rooms(self);
	begin(self);
	note("killed");
end

--- Whether the session outlives its connection.
function session:can_resume()
	return self.resumption or self.kind.is_bosh;
end

local function lose_unacked(self)
	for i = 1, #self.unacked do
		self.lost[i] = self.unacked[i];
		assert(table.remove(self.got) == self.unacked[#self.unacked - i + 1]);
	end
	note("lost on the way", #self.unacked);
	self.handled, self.unacked = self.acked, {};
end

-- mod_csi_simple of 0.12 holds back what an inactive session is sent after it has come back.
local function wake(self)
	if self.is_inactive then
		self:turn();
		self:sync();
	end
end

--- The connection drops, when what was sent on it has been handled; the session waits to be resumed.
function session:drop()
	wake(self);
	if self.is_behind then
		self:sync();
	end
	self.is_away = true;
	note("dropped");
	if self.kind.is_bosh then
		self:sync();
		return self.user.stream:drop();
	end
	self.user:kill();
	if self.kind.lags then
		lose_unacked(self);
	end
end

--- As `drop`, and the server will not know the session when it comes back.
function session:drop_for_good()
	wake(self);
	acknowledge_all(self);
	self:drop();
	self.is_forgotten = true;
end

local function begin_anew(self)
	local user, err = connect(self, { id = "forgotten", handled = self.handled, full_jid = self.full_jid });
	assert(not user and err:find("item%-not%-found"), err);
	self.is_forgotten = false;
	begin(self);
	note("forgotten");
end

--- It goes on, or begins anew. `at_last` is called when all but the resumption itself is done.
function session:come_back(at_last)
	if self.is_forgotten then
		return begin_anew(self);
	elseif self.kind.is_bosh then
		self.is_away = false;
		return self.user.stream:come_back();
	end
	local next_id = self.user.next_id; -- answers that were lost come again, too
	self.resumption.handled = self.handled;
	self.resumption.at_last = at_last;
	self.user = assert(connect(self, self.resumption));
	self.user.next_id = next_id;
	assert(self.user.acknowledged == self.sent, ("%s has sent %d, and the server has got %s"):format(self.jid, self.sent,
		self.user.acknowledged));
	note("resumed");
end

--- All that has come, as one list.
function session:take()
	if self.is_away then
		self:come_back();
	end
	self:check();
	self:sync();
	acknowledge_all(self);
	self.user:forget();
	local all = self.got;
	self.got = {};
	return all;
end

return session;
