-- SPDX-License-Identifier: MIT
-- check: what `prosodyctl mod_scion check` says: each thing the transport needs, with what to do when it is missing.

local checks = {};

function checks.options(env)
	local lines = {};
	for i, wrong in ipairs(env.config.errors) do
		lines[i] = wrong.text;
	end
	return lines, "options are valid";
end

function checks.core(env)
	if not env.core then
		return { env.core_missing };
	end
	return {}, "core "..env.core.version.." found";
end

local function isd_as_of(address)
	return address and address:match("^[^,]+");
end

local function live_paths(document, now)
	local live = 0;
	for _, path in ipairs(document.paths) do
		local expiry = type(path) == "table" and tonumber(path.expiry);
		if expiry and expiry > now then
			live = live + 1;
		end
	end
	return live;
end

--- The path file must be there, be JSON and be about our AS. Its entries are the core's to judge.
function checks.paths(env)
	local name = env.config.paths and env.config.paths:match("^file:(.+)$");
	if not name then
		return { "option scion.paths: no path file to look at" };
	end
	local content, err = env.read(name);
	if not content then
		return { ("path file %s cannot be read: %s"):format(name, err) };
	end
	local document = env.decode(content);
	if type(document) ~= "table" or type(document.paths) ~= "table" then
		return { ("path file %s is not a JSON object with \"paths\""):format(name) };
	end
	local ours = isd_as_of(env.config.address);
	if ours and document.isd_as ~= ours then
		return { ("path file %s is for AS %s, but option scion.address is in %s"):format(name,
			tostring(document.isd_as), ours) };
	end
	return {}, ("path file %s: %d paths, %d not expired"):format(name, #document.paths, live_paths(document, env.now));
end

function checks.certificates(env)
	local lines, found = {}, 0;
	for _, host in ipairs(env.hosts) do
		if env.certificate_of(host) then
			found = found + 1;
		else
			lines[#lines + 1] = ("host %s has no certificate: no SCION for it (see prosodyctl cert import)"):format(host);
		end
	end
	return lines, ("certificates found for %d hosts"):format(found);
end

function checks.modules(env)
	local lines = {};
	if not env.enabled("*", "s2s_scion") then
		lines[#lines + 1] = "s2s_scion is not in the global modules_enabled: no server streams over SCION";
	end
	for _, host in ipairs(env.hosts) do
		if not env.enabled(host, "s2s_bidi") then
			lines[#lines + 1] = ("s2s_bidi is not enabled for %s: each direction needs a stream of its own"):format(host);
		end
	end
	return lines, "modules are enabled";
end

local order = { "core", "options", "paths", "certificates", "modules" };

--- Prints one line for each thing checked, or one for each problem. Returns the number of problems.
---@param env table config, core, core_missing, hosts, certificate_of, enabled, read, decode, now, print
local function run(env)
	local count = 0;
	for _, name in ipairs(order) do
		local problems, fine = checks[name](env);
		for _, problem in ipairs(problems) do
			env.print("PROBLEM  "..problem);
		end
		if #problems == 0 then
			env.print("ok       "..fine);
		end
		count = count + #problems;
	end
	return count;
end

return { run = run };
