-- SPDX-License-Identifier: MIT
-- rooms: the scenes of measurements about rooms: a server that has them, its users on the same server, or on a second
-- one in another AS with three routers between them, and the crowd that plays the users.
local crowd_lib = require "bench.crowd";
local ejabberd = require "bench.ejabberd";
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local process = require "e2e.process";
local report = require "bench.report";
local servers = require "bench.servers";

local rooms = {};

local DOMAIN, SERVICE, ELSEWHERE = "a.example.org", "rooms.a.example.org", "b.example.org";
local AT = { [SERVICE] = "1-ff00:0:2,127.4.2.41", [ELSEWHERE] = "1-ff00:0:3,127.4.3.41" };
local PORT = 31467;
local PATIENCE, SETTLE = 20, 0.3; -- seconds
-- Those of stock test servers; stream management is on between servers, too.
local MODULES = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "smacks", "s2s_bidi", "admin_shell" };
local FAST_NETWORK = { opportunistic_writes = true, nagle = false };

rooms.SERVICE = SERVICE;
rooms.ROOM, rooms.OTHER = "r@" .. SERVICE, "other@" .. SERVICE;

rooms.SERVERS = {
	{ name = "mod_muc", module = "muc" },
	{ name = "mod_muc, tuned", module = "muc", is_tuned = true },
	{ name = "ours", module = "muc_scion" },
	{ name = "ours, tuned", module = "muc_scion", is_tuned = true },
	{ name = "ejabberd" },
	{ name = "writes alone", module = "bench_writes", is_tuned = true },
};

-- Kinds of sockets by which deliveries leave; those between servers have a name for tables.
rooms.STREAMS = { ["remote-tcp"] = "TCP", remote = "SCION" };

-- Whether a server's rooms can be measured on that kind of socket: stock has no streams over SCION, and writes alone
-- know nothing of XEP-0198.
function rooms.can(kind, socket)
	if kind.module == "bench_writes" then
		return socket == "plain" or socket == "tls";
	end
	return not rooms.STREAMS[socket] or kind.module == "muc_scion" or kind.module == "muc" and socket == "remote-tcp";
end

