-- SPDX-License-Identifier: MIT
-- prosody: a stock Prosody server as a child process, its configuration, and what its log says.
local socket = require "socket";
local loop = require "e2e.loop";
local process = require "e2e.process";
local xml = require "e2e.xml";

local prosody = {};
prosody.__index = prosody;

local PROGRAM = os.getenv("PROSODY") or "/usr/bin/prosody";
local CONTROL = PROGRAM:gsub("prosody$", "prosodyctl");
local PRELOAD = os.getenv("SX_PRELOAD") or ""; -- for sanitizers
local START_SECONDS = 20;
local FIRST_PORT, LAST_PORT = 10000, 31000;
local CONTROL_SECONDS = "30"; -- the shell of 0.12 hangs where the network backend is libevent

local next_port = math.random(FIRST_PORT, LAST_PORT);

-- A Lua value as configuration text, keys in order.
local function literal(value)
	if type(value) ~= "table" then
		return type(value) == "string" and ("%q"):format(value):gsub("\n", "n") or tostring(value);
	end
	local keys = {};
	for key in pairs(value) do
		keys[#keys + 1] = key;
	end
	table.sort(keys, function (x, y) return tostring(x) < tostring(y); end);
	local out = {};
	for _, key in ipairs(keys) do
		out[#out + 1] = ("[%s] = %s;"):format(literal(key), literal(value[key]));
	end
	return ("{ %s }"):format(table.concat(out, " "));
end

local function section(lines, options)
	local keys = {};
	for key in pairs(options) do
		keys[#keys + 1] = key;
	end
	table.sort(keys);
	for _, key in ipairs(keys) do
		lines[#lines + 1] = ("%s = %s;"):format(key, literal(options[key]));
	end
end

-- TCP ports of 127.0.0.1 that nobody uses now. They lie below those that the kernel gives to connections, and none
-- comes twice: a server binds its ports long after it was given them.
function prosody.free_ports(count)
	local ports, why = {}, nil;
	for _ = FIRST_PORT, LAST_PORT do
		if #ports == count then
			return table.unpack(ports);
		end
		next_port = next_port < LAST_PORT and next_port + 1 or FIRST_PORT;
		local sock, err = socket.bind("127.0.0.1", next_port);
		if sock then
			sock:close();
			ports[#ports + 1] = next_port;
		end
		why = err or why;
	end
	error(("no %d TCP ports are free on 127.0.0.1: %s"):format(count, why or "too many are wanted"));
end

local function is_root()
	return process.run({ "id", "-u" }) == "0\n";
end

local function default_options(self)
	local folder = self.folder;
	return {
		run_as_root = is_root(),
		data_path = folder .. "/data", pidfile = folder .. "/prosody.lock", admin_socket = folder .. "/admin.sock",
		log = { debug = self.log_file },
		interfaces = { "127.0.0.1" }, local_interfaces = { "127.0.0.1" },
		c2s_ports = { self.c2s_port }, s2s_ports = { self.s2s_port },
		c2s_direct_tls_ports = {}, s2s_direct_tls_ports = {},
		modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "s2s_bidi", "admin_shell" },
		authentication = "insecure", insecure_open_authentication = "Yes please, I know what I'm doing!",
		storage = "internal", c2s_require_encryption = false, allow_unencrypted_plain_auth = true,
		s2s_secure_auth = true, s2s_require_encryption = true,
	};
end

-- Describes a server that lives in `folder`. `description`: domain; options (global ones, over our defaults); hosts
-- (more of them, as { "Component \"rooms.example.org\" \"muc\"", { options } }); c2s_port and s2s_port (free ones when
-- missing); inside: words before each command, to run another release in its own root.
function prosody.new(folder, description)
	local self = setmetatable({ folder = folder, domain = description.domain, log_read = 0 }, prosody);
	self.hosts = description.hosts or {};
	local free_c2s, free_s2s = prosody.free_ports(2);
	self.c2s_port = description.c2s_port or free_c2s;
	self.s2s_port = description.s2s_port or free_s2s;
	self.config_file = folder .. "/prosody.cfg.lua";
	self.log_file = folder .. "/prosody.log";
	self.inside = description.inside or {};
	self.options = default_options(self);
	for key, value in pairs(description.options or {}) do
		self.options[key] = value;
	end
	return self;
end

-- Writes the configuration from `self.options`.
function prosody:write_config()
	local lines = {};
	section(lines, self.options);
	lines[#lines + 1] = ("VirtualHost %s"):format(literal(self.domain));
	for _, host in ipairs(self.hosts) do
		lines[#lines + 1] = host[1];
		section(lines, host[2] or {});
	end
	process.write_file(self.config_file, table.concat(lines, "\n") .. "\n");
end

local function inside(self, ...)
	local words = { table.unpack(self.inside) };
	return table.move({ ... }, 1, select("#", ...), #words + 1, words);
end

-- True once it answers a client: from its first turn on, when it also takes signals.
local function is_ready(self)
	local conn = socket.connect("127.0.0.1", self.c2s_port);
	if not conn then
		return false;
	end
	conn:settimeout(2);
	conn:send(("<stream:stream to='%s' xmlns='%s' xmlns:stream='%s' version='1.0'>"):format(self.domain, xml.NS_CLIENT,
		xml.NS_STREAM));
	local answer = conn:receive(1);
	conn:close();
	return answer ~= nil;
end

-- Starts it and waits until clients can connect. Nil and why not when it ends or stays silent.
function prosody:start()
	self:write_config();
	self.child = process.start(self.folder, "prosody",
		inside(self, "env", "LD_PRELOAD=" .. PRELOAD, PROGRAM, "-F", "--config", self.config_file));
	local state = loop.wait(function ()
		return self.child:status() and "ended" or is_ready(self) and "ready";
	end, START_SECONDS);
	if state ~= "ready" then
		return nil, ("Prosody for %s %s; its output:\n%s%s"):format(self.domain, state or "did not get ready",
			self.child:output(), self:log_tail(20));
	end
	return self;
end

-- Stops it in good order. Returns its exit status, and "killed" if it hung.
function prosody:stop(seconds)
	if self.child then
		return self.child:stop(seconds);
	end
end

-- Ends it as a crash would.
function prosody:kill()
	self.child:signal("KILL");
	assert(loop.wait(function () return self.child:status(); end, 5), "it does not die");
end

-- Runs `prosodyctl WORDS...` on this configuration.
function prosody:control(...)
	return process.run(inside(self, "timeout", CONTROL_SECONDS, CONTROL, "--config", self.config_file, ...));
end

-- A command of the admin shell, as "module:reload('scion')".
function prosody:shell(command)
	return self:control("shell", command);
end

-- As `shell`, while other things go on: a process.
function prosody:begin_shell(command)
	local words = inside(self, "timeout", CONTROL_SECONDS, CONTROL, "--config", self.config_file, "shell", command);
	return process.start(self.folder, "shell", words);
end

function prosody:register(username, password)
	local output, ok = self:control("register", username, self.domain, password);
	assert(ok, output);
end

function prosody:log()
	return process.read_file(self.log_file) or "";
end

function prosody:log_tail(count)
	local lines = {};
	for line in self:log():gmatch("[^\n]+") do
		lines[#lines + 1] = line;
	end
	return table.concat(lines, "\n", math.max(1, #lines - count + 1));
end

-- Waits for a log line that contains a pattern, written since the last `mark_log`. The line, or nil and why.
function prosody:wait_log(pattern, seconds)
	local function find()
		for line in self:log():sub(self.log_read + 1):gmatch("[^\n]+") do
			if line:find(pattern) then
				return line;
			end
		end
	end
	local line = loop.wait(find, seconds);
	if not line then
		return nil, ("%s never logged %q; the end of its log:\n%s"):format(self.domain, pattern, self:log_tail(15));
	end
	return line;
end

function prosody:mark_log()
	self.log_read = #self:log();
end

-- Log lines that mean that something is broken, but for those that fit one of the patterns in `expected`.
function prosody:faults(expected)
	local found = {};
	local function is_expected(line)
		for _, pattern in ipairs(expected) do
			if line:find(pattern) then
				return true;
			end
		end
		return false;
	end
	for line in (self:log() .. self.child:output()):gmatch("[^\n]+") do
		local bad = line:find("\terror\t", 1, true) or line:find("[Tt]raceback") or line:find("Sanitizer", 1, true);
		if bad and not is_expected(line) then
			found[#found + 1] = ("%s: %s"):format(self.domain, line);
		end
	end
	return found;
end

return prosody;
