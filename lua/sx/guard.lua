-- SPDX-License-Identifier: MIT
-- guard: which server streams may live. A peer whose policy is `require` has no stream over stock transports, in
-- either direction; over SCION a peer proves its name by certificate, by dialback only where that is allowed.

local guard = {};
local guard_mt = { __index = guard };

local function over_scion(session)
	return session.conn ~= nil and session.conn.scion == true;
end

local function remote_of(session)
	if session.direction == "outgoing" then
		return session.to_host;
	end
	return session.from_host;
end

local function refuse(session, condition, ours, theirs)
	session.log("warn", "%s", ours);
	session:close({ condition = condition, text = theirs }, nil, ours);
	return false;
end

local function refuse_stock(session, domain)
	return refuse(session, "policy-violation",
		("Refused a stream with %s: it must come over SCION"):format(domain),
		("Streams with %s are accepted over SCION only"):format(domain));
end

local function refuse_scion(session, domain)
	return refuse(session, "policy-violation",
		("Refused a stream with %s: the policy for it is \"never\""):format(domain),
		("Streams with %s are not accepted over SCION"):format(domain));
end

--- False, and the stream is closed, when `domain` must not be reached over this transport.
local function allow_transport(self, session, domain)
	if not domain then
		return true;
	end
	local policy, assumed = self.env.policy(domain);
	if over_scion(session) then
		return policy ~= "never" or refuse_scion(session, domain);
	end
	-- While nobody can tell who is `require`, live streams and streams in are let be: new streams out are blocked.
	return policy ~= "require" or assumed or refuse_stock(session, domain);
end

local verdicts = { ["certificate has expired"] = "has expired", ["self signed certificate"] = "is self-signed",
	["self-signed certificate"] = "is self-signed" };

--- What is wrong with a certificate, to complete "the certificate ...".
local function complaint(session)
	if session.cert_chain_status == "invalid" then
		local leaf = session.cert_chain_errors and session.cert_chain_errors[1] or {};
		return verdicts[leaf[1]] or leaf[1] and ("is not trusted ("..leaf[1]..")") or "is not trusted";
	elseif session.cert_identity_status == "invalid" then
		return "is not valid for this name";
	end
	return "is missing or names nobody";
end

--- A peer opened a stream and waits for features. Handler result: nil goes on.
function guard:stream_opened(session)
	if session.direction == "incoming" and not allow_transport(self, session, session.from_host) then
		return true;
	end
	return nil;
end

--- A peer wants to prove `domain` by dialback. True: settled here.
function guard:dialback_asked(session, domain)
	if session.direction ~= "incoming" or not domain then
		return nil;
	end
	if not allow_transport(self, session, domain) then
		return true;
	end
	if over_scion(session) and not self:dialback_suffices(session, domain) then
		refuse(session, "not-authorized", ("Refused dialback of %s over SCION"):format(domain),
			("Dialback is not accepted for %s over SCION"):format(domain));
		return true;
	end
	return nil;
end

--- Over SCION: a listed peer, or a name that the stream's certificate covers anyway.
function guard:dialback_suffices(session, domain)
	return self.env.dialback_allowed(domain) or self.env.proves(session, domain);
end

--- The last word before a stream may carry stanzas of `domain`.
function guard:authenticated(session, domain, mechanism)
	if not allow_transport(self, session, domain) then
		return false;
	end
	if over_scion(session) and mechanism ~= "EXTERNAL" and session.direction == "incoming"
	and not self:dialback_suffices(session, domain) then
		return refuse(session, "not-authorized", ("Refused %s over SCION: not proven by certificate"):format(domain),
			("%s is not proven by a certificate"):format(domain));
	end
	return nil;
end

--- After the stock check of the certificate, which has left its verdict on the session, and after RAINS was asked:
--- `refusal` says why its word forbids the stream, over whichever transport it comes.
function guard:certificate_checked(session, domain, refusal)
	if refusal then
		return refuse(session, "not-authorized", ("The certificate of %s %s"):format(domain or "a nameless peer", refusal),
			"Your server's certificate "..refusal);
	end
	if not over_scion(session) then
		return nil;
	end
	if session.cert_chain_status == "valid" and session.cert_identity_status == "valid" then
		return nil;
	end
	if domain and self.env.dialback_allowed(domain) then
		session.log("info", "The certificate of %s %s; dialback is allowed for it", domain, complaint(session));
		return nil;
	end
	local what = complaint(session);
	return refuse(session, "not-authorized", ("The certificate of %s %s"):format(domain or "a nameless peer", what),
		"Your server's certificate "..what);
end

--- XEP-0288 would make an incoming stock stream our way out. True: settled here, without it.
function guard:bidi_asked(session)
	if session.direction ~= "incoming" or over_scion(session) or not session.from_host then
		return nil;
	end
	local _, assumed = self.env.policy(session.from_host);
	if not assumed then
		return nil;
	end
	session.log("warn", "Not using this stream in both directions: %s", self.env.why_down());
	return true;
end

--- Closes a live stream that the policy does not allow any more.
function guard:enforce(session)
	if not session.destroyed then
		allow_transport(self, session, remote_of(session));
	end
end

---@class sx.guard_env
---@field policy fun(domain: string): string, boolean the policy for a peer, and whether it is only assumed
---@field why_down fun(): string
---@field dialback_allowed fun(domain: string): boolean
---@field proves fun(session: table, domain: string): boolean the stream's certificate is valid for the domain

---@param env sx.guard_env
local function new(env)
	return setmetatable({ env = env }, guard_mt);
end

return { new = new };
