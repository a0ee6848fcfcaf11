-- SPDX-License-Identifier: MIT
--- craft: SCION packets byte by byte, good and bad, without the codec under test, so that both are not wrong together.
local craft = {};

craft.UDP, craft.SCMP = 17, 202;
craft.PATH_EMPTY, craft.PATH_SCION = 0, 1;

--- "1-ff00:0:113" as 8 bytes.
function craft.ia(text)
	local isd, a, b, c = text:match("^(%d+)%-(%x+):(%x+):(%x+)$");
	return (">I2I2I2I2"):pack(isd, tonumber(a, 16), tonumber(b, 16), tonumber(c, 16));
end

--- "127.0.0.1" as 4 bytes.
function craft.ip(text)
	local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$");
	return string.char(a, b, c, d);
end

function craft.hex(bytes)
	return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()); end));
end

function craft.unhex(text)
	return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)); end));
end

-- RFC 1071 over the pseudo header of SCION and the upper layer.
local function checksum(p, payload)
	local bytes = p.dst_ia .. p.src_ia .. p.dst_host .. p.src_host .. (">I4I4"):pack(#payload, p.protocol) .. payload;
	if #bytes % 2 == 1 then
		bytes = bytes .. "\0";
	end
	local sum = 0;
	for at = 1, #bytes, 2 do
		sum = sum + (">I2"):unpack(bytes, at);
	end
	while sum > 0xffff do
		sum = (sum >> 16) + (sum & 0xffff);
	end
	return ~sum & 0xffff;
end

-- The payload with its checksum in place.
local function payload_of(p)
	if p.protocol == craft.SCMP then
		return p.payload:sub(1, 2) .. (">I2"):pack(checksum(p, p.payload)) .. p.payload:sub(5);
	elseif p.udp then
		local payload = (">I2I2I2I2"):pack(p.udp.from, p.udp.to, 8 + #p.udp.data, 0) .. p.udp.data;
		return payload:sub(1, 6) .. (">I2"):pack(checksum(p, payload)) .. payload:sub(9);
	end
	return p.payload;
end

--- A packet. Fields, in bytes: dst_ia, src_ia, dst_host, src_host, raw (the path); numbers: version, types (of the
--- hosts), path_type, protocol, extra_len (by how much the length lies); `udp` = { from, to, data }, or `payload`.
function craft.packet(p)
	local payload = payload_of(p);
	local addresses = p.dst_ia .. p.src_ia .. p.dst_host .. p.src_host;
	local header_len = 12 + #addresses + #p.raw;
	return (">I4BBI2BBI2"):pack((p.version or 0) << 28 | 1, p.protocol, header_len // 4, #payload + (p.extra_len or 0),
		p.path_type or craft.PATH_SCION, p.types or 0, 0) .. addresses .. p.raw .. payload;
end

return craft;
