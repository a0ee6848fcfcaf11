-- SPDX-License-Identifier: MIT
-- mod_s2s_scion: server streams over SCION. Stock mod_s2s keeps its sessions, queues and timeouts; we add targets to
-- its search for a peer, hand it the streams peers open, and hold both to the policy for that peer.

module:set_global();
module:depends("scion");

module:require "sx";
local runtime = require "sx.runtime";
local policy_of = require "sx.options".policy_of;
local trust_of = require "sx.options".trust_of;
local proof = require "sx.proof";
local resolver = require "sx.resolver";
local guard = require "sx.guard";

local server = require "net.server";
local service = require "net.resolvers.service";
local portmanager = require "core.portmanager";
local features = require "core.features".available;
local time_now = require "util.time".now;
local nameprep = require "util.encodings".stringprep.nameprep;
local idna_to_ascii = require "util.encodings".idna.to_ascii;
local verify_identity = require "util.x509".verify_identity;
local async = require "util.async";
local new_cache = require "util.cache".new;
local new_throttle = require "util.throttle".create;

local ALPN = "xmpp-server";
local SHOW_PATHS_EVERY = 10;

-- Questions to RAINS about certificates that one source of streams may cause: a minute, and sources remembered.
local PROOFS_A_MINUTE = 60;
local SOURCES_MOST = 1000;

-- Prosody 0.12.3 does not let us replace the resolver of a new session.
local has_pre_connect = features:contains("s2sout-pre-connect-event");

local function policy(domain)
	return policy_of(runtime.config, domain);
end

--- Why there is no SCION now, in words that go into bounced stanzas.
local function why_down()
	local config = runtime.config;
	if config.unreadable then
		return ("stock transports are blocked while option %s cannot be read"):format(config.unreadable);
	end
	return runtime.down or "the SCION transport does not run";
end

--- Looks for SCION targets. Peers that failed lately are left alone while there is something else to try.
local function find_targets(remote, how, answer)
	if not runtime.config.ok or not runtime.driver then
		return answer(nil, why_down());
	end
	local left, reason = runtime.backoff:left(remote);
	if left and how ~= "require" then
		module:log("debug", "No SCION dial to %s for another %d s: %s", remote, left, reason);
		return answer(nil, reason);
	end
	return runtime.names:lookup(remote, how == "require", answer);
end

local search_env = { targets = find_targets, now = time_now };

--- The search for a session's peer, or nil when all is left to the stock resolver.
local function new_search(session)
	local how = policy(session.to_host);
	if how == "never" then
		return nil;
	end
	if how ~= "require" and not runtime.driver then
		return nil;
	end
	return resolver.new(search_env, session, how);
end

local addclient, new_service = server.addclient, service.new;

-- 0.12.3: the search of the session just created, until its resolvers are asked. They are made in the same call.
local pending;

local function dial(target, listeners, extra)
	if not runtime.config.ok or not runtime.driver then
		return nil, why_down();
	end
	target.domain = target.remote_name;
	target.local_name = idna_to_ascii(target.local_name) or target.local_name;
	target.remote_name = idna_to_ascii(target.remote_name) or target.remote_name;
	target.alpn = ALPN;
	return runtime.driver:dial(target, listeners, extra);
end

local function wrapped_new_service(hostname, name, ...)
	local stock = new_service(hostname, name, ...);
	if not pending or pending.asked or hostname ~= pending.remote or not name:find("^xmpps?%-server$") then
		return stock;
	end
	return pending:wrap(stock);
end

local wrapped_addclient = resolver.wrap_addclient(addclient, dial);

local function wrap_stock()
	server.addclient = wrapped_addclient;
	if not has_pre_connect then
		service.new = wrapped_new_service;
	end
end

--- Puts the stock functions back, unless somebody else has wrapped ours since.
local function unwrap_stock()
	if server.addclient == wrapped_addclient then
		server.addclient = addclient;
	end
	if service.new == wrapped_new_service then
		service.new = new_service;
	end
