-- SPDX-License-Identifier: MIT
-- client: an XMPP user under the control of a script. README.md in this folder shows how to use it.
--
-- Everything waits with a deadline and returns nil and a text that says what came instead, so that a test reads
-- `assert(user:expect(...))`.
local mime = require "mime";
local loop = require "e2e.loop";
local match = require "e2e.match";
local stream = require "e2e.stream";
local xml = require "e2e.xml";

local client = {};
client.__index = client;

local PATIENCE = 10; -- seconds, for what the caller set no deadline

local NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls";
local NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl";
local NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind";
local NS_SM = "urn:xmpp:sm:3";
local SHOWN = 5; -- elements that an error text quotes at most
local SHOWN_BYTES = 2000;

local function is(name, xmlns)
	return function (element)
		return element.name == name and element.xmlns == xmlns;
	end;
end

local function open_stream(self)
	self.stream:open(self.domain);
	local features, err = self.stream:take(is("features", xml.NS_STREAM), PATIENCE);
	return features, err and "no stream features: " .. err;
end

local function start_tls(self, features)
	if self.options.tls == false or not xml.child(features, "starttls", NS_TLS) then
		return features;
	end
	self.stream:send(("<starttls xmlns='%s'/>"):format(NS_TLS));
	local proceed, err = self.stream:take(function (element) return element.xmlns == NS_TLS; end, PATIENCE);
	if not proceed or proceed.name ~= "proceed" then
		return nil, "STARTTLS refused: " .. (err or xml.text(proceed));
	end
	local ok, tls_err = self.stream:start_tls(PATIENCE, self.domain, self.options.cafile);
	if not ok then
		return nil, tls_err;
	end
	return open_stream(self);
end

local function offers_plain(features)
	for _, mechanism in ipairs(xml.child(features, "mechanisms", NS_SASL) or {}) do
		if type(mechanism) == "table" and xml.content(mechanism) == "PLAIN" then
			return true;
		end
	end
	return false;
end

local function log_in(self, features)
	if not offers_plain(features) then
		return nil, "the server does not offer SASL PLAIN: " .. xml.text(features);
	end
	local secret = mime.b64(("\0%s\0%s"):format(self.username, self.options.password));
	self.stream:send(("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>"):format(NS_SASL, secret));
	local answer, err = self.stream:take(function (element) return element.xmlns == NS_SASL; end, PATIENCE);
	if not answer or answer.name ~= "success" then
		return nil, "login refused: " .. (err or xml.text(answer));
	end
	return open_stream(self);
end

local function bind(self)
	local resource = self.resource and ("<resource>%s</resource>"):format(xml.escape(self.resource)) or "";
	local answer, err = self:request(("<iq type='set'><bind xmlns='%s'>%s</bind></iq>"):format(NS_BIND, resource));
	local bound = answer and xml.child(answer, "bind", NS_BIND);
	if not bound then
		return nil, "no resource bound: " .. (err or xml.text(answer));
	end
	self.full_jid = xml.content(xml.child(bound, "jid"));
	return true;
end

local function is_sm(element)
	return element.xmlns == NS_SM and element.name ~= "r";
end

-- Goes on with a session whose connection was lost (XEP-0198). `self.acknowledged`: how many stanzas of ours have been
-- handled. `lost.at_last()` is called right before.
local function resume(self)
	local lost = self.options.resume;
	if lost.at_last then
		lost.at_last();
	end
	self.stream:send(("<resume xmlns='%s' previd='%s' h='%d'/>"):format(NS_SM, xml.escape(lost.id), lost.handled));
	local answer, err = self.stream:take(is_sm, PATIENCE);
	if not answer or answer.name ~= "resumed" then
		return nil, "not resumed: " .. (err or xml.text(answer));
	end
	self.full_jid, self.acknowledged = lost.full_jid, tonumber(answer.attr.h);
	return true;
end

-- From now on the session outlives its connection: what client.connect takes as `resume`, once that is lost. Stanzas
-- that arrive until then come again.
function client:enable_resumption()
	self.stream:send(("<enable xmlns='%s' resume='true'/>"):format(NS_SM));
	local answer, err = self.stream:take(is_sm, PATIENCE);
	if not answer or answer.name ~= "enabled" or not answer.attr.id then
		return nil, "no resumption: " .. (err or xml.text(answer));
	end
	return { id = answer.attr.id, handled = 0, full_jid = self.full_jid };
