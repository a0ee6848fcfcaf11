-- SPDX-License-Identifier: MIT
-- luasec_hold: the peer of serve.c and hold.c on TLS over TCP as Prosody has it: LuaSec and LuaSocket, certificates on
-- both sides, TLS 1.3. Says the same lines.
--
-- usage: luasec_hold.lua serve ADDRESS PORT CERTIFICATES | hold ADDRESS PORT CERTIFICATES COUNT
local socket = require "socket";
local ssl = require "ssl";
local proc = require "bench.proc";

local what, address, port, base, count = table.unpack(arg);
local held = {};

local context = assert(ssl.newcontext({
	mode = what == "serve" and "server" or "client", protocol = "tlsv1_3",
	certificate = base .. ".crt", key = base .. ".key", cafile = base .. ".ca",
	verify = { "peer", "fail_if_no_peer_cert" },
}));

local function secure(conn)
	conn:setoption("tcp-nodelay", true);
	local wrapped = assert(ssl.wrap(conn, context));
	assert(wrapped:dohandshake());
	held[#held + 1] = wrapped;
	return wrapped;
end

local function serve()
	local listener = assert(socket.bind(address, tonumber(port)));
	print("ready");
	while true do
		local conn = secure(assert(listener:accept()));
		assert(conn:send(assert(conn:receive(1))));
	end
end

local function self_memory()
	collectgarbage();
	return proc.memory(io.open("/proc/self/stat"):read("n"));
end

local function hold()
	local before = self_memory();
	for _ = 1, tonumber(count) do
		local begin = socket.gettime();
		local conn = secure(assert(socket.connect(address, tonumber(port))));
		print(("handshake %.6f"):format(socket.gettime() - begin));
		assert(conn:send("e"));
		assert(conn:receive(1));
	end
	print(("memory %d"):format(self_memory() - before));
	socket.sleep(60);
end

io.stdout:setvbuf("line");
(what == "serve" and serve or hold)();
