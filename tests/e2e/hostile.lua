-- SPDX-License-Identifier: MIT
-- hostile: a host in a server's AS that throws at it whatever the network can bring: from noise to packets that are
-- right up to what QUIC makes of them.
local socket = require "socket";
local process = require "e2e.process";
local craft = require "sandbox.craft";

local hostile = {};

local PORT = 31467;
local SOURCE_PORT = 31999;
local VERSION = "\0\0\0\1";

local function noise(length)
	local bytes = {};
	for i = 1, length do
		bytes[i] = string.char(math.random(0, 255));
	end
	return table.concat(bytes);
end

-- A socket at `host`, from which `hostile.throw` sends.
function hostile.socket(host)
	local udp = assert(socket.udp());
	assert(udp:setsockname(host, SOURCE_PORT));
	return udp;
end

-- A UDP/SCION packet between two addresses "1-ff00:0:113,127.3.4.20"; `raw` is a path, "" inside an AS.
function hostile.packet(from, to, raw, data)
	local from_ia, from_host = from:match("^(.*),(.*)$");
	local to_ia, to_host = to:match("^(.*),(.*)$");
	return craft.packet({
		dst_ia = craft.ia(to_ia), src_ia = craft.ia(from_ia), dst_host = craft.ip(to_host), src_host = craft.ip(from_host),
		raw = raw, path_type = raw == "" and craft.PATH_EMPTY or craft.PATH_SCION, protocol = craft.UDP,
		udp = { from = PORT, to = PORT, data = data },
	});
end

-- What looks like QUIC to someone who only looks at its head.
local function like_quic()
	return {
		"", "\0", "\64", "\192", -- nothing; short header; long header
		"\64" .. noise(40), -- a short header for a connection that is none
		"\192" .. VERSION .. "\8" .. noise(8) .. "\0\0" .. noise(1180), -- an Initial with garbage
		"\192" .. VERSION .. "\20" .. noise(20) .. "\20" .. noise(20) .. "\0\68\208" .. noise(1200),
		"\192" .. VERSION .. "\255" .. noise(1195), -- connection IDs that are too long
		"\192\250\250\250\250\8" .. noise(8) .. "\8" .. noise(8) .. noise(1200), -- a version that is none
		"\192\0\0\0\0\8" .. noise(1195), -- version negotiation
		"\208" .. VERSION .. "\8" .. noise(1195), -- 0-RTT
		"\240" .. VERSION .. "\8" .. noise(1195), -- Retry
	};
end

-- Datagrams for the server's own port, as (name, bytes) rows: noise, broken SCION, SCION with broken QUIC.
-- `from` and `to`: SCION addresses in the same AS.
function hostile.datagrams(from, to)
	local rows = { { "0 bytes", "" }, { "65,507 bytes", noise(65507) }, { "zeros", ("\0"):rep(1200) } };
	for length = 1, 1200, 97 do
		rows[#rows + 1] = { ("%d bytes of noise"):format(length), noise(length) };
	end
	for number, data in ipairs(like_quic()) do
		rows[#rows + 1] = { "like QUIC, number " .. number, hostile.packet(from, to, "", data) };
	end
	local whole = hostile.packet(from, to, "", like_quic()[6]);
	for length = 1, 60 do
		rows[#rows + 1] = { ("SCION cut at %d"):format(length), whole:sub(1, length) };
	end
	for at = 1, 44 do
		rows[#rows + 1] = { ("SCION with byte %d turned"):format(at),
			whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 255) .. whole:sub(at + 1) };
	end
	return rows;
end

-- Initials as a client would begin with, each for a connection of its own; what they hold is garbage.
function hostile.initials(from, to, count)
	local rest = "\8" .. noise(8) .. "\0\68\150" .. noise(1174);
	local packets = {};
	for i = 1, count do
		packets[i] = hostile.packet(from, to, "", "\192" .. VERSION .. "\8" .. noise(8) .. rest);
	end
	return packets;
end

-- The first path of a path file that leads to an AS: its bytes, and the router it begins at: host, port.
function hostile.path(file, destination)
	for block in process.read_file(file):gmatch('"destination": .-"interfaces"') do
		if block:find('"destination": "' .. destination .. '"', 1, true) then
			local host, port = block:match('"next_hop": "(.*):(%d+)"');
			return craft.unhex(block:match('"raw": "(%x+)"')), host, tonumber(port);
		end
	end
	error("no path to " .. destination);
end

hostile.like_quic = like_quic;
hostile.PORT = PORT;

return hostile;
