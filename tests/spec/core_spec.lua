-- SPDX-License-Identifier: MIT
-- The contract of lua/sx/core.d.lua, held against a real face (face.lua). Two contexts talk over UDP on loopback,
-- inside one AS, so that no router is needed.

local A, B = "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2";
local ALPN = "xmpp-server";
local PATIENCE = 10;

local core, missing = dofile("tests/spec/face.lua").load();

if not core then
	describe("the core", function ()
		pending(missing.." is not set: nothing to hold against the contract");
	end);
	return;
end

local pki = dofile "tests/spec/pki.lua";
local files, folder;

setup(function ()
	files = pki.new();
	folder = files.folder;
	files:certify("a.example.org");
	files:certify("b.example.org");
	files:write("paths.json", '{"isd_as":"1-ff00:0:111","mtu":1472,"routers":[],"paths":[]}');
end);

teardown(function ()
	files:remove();
end);

local function with(t, more)
	for key, value in pairs(more or {}) do
		t[key] = value;
	end
	return t;
end

local function options(address, more)
	return with({ address = address, port = 0, paths = "file:"..folder.."/paths.json" }, more);
end

local function domain(name, more)
	return with({ name = name, certificate = folder.."/"..name..".crt", key = folder.."/"..name..".key",
		cafile = folder.."/ca.crt" }, more);
end

