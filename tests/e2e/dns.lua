-- SPDX-License-Identifier: MIT
-- dns: a small name server inside the test, which counts what it is asked. Knows A, SRV and TXT records from a table.
local socket = require "socket";
local loop = require "e2e.loop";

local dns = {};
dns.__index = dns;

local TYPE = { A = 1, TXT = 16, SRV = 33 };
local NOERROR, NXDOMAIN = 0, 3;

local function name_bytes(name)
	local out = {};
	for label in name:gmatch("[^.]+") do
		out[#out + 1] = string.pack("s1", label);
	end
	return table.concat(out) .. "\0";
end

local function read_name(packet, at)
	local labels = {};
	while true do
		local length = packet:byte(at);
		if not length or length > 63 then
			return nil;
		elseif length == 0 then
			return table.concat(labels, ".", 1):lower(), at + 1;
		end
		labels[#labels + 1] = packet:sub(at + 1, at + length);
		at = at + 1 + length;
	end
end

local encode = {};

function encode.A(record)
	return string.char(record:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$"));
end

function encode.SRV(record)
	return string.pack(">I2I2I2", 0, 0, record.port) .. name_bytes(record.target);
end

function encode.TXT(record)
	return string.pack("s1", record);
end

local function answers_to(records, name, qtype)
	local known = records[name];
	if not known then
		return {}, NXDOMAIN;
	end
	for type_name, number in pairs(TYPE) do
		if number == qtype and known[type_name] then
			return { encode[type_name](known[type_name]) }, NOERROR;
		end
	end
	return {}, NOERROR;
end

local function respond(self, packet)
	if #packet < 17 then
		return nil;
	end
	local id = string.unpack(">I2", packet);
	local name, after = read_name(packet, 13);
	if not name or #packet < after + 3 then
		return nil;
	end
	local qtype = string.unpack(">I2", packet, after);
	self.queries[#self.queries + 1] = { name = name, type = qtype };
	local answers, rcode = answers_to(self.records, name, qtype);
	local out = { string.pack(">I2I2I2I2I2I2", id, 0x8580 | rcode, 1, #answers, 0, 0), packet:sub(13, after + 3) };
	for _, data in ipairs(answers) do
		out[#out + 1] = string.pack(">I2I2I2I4s2", 0xc00c, qtype, 1, 1, data);
	end
	return table.concat(out);
end

-- Answers on a free port of 127.0.0.1 while the loop runs.
-- `records`: name -> { A = "127.0.0.1", SRV = { target, port }, TXT = "text" }.
function dns.start(records)
	local udp = assert(socket.udp());
	assert(udp:setsockname("127.0.0.1", 0));
	udp:settimeout(0);
	local _, port = udp:getsockname();
	local self = setmetatable({ udp = udp, port = tonumber(port), records = records, queries = {} }, dns);
	loop.watch(udp, { readable = function ()
		local packet, from, from_port = udp:receivefrom();
		local answer = packet and respond(self, packet);
		if answer then
			udp:sendto(answer, from, from_port);
		end
	end });
	return self;
end

-- How often a name at or below `domain` was asked for.
function dns:asked(domain)
	local count = 0;
	for _, query in ipairs(self.queries) do
		if query.name == domain or query.name:sub(-#domain - 1) == "." .. domain then
			count = count + 1;
		end
	end
	return count;
end

function dns:stop()
	loop.unwatch(self.udp);
	self.udp:close();
end

return dns;
