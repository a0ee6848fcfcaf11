-- SPDX-License-Identifier: MIT
-- Servers that know nothing but domain names and the root key of RAINS: addresses and certificates come from there.
-- No authority is trusted, dialback is not loaded.
local certificates = require "e2e.certificates";
local federation = require "e2e.federation";
local harness = require "e2e.harness";
local rains = require "e2e.rains";
local loop = require "e2e.loop";
local tap = require "e2e.tap";

local A, B = "a.example.org", "b.example.org";
local MODULES = { "roster", "saslauth", "tls", "disco", "ping", "smacks", "s2s_bidi", "admin_shell", "scion",
	"s2s_scion", "scion_shell", "live_objects" };

-- `changes`: what differs in the `scion` tables; `how`: as for rains.serve.
local function pair(world, changes, how)
	local strange = { authority = certificates.authority(world.folder, "stranger") };
	local descriptions = {};
	for _, domain in ipairs({ A, B }) do
		local scion = { peers = {}, trust = "rains" };
		for key, value in pairs(changes or {}) do
			scion[key] = value;
		end
		descriptions[domain] = { certificate = strange, scion = scion,
			options = { s2s_ports = not (how and how.over_tcp) and {} or nil, modules_enabled = MODULES,
				s2s_secure_auth = true } };
	end
	return federation.pair(world, descriptions, function (servers)
		rains.serve(world, servers, how);
	end);
end

local function users(world, a, b)
	return world:user(a, "romeo"), world:user(b, "juliet");
end

-- The certificate that RAINS names is not the one shown: refused by the dialler, told to the sender.
local function refused(name, objects, told)
	return harness.test(name, function (world)
		local a, b = pair(world, nil, { records = { b = objects } });
		local romeo = users(world, a, b);
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text:find(told), "the bounce does not say why: " .. text);
		assert(a:wait_log("The certificate of b%.example%.org", 5));
		federation.assert_scion_only(world);
	end);
end

local OTHER_HASH = ("5a"):rep(32);

-- Both reach each other over TCP alone.
local function over_tcp(world, records)
	local a, b = pair(world, { policy = "never" }, { records = records, over_tls = true, over_tcp = true });
	for _, server in ipairs({ a, b }) do
		world:publish(server);
	end
	return a, b;
end

tap.run({
	harness.test("two servers find and prove each other by RAINS over SCION", function (world)
		local a, b = pair(world);
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "hello", 20));
		assert(federation.say(juliet, romeo, "and back", 20));
		federation.assert_scion_only(world);
		for _, server in ipairs({ a, b }) do
			local peers = server:shell("scion:peers()");
			assert(peers:find("| rains ", 1, true), peers);
		end
		a:shell("scion:flush()");
		local found = a:shell("scion:resolve('b.example.org')");
		assert(found:find("delegated by zone .", 1, true) and found:find("addresses: 1, from rains", 1, true), found);
	end),

	harness.test("the same over TLS, with the policy prefer", function (world)
		local a, b = pair(world, { policy = "prefer" }, { over_tls = true });
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "hello", 20));
		federation.assert_scion_only(world);
	end),

	refused("another key for the same subject is refused",
		rains.objects(federation.address(B), { OTHER_HASH }), "is not the one that RAINS names"),
	refused("a server of which RAINS names no certificate is refused",
		(":scion: %s"):format((federation.address(B):gsub(",(.*)$", ",[%1]"))), "is not proven by RAINS"),

	harness.test("the dialler's certificate is proven, too", function (world)
		local objects = rains.objects(federation.address(A), { OTHER_HASH });
		local a, b = pair(world, nil, { records = { a = objects } });
		local romeo, juliet = users(world, a, b);
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text:find("is not the one that RAINS names", 1, true), text);
		assert(b:wait_log("The certificate of a%.example%.org is not the one that RAINS names", 5));
		assert(juliet:expect_nothing(0.2, "<message/>"));
	end),

	harness.test("streams over TCP are proven by RAINS just as well", function (world)
		local a, b = over_tcp(world);
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "hello", 20));
		assert(federation.say(juliet, romeo, "and back", 20));
		assert(world.dns:asked(B) > 0);
		for _, server in ipairs({ a, b }) do
			local listed = server:shell("s2s:show(nil, 'host remote scion_proof')");
			assert(listed:find("rains", 1, true), listed);
		end
	end),

	harness.test("over TCP another key is refused, too", function (world)
		local a, b = over_tcp(world, { b = rains.objects(federation.address(B), { OTHER_HASH }) });
		local romeo = users(world, a, b);
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(text ~= "", "the bounce has no text");
		assert(a:wait_log("The certificate of b%.example%.org is not the one that RAINS names", 5));
	end),

	harness.test("old and new hash side by side roll a certificate over", function (world)
		local a, b = pair(world);
		world.rains:change("b", rains.objects(federation.address(B), { OTHER_HASH, rains.hash(b) }));
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "during", 20));
	end),

	harness.test("data that is not signed, or no longer, does not exist: the sender is told", function (world)
		local a = pair(world);
		local romeo = world:user(a, "romeo");
		world:expect_fault("not believed");
		for _, fault in ipairs({ "forged", "expired", "unsigned", "garbage", "wrong-token", "truncated", "huge", "close" }) do
			world.rains:command("heal");
			world.rains:command(fault);
			a:shell("scion:flush()");
			local text = federation.bounce(romeo, "juliet@b.example.org", 20);
			assert(text:find("rains: ", 1, true), ("%s: %s"):format(fault, text));
		end
		assert(a:wait_log("is not believed: ", 1));
		assert(world.dns:asked(B) == 0);
	end),

	harness.test("a changed address is taken once its time is over, live streams stay", function (world)
		local a, b = pair(world, nil, { valid = 8 });
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "before", 20));
		world.rains:change("b", rains.objects("2-ff00:0:211,127.3.7.99", { rains.hash(b) }));
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		assert(federation.say(romeo, juliet, "the old one still holds", 20));
		loop.sleep(8); -- that long the answer held
		world.rains:change("b", rains.objects("2-ff00:0:211,127.3.7.99", { rains.hash(b) }));
		assert(federation.say(romeo, juliet, "the stream lives", 20));
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		local text = federation.bounce(romeo, "juliet@b.example.org", 20);
		assert(a:log():find("at 2-ff00:0:211,127.3.7.99 port", 1, true), text);
	end),

	harness.test("operators are warned before RAINS' word about their own host ends", function (world)
		local a = pair(world, nil, { valid = 600 });
		assert(a:wait_log("RAINS' word about a%.example%.org ends in %d minutes", 20));
	end),

	harness.test("the name server is down: what is known still serves, then the next source", function (world)
		local a, b = pair(world, { policy = "prefer" });
		local romeo, juliet = users(world, a, b);
		assert(federation.say(romeo, juliet, "before", 20));
		world.rains:command("silence");
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		assert(federation.say(romeo, juliet, "from the cache", 20));
		a:shell("scion:flush()");
		a:shell("s2s:close('a.example.org', 'b.example.org')");
		romeo:send("<message to='juliet@b.example.org'><body>by DNS</body></message>");
		assert(loop.wait(function () return world.traps[2].caught > 0; end, 20), "no TCP connection was tried");
	end),
});
