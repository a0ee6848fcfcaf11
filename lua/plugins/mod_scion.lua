-- SPDX-License-Identifier: MIT
-- mod_scion: runs the SCION and QUIC transport inside this Prosody. It reads the global `scion` table, opens the core
-- once the server runs, and shows our certificates to it; mod_s2s_scion and others use what runs (sx.runtime).

module:set_global();

local sx = module:require "sx";
local runtime = require "sx.runtime";
local options = require "sx.options";
local drivers = require "sx.driver";
local names = require "sx.names";
local new_backoff = require "sx.backoff".new;
local new_turns = require "sx.turns";
local check = require "sx.check";
local sxctl = require "sx.sxctl";
local pem = require "sx.luasec".pem;

local server = require "net.server";
local timer = require "util.timer";
local time_now = require "util.time".now;
local new_id = require "util.id".short;
local logger = require "util.logger";
local nameprep = require "util.encodings".stringprep.nameprep;
local idna_to_ascii = require "util.encodings".idna.to_ascii;
local base64 = require "util.encodings".base64.encode;
local random_bytes = require "util.random".bytes;
local umask = require "util.pposix".umask;
local certmanager = require "core.certmanager";
local configmanager = require "core.configmanager";
local loadcertificate = require "ssl".loadcertificate;

local unpack = table.unpack or unpack; -- luacheck: ignore 113

local SHUTDOWN_MS = 2000;
-- How often we look at what RAINS says of our own hosts, and how long that must hold at the least: answers hold for
-- three hours at most, whatever the signatures say.
local OWN_NAMES_FIRST, OWN_NAMES_EVERY, OWN_NAMES_LEAST = 5, 3600, 10000;
local SECRET_BYTES = 24; -- 32 characters in base64
-- The labels of XEP-0467 for servers; clients come with a later module.
local ALPN = "xmpp-server";

local log = module._log;

local function read_options()
	local core = runtime.core;
	return options.read(module:get_option("scion"), {
		prep = nameprep;
		normalise = function (text)
			if core then
				return (core.address_normal(text));
			end
			return text:match("^%d+%-[%x:]+,%S+$");
		end;
	});
end

--- `told` goes into bounced stanzas, `detail` only into the log.
local function down(told, detail)
	runtime.down = told;
	module:log_status("error", "%s", detail or told);
end

local function read_file(name)
	local file, err = io.open(name, "rb");
	if not file then
		return nil, err;
	end
	local content = file:read("*a");
	file:close();
	return content or nil, "cannot be read";
end

local raw_option = configmanager.rawget;

--- The TLS settings that mod_tls would use for server streams of a host, so that TCP and QUIC agree.
local function tls_settings(host)
	local parent = host:match("%.(.*)$");
	local _, err, settings = certmanager.create_context(host, "server",
		raw_option(host, "s2s_ssl") or raw_option(parent, "s2s_ssl") or {},
		raw_option(host, "ssl") or raw_option(parent, "ssl") or {},
		raw_option("*", "s2s_ssl") or {},
		{ verify = { "peer", "client_once" } });
	return settings or certmanager.find_host_cert(host) or {}, err;
end

local function text_or_nil(value)
	return type(value) == "string" and value or nil;
end

--- Shows the host's certificate to the core. Without one the host keeps its stock transports.
local function show_identity(host)
	local settings, err = tls_settings(host);
	if not text_or_nil(settings.certificate) or not text_or_nil(settings.key) then
		log("warn", "No SCION for %s: no certificate found for it%s", host, err and (" ("..err..")") or "");
		return;
	end
	local ok, problem = runtime.driver.context:domain_set {
		name = idna_to_ascii(host) or host;
		certificate = settings.certificate;
		key = settings.key;
		password = text_or_nil(settings.password);
		cafile = text_or_nil(settings.cafile);
		capath = text_or_nil(settings.capath);
	};
	if not ok then
		log("error", "No SCION for %s: %s", host, problem);
	end
end

local function show_identities()
	for host, session in pairs(prosody.hosts) do
		if runtime.driver and session.modules and session.modules.s2s then
			show_identity(host);
		end
	end
end

local function dialled(target, reason)
	if reason then
		log("info", "SCION stream %s -> %s at %s port %d failed: %s", target.local_name, target.remote_name,
			target.address, target.port, reason);
		runtime.backoff:failed(target.domain, reason);
	end
end