end

local function hook_search(host_module)
	if has_pre_connect then
		host_module:hook("s2sout-pre-connect", function (event)
			local search = new_search(event.session);
			if search then
				event.resolver = search:wrap(event.resolver);
			end
		end, -10); -- around what other modules put there
		return;
	end
	host_module:hook("s2sout-created", function (event)
		pending = new_search(event.session);
	end, -1000);
end

-- Rules for streams, see sx.guard.
local rules = guard.new {
	policy = policy;
	why_down = why_down;
	dialback_allowed = function (domain) return runtime.config.dialback[domain] == true; end;
	proves = function (session, domain)
		-- RAINS has spoken for one name only, whatever else the certificate says.
		local cert = session.scion_proof ~= "rains" and session.conn:ssl_peercertificate();
		return session.cert_chain_status == "valid" and cert and verify_identity(domain, "xmpp-server", cert) or false;
	end;
};

local function hook_rules(host_module)
	host_module:hook("s2s-stream-features", function (event)
		return rules:stream_opened(event.origin);
	end, 1000);
	host_module:hook("s2s-authenticated", function (event)
		return rules:authenticated(event.session, event.host, event.mechanism);
	end, 1000);
	host_module:hook("stanza/jabber:server:dialback:result", function (event)
		return rules:dialback_asked(event.origin, nameprep(event.stanza.attr.from or ""));
	end, 1000);
	host_module:hook("stanza/urn:xmpp:bidi:bidi", function (event)
		return rules:bidi_asked(event.origin);
	end, 1000);
end

local function over_scion(session)
	return session.conn ~= nil and session.conn.scion == true;
end

--- A peer that dials again has lost the connection it had, though nobody could tell us: a client of QUIC that has
--- restarted cannot. Its newest stream is the one on which it hears us.
local function take_newest(event)
	local session = event.session;
	local streams = prosody.hosts[session.to_host].s2sout;
	local old = streams[session.from_host];
	if session.outgoing and over_scion(session) and old and old.direction == "incoming" and over_scion(old) then
		streams[session.from_host] = session; -- luacheck: ignore 122
	end
end

local hooked = {};

-- Components as well: they do not inherit modules like ours, so add_host would miss them.
local function hook_host(host)
	if hooked[host] or not prosody.hosts[host] then
		return;
	end
	hooked[host] = true;
	local host_module = module:context(host);
	hook_search(host_module);
	hook_rules(host_module);
	host_module:hook("s2sin-established", take_newest);
end

local function warn_without_bidi()
	for host in pairs(hooked) do
		local modules = prosody.hosts[host].modules;
		if modules.s2s and not modules.s2s_bidi then
			module:log("warn", "mod_s2s_bidi is not enabled for %s: each direction will need a stream of its own", host);
		end
	end
end

local sources = new_cache(SOURCES_MOST);

--- Whether a source may cause one more question.
local function may_ask(session)
	local source = session.conn:ip();
	local throttle = sources:get(source) or new_throttle(PROOFS_A_MINUTE, 60);
	sources:set(source, throttle);
	return session.direction == "outgoing" or throttle:poll(1);
end

--- The peer's chain as PEM, leaf first.
local function chain_of(session)
	local sock = session.conn:socket();
	local chain = sock.getpeerchain and sock:getpeerchain() or {};
	local out = {};
	for i, cert in ipairs(chain) do
		out[i] = cert:pem();
	end
	return table.concat(out, "\n");
end

local function facts_of(session, domain)
	local config = runtime.config;
	return {
		trust = trust_of(config, domain);
		pkix = session.cert_chain_status == "valid" and session.cert_identity_status == "valid";
		outgoing = session.direction == "outgoing";
		rains = config.ok and runtime.driver ~= nil and #config.names.rains.servers > 0;
	};
end

local function ask_rains(session, domain, pem, fresh, verdict)
	runtime.names:prove(domain, pem, { scion_only = policy(domain) == "require", fresh = fresh }, function (word, reason)
		session.scion_rains = word;
		verdict(word, reason);
	end);
