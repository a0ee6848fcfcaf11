-- SPDX-License-Identifier: MIT
-- luasec: what Prosody asks of TLS, answered from a QUIC stream: the `ssl_*` methods of 13.0 and, for 0.12, a socket
-- object shaped like LuaSec's. Certificates are LuaSec's own objects, so that all checks stay Prosody's.

local EXPORTER_MOST = 255;

local socket_methods = {};
local socket_mt = { __index = socket_methods };

local function tls_info(conn)
	if not conn.tls then
		conn.tls = {
			protocol = "TLSv1.3";
			cipher = conn.core:text(conn.handle, "cipher") or "unknown";
			compression = false;
		};
	end
	return conn.tls;
end

--- The peer's certificate at `depth` (0: its own) or nil. Kept: sessions and the shell ask again after the close.
local function certificate(conn, depth)
	conn.certificates = conn.certificates or {};
	if conn.certificates[depth] == nil then
		local der = conn.core:certificate(conn.handle, depth);
		conn.certificates[depth] = der and conn.env.certificate(der) or false;
	end
	return conn.certificates[depth] or nil;
end

--- True, or false and the errors by depth, in OpenSSL's words.
local function verification(conn)
	if conn.verdict == nil then
		conn.verdict = conn.core:text(conn.handle, "verify") or "certificate could not be read";
	end
	if conn.verdict == "" and certificate(conn, 0) then
		return true;
	end
	return false, { { conn.verdict == "" and "no certificate" or conn.verdict } };
end

local function export(conn, label, len, context)
	-- TLS 1.3 makes no difference between an empty context and none (RFC 8446, 7.5); others the core does not do.
	if context and context ~= "" or len < 1 or len > EXPORTER_MOST then
		return nil, "unsupported";
	end
	return conn.core:export(conn.handle, label, len);
end

function socket_methods:info(key)
	local info = tls_info(self.conn);
	if key then
		return info[key];
	end
	return info;
end

--- LuaSec counts from 1.
function socket_methods:getpeercertificate(number)
	return certificate(self.conn, (number or 1) - 1);
end

function socket_methods:getpeerverification()
	return verification(self.conn);
end

function socket_methods:getpeerchain()
	local chain = {};
	repeat
		local cert = certificate(self.conn, #chain);
		chain[#chain + 1] = cert;
	until not cert;
	return chain;
end

function socket_methods:getsniname()
	local conn = self.conn;
	local name = conn.core:text(conn.handle, conn.dialled and "remote_name" or "local_name");
	return name;
end

function socket_methods:getalpn()
	local alpn = self.conn.core:text(self.conn.handle, "alpn");
	return alpn;
end

-- tls-unique does not exist in TLS 1.3.
function socket_methods.getpeerfinished()
	return nil;
end

function socket_methods.getlocalcertificate()
	return nil;
end

function socket_methods:exportkeyingmaterial(label, len, context)
	return export(self.conn, label, len, context);
end

local function family(ip)
	return ip:find(":", 1, true) and "inet6" or "inet";
end

function socket_methods:getpeername()
	local ip = self.conn:ip();
	return ip, self.conn:port(), family(ip);
end

function socket_methods:getsockname()
	local listening = self.conn:server();
	local ip = listening:ip();
	return ip, listening:serverport(), family(ip);
end

local methods = {};

function methods:socket()
	if not self.shim then
		self.shim = setmetatable({ conn = self }, socket_mt);
	end
	return self.shim;
end

function methods.ssl()
	return true;
end

function methods.sslctx()
	return nil;
end

function methods:ssl_info()
	return tls_info(self);
end

function methods:ssl_peercertificate()
	return certificate(self, 0);
end

function methods:ssl_peerverification()
	return verification(self);
end

function methods.ssl_peerfinished()
	return nil;
end

function methods:ssl_exportkeyingmaterial(label, len, context)
	return export(self, label, len, context);
end

--- Adds the methods to a connection class, whose objects have core, handle, env and dialled.
local function extend(class)
	for name, method in pairs(methods) do
		class[name] = method;
	end
end

--- A certificate as LuaSec loads it. (util.x509.der2pem of 0.12 raises on Lua 5.4.)
---@param der string
---@param base64 fun(bytes: string): string
local function pem(der, base64)
	local lines = { "-----BEGIN CERTIFICATE-----" };
	local body = base64(der):gsub("%s", "");
	for from = 1, #body, 64 do
		lines[#lines + 1] = body:sub(from, from + 63);
	end
	lines[#lines + 1] = "-----END CERTIFICATE-----\n";
	return table.concat(lines, "\n");
end

return { extend = extend, pem = pem };