-- Nothing in here may belong to this instance of the module: the driver outlives reloads.
local function driver_env()
	local transport_log = logger.init("scion");
	return {
		watch = function (fd, onreadable) return drivers.watch(server, fd, onreadable); end;
		later = new_turns(function (run) timer.add_task(0, run); end, function (err) transport_log("error", "%s", err); end);
		timer = {
			start = function (delay, f) return timer.add_task(delay, f); end;
			stop = timer.stop;
		};
		now = time_now;
		new_id = new_id;
		logger = function (id) return logger.init("scion"..id); end;
		log = transport_log;
		traceback = debug.traceback;
		certificate = function (der) return loadcertificate(pem(der, base64)); end;
		read_timeout = function ()
			local settings = configmanager.get("*", "network_settings") or {};
			return settings.read_timeout or 840;
		end;
		service = function (alpn)
			local find = runtime.config.ok and runtime.services[alpn];
			return find and find();
		end;
		dialled = function (target, reason) runtime.dialled(target, reason); end;
	};
end

--- Written so that nobody else can read it. True, or nil and why not.
local function write_private(name, content)
	local mask = umask("077");
	local file, err = io.open(name, "wb");
	umask(mask);
	if not file then
		return nil, err;
	end
	local ok, problem = file:write(content);
	file:close();
	return ok, problem;
end

--- Peers know our stateless resets by it: it is kept, so that they dial anew at once after a crash.
local function kept_secret()
	local name = prosody.paths.data.."/scion.secret";
	local secret = read_file(name);
	if secret and #secret == #base64(("x"):rep(SECRET_BYTES)) then
		return secret;
	end
	secret = base64(random_bytes(SECRET_BYTES));
	local ok, err = write_private(name, secret);
	if not ok then
		log("warn", "%s; after a crash of this server its peers will take longer to reach it again", err);
	end
	return secret;
end

local function open_transport(config)
	local opened = { address = config.address, port = config.port, paths = config.paths };
	local context, text = runtime.core.open {
		address = config.address, port = config.port, paths = config.paths, alpn = ALPN, secret = kept_secret();
	};
	if not context then
		return down("the SCION transport could not start", "SCION transport cannot start: "..text);
	end
	runtime.driver = drivers.new(context, driver_env(), opened);
	runtime.opened = opened;
	runtime.down = nil;
	module:set_status("core", "SCION transport runs at "..config.address, true);
	log("info", "SCION transport runs at %s, UDP port %d", config.address, config.port);
end

local function are_equal(a, b)
	for key, value in pairs(a) do
		if b[key] ~= value then
			return false;
		end
	end
	for key in pairs(b) do
		if a[key] == nil then
			return false;
		end
	end
	return true;
end

--- Tells the core where names come from, unless it knows: what it has found out would be forgotten.
local function configure_names(config)
	local settings = names.settings(config, idna_to_ascii);
	if runtime.names_settings and are_equal(settings, runtime.names_settings) then
		return;
	end
	local ok, text = runtime.driver.context:names_set(settings);
	runtime.names_settings = ok and settings or nil;
	if not ok then
		config.ok = false;
		down(("SCION is off: option scion.names.%s"):format(text));
	end
end

--- What may change while the transport runs.
local function configure_transport(config)
	configure_names(config);
	runtime.names = names.new(config, {
		resolve = function (...) return runtime.driver:resolve(...); end;
		to_ascii = idna_to_ascii;
	});
	show_identities();
end

--- Operators hear before RAINS' word about a host of theirs ends: nobody could find it any more, or prove it.
local function check_own_name(host)
	runtime.driver:resolve(idna_to_ascii(host) or host, { certificates = true, fresh = true }, function (found)
		local left = found and found:text("source") == "rains" and tonumber(found:text("seconds"));
		if left and left < OWN_NAMES_LEAST then
			log("warn", "RAINS' word about %s ends in %d minutes: sign its zone again (sxctl zone)", host,
				math.floor(left / 60));
		end
	end);
end

local function check_own_names()
	for host, session in pairs(prosody.hosts) do
		if runtime.driver and session.modules and session.modules.s2s and #runtime.config.names.rains.servers > 0 then
			check_own_name(host);
		end
	end
	return OWN_NAMES_EVERY;
end

--- Settings of the socket take effect with the next start of Prosody: live streams stay.
local function compare_opened(config)
	for _, name in ipairs { "address", "port", "paths" } do
		if runtime.opened[name] ~= config[name] then
			log("warn", "option scion.%s: now %s, but %s stays in use until Prosody is restarted", name,
				tostring(config[name]), tostring(runtime.opened[name]));
		end
	end
end

local function is_serving()
	return prosody.process_type == "prosody" and prosody.start_time ~= nil;
end

local function start()
	local config = runtime.config;
	if not config.ok or not runtime.core then
		return;
	end
	if runtime.driver then
		compare_opened(config);
	elseif is_serving() then
		open_transport(config);
	end
	if runtime.driver then
		configure_transport(config);
	end
end

