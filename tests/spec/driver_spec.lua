-- SPDX-License-Identifier: MIT
local worlds = dofile "tests/spec/world.lua";
local watch = require "sx.driver".watch;
local recorder = worlds.recorder;

local A, B = "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2";

local function target_of(remote)
	return { local_name = "a.example.org", remote_name = remote or "b.example.org", address = B, port = 31467,
		alpn = "xmpp-server" };
end

describe("the driver", function ()
	local world, a, b, here, there, heard_here, heard_there;

	before_each(function ()
		world = worlds.new();
		here, heard_here = recorder();
		there, heard_there = recorder();
		a = world:server(A, "a.example.org", here);
		b = world:server(B, "b.example.org", there);
	end);

	it("resets a peer's stream that nobody serves", function ()
		world.services[b.context] = nil;
		assert(a:dial(target_of(), here));
		world:settle();
		assert.equal("connect disconnect", heard_here.words());
		assert.is_nil(next(b.conns));
		assert.truthy(world.logged[1]:find("nobody serves", 1, true));
	end);

	it("takes no new streams once it is stopping, and keeps live ones", function ()
		local conn = assert(a:dial(target_of(), here));
		world:settle();
		a:stop_accepting();
		b:stop_accepting();
		assert.is_nil((a:dial(target_of(), here)));
		conn:write("<x/>");
		world:settle();
		assert.equal("<x/>", heard_there.data());
	end);

	it("sends what is queued when it is closed, without telling anybody", function ()
		local conn = assert(a:dial(target_of(), here));
		world:settle();
		conn:write("<last/>");
		a:close(2000);
		world:settle();
		assert.equal("<last/>", heard_there.data());
		assert.equal("the peer has shut down", heard_there.last("disconnect")[2]);
		assert.equal(0, heard_here.count("disconnect"));
		assert.equal("gone", conn.state);
		assert.is_nil((conn:write("<x/>")));
		assert.is_nil(next(world.timers));
	end);

	it("tells each listener when it is taken away at run time", function ()
		assert(a:dial(target_of(), here));
		assert(a:dial(target_of(), here));
		world:settle();
		a:close(2000, "unloaded");
		a:close(2000, "unloaded");
		assert.equal(2, heard_here.count("disconnect"));
		assert.equal("unloaded", heard_here.last("disconnect")[2]);
		b:close(0);
		assert.equal(0, world.core.live_objects());
	end);

	it("may be closed by a listener in the middle of a turn", function ()
		function there.onincoming()
			b:close(0);
		end
		local conn = assert(a:dial(target_of(), here));
		world:settle();
		conn:write("<x/>");
		world:settle();
		assert.equal("the peer has shut down", heard_here.last("disconnect")[2]);
	end);

	it("passes the core's log lines on with their levels", function ()
		b.context.log = { { 0, "a" }, { 1, "b 100%" }, { 2, "c" }, { 3, "d" } };
		b:turn();
		assert.same({ "debug: a", "info: b 100%", "warn: c", "error: d" }, world.logged);
	end);

	it("goes on in the next turn when there are too many events for one", function ()
		for _ = 1, 1300 do
			assert(a:dial(target_of(), here));
		end
		a:turn();
		a:turn();
		b:turn();
		assert.equal(512, heard_there.count("connect"));
		world:settle();
		assert.equal(1300, heard_there.count("connect"));
		assert.equal(1300, heard_here.count("connect"));
	end);

	it("survives a turn that raises", function ()
		function b.context.process()
			error("broken");
		end
		b.safe_turn();
		assert.truthy(world.logged[#world.logged]:find("broken", 1, true));
	end);

	it("logs that the core failed, and goes on", function ()
		function b.context.process()
			return nil, "out of memory", "ENOMEM";
		end
		b.context.log = { { 1, "still here" } };
		b:turn();
		assert.same({ "error: SCION transport: out of memory", "info: still here" }, world.logged);
	end);

	it("reports each dial once, well or not", function ()
		assert(a:dial(target_of(), here));
		assert(a:dial(target_of("c.example.org"), here));
		world:settle();
		assert.equal(2, #world.dialled);
		table.sort(world.dialled, function (x, y) return x.target.remote_name < y.target.remote_name; end);
		assert.is_nil(world.dialled[1].reason);
		assert.equal("unrecognized name c.example.org", world.dialled[2].reason);
	end);

	it("does not wake up for nothing", function ()
		assert(a:dial(target_of(), here));
		world:settle();
		local turns = a.context.processed;
		world:settle();
		assert.equal(turns, a.context.processed);
		assert.equal(0, #world.soon);
	end);
end);

describe("watching a descriptor", function ()
	local function server_with(handle)
		local server = {};
		function server.watchfd(fd, onreadable)
			server.fd, server.onreadable = fd, onreadable;
			return handle;
		end
		return server;
	end

	it("uses close where the backend has it", function ()
		local closed;
		local handle = {};
		function handle.close(self)
			closed = self;
		end
		local server = server_with(handle);
		local close = watch(server, 7, print);
		assert.equal(7, server.fd);
		assert.equal(print, server.onreadable);
		close();
		assert.equal(handle, closed);
	end);

	it("stops reading where it has none, and never mentions writing", function ()
		local flags;
		local handle = {};
		function handle.setflags(_, ...)
			flags = { n = select("#", ...), ... };
		end
		watch(server_with(handle), 7, print)();
		assert.same({ n = 1, false }, flags);
	end);
end);
