-- SPDX-License-Identifier: MIT
--- Each command of a running sandbox does to packets what it says; and clients of the command socket, or hosts, that
--- misbehave do not stop the network. Prints TAP.
-- usage: lua5.4 test_commands.lua SANDBOX FOLDER
package.path = (arg[0]:match("^(.*)/") or ".") .. "/../?.lua;" .. package.path;
local process = require "e2e.process";
local sandbox = require "e2e.sandbox";
local tap = require "e2e.tap";
local craft = require "sandbox.craft";
local socket = require "socket";
local unix = require "socket.unix";

local program, folder = arg[1], arg[2];
local A, B = "1-ff00:0:1", "1-ff00:0:2";
local ROUTER, PORT = "127.79.0.1", 31002;
local SENDER, RECEIVER, HOST_PORT = "127.79.1.1", "127.79.1.2", 4001;
local LINK = A .. "#1";
local PATIENCE = 2; -- seconds; a packet crosses in a millisecond

local TOPOLOGY = [[return {
	ases = {
		["1-ff00:0:1"] = { core = true, mtu = 1400, router = "127.79.0.1:31002" };
		["1-ff00:0:2"] = { mtu = 1400, router = "127.79.0.2:31002" };
	};
	links = { { kind = "child", from = "1-ff00:0:1#1", to = "1-ff00:0:2#7", mtu = 1300 } };
}]];

local function open(host)
	local udp = assert(socket.udp());
	assert(udp:setsockname(host, HOST_PORT));
	udp:settimeout(PATIENCE);
	return udp;
end

process.run({ "sh", "-c", "rm -rf \"$1\" && mkdir -p \"$1\"", "sh", folder });
process.write_file(folder .. "/topology.lua", TOPOLOGY);
local network = assert(sandbox.start(program, folder .. "/topology.lua", folder .. "/run"));
local sender, receiver = open(SENDER), open(RECEIVER);

-- The only path there is, as the path file has it now.
local function path()
	return craft.unhex(process.read_file(network:path_file(A)):match('"raw": "(%x+)"'));
end

local function packet(data)
	return craft.packet({
		dst_ia = craft.ia(B), src_ia = craft.ia(A), dst_host = craft.ip(RECEIVER), src_host = craft.ip(SENDER),
		raw = path(), protocol = craft.UDP, udp = { from = HOST_PORT, to = HOST_PORT, data = data },
	});
end

local function send(data)
	assert(sender:sendto(packet(data), ROUTER, PORT));
end

