-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local new_guard = require "sx.guard".new;

describe("the guard of server streams", function ()
	local policies, assumed, dialback, proven, guard;

	before_each(function ()
		policies, assumed, dialback, proven = {}, false, {}, {};
		guard = new_guard {
			policy = function (domain) return policies[domain] or assumed and "require" or "prefer", assumed; end;
			why_down = function () return "option scion.policy cannot be read"; end;
			dialback_allowed = function (domain) return dialback[domain] == true; end;
			proves = function (_, domain) return proven[domain] == true; end;
		};
	end);

	local function session_of(over_scion, direction)
		local session = { conn = { scion = over_scion or nil }, direction = direction or "incoming",
			from_host = "b.example.org", to_host = "a.example.org", log = function () end };
		if direction == "outgoing" then
			session.from_host, session.to_host = session.to_host, session.from_host;
		end
		function session:close(reason, remote_reason, bounce_reason)
			self.closed = { reason = reason, remote = remote_reason, bounce = bounce_reason };
		end
		return session;
	end

	local function tcp(direction)
		return session_of(false, direction);
	end

	local function scion(direction)
		return session_of(true, direction);
	end

	it("lets stock streams of other peers alone", function ()
		local session = tcp();
		assert.is_nil(guard:stream_opened(session));
		assert.is_nil(guard:dialback_asked(session, "b.example.org"));
		assert.is_nil(guard:authenticated(session, "b.example.org", "dialback"));
		assert.is_nil(guard:certificate_checked(session, "b.example.org"));
		assert.is_nil(guard:bidi_asked(session));
		assert.is_nil(session.closed);
	end);

	describe("refuses a stock stream of a require domain", function ()
		before_each(function ()
			policies["b.example.org"] = "require";
		end);

		it("when it is opened", function ()
			local session = tcp();
			assert.is_true(guard:stream_opened(session));
			assert.equal("policy-violation", session.closed.reason.condition);
			assert.equal("Streams with b.example.org are accepted over SCION only", session.closed.reason.text);
		end);

		it("when the name comes up only with dialback", function ()
			local session = tcp();
			session.from_host = nil;
			assert.is_nil(guard:stream_opened(session));
			assert.is_true(guard:dialback_asked(session, "b.example.org"));
			assert.truthy(session.closed);
		end);

		it("before it is authenticated, by whatever means", function ()
			for _, mechanism in ipairs { "EXTERNAL", "dialback" } do
				local session = tcp();
				assert.is_false(guard:authenticated(session, "b.example.org", mechanism));
				assert.truthy(session.closed);
			end
		end);

		it("and as a second name on a stream of somebody else", function ()
			local session = tcp();
			session.from_host = "c.example.org";
			assert.is_nil(guard:stream_opened(session));
			assert.is_true(guard:dialback_asked(session, "b.example.org"));
		end);

		it("and closes one that is alive, in both directions", function ()
			for _, direction in ipairs { "incoming", "outgoing" } do
				local session = tcp(direction);
				guard:enforce(session);
				assert.truthy(session.closed);
			end
		end);

		it("but not one over SCION", function ()
			local session = scion();
			assert.is_nil(guard:stream_opened(session));
			assert.is_nil(guard:authenticated(session, "b.example.org", "EXTERNAL"));
			guard:enforce(session);
			assert.is_nil(session.closed);
		end);
	end);

	it("refuses SCION where the policy is never", function ()
		policies["b.example.org"] = "never";
		local session = scion();
		assert.is_true(guard:stream_opened(session));
		assert.equal("policy-violation", session.closed.reason.condition);
		session = tcp();
		assert.is_nil(guard:stream_opened(session));
	end);

	it("leaves streams that are open or coming in when require is only assumed, but takes no way out", function ()
		assumed = true;
		local session = tcp();
		assert.is_nil(guard:stream_opened(session));
		assert.is_nil(guard:authenticated(session, "b.example.org", "EXTERNAL"));
		guard:enforce(session);
		assert.is_true(guard:bidi_asked(session));
		assert.is_nil(session.closed);
		assert.is_nil(guard:bidi_asked(scion()));
	end);

	it("does not touch sessions that are gone", function ()
		policies["b.example.org"] = "require";
		local session = tcp();
		session.destroyed = true;
		guard:enforce(session);
		assert.is_nil(session.closed);
	end);

	describe("wants a proof over SCION", function ()
		it("and takes a valid certificate", function ()
			local session = scion();
			session.cert_chain_status, session.cert_identity_status = "valid", "valid";
			assert.is_nil(guard:certificate_checked(session, "b.example.org"));
			assert.is_nil(session.closed);
		end);

		for _, case in ipairs {
			{ "invalid", nil, "certificate has expired", "has expired" },
			{ "invalid", nil, "self signed certificate", "is self-signed" },
			{ "invalid", nil, "self-signed certificate", "is self-signed" },
			{ "invalid", nil, "unable to get local issuer certificate",
				"is not trusted (unable to get local issuer certificate)" },
			{ "invalid", nil, nil, "is not trusted" },
			{ "valid", "invalid", nil, "is not valid for this name" },
			{ nil, nil, nil, "is missing or names nobody" },
		} do
			it("and refuses a certificate that "..case[4], function ()
				for _, direction in ipairs { "incoming", "outgoing" } do
					local session = scion(direction);
					session.cert_chain_status, session.cert_identity_status = case[1], case[2];
					session.cert_chain_errors = case[3] and { { case[3] } } or nil;
					assert.is_false(guard:certificate_checked(session, "b.example.org"));
					assert.equal("not-authorized", session.closed.reason.condition);
					assert.equal("Your server's certificate "..case[4], session.closed.reason.text);
					assert.equal("The certificate of b.example.org "..case[4], session.closed.bounce);
				end
			end);
		end

		it("unless the peer is listed for dialback", function ()
			dialback["b.example.org"] = true;
			local session = scion();
			session.cert_chain_status = "invalid";
			assert.is_nil(guard:certificate_checked(session, "b.example.org"));
			assert.is_nil(guard:dialback_asked(session, "b.example.org"));
			assert.is_nil(guard:authenticated(session, "b.example.org", "dialback"));
			assert.is_nil(session.closed);
		end);

		it("also of a second name: by the stream's certificate, never by dialback alone", function ()
			local session = scion();
			assert.is_true(guard:dialback_asked(session, "rooms.b.example.org"));
			assert.equal("not-authorized", session.closed.reason.condition);
			session = scion();
			assert.is_false(guard:authenticated(session, "rooms.b.example.org", "dialback"));
			proven["rooms.b.example.org"] = true;
			session = scion();
			assert.is_nil(guard:dialback_asked(session, "rooms.b.example.org"));
			assert.is_nil(guard:authenticated(session, "rooms.b.example.org", "dialback"));
			assert.is_nil(session.closed);
		end);

		it("of a peer that names nobody", function ()
			local session = scion();
			session.from_host = nil;
			assert.is_false(guard:certificate_checked(session, nil));
			assert.truthy(session.closed.bounce:find("nameless", 1, true));
		end);

		it("but not of us: the peer judges dialback that we ask for", function ()
			local session = scion("outgoing");
			assert.is_nil(guard:dialback_asked(session, "b.example.org"));
			assert.is_nil(guard:authenticated(session, "b.example.org", "dialback"));
		end);
	end);
end);