end

--- RAINS' word, waited for; a mismatch only when it is also one past the cache: certificates may just have changed.
local function wait_for_rains(session, domain, pem)
	local word, reason;
	for _, fresh in ipairs { false, true } do
		local wait, done = async.waiter();
		ask_rains(session, domain, pem, fresh, function (...)
			word, reason = ...;
			done();
		end);
		wait();
		if word ~= "mismatch" then
			break;
		end
	end
	return word, reason;
end

local function show_mismatch(session, domain, pem)
	ask_rains(session, domain, pem, false, function (word, reason)
		if word == "mismatch" then
			session.log("warn", "The certificate of %s verifies, but RAINS names another one: %s", domain, reason);
		end
	end);
end

--- Lets RAINS speak for the certificate that a session has shown. Why the stream must not live, if so.
local function prove(session, domain, cert)
	local facts = facts_of(session, domain);
	local when = cert and proof.when(facts) or "no";
	if when == "now" and not may_ask(session) then
		when = "no";
	end
	local word, reason = "none", "RAINS was not asked";
	if when == "now" then
		word, reason = wait_for_rains(session, domain, chain_of(session));
	elseif when == "later" then
		show_mismatch(session, domain, chain_of(session));
	end
	local how, refusal = proof.judge(facts, word, reason);
	session.scion_proof = how;
	if how == "rains" then
		session.cert_chain_status, session.cert_identity_status = "valid", "valid";
		session.cert_chain_errors = nil;
	end
	return refusal;
end

-- Between the stock verdict about the certificate (509) and the stock policy (-1).
module:hook("s2s-check-certificate", function (event)
	local session = event.session;
	local refusal = event.host and prove(session, event.host, event.cert) or nil;
	if session.destroyed then
		return false; -- while we waited
	end
	return rules:certificate_checked(session, event.host, refusal);
end, 100);

module:hook("s2s-connected", function (event)
	local conn = event.session.conn;
	if conn and conn.scion then
		event.session.scion_remote = conn.scion_addr;
		event.session.scion_path = conn:scion_path();
	end
end);

-- A peer with which SCION streams come to nothing is left alone for a while, as one that does not answer.
module:hook("s2s-destroyed", function (event)
	local session = event.session;
	if session.type == "s2sout_unauthed" and session.conn and session.conn.scion then
		runtime.backoff:failed(session.to_host, tostring(event.reason or "the stream could not be authenticated"));
	end
end);

module:hook("s2sout-established", function (event)
	if event.session.conn.scion then
		runtime.backoff:worked(event.session.to_host);
	end
end);

--- Closes streams that the policy, as it is now, would not allow.
local function enforce_policy()
	local live = {};
	for _, session in pairs(module:shared("/*/s2s/sessions")) do
		live[#live + 1] = session;
	end
	for _, session in ipairs(live) do
		rules:enforce(session);
	end
end

module:hook("config-reloaded", enforce_policy, -20); -- after mod_scion has read the options
module:hook("host-activated", hook_host, -20);
module:hook("host-deactivated", function (host)
	hooked[host] = nil;
end);
module:hook("server-started", warn_without_bidi, -20);

local function show_paths()
	for conn, session in pairs(module:shared("/*/s2s/sessions")) do
		if conn.scion then
			session.scion_path = conn:scion_path();
		end
	end
	return SHOW_PATHS_EVERY;
end

function module.load()
	for host in pairs(prosody.hosts) do
		hook_host(host);
	end
	wrap_stock();
	runtime.services[ALPN] = function ()
		local stock = portmanager.get_service("s2s");
		return stock and stock.listener;
	end;
	module:add_timer(SHOW_PATHS_EVERY, show_paths);
	if prosody.start_time then
		enforce_policy();
	end
end

function module.unload()
	unwrap_stock();
	if not module.reloading then
		runtime.services[ALPN] = nil;
	end
end