-- The words of a variable of the environment.
function rooms.words(name, default)
	local list = {};
	for word in (os.getenv(name) or default):gmatch("[^;%s]+") do
		list[#list + 1] = word;
	end
	return list;
end

-- The servers that SX_SERVERS names, all without it. It has their names without spaces, "ours,tuned" or "writesalone".
function rooms.chosen()
	local wanted, chosen = " " .. (os.getenv("SX_SERVERS") or "") .. " ", {};
	for _, server in ipairs(rooms.SERVERS) do
		local is_wanted = wanted == "  " or wanted:find(" " .. server.name:gsub(" ", "") .. " ", 1, true);
		local reason = is_wanted and server.name == "ejabberd" and ejabberd.missing();
		if reason then
			report.skip("rooms of " .. server.name, reason);
		elseif is_wanted then
			chosen[#chosen + 1] = server;
		end
	end
	return chosen;
end

-- Options of one of the two servers; `here` is the name it talks to the other by.
local function options_of(world, here, there, socket)
	local plugins = { harness.ROOT .. "/lua/plugins", ("%s/tests/bench/plugins"):format(harness.ROOT) };
	local options = { plugin_paths = plugins, modules_enabled = { table.unpack(MODULES) } };
	if socket == "remote" then
		table.move({ "scion", "s2s_scion" }, 1, 2, #MODULES + 1, options.modules_enabled);
		options.s2s_ports = {};
		options.scion = {
			address = AT[here], port = PORT, policy = "require", peers = { [there] = { address = { AT[there] }, port = PORT } },
			paths = "file:" .. world.sandbox:path_file(AT[here]:match("^[^,]+")),
		};
	end
	return options;
end

-- Starts a server with a log that does not cost more than the stanzas.
local function start(world, description, name)
	local server = world:server(description);
	server.options.log = { warn = server.log_file };
	world:publish(setmetatable({ domain = name }, { __index = server }));
	return assert(server:start());
end

local function start_prosody(world, kind, socket)
	local options = options_of(world, SERVICE, ELSEWHERE, socket);
	options.gc = kind.is_tuned and { mode = "generational" } or nil;
	options.network_settings = kind.is_tuned and FAST_NETWORK or nil;
	return start(world, {
		domain = DOMAIN, certificate = { names = { DOMAIN, SERVICE } }, options = options,
		hosts = { { ("Component %q %q"):format(SERVICE, kind.module), {
			muc_room_locking = false, restrict_room_creation = false, muc_log_by_default = false,
			muc_scion_message_rate = 0, muc_scion_join_rate = 0, muc_scion_max_occupants = 2000,
		} } },
	}, SERVICE);
end

-- The server of the users: the same for all, and as little in the way as it can be.
local function start_elsewhere(world, socket)
	local options = options_of(world, ELSEWHERE, SERVICE, socket);
	options.gc, options.network_settings = { mode = "generational" }, FAST_NETWORK;
	return start(world, { domain = ELSEWHERE, options = options }, ELSEWHERE);
end

local function start_ejabberd(world, count)
	local base = world.folder .. "/certs/" .. DOMAIN;
	world.authority:server(base, { names = { DOMAIN } });
	process.write_file(base .. ".pem", process.read_file(base .. ".crt") .. process.read_file(base .. ".key"));
	return ejabberd.start(world.folder, DOMAIN, base .. ".pem", count);
end

--- Has the server of the users make a stream to the rooms.
function rooms.connect(scene)
	local world = scene.world;
	local user = world:user(scene.elsewhere, "first");
	user:send(("<iq type='get' id='first' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>"):format(SERVICE));
	assert(user:expect("<iq id='first'/>", PATIENCE)); -- whatever it is
	user:close(PATIENCE);
	world.users = {};
end

-- The servers of a scene, and its crowd of `count`, logged in.
local function set_up(scene, count)
	local world, kind, socket = scene.world, scene.kind, scene.socket;
	if socket == "remote" then
		world.sandbox = servers.network(world.folder .. "/network");
	end
	scene.server = kind.module and start_prosody(world, kind, socket) or start_ejabberd(world, count);
	scene.elsewhere = rooms.STREAMS[socket] and start_elsewhere(world, socket);
	if scene.elsewhere then
		rooms.connect(scene); -- so that a storm is one, and not a handshake
		loop.sleep(SETTLE); -- stream management begins
	end
	scene.crowd = crowd_lib.start(world.folder);
	local home, domain = scene.elsewhere or scene.server, scene.elsewhere and ELSEWHERE or DOMAIN;
	scene.crowd:tell("login %s %d %s 1 %d", scene.elsewhere and "plain" or socket, home.c2s_port, domain, count);
end

-- What is wrong with a server by its log, and its end: what it would do when everybody leaves is not measured.
local function end_server(server, faults)
	if server.child:status() then
		return;
	end
	table.move(server.faults and server:faults({}) or {}, 1, 1000, #faults + 1, faults);
	server.child:signal("KILL");
	loop.wait(function () return server.child:status(); end, 5);
end

local function tear_down(scene)
	local faults = {};
	for _, server in pairs({ scene.server, scene.elsewhere or nil }) do
		end_server(server, faults);
	end
	for _, crowd in pairs({ scene.crowd, scene.locals }) do
		crowd:stop();
	end
	scene.world.servers = {};
	scene.world:stop();
	assert(#faults == 0, faults[1]);
end

--- Calls `body(scene)` and returns what it does. A scene: { kind, socket, world, server, elsewhere (the server of the
--- users, where it is another), crowd (`count` of them) }.
function rooms.with(kind, socket, count, body)
	local folder = ("%s/bench/rooms-%s-%s"):format(harness.BUILD, kind.name:gsub("%W+", "-"), socket);
	local scene = { kind = kind, socket = socket, world = harness.new(folder) };
	local ok, found = xpcall(function ()
		set_up(scene, count);
		return body(scene);
	end, debug.traceback);
	local is_down, fault = pcall(tear_down, scene);
	assert(ok, found);
	assert(is_down, fault);
	return found;
end

--- More users of a scene, on the server with the rooms: "user1" to "user<COUNT>".
function rooms.locals(scene, count)
	scene.locals = crowd_lib.start(scene.world.folder, "locals");
	scene.locals:tell("login plain %d %s 1 %d", scene.server.c2s_port, DOMAIN, count);
	return scene.locals;
end

--- What rooms:traffic() says of the deliveries to a room: how many went past Prosody's routing, of 100.
function rooms.fast_share(server, room)
	local output = server:shell("rooms:traffic()");
	local fast, slow = output:match(room:gsub("%p", "%%%0") .. "%s*|%s*%d+ |%s*(%d+) |%s*(%d+) |");
	assert(fast, output);
	return fast / (fast + slow) * 100;
end

return rooms;