describe("the core without a peer", function ()
	local context;

	after_each(function ()
		if context then
			context:close();
			context = nil;
		end
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);

	it("tells its version and spells addresses", function ()
		assert.equal("0.1.0", core.version);
		for text, normal in pairs { [A] = A, ["1-FF00:0:0111,[127.0.0.1]"] = A, ["1-64512,::ffff:10.0.0.1"] =
			"1-64512,10.0.0.1" } do
			assert.equal(normal, (core.address_normal(text)));
		end
	end);

	for _, text in ipairs { "", "nonsense", "1-ff00:0:111", "1-ff00:0:111,", "1-ff00:0:111,1.2.3.4.5", "70000-1,1.2.3.4",
		"1-ff00:0:111,fe80::1%eth0", A.."\0" } do
		it(("refuses %q as an address"):format((text:gsub("%z", "\\0"))), function ()
			local normal, why, name = core.address_normal(text);
			assert.is_nil(normal);
			assert.equal("string", type(why));
			assert.truthy(name:find("^E%u+$"));
		end);
	end

	for _, case in ipairs {
		{ "an address that is none", { address = "nonsense" }, "nonsense" },
		{ "a path source it does not know", { paths = "magic:x" }, "magic:x" },
		{ "a path file that is not there", { paths = "file:/nonexistent/p.json" }, "/nonexistent/p.json" },
		{ "an address of another host", { address = "1-ff00:0:111,192.0.2.77" }, "192.0.2.77" },
		{ "a short secret", { secret = "x" }, "secret: expected 32 characters" },
		{ "too many labels", { alpn = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q" }, "alpn" },
	} do
		it("cannot be opened with "..case[1].." and says which", function ()
			local opened, why, name = core.open(options(A, case[2]));
			assert.is_nil(opened);
			assert.truthy(why:find(case[3], 1, true), why);
			assert.truthy(name:find("^E%u+$"));
		end);
	end

	it("cannot be opened twice on one port", function ()
		context = assert(core.open(options(A, { port = 31999 })));
		local opened, why, name = core.open(options(A, { port = 31999 }));
		assert.is_nil(opened);
		assert.truthy(why:find("31999", 1, true), why);
		assert.equal("string", type(name));
	end);

	for _, case in ipairs {
		{ "no options", nil }, { "a number for the address", { address = 5 } }, { "no paths", { paths = false } },
		{ "a port too high", { port = 65536 } }, { "a negative port", { port = -1 } }, { "a broken port", { port = 1.5 } },
	} do
		it("raises on "..case[1], function ()
			assert.is_false((pcall(core.open, case[2] and options(A, case[2]))));
		end);
	end

	describe("once open", function ()
		before_each(function ()
			context = assert(core.open(options(A)));
		end);

		it("has a descriptor, turns and nothing to tell", function ()
			assert.is_true(context:fd() >= 0);
			assert.is_true((context:process()));
			assert.is_nil((context:next_event()));
			assert.equal(0, context:counters().streams);
			assert.same({}, context:paths("1-ff00:0:111"));
			for _ in context:streams() do
				error("a stream that nobody opened");
			end
		end);

		it("takes certificates, names the file that is wrong, and forgets domains", function ()
			assert.is_true((context:domain_set(domain("a.example.org"))));
			assert.is_true((context:domain_set(domain("a.example.org"))));
			for field in pairs { certificate = true, key = true, cafile = true } do
				local ok, why = context:domain_set(domain("a.example.org", { [field] = folder.."/missing.pem" }));
				assert.is_nil(ok);
				assert.truthy(why:find("missing.pem", 1, true), why);
			end
			local ok, why = context:domain_set(domain("a.example.org", { key = folder.."/b.example.org.key" }));
			assert.is_nil(ok);
			assert.truthy(why:find("b.example.org.key", 1, true) or why:find("a.example.org", 1, true), why);
			assert.is_true((context:domain_remove("a.example.org")));
			assert.is_true((context:domain_remove("never.example.org")));
			assert.is_false((pcall(context.domain_set, context, { name = "a" })));
			assert.is_false((pcall(context.domain_set, context)));
		end);

		it("does not dial for a domain without a certificate, or where no path leads", function ()
			local target = { local_name = "a.example.org", remote_name = "b.example.org", address = B, port = 31467,
				alpn = ALPN };
			local handle, why, name = context:dial(target);
			assert.is_nil(handle);
			assert.equal("string", type(why));
			assert.equal("ENOTFOUND", name);
			assert(context:domain_set(domain("a.example.org")));
			target.address = "2-ff00:0:211,192.0.2.1";
			handle, why, name = context:dial(target);
			assert.is_nil(handle);
			assert.equal("string", type(why));
			assert.equal("EUNREACH", name);
			target.address = nil;
			assert.is_false((pcall(context.dial, context, target)));
		end);

		it("knows no handle that it did not give", function ()
			for _, handle in ipairs { 0, 1, 77, 2 ^ 24, 2 ^ 51 } do
				handle = math.floor(handle);
				for _, result in ipairs { { context:send(handle, "x") }, { context:receive(handle) }, { context:finish(handle) },
					{ context:reset(handle) }, { context:release(handle) }, { context:pause(handle, true) },
					{ context:hold(handle, true) }, { context:state(handle) }, { context:text(handle, "peer") },
					{ context:certificate(handle) }, { context:export(handle, "x", 8) }, { context:set_udata(handle, 1) } } do
					assert.is_nil(result[1]);
					assert.equal("string", type(result[2]));
					assert.equal("ESTALE", result[3]);
				end
			end
		end);

		it("raises on wrong arguments", function ()
			for _, call in ipairs { { "send", "x", "y" }, { "send", 1 }, { "send", 1, {} }, { "receive", 1, 0 },
				{ "receive", 1, 65537 }, { "text", 1, "nonsense" }, { "text", 1 }, { "export", 1, "x", 0 },
				{ "export", 1, "x", 256 }, { "paths" }, { "state" }, { "domain_remove" }, { "resolve" }, { "resolve", "x", 5 },
				{ "names_set" }, { "names_set", {} }, { "answer_text", 1, "x" }, { "answer_judge", 1 } } do
				assert.is_false((pcall(context[call[1]], context, call[2], call[3], call[4])), call[1]);
			end
		end);

		it("raises when it is used after its end, and ends once", function ()
			context:close();
			context:close(100);
			for _, name in ipairs { "fd", "process", "next_event", "next_log", "counters" } do
				assert.is_false((pcall(context[name], context)), name);
			end
			for _, name in ipairs { "send", "receive", "state", "release" } do
				assert.is_false((pcall(context[name], context, 1, "x")), name);
			end
		end);
	end);

	it("is freed by the collector", function ()
		do
			local forgotten = assert(core.open(options(A)));
			assert.is_true(core.live_objects() > 0);
			forgotten:process();
		end
		collectgarbage();
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);
end);

describe("two cores", function ()
	local a, b, events, port = nil, nil, nil, 31500;

	before_each(function ()
		port = port + 1; -- never the ones of the test before: its datagrams may still be on their way
		a = assert(core.open(options(A, { port = port, dial_timeout = 2 })));
		b = assert(core.open(options(B, { port = port, dial_timeout = 2 })));
		assert(a:domain_set(domain("a.example.org")));
		assert(b:domain_set(domain("b.example.org")));
		events = { [a] = {}, [b] = {} };
	end);

	after_each(function ()
		a:close();
		b:close();
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);

	local function turn(context)
		assert(context:process());
		while true do
			local kind, handle, status, udata, arg = context:next_event();
			if not kind then
				return;
			end
			table.insert(events[context], { kind = kind, handle = handle, status = status, udata = udata, arg = arg });
		end
	end

	local function seen(context, kind)
		for _, event in ipairs(events[context]) do
			if event.kind == kind then
				return event;
			end
		end
	end

	--- Runs both until `condition` holds. Busy waiting: the descriptor is the driver's concern, not the contract's.
	local function await(condition, what)
		local till = os.time() + PATIENCE;
		repeat
			turn(a);
			turn(b);
			local result = condition();
			if result then
				return result;
			end
		until os.time() > till;
		error("waited in vain for "..what);
	end

	local function dial(more)
		local target = { local_name = "a.example.org", remote_name = "b.example.org", address = B, port = port,
			alpn = ALPN };
		for key, value in pairs(more or {}) do
			target[key] = value;
		end
		return assert(a:dial(target, 42));
	end

	--- Reads `length` bytes of a stream.
	local function read(context, handle, length)
		local parts, got = {}, 0;
		await(function ()
			local data = context:receive(handle);
			parts[#parts + 1] = data;
			got = got + #(data or "");
			return got >= length;
		end, length.." bytes");
		return table.concat(parts);
	end

	--- A stream that b has accepted: both handles.
	local function open()
		local here = dial();
		assert(await(function () return seen(a, "open"); end, "open"));
		assert(a:send(here, "<"));
		local there = await(function () return seen(b, "accept"); end, "accept").handle;
		assert.equal("<", read(b, there, 1));
		return here, there;
	end

	it("open a stream, with the host's number on its events", function ()
		local here = dial();
		local event = await(function () return seen(a, "open"); end, "open");
		assert.equal(here, event.handle);
		assert.equal(42, event.udata);
		assert.is_nil(event.status);
		assert.is_true((a:set_udata(here, 43)));
		assert.is_true(a:state(here).dialled);
		assert.is_true(a:state(here).handshake_ns > 0);
	end);

	it("know each other", function ()
		local here, there = open();
		for _, case in ipairs {
			{ a, here, "peer", B }, { b, there, "peer", A }, { a, here, "alpn", ALPN }, { b, there, "alpn", ALPN },
			{ a, here, "local_name", "a.example.org" }, { a, here, "remote_name", "b.example.org" },
			{ b, there, "local_name", "b.example.org" }, { b, there, "remote_name", "" },
			{ a, here, "verify", "" }, { b, there, "verify", "" },
		} do
			assert.equal(case[4], (case[1]:text(case[2], case[3])), case[3]);
		end
		assert.truthy(a:text(here, "cipher"):find("^TLS_"));
		assert.is_true(#a:text(here, "path") > 0);
		assert.is_true(a:state(here).verified);
		assert.is_true(b:state(there).verified);
		assert.equal(port, a:state(here).peer_port);
		assert.is_false(b:state(there).dialled);
	end);

	it("show each other's certificates and agree on keying material", function ()
		local here, there = open();
		local der = assert(a:certificate(here));
		assert.equal("\48", der:sub(1, 1)); -- an ASN.1 sequence
		assert.truthy(der:find("b.example.org", 1, true));
		assert.truthy(assert(b:certificate(there, 0)):find("a.example.org", 1, true));
		local none, _, name = a:certificate(here, 9);
		assert.is_nil(none);
		assert.equal("ENOTFOUND", name);
		local key = assert(a:export(here, "EXPORTER-Channel-Binding", 32));
		assert.equal(32, #key);
		assert.equal(key, b:export(there, "EXPORTER-Channel-Binding", 32));
		assert.are_not.equal(key, b:export(there, "EXPORTER-other", 32));
	end);

	it("carry batches that the core writes", function ()
		local here, there = open();
		local fan = core.fan();
		fan:put(fan:form("<m to='", "'>\0</m>"), fan:address("b"));
		assert.equal(2, (a:send_batch(here, fan, (fan:next()), 1, 100)));
		assert.equal("<m to='b'>\0</m>", read(b, there, 15));
	end);

	it("carry any bytes both ways, NUL included, also in pieces", function ()
		local here, there = open();
		local parts = {};
		for i = 0, 255 do
			parts[#parts + 1] = string.char(i);
		end
		local data = table.concat(parts):rep(300);
		assert.is_true((a:send(here, data)));
		assert.equal(data, read(b, there, #data));
		assert.is_true((b:send(there, "\0")));
		assert.equal("\0", read(a, here, 1));
		assert.is_true((b:send(there, "abc")));
		await(function () return a:state(here).readable == 3; end, "three bytes");
		assert.equal("ab", (a:receive(here, 2)));
		assert.equal("c", (a:receive(here, 2)));
		local nothing, _, name = a:receive(here);
		assert.is_nil(nothing);
		assert.equal("EAGAIN", name);
	end);

	it("end a stream in order: bytes, FIN, close, on both sides", function ()
		local here, there = open();
		assert.is_true((a:send(here, "</a>")));
		assert.is_true((a:finish(here)));
		assert.is_nil((a:send(here, "more")));
		await(function () return seen(b, "finish"); end, "finish");
		assert.equal("</a>", (b:receive(there)));
		assert.is_true((b:finish(there)));
		await(function () return seen(a, "close") and seen(b, "close"); end, "close");
		assert.equal("ECLOSED", seen(a, "close").status);
		assert.equal("ECLOSED", seen(b, "close").status);
	end);

	it("break a stream off", function ()
		local here, there = open();
		assert.is_true((a:reset(here)));
		await(function () return seen(a, "close") and seen(b, "close"); end, "close");
		assert.equal("string", type(seen(b, "close").status));
		assert.is_true(#b:text(there, "reason") > 0);
		assert.is_nil((b:send(there, "x")));
	end);

	it("make a handle stale when it is released, for good, and reset what was open", function ()
		local here, there = open();
		assert.is_true((a:release(here)));
		local ok, _, name = a:send(here, "x");
		assert.is_nil(ok);
		assert.equal("ESTALE", name);
		await(function () return seen(b, "close"); end, "close");
		assert.is_true((b:release(there)));
		assert.equal("ESTALE", (select(3, b:release(there))));
		local again = dial(); -- perhaps in the same place
		assert.are_not.equal(here, again);
		assert.equal("ESTALE", (select(3, a:state(here))));
	end);

	it("keep bytes back while writing is held, and while reading is paused", function ()
		local here, there = open();
		assert.is_true((a:hold(here, true)));
		assert.is_true((a:send(here, "x")));
		for _ = 1, 50 do
			turn(a);
			turn(b);
		end
		assert.is_nil((b:receive(there)));
		assert.is_true((b:pause(there, true)));
		assert.is_true((a:hold(here, false)));
		events[b] = {};
		await(function () return a:state(here).unacked == 0 and a:state(here).unsent == 0; end, "acknowledgement");
		assert.is_nil(seen(b, "readable"));
		assert.is_true((b:pause(there, false)));
		await(function () return seen(b, "readable"); end, "readable");
		assert.equal("x", (b:receive(there)));
	end);

	it("bound what waits for a peer that does not read, and tell when there is room", function ()
		local here, there = open();
		assert.is_true((b:pause(there, true)));
		local piece, sent = ("x"):rep(65536), 0;
		local ok, name;
		for _ = 1, 100000 do
			ok, _, name = a:send(here, piece);
			if not ok then
				break;
			end
			sent = sent + #piece;
			if sent % (1024 * 1024) == 0 then
				turn(a);
				turn(b);
			end
		end
		assert.is_nil(ok);
		assert.equal("ELIMIT", name);
		events[a] = {};
		assert.is_true((b:pause(there, false)));
		local got = 0;
		await(function ()
			got = got + #(b:receive(there) or "");
			return got == sent;
		end, "all "..sent.." bytes");
		assert.truthy(seen(a, "writable"));
	end);

	it("have several streams, and count them", function ()
		local here = open();
		local other = dial();
		await(function () return a:state(other).connection == a:state(here).connection; end, "a second stream");
		local handles = {};
		for handle in a:streams() do
			handles[handle] = true;
		end
		assert.same({ [here] = true, [other] = true }, handles);
		assert.equal(2, a:counters().streams);
		assert.equal(1, a:counters().connections);
	end);

	it("tell a peer whose chain does not verify, and still connect", function ()
		files:self_sign("self", "b.example.org");
		assert(b:domain_set(domain("b.example.org", { certificate = folder.."/self.crt", key = folder.."/self.key" })));
		local here = dial();
		await(function () return seen(a, "open"); end, "open");
		assert.is_false(a:state(here).verified);
		assert.truthy(a:text(here, "verify"):find("self.signed"));
	end);

	it("report a dial that fails, with a reason", function ()
		local here = dial { remote_name = "unknown.example.org" };
		local event = await(function () return seen(a, "close"); end, "close");
		assert.equal(here, event.handle);
		assert.equal("string", type(event.status));
		assert.is_true(#a:text(here, "reason") > 0);
		assert.is_nil(seen(b, "accept"));
	end);

	it("give up on a peer that is not there", function ()
		local here = dial { port = 1 };
		local event = await(function () return seen(a, "close"); end, "close");
		assert.equal(here, event.handle);
		assert.equal("ETIMEDOUT", event.status);
	end);

	it("refuse a label they do not serve", function ()
		dial { alpn = "xmpp-client" };
		await(function () return seen(a, "close"); end, "close");
		assert.is_nil(seen(b, "accept"));
	end);

	it("send what is queued before they end", function ()
		local here, there = open();
		local data = ("x"):rep(20000);
		assert.is_true((a:send(here, data)));
		a:close(2000);
		a = assert(core.open(options(A)));
		events[a] = {};
		assert.equal(data, read(b, there, #data));
	end);
end);