end

-- Connects and logs in. Options: jid (with a resource if that matters), password, host, port; tls = false declines
-- STARTTLS, cafile checks the server's certificate chain; resume goes on with a lost session; connect stands in for
-- stream.connect; watch sees all that comes, as `stream.receive` says. Returns the user, or nil and why not.
function client.connect(options)
	local bare, resource = options.jid:match("^([^/]+)/?(.*)$");
	local username, domain = bare:match("^([^@]+)@(.+)$");
	assert(domain, "not an account: " .. options.jid);
	local self = setmetatable({
		options = options, jid = bare, username = username, domain = domain,
		resource = resource ~= "" and resource or nil, next_id = 0,
	}, client);
	local ok, err = (options.connect or stream.connect)(options.host, options.port, PATIENCE);
	self.stream = ok;
	if ok then
		ok.watch = options.watch;
	end
	for _, step in ipairs({ open_stream, start_tls, log_in, options.resume and resume or bind }) do
		if ok then
			ok, err = step(self, ok);
		end
	end
	if not ok then
		if self.stream then
			self.stream:kill();
		end
		return nil, ("%s: %s"):format(options.jid, err);
	end
	return self;
end

-- Sends XML text, an element, or any bytes at all.
function client:send(what)
	self.stream:send(type(what) == "table" and xml.text(what) or what);
end

local function cut(text)
	return #text <= SHOWN_BYTES and text or ("%s... (%d bytes)"):format(text:sub(1, SHOWN_BYTES), #text);
end

-- What lies in the inbox, as text for people.
function client:received()
	local inbox = self.stream.inbox;
	local lines = {};
	for i = 1, math.min(SHOWN, #inbox) do
		lines[i] = "  " .. cut(xml.text(inbox[i]));
	end
	if #inbox > SHOWN then
		lines[#lines + 1] = ("  and %d more"):format(#inbox - SHOWN);
	end
	return #lines > 0 and table.concat(lines, "\n") or "  nothing";
end

local function predicate(pattern, captures)
	if type(pattern) == "function" then
		return pattern, "something that fits a function";
	end
	local element = pattern;
	if type(pattern) == "string" then
		element = assert(xml.parse(pattern));
	end
	return function (candidate)
		return match.element(element, candidate, captures);
	end, xml.text(element);
end

-- Waits for a stanza that fits: XML text (rules of `match`), an element, or a function of the element. Stanzas that do
-- not fit stay for later calls. Returns it, or nil and what was expected and what came instead.
function client:expect(pattern, seconds, captures)
	local fits, shown = predicate(pattern, captures);
	local found, err = self.stream:take(fits, seconds or PATIENCE);
	if found then
		return found;
	end
	return nil, ("%s expected\n  %s\nbut %s; received:\n%s"):format(self.jid, cut(shown), err, self:received());
end

-- Waits and makes sure that nothing (that fits `pattern`) arrives. True, or nil and what came.
function client:expect_nothing(seconds, pattern)
	local fits = pattern and predicate(pattern) or function () return true; end;
	local found = self.stream:take(fits, seconds);
	if found then
		return nil, ("%s expected nothing, received\n  %s"):format(self.jid, cut(xml.text(found)));
	end
	return true;
end

-- Sends an <iq/> with a fresh id and waits for its answer, result or error.
function client:request(text, seconds)
	local iq = assert(xml.parse(text));
	self.next_id = self.next_id + 1;
	iq.attr.id = ("request-%d"):format(self.next_id);
	self:send(iq);
	return self:expect(function (element)
		return element.name == "iq" and element.attr.id == iq.attr.id
			and (element.attr.type == "result" or element.attr.type == "error");
	end, seconds);
end

-- Throws away what has arrived so far.
function client:forget()
	self.stream.inbox = {};
end

-- Logs out in good order; `kill` drops the connection without a word.
function client:close(seconds)
	self.stream:close(seconds or PATIENCE);
end

function client:kill()
	self.stream:kill();
end

-- Runs `work(user)` for many users at once and waits for all of them.
function client.each(users, work, seconds)
	local tasks = {};
	for i, user in ipairs(users) do
		tasks[i] = loop.spawn(work, user, i);
	end
	loop.join(tasks, seconds);
end

return client;
