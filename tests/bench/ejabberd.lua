-- SPDX-License-Identifier: MIT
-- ejabberd: Debian's, as a child process with a configuration and a spool of its own. Without a name in Erlang's
-- network, so that it starts no daemon beside itself.
local loop = require "e2e.loop";
local process = require "e2e.process";
local prosody = require "e2e.prosody";

local ejabberd = {};
ejabberd.__index = ejabberd;

local LIBRARIES = "/usr/lib/x86_64-linux-gnu";
local START_SECONDS = 30;

local CONFIGURATION = [[
hosts: [ %q ]
loglevel: error
certfiles: [ %q ]
auth_method: internal
auth_password_format: plain
listen:
  - { port: %d, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: infinity, starttls: true }
max_fsm_queue: 1000000
modules:
  mod_disco: {}
  mod_roster: {}
  mod_stream_mgmt: { max_ack_queue: infinity }
  mod_muc:
    host: %q
    max_users: 2000
    max_users_presence: 2000
    default_room_options: { max_users: 2000 }
]];

-- Why it cannot be started here; nil where it can.
function ejabberd.missing()
	local output = process.run({ "sh", "-c", "command -v erl && ls -d " .. LIBRARIES .. "/ejabberd-*" });
	return not output:find("/ejabberd%-%d") and "ejabberd is not installed (sh tests/install.sh bench)" or nil;
end

-- Erlang that makes the users and then the file that says so.
local REGISTER = [[
{ok, _} = application:ensure_all_started(ejabberd),
lists:foreach(fun(I) ->
	ok = ejabberd_auth:try_register(<<"user", (integer_to_binary(I))/binary>>, <<%q>>, <<"secret">>)
end, lists:seq(1, %d)),
ok = file:write_file(%q, <<>>).]];

local function command(folder, domain, count)
	local start = REGISTER:format(domain, count, folder .. "/ready"):gsub("%s+", " ");
	return {
		"env", "ERL_LIBS=" .. LIBRARIES, "HOME=" .. folder, "EJABBERD_CONFIG_PATH=" .. folder .. "/ejabberd.yml",
		"EJABBERD_LOG_PATH=" .. folder .. "/ejabberd.log", "ERL_CRASH_DUMP=" .. folder .. "/crash.dump",
		"erl", "+P", "250000", "-noinput", "-mnesia", "dir", ('"%s/spool"'):format(folder), "-eval", start,
	};
end

-- One for `domain` with rooms at rooms.DOMAIN, in `folder`. `certificate`: a file with certificate and key. Users
-- "user1" to "user<COUNT>" have the password "secret".
function ejabberd.start(folder, domain, certificate, count)
	local output, ok = process.run({ "mkdir", "-p", folder .. "/spool" });
	assert(ok, output);
	local self = setmetatable({ c2s_port = prosody.free_ports(1) }, ejabberd);
	local text = CONFIGURATION:format(domain, certificate, self.c2s_port, "rooms." .. domain);
	process.write_file(folder .. "/ejabberd.yml", text);
	self.child = process.start(folder, "ejabberd", command(folder, domain, count));
	local is_ready = loop.wait(function ()
		return process.read_file(folder .. "/ready") or self.child:status();
	end, START_SECONDS);
	assert(is_ready and not self.child:status(), "ejabberd does not start: " .. self.child:output());
	return self;
end

return ejabberd;
