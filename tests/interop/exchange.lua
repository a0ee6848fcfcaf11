-- SPDX-License-Identifier: MIT
--- Sends a set of packets, good and bad, into a running network of the default topology and prints what comes back.
-- usage: lua5.4 exchange.lua FOLDER CUT
-- FOLDER holds the path files; CUT is a shell command that takes the link 2-ff00:0:210#3 down. One line is printed for
-- each packet: its name, then who received what, in hex. Two networks that print the same lines do the same.
-- The packets are made here from the path files alone, without our own codec, so that both are not wrong together.
local socket = require "socket";
local craft = require "sandbox.craft";

local folder, cut = arg[1], arg[2];
local SRC, DST = "1-ff00:0:112", "2-ff00:0:211";
local SENDER, RECEIVER, PORT, ENDHOST_PORT = "127.9.0.1", "127.9.0.2", 31467, 30041;
local PATIENCE = 0.4; -- seconds; a packet crosses the network in a few milliseconds

-- The paths of a path file, as they are needed here. The file has one field to a line.
local function read_paths(ia)
	local paths, path = {}, nil;
	for line in io.lines(("%s/%s.paths.json"):format(folder, (ia:gsub(":", "_")))) do
		local key, value = line:match('^%s*"([%w_]+)": "?([^",]*)"?,?$');
		if key == "destination" then
			path = { destination = value, hops = {} };
			paths[#paths + 1] = path;
		elseif path and key == "isd_as" then
			path.hops[#path.hops + 1] = value;
		elseif path and key == "id" then
			path.hops[#path.hops] = path.hops[#path.hops] .. "#" .. value;
		elseif path and (key == "raw" or key == "next_hop") then
			path[key] = value;
		end
	end
	return paths;
end

local function find_path(src, dst, ...)
	local wanted = table.concat({ ... }, " ");
	for _, path in ipairs(read_paths(src)) do
		if path.destination == dst and table.concat(path.hops, " ") == wanted then
			path.raw = craft.unhex(path.raw);
			return path;
		end
	end
	error(("no path from %s to %s over %s"):format(src, dst, wanted));
end

-- A packet on `path`, a template to be spoilt: `change` overrides its fields.
local function build(path, change)
	local p = {
		dst_ia = craft.ia(path.destination), src_ia = craft.ia(SRC), dst_host = craft.ip(RECEIVER),
		src_host = craft.ip(SENDER), raw = path.raw, protocol = craft.UDP;
	};
	for key, value in pairs(change or {}) do
		p[key] = value;
	end
	if not p.payload then
		p.udp = { from = PORT, to = PORT, data = "hello" };
	end
	return craft.packet(p);
end

local function replace(bytes, at, with)
	return bytes:sub(1, at) .. with .. bytes:sub(at + #with + 1);
end

local function flip(bytes, at)
	return replace(bytes, at, string.char(bytes:byte(at + 1) ~ 1));
end

-- Where fields are in a path of type 1.
local function shape(raw)
	local meta = (">I4"):unpack(raw);
	local lengths = { meta >> 12 & 63, meta >> 6 & 63, meta & 63 };
	local infos = (lengths[1] > 0 and 1 or 0) + (lengths[2] > 0 and 1 or 0) + (lengths[3] > 0 and 1 or 0);
	return {
		infos = infos, hops = lengths[1] + lengths[2] + lengths[3];
		info_at = function(i) return 4 + 8 * i; end;
		hop_at = function(i) return 4 + 8 * infos + 12 * i; end;
	};
end

local function open(host, port)
	local udp = assert(socket.udp());
	assert(udp:setsockname(host, port));
	udp:settimeout(0);
	return udp;
end

local sockets = {
	sender = open(SENDER, PORT);
	receiver = open(RECEIVER, PORT);
	endhost = open(RECEIVER, ENDHOST_PORT);
};
local names = {};
for name, udp in pairs(sockets) do
	names[udp] = name;
end

local function collect()
	local got = {};
	local deadline = socket.gettime() + PATIENCE;
	repeat
		local ready = socket.select({ sockets.sender, sockets.receiver, sockets.endhost }, nil, 0.05);
		for _, udp in ipairs(ready) do
			got[#got + 1] = names[udp] .. " " .. craft.hex((udp:receive()));
			deadline = math.min(deadline, socket.gettime() + 0.05);
		end
	until socket.gettime() >= deadline;
	table.sort(got);
	return #got > 0 and table.concat(got, " ") or "silence";
end

local function exchange(name, path, packet)
	local host, port = path.next_hop:match("^(.*):(%d+)$");
	assert(sockets.sender:sendto(packet, host, tonumber(port)));
	print(("%s: %s"):format(name, collect()));
	io.stdout:flush();
end

-- Over the core: up from 112, across 120-210, down to 211. 7 hops, 3 segments.
local core = find_path(SRC, DST, "1-ff00:0:112#1", "1-ff00:0:111#3", "1-ff00:0:111#2", "1-ff00:0:120#3",
	"1-ff00:0:120#2", "2-ff00:0:210#1", "2-ff00:0:210#3", "2-ff00:0:211#1");
local other_uplink = find_path(SRC, DST, "1-ff00:0:112#1", "1-ff00:0:111#3", "1-ff00:0:111#2", "1-ff00:0:120#3",
	"1-ff00:0:120#2", "2-ff00:0:210#1", "2-ff00:0:210#4", "2-ff00:0:211#3");
local peering = find_path(SRC, "1-ff00:0:113", "1-ff00:0:112#1", "1-ff00:0:111#3", "1-ff00:0:111#5", "1-ff00:0:113#2");
local shortcut = find_path(SRC, "1-ff00:0:114", "1-ff00:0:112#1", "1-ff00:0:111#3", "1-ff00:0:111#4",
	"1-ff00:0:114#1");

local at = shape(core.raw);

local function spoilt(change)
	return build(core, { raw = change });
end

exchange("core path", core, build(core));
exchange("peering path", peering, build(peering));
exchange("shortcut path", shortcut, build(shortcut));
for hop = 0, at.hops - 1 do
	exchange("bad MAC in hop " .. hop, core, spoilt(flip(core.raw, at.hop_at(hop) + 6)));
end
for hop = 0, shape(peering.raw).hops - 1 do
	local raw = flip(peering.raw, shape(peering.raw).hop_at(hop) + 6);
	exchange("bad MAC in peering hop " .. hop, peering, build(peering, { raw = raw }));
end
for info = 0, at.infos - 1 do
	local made = (">I4"):unpack(core.raw, at.info_at(info) + 5);
	exchange("expired segment " .. info, core,
		spoilt(replace(core.raw, at.info_at(info) + 4, (">I4"):pack(made - 25 * 3600))));
end
exchange("unknown egress interface", core, spoilt(replace(core.raw, at.hop_at(0) + 2, (">I2"):pack(99))));
do -- a last hop with a good MAC, but of the other link
	local hop = at.hop_at(at.hops - 1);
	exchange("other ingress interface", core, spoilt(core.raw:sub(1, hop) .. other_uplink.raw:sub(hop + 1)));
end
exchange("foreign source AS", core, build(core, { src_ia = craft.ia("1-ff00:0:110") }));
exchange("wrong destination AS", core, build(core, { dst_ia = craft.ia("2-ff00:0:299") }));
exchange("unspecified destination host", core, build(core, { dst_host = ("\0"):rep(4) }));
exchange("mapped destination host", core,
	build(core, { types = 0x30, dst_host = ("\0"):rep(10) .. "\xff\xff" .. craft.ip(RECEIVER) }));
exchange("mapped source host", core,
	build(core, { types = 0x03, src_host = ("\0"):rep(10) .. "\xff\xff" .. craft.ip(SENDER) }));
exchange("unknown service", core, build(core, { types = 0x40, dst_host = "\0\2\0\0" }));
exchange("length that lies", core, build(core, { extra_len = 1 }));
exchange("SCMP error that would need an answer", core,
	build(core, { protocol = 202, payload = "\1\0\0\0\0\0\0\0", raw = flip(core.raw, at.hop_at(2) + 6) }));
exchange("other version", core, build(core, { version = 1 }));
exchange("segment that does not fit the hop", core, spoilt(replace(core.raw, 0, "\x40" .. core.raw:sub(2, 4))));
exchange("echo request", core, build(core, { protocol = 202, payload = (">BBI2I2I2"):pack(128, 0, 0, PORT, 1) }));
for hop = 0, at.hops - 1 do
	for flag = 1, 2 do
		exchange(("traceroute alert %d in hop %d"):format(flag, hop), core, build(core, {
			protocol = 202, payload = (">BBI2I2I2I8I8"):pack(130, 0, 0, PORT, hop, 0, 0);
			raw = replace(core.raw, at.hop_at(hop), string.char(flag));
		}));
	end
end
exchange("alert without a request", core, spoilt(replace(core.raw, at.hop_at(2), "\1")));
exchange("alert without a request in the first AS", core, spoilt(replace(core.raw, at.hop_at(0), "\2")));
assert(os.execute(cut), "the link could not be cut");
exchange("link down", core, build(core));
exchange("other link up", other_uplink, build(other_uplink));
