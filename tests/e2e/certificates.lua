-- SPDX-License-Identifier: MIT
-- certificates: a certificate authority of the test's own, and server certificates good and bad, made with certtool.
local process = require "e2e.process";

local certificates = {};
certificates.__index = certificates;

local YEAR = 365 * 24 * 3600;

local function certtool(arguments)
	local command = { "certtool" };
	for _, argument in ipairs(arguments) do
		command[#command + 1] = argument;
	end
	local output, ok = process.run(command);
	assert(ok, "certtool: " .. output);
end

local function date(offset)
	return os.date("!%Y-%m-%d %H:%M:%S UTC", os.time() + offset);
end

local function new_key(path)
	certtool({ "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", path });
end

-- An authority in `folder`: NAME.crt and NAME.key.
function certificates.authority(folder, name)
	local base = ("%s/%s"):format(folder, name);
	process.write_file(base .. ".tmpl", table.concat({
		("cn = \"%s\""):format(name), "ca", "cert_signing_key",
		("activation_date = \"%s\""):format(date(-2 * YEAR)), ("expiration_date = \"%s\""):format(date(2 * YEAR)), "",
	}, "\n"));
	new_key(base .. ".key");
	certtool({ "--generate-self-signed", "--load-privkey", base .. ".key", "--template", base .. ".tmpl",
		"--outfile", base .. ".crt" });
	return setmetatable({ folder = folder, base = base, certificate = base .. ".crt" }, certificates);
end

-- A server certificate: BASE.crt and BASE.key. Options: names (list; they go into the certificate), expired.
function certificates:server(base, options)
	local lines = { ("cn = \"%s\""):format(options.names[1]), "tls_www_server", "tls_www_client", "signing_key" };
	for _, name in ipairs(options.names) do
		lines[#lines + 1] = ("dns_name = \"%s\""):format(name);
	end
	lines[#lines + 1] = ("activation_date = \"%s\""):format(date(-YEAR));
	lines[#lines + 1] = ("expiration_date = \"%s\""):format(date(options.expired and -24 * 3600 or YEAR));
	process.write_file(base .. ".tmpl", table.concat(lines, "\n") .. "\n");
	new_key(base .. ".key");
	certtool({ "--generate-certificate", "--load-privkey", base .. ".key", "--template", base .. ".tmpl",
		"--load-ca-certificate", self.base .. ".crt", "--load-ca-privkey", self.base .. ".key",
		"--outfile", base .. ".crt" });
end

return certificates;