-- What arrives at a socket, until nothing has for `quiet` seconds.
local function receive_all(udp, quiet)
	local got = {};
	while socket.select({ udp }, nil, quiet)[1] do
		got[#got + 1] = udp:receive();
	end
	return got;
end

-- The data of what arrived, in order.
local function numbers(got)
	local list = {};
	for i, bytes in ipairs(got) do
		list[i] = bytes:match("number (%d+)$");
	end
	return list;
end

local function send_numbers(count)
	for number = 1, count do
		send(("number %d"):format(number));
	end
end

local function is_ordered(list)
	for i, value in ipairs(list) do
		if value ~= tostring(i) then
			return false;
		end
	end
	return true;
end

local function count_bits(a, b)
	local count = 0;
	for at = 1, #a do
		local difference = a:byte(at) ~ b:byte(at);
		while difference > 0 do
			count = count + (difference & 1);
			difference = difference >> 1;
		end
	end
	return count;
end

-- A test that begins and ends with a sound, empty network.
local function test(name, body)
	return { name, function ()
		network:command("heal");
		network:command("reset");
		local ok, err = xpcall(body, tap.explain);
		collectgarbage(); -- connections that it has left open
		assert(pcall(network.command, network, "heal") and ok, err);
		receive_all(receiver, 0.02);
		receive_all(sender, 0.02);
		send("still there");
		assert(receiver:receive(), "the network does not carry packets any more");
	end };
end

local function crosses(within)
	send("hello");
	receiver:settimeout(within);
	local got = receiver:receive();
	receiver:settimeout(PATIENCE);
	return got ~= nil;
end

local function client()
	local make = type(unix) == "table" and (unix.stream or unix.tcp) or unix;
	local conn = make();
	assert(conn:connect(folder .. "/run/sandbox.sock"));
	conn:settimeout(0);
	return conn;
end

local function drops(name, reason)
	return network:counters()[name].drops[reason] or 0;
end

tap.run({
	test("loss 100 lets nothing through and counts it", function ()
		network:command(("loss %s 100"):format(LINK));
		assert(not crosses(0.2));
		assert(drops(LINK, "loss") == 1);
		network:command(("loss %s 0"):format(LINK));
		assert(crosses(PATIENCE));
	end),

	test("duplicate 100 brings each packet twice", function ()
		network:command(("duplicate %s 100"):format(LINK));
		send("twice");
		assert(#receive_all(receiver, 0.2) == 2);
	end),

	test("reorder mixes packets, loses none", function ()
		network:command(("reorder %s 50"):format(LINK));
		send_numbers(50);
		local list = numbers(receive_all(receiver, 0.2));
		assert(#list == 50, #list);
		assert(not is_ordered(list));
	end),

	test("delay with jitter keeps the order", function ()
		network:command(("delay %s 5 5"):format(LINK));
		send_numbers(50);
		local list = numbers(receive_all(receiver, 0.2));
		assert(#list == 50 and is_ordered(list));
	end),

	test("corrupt 100 turns one bit", function ()
		send(("\0"):rep(800));
		local clean = assert(receiver:receive());
		network:command(("corrupt %s 100"):format(LINK));
		local sent, arrived = packet(("\0"):rep(800)), 0;
		for _ = 1, 40 do -- where the bit is in a header, the router drops the packet
			assert(sender:sendto(sent, ROUTER, PORT));
		end
		for _, got in ipairs(receive_all(receiver, 0.2)) do
			arrived = arrived + 1;
			assert(#got == #clean and count_bits(got, clean) == 1, craft.hex(got));
		end
		assert(arrived > 10, ("%d of 40 arrived"):format(arrived));
	end),

	test("rate spaces packets and drops what does not fit its queue", function ()
		network:command(("rate %s 800"):format(LINK)); -- 100 bytes a millisecond
		local begin = socket.gettime();
		for _ = 1, 60 do
			send(("x"):rep(900)); -- 60 of them are 600 ms; the queue has 200
		end
		local arrived = #receive_all(receiver, 0.3);
		local took = socket.gettime() - begin;
		assert(arrived >= 15 and arrived < 60, ("%d of 60 arrived"):format(arrived));
		assert(took > 0.4, took); -- 0.3 of it are our own patience
		assert(drops(LINK, "queue") == 60 - arrived);
	end),

	test("link down is told by SCMP at once, up ends it", function ()
		network:command(("link %s down"):format(LINK));
		send("hello");
		local got = assert(sender:receive());
		assert(got:byte(5) == craft.SCMP);
		network:command(("link %s up"):format(LINK));
		assert(crosses(PATIENCE));
	end),

	test("clock makes paths expire", function ()
		network:command(("clock %s %d"):format(A, 7 * 3600));
		assert(not crosses(0.2));
		assert(drops(A .. "#0", "expired") == 1);
		network:command(("clock %s 0"):format(A));
		assert(crosses(PATIENCE));
	end),

	test("write makes fresh paths, write AGE old ones", function ()
		local before = path();
		network:command("write");
		assert(path() ~= before and crosses(PATIENCE));
		network:command("write 21700"); -- more than the six hours
		assert(not crosses(0.2));
		network:command("write");
		assert(crosses(PATIENCE));
	end),

	test("heal undoes all of it", function ()
		for _, line in ipairs({ "link %s down", "loss %s 100", "delay %s 60000", "rate %s 1", "corrupt %s 100" }) do
			network:command(line:format(LINK));
		end
		network:command(("clock %s 100000"):format(A));
		network:command("heal");
		assert(crosses(PATIENCE));
	end),

	test("datagrams of 0 and of 65,507 bytes are dropped and counted", function ()
		for _, length in ipairs({ 0, 1, 65507 }) do
			assert(sender:sendto(("\0"):rep(length), ROUTER, PORT));
		end
		assert(crosses(PATIENCE));
		assert(drops(A .. "#0", "malformed") == 3, drops(A .. "#0", "malformed"));
	end),

	test("a client that never reads stops nobody but itself", function ()
		local deaf = client();
		repeat
			local sent = deaf:send(("help\n"):rep(1000));
		until not sent;
		local begin = socket.gettime();
		for _ = 1, 20 do
			assert(crosses(PATIENCE));
			network:command("counters");
		end
		assert(socket.gettime() - begin < 5, "the network was held up");
		deaf:close();
	end),

	test("a client that is slow to read gets all its answers", function ()
		local slow = client();
		slow:settimeout(PATIENCE);
		local asked = 400; -- their answers are more than a socket holds
		assert(slow:send(("help\n"):rep(asked)));
		assert(crosses(PATIENCE));
		local answers = 0;
		repeat
			local line = assert(slow:receive("*l"));
			answers = answers + (line == "ok" and 1 or 0);
		until answers == asked;
		slow:close();
	end),

	test("too many clients are turned away, and the others served", function ()
		local many = {};
		for i = 1, 16 do
			many[i] = client();
		end
		many[17] = client();
		many[17]:settimeout(PATIENCE);
		assert(many[17]:receive("*l") == "error: too many others are connected");
		many[1]:settimeout(PATIENCE);
		assert(many[1]:send("heal\n"));
		assert(many[1]:receive("*l") == "ok");
		for _, conn in ipairs(many) do
			conn:close();
		end
	end),

	{ "it ends in good order", function ()
		network:command("quit");
		local status, manner = network:stop();
		assert(status == 0 and not manner, network.child:output());
	end },
});
