-- SPDX-License-Identifier: MIT
local worlds = dofile "tests/spec/world.lua";
local pem = require "sx.luasec".pem;
local recorder = worlds.recorder;

local A, B = "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2";
local TARGET = { local_name = "a.example.org", remote_name = "b.example.org", address = B, port = 31467,
	alpn = "xmpp-server" };

describe("a connection over SCION", function ()
	local world, a, b, here, there, heard_here, heard_there;

	before_each(function ()
		world = worlds.new();
		here, heard_here = recorder();
		there, heard_there = recorder();
		a = world:server(A, "a.example.org", here);
		b = world:server(B, "b.example.org", there);
	end);

	local function connect()
		local conn = assert(a:dial(TARGET, here));
		world:settle();
		return conn, heard_there.conn;
	end

	--- A pair over which both sides have spoken XML already.
	local function talk()
		local conn, peer = connect();
		conn:write("<a>");
		world:settle();
		peer:write("<b>");
		world:settle();
		return conn, peer;
	end

	it("is connected once, at both ends, before any data", function ()
		local conn = connect();
		assert.equal("connect", heard_here.words());
		assert.equal("connect", heard_there.words());
		conn:write("<x/>");
		world:settle();
		assert.equal("connect incoming", heard_there.words());
		assert.equal("<x/>", heard_there.data());
	end);

	it("tells write's caller how much was taken, also of nothing", function ()
		local conn = connect();
		assert.equal(4, conn:write("<x/>"));
		assert.equal(4, conn.write(conn, "<y/>"));
		assert.equal(4, conn:send("<z/>"));
		assert.equal(0, conn:write(""));
		world:settle();
		assert.equal("<x/><y/><z/>", heard_there.data());
	end);

	it("takes batches of a fan-out while the core does, and keeps the order", function ()
		local conn = connect();
		local fan = { bytes = function (_, batch, first) return ("<%s/>"):format(batch), first + 1; end };
		assert.equal(2, conn:write_batch(fan, "x", 1, 100));
		conn:write("<y/>");
		assert.equal(3, conn:write_batch(fan, "z", 2, 100));
		world:settle();
		assert.equal("<x/><y/><z/>", heard_there.data());
		conn:write(("x"):rep(world.network.queue_most + 1));
		assert.is_nil(conn:write_batch(fan, "x", 1, 100));
		conn:destroy();
		assert.is_nil(conn:write_batch(fan, "x", 1, 100));
	end);

	it("sends nothing inside write, and asks listeners to add to the batch before it leaves", function ()
		local conn = connect();
		function here.onpredrain(c)
			c:write("<r/>");
		end
		conn:write("<x/>");
		assert.equal("", heard_there.data());
		world:settle();
		assert.equal("<x/><r/>", heard_there.data());
	end);

	it("tells when all was handed over, once for a batch", function ()
		local conn = connect();
		conn:write("<x/>");
		conn:write("<y/>");
		world:settle();
		assert.equal(1, heard_here.count("predrain"));
		assert.equal(1, heard_here.count("drain"));
	end);

	it("changes listeners without connecting again", function ()
		local conn = connect();
		local after, heard_after = recorder();
		conn:setlistener(after, { session = "s" });
		assert.equal("connect detach", heard_here.words());
		assert.equal("attach", heard_after.words());
		assert.same({ session = "s" }, heard_after[1][2]);
	end);

	it("closes after what was written, and tells each side once", function ()
		local conn = talk();
		conn:write("</a>");
		conn:close();
		conn:close();
		assert.equal(0, heard_here.count("disconnect")); -- never inside close()
		world:settle();
		assert.equal(1, heard_here.count("disconnect"));
		assert.is_nil(heard_here.last("disconnect")[2]);
		assert.equal("<a></a>", heard_there.data());
		assert.equal("closed", heard_there.last("disconnect")[2]);
		assert.equal(1, heard_there.count("disconnect"));
	end);

	it("leaves nothing behind when both sides are closed", function ()
		local conn = talk();
		conn:close();
		world:settle();
		assert.is_nil(next(a.conns));
		assert.is_nil(next(b.conns));
		assert.equal(2, world.core.live_objects()); -- the contexts
		assert.is_nil(next(world.timers));
	end);

	it("refuses to write after close, and says why", function ()
		local conn = talk();
		conn:close();
		assert.same({ n = 2, nil, "closed" }, { n = select("#", conn:write("<x/>")), conn:write("<x/>") });
		world:settle();
		assert.same({ nil, "closed" }, { conn:write("<x/>") });
		assert.equal("<a>", heard_there.data());
	end);

	it("waits for a peer that does not finish, but not for ever", function ()
		local conn, peer = talk();
		peer:pause(); -- its FIN will not come
		conn:close();
		world:settle();
		assert.equal(1, heard_here.count("disconnect"));
		assert.equal("closed", conn.state);
		world:advance(4);
		assert.equal("closed", conn.state);
		world:advance(2);
		assert.equal("gone", conn.state);
	end);

	it("gives bytes on their way longer, yet not for ever", function ()
		local conn, peer = talk();
		peer:pause();
		world.network.unacked = 17;
		conn:close();
		world:advance(20);
		assert.equal("closed", conn.state);
		world:advance(20);
		assert.equal("gone", conn.state);
	end);

	it("is destroyed without a word", function ()
		local conn = talk();
		conn:destroy();
		world:settle();
		assert.equal(0, heard_here.count("disconnect"));
		assert.is_nil(next(a.conns));
		assert.equal("reset by peer", heard_there.last("disconnect")[2]);
	end);

	it("reports a broken stream once, with the reason, after all data that came", function ()
		local conn, peer = talk();
		peer:write("<last/>");
		b:turn();
		world.network.break_stream(a.context.channels[conn.handle], "ETIMEDOUT", "no sign of life for 180 s");
		world:settle();
		assert.equal("<b><last/>", heard_here.data());
		assert.equal("no sign of life for 180 s", heard_here.last("disconnect")[2]);
		assert.equal(1, heard_here.count("disconnect"));
		assert.same({ nil, "closed" }, { conn:write("<x/>") });
	end);

	it("reports a failed dial once and tells who asked for dials", function ()
		world.network.silent = true;
		local conn = assert(a:dial(TARGET, here));
		world:settle();
		assert.equal("disconnect", heard_here.words());
		assert.equal("no answer from "..B, heard_here[1][2]);
		assert.equal("gone", conn.state);
		assert.equal("no answer from "..B, world.dialled[1].reason);
		assert.equal(1, #world.dialled);
	end);

	it("fails a dial at once when there is no path", function ()
		world.network.unreachable[B] = true;
		assert.same({ nil, "no path to "..B }, { a:dial(TARGET, here) });
		assert.equal("no path to "..B, world.dialled[1].reason);
	end);

	it("may be closed while it is still connecting", function ()
		local conn = assert(a:dial(TARGET, here));
		conn:close();
		world:settle();
		assert.equal("disconnect", heard_here.words());
		assert.equal("gone", conn.state);
	end);

	it("delivers nothing while paused and goes on where it stopped", function ()
		local conn, peer = talk();
		conn:pause();
		peer:write("<x/>");
		world:settle();
		assert.equal("<b>", heard_here.data());
		conn:resume();
		world:settle();
		assert.equal("<b><x/>", heard_here.data());
	end);

	it("may be paused and resumed by the listener that is just reading", function ()
		local conn, peer = talk();
		local onincoming = here.onincoming;
		function here.onincoming(c, data)
			c:pause();
			onincoming(c, data);
		end
		peer:write(("<x/>"):rep(40000)); -- more than one read
		world:settle();
		assert.equal(3 + 65536, #heard_here.data());
		conn:resume();
		world:settle();
		conn:resume();
		world:settle();
		assert.equal(3 + 160000, #heard_here.data());
	end);

	it("keeps the end of the stream for after the pause", function ()
		local conn, peer = talk();
		conn:pause();
		peer:write("</b>");
		peer:close();
		world:settle();
		assert.equal(0, heard_here.count("disconnect"));
		conn:resume();
		world:settle();
		assert.equal("<b></b>", heard_here.data());
		assert.equal("closed", heard_here.last("disconnect")[2]);
	end);

	it("reads at most 64 KiB of a stream before others have their turn", function ()
		local _, peer = talk();
		peer:write(("x"):rep(200000));
		b:turn();
		a:turn();
		assert.equal(3 + 65536, #heard_here.data());
		world:settle();
		assert.equal(3 + 200000, #heard_here.data());
	end);

	it("holds what is written while writes are paused", function ()
		local conn = talk();
		conn:pause_writes();
		conn:write("<x/>");
		world:settle();
		assert.equal("<a>", heard_there.data());
		conn:resume_writes();
		world:settle();
		assert.equal("<a><x/>", heard_there.data());
	end);

	it("takes more than the core's queue, in order, and finishes after it", function ()
		local conn = talk();
		world.network.queue_most = 100000;
		local sent = {};
		for i = 1, 50 do
			sent[i] = ("%04d"):format(i):rep(5000);
			assert.equal(20000, conn:write(sent[i]));
		end
		conn:close();
		world:settle();
		assert.equal("<a>"..table.concat(sent), heard_there.data());
		assert.equal("closed", heard_there.last("disconnect")[2]);
	end);

	it("tells when what was more than the core's queue has been handed over", function ()
		local conn = talk();
		world.network.queue_most = 100000;
		conn:write(("x"):rep(60000));
		conn:write(("x"):rep(300000));
		assert.is_true(conn:backlogged());
		local before = heard_here.count("drain");
		world:settle();
		assert.is_false(conn:backlogged());
		assert.equal(before + 1, heard_here.count("drain"));
	end);

	it("breaks off when a peer lets too much pile up", function ()
		local conn = talk();
		world.network.queue_most = 0;
		local piece = ("x"):rep(1024 * 1024);
		for _ = 1, 32 do
			assert.equal(#piece, conn:write(piece));
		end
		assert.is_nil((conn:write(piece)));
		assert.truthy(heard_here.last("disconnect")[2]:find("send buffer is full", 1, true));
		assert.equal("gone", conn.state);
	end);

	local function yes()
		return true;
	end

	it("asks after a long silence whether to go on, and breaks off when nobody wants to", function ()
		local asked = 0;
		talk();
		there.onreadtimeout = yes;
		function here.onreadtimeout()
			asked = asked + 1;
			return asked == 1;
		end
		world:advance(839);
		assert.equal(0, asked);
		world:advance(2);
		assert.equal(1, asked);
		assert.equal(0, heard_here.count("disconnect"));
		world:advance(841);
		assert.equal(2, asked);
		assert.equal("read timeout", heard_here.last("disconnect")[2]);
		assert.is_nil(next(a.conns));
	end);

	it("counts the silence from the last byte", function ()
		local _, peer = talk();
		local asked = 0;
		there.onreadtimeout = yes;
		function here.onreadtimeout()
			asked = asked + 1;
		end
		world:advance(800);
		peer:write(" ");
		world:advance(800);
		assert.equal(0, asked);
		world:advance(50);
		assert.equal(1, asked);
	end);

	for _, case in ipairs {
		{ "<?xml version='1.0'?>", true }, { " <stream>", true }, { "\t<", true }, { "\r\n<", true },
		{ "\239\187\191<stream>", true }, { "\0", false }, { "\1\4", false }, { "\64\0", false }, { "GET / HTTP", false },
	} do
		local shown = case[1]:gsub("[^%w%p ]", function (c) return ("\\%d"):format(c:byte()); end);
		it(("%s a stream that begins with \"%s\""):format(case[2] and "accepts" or "resets", shown), function ()
			local conn = connect();
			conn:write(case[1]);
			world:settle();
			assert.equal(case[2] and 1 or 0, heard_there.count("incoming"));
			assert.equal(case[2] and 0 or 1, heard_there.count("disconnect"));
			assert.equal(case[2] and 0 or 1, heard_here.count("disconnect"));
		end);
	end

	it("survives listeners that raise, and logs them", function ()
		function there.onincoming()
			error("oops");
		end
		local conn = connect();
		conn:write("<x/>");
		world:settle();
		assert.equal("open", heard_there.conn.state);
		assert.truthy(world.logged[#world.logged]:find("onincoming", 1, true));
		assert.truthy(world.logged[#world.logged]:find("oops", 1, true));
	end);

	it("tells addresses and ports by direction", function ()
		local conn, peer = connect();
		assert.equal("127.0.0.2", conn:ip());
		assert.equal("127.0.0.1", peer:ip());
		assert.equal(B, conn.scion_addr);
		assert.equal(31467, conn:serverport());
		assert.equal(31467, peer:clientport());
		assert.equal("127.0.0.2", peer:server():ip());
		assert.equal(31467, peer:server():serverport());
		assert.same({}, peer:server().hosts);
		assert.same({ "127.0.0.2", 31467, "inet" }, { conn:socket():getpeername() });
		assert.same({ "127.0.0.1", 31467, "inet" }, { conn:socket():getsockname() });
		assert.equal("local", conn:scion_path());
	end);

	it("has an IP for every kind of address", function ()
		local conn = connect();
		for address, ip in pairs { ["1-ff00:0:111,[::1]"] = "::1", ["1-ff00:0:111,::1"] = "::1",
			["1-ff00:0:111,CS"] = "0.0.0.0", ["1-64512,10.0.0.1"] = "10.0.0.1" } do
			conn.scion_addr = address;
			assert.equal(ip, conn:ip());
		end
	end);

	it("has every member that stock modules call or read", function ()
		local conn = connect();
		for _, name in ipairs { "write", "send", "close", "destroy", "setlistener", "pause", "resume", "pause_writes",
			"resume_writes", "ip", "port", "clientport", "serverport", "server", "socket", "ssl", "sslctx", "ssl_info",
			"ssl_peercertificate", "ssl_peerverification", "ssl_peerfinished", "ssl_exportkeyingmaterial", "setoption",
			"set_mode", "getfd" } do
			assert.equal("function", type(conn[name]), name);
		end
		assert.is_false(conn.starttls);
		assert.is_true(conn:ssl());
		assert.is_nil(conn:sslctx());
		assert.is_true(conn:setoption("keepalive", true));
		assert.equal(-1, conn:getfd());
		assert.equal("string", type(conn.id));
		assert.equal("function", type(conn.log));
		assert.equal(1000, conn.created);
		assert.equal("<scion stream id1 to 1-ff00:0:111,127.0.0.2>", tostring(conn));
	end);

	it("answers for a stream that is gone", function ()
		local conn = talk();
		conn:close();
		world:settle();
		assert.equal("gone", conn.state);
		conn:pause();
		conn:resume();
		conn:pause_writes();
		conn:resume_writes();
		conn:close();
		conn:destroy();
		assert.is_nil(conn:scion_path());
		assert.is_nil(conn:socket():getsniname());
		assert.equal("127.0.0.2", conn:ip());
		assert.is_false((conn:ssl_peerverification()));
	end);
end);

describe("TLS of a connection over SCION", function ()
	local world, conn, peer;

	local function connect(verify)
		world = worlds.new();
		world.network.verify["b.example.org"] = verify;
		local here = recorder();
		local there, heard_there = recorder();
		local a = world:server(A, "a.example.org", here);
		world:server(B, "b.example.org", there);
		conn = assert(a:dial(TARGET, here));
		world:settle();
		peer = heard_there.conn;
	end

	it("looks like TLS 1.3 of LuaSec, whole or by key", function ()
		connect();
		local info = conn:socket():info();
		assert.same({ protocol = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", compression = false }, info);
		assert.equal("TLSv1.3", conn:socket():info("protocol"));
		assert.same(info, conn:ssl_info());
		assert.equal("xmpp-server", conn:socket():getalpn());
		assert.equal("b.example.org", conn:socket():getsniname());
		assert.equal("b.example.org", peer:socket():getsniname());
		assert.is_nil(conn:socket():getpeerfinished());
		assert.is_nil(conn:ssl_peerfinished());
		assert.is_nil(conn:socket():getlocalcertificate());
	end);

	it("shows the peer's certificate and chain through the host's loader, once", function ()
		connect();
		local cert = conn:socket():getpeercertificate();
		assert.equal("DER of b.example.org.crt", cert.pem);
		assert.equal(cert, conn:ssl_peercertificate());
		assert.equal(cert, conn:socket():getpeercertificate(1));
		assert.is_nil(conn:socket():getpeercertificate(2));
		assert.same({ cert }, conn:socket():getpeerchain());
		assert.equal("DER of a.example.org.crt", peer:ssl_peercertificate().pem);
	end);

	it("turns certificates into text that LuaSec reads", function ()
		local function base64(bytes)
			return (bytes:gsub(".", "abcd"));
		end
		local begin, finish = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n";
		assert.equal(begin.."abcdabcd\n"..finish, pem("xx", base64));
		assert.equal(begin..("abcd"):rep(16).."\n"..finish, pem(("x"):rep(16), base64));
		assert.equal(begin..("abcd"):rep(16).."\nabcd\n"..finish, pem(("x"):rep(17), base64));
	end);

	it("tells a chain that verifies from one that does not, in OpenSSL's words", function ()
		connect();
		assert.is_true(conn:socket():getpeerverification());
		assert.is_true(conn:ssl_peerverification());
		connect("certificate has expired");
		assert.same({ false, { { "certificate has expired" } } }, { conn:socket():getpeerverification() });
		assert.same({ false, { { "certificate has expired" } } }, { conn:ssl_peerverification() });
	end);

	it("exports keying material for channel binding, without a context or with an empty one", function ()
		connect();
		local label = "EXPORTER-Channel-Binding";
		local bytes = conn:ssl_exportkeyingmaterial(label, 32, "");
		assert.equal(32, #bytes);
		assert.equal(bytes, conn:socket():exportkeyingmaterial(label, 32));
		assert.equal(bytes, peer:ssl_exportkeyingmaterial(label, 32, ""));
		assert.is_nil((conn:ssl_exportkeyingmaterial(label, 32, "x")));
		assert.is_nil((conn:ssl_exportkeyingmaterial(label, 0, "")));
		assert.is_nil((conn:ssl_exportkeyingmaterial(label, 256, "")));
	end);
end);
