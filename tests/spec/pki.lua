-- SPDX-License-Identifier: MIT
-- pki: a folder for one spec, with a CA and certificates made by openssl.

local pki = {};
local pki_mt = { __index = pki };

function pki.run(_, format, ...)
	local command = format:format(...);
	local ok = os.execute(command.." >/dev/null 2>&1");
	assert(ok == true or ok == 0, command);
end

function pki:write(name, content)
	local file = assert(io.open(self.folder.."/"..name, "wb"));
	file:write(content);
	file:close();
end

--- DOMAIN.crt and DOMAIN.key, signed by our CA.
function pki:certify(domain)
	local stem = self.folder.."/"..domain;
	self:write(domain..".ext", "subjectAltName=DNS:"..domain.."\nbasicConstraints=CA:FALSE\n");
	self:run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr -subj /CN=%s",
		stem, stem, domain);
	self:run("openssl x509 -req -in %s.csr -CA %s/ca.crt -CAkey %s/ca.key -CAcreateserial -days 2 -extfile %s.ext"
		.." -out %s.crt", stem, self.folder, self.folder, stem, stem);
end

--- STEM.crt and STEM.key for a name, signed by itself.
function pki:self_sign(stem, name)
	self:run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout %s/%s.key"
		.." -out %s/%s.crt -subj /CN=%s", self.folder, stem, self.folder, stem, name);
end

function pki:remove()
	self:run("rm -r %s", self.folder);
end

local function new()
	local self = setmetatable({ folder = os.tmpname() }, pki_mt);
	os.remove(self.folder);
	self:run("mkdir -p %s", self.folder);
	self:self_sign("ca", "ca");
	return self;
end

return { new = new };