local function configure()
	local core, why = sx.core();
	runtime.core = core;
	runtime.config = read_options();
	runtime.backoff = runtime.backoff or new_backoff(time_now);
	runtime.dialled = dialled;
	runtime.down = nil;
	local errors = runtime.config.errors;
	for i = 2, #errors do
		log("error", "%s", errors[i].text);
	end
	if not runtime.config.ok then
		down("SCION is off: "..errors[1].text);
	elseif not core then
		down("SCION is off: its core cannot be loaded", "SCION is off: "..why);
	end
end

local function stop(reason)
	if runtime.driver then
		runtime.driver:close(SHUTDOWN_MS, reason);
		runtime.driver, runtime.names_settings = nil, nil;
	end
end

local gauges = { connections = true, streams = true, half_open = true, paths = true, names_cached = true,
	names_bytes = true };
local metrics, last_values = {}, {};

local function metric_of(name)
	if not metrics[name] then
		local kind = gauges[name] and "gauge" or "counter";
		metrics[name] = module:metric(kind, name, "", "SCION transport: "..name:gsub("_", " "));
	end
	return metrics[name]:with_labels();
end

--- Counters of the core go to Prosody's statistics in steps, gauges as they are.
local function update_metrics()
	if not runtime.driver then
		return;
	end
	for name, value in pairs(runtime.driver.context:counters()) do
		if gauges[name] then
			metric_of(name):set(value);
		else
			metric_of(name):add(value - (last_values[name] or 0));
			last_values[name] = value;
		end
	end
end

module:hook("stats-update", update_metrics);

module:hook("config-reloaded", function ()
	runtime.backoff:clear();
	configure();
	start();
end, -10); -- after certmanager has found its certificates again

module:hook("host-activated", function (host)
	if runtime.driver and prosody.hosts[host] and prosody.hosts[host].modules.s2s then
		show_identity(host);
	end
end, -10); -- after its modules were loaded

module:hook("host-deactivated", function (host)
	if runtime.driver then
		runtime.driver.context:domain_remove(idna_to_ascii(host) or host);
	end
end);

-- After the daemon has forked, which 0.12 does in this very event.
module:hook("server-started", start, -10);

-- After mod_c2s and mod_s2s have closed their sessions over us.
module:hook("server-stopping", function ()
	if runtime.driver then
		runtime.driver:stop_accepting();
	end
end, -250);

-- The loop may not turn again: what is queued is sent here.
module:hook("server-stopped", function ()
	stop(nil);
end);

function module.load()
	if prosody.process_type == "prosody" then
		configure();
		start();
		module:add_timer(OWN_NAMES_FIRST, check_own_names);
	end
end

function module.save()
	return { last_values = last_values };
end

function module.restore(state)
	last_values = state.last_values or last_values;
end

function module.unload()
	if not module.reloading then
		stop("the SCION transport was unloaded");
		runtime.names, runtime.config, runtime.down = nil, nil, "mod_scion is not loaded";
	end
end

local function configured_hosts()
	local list = {};
	for host in pairs(configmanager.getconfig()) do
		if host ~= "*" then
			list[#list + 1] = host;
		end
	end
	table.sort(list);
	return list;
end

local commands = {};

--- prosodyctl mod_scion check
function commands.check()
	local core, why = sx.core();
	runtime.core = core;
	return check.run {
		config = read_options();
		core = core;
		core_missing = why;
		hosts = configured_hosts();
		certificate_of = certmanager.find_host_cert;
		enabled = function (host, name)
			return module:context(host):get_option_inherited_set("modules_enabled", {}):contains(name);
		end;
		read = read_file;
		decode = require "util.json".decode;
		now = os.time();
		print = print;
	} == 0 and 0 or 1;
end

--- prosodyctl mod_scion resolve NAME [--trace] [--json] [--type certificates]: as this server would, with its options.
function commands.resolve(arguments)
	runtime.core = sx.core();
	local config = read_options();
	if not config.ok then
		print(config.errors[1].text);
		return 1;
	end
	local domain = nameprep(arguments[1] or "") or "";
	local words = sxctl.words(sx.program("sxctl"), names.settings(config, idna_to_ascii), {
		address = config.address;
		paths = config.paths;
		scion_only = options.policy_of(config, domain) == "require";
	}, arguments);
	local ok, _, code = os.execute(sxctl.line(words));
	return (ok == true or ok == 0) and 0 or code or 1;
end

function module.command(arg)
	local run = commands[arg[1]];
	if not run then
		print("Usage: prosodyctl mod_scion check");
		print("       prosodyctl mod_scion resolve NAME [--type addresses|certificates] [--trace] [--json]");
		return 2;
	end
	return run({ select(2, unpack(arg)) });
end
