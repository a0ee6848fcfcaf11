-- SPDX-License-Identifier: MIT
-- Names in the contract of lua/sx/core.d.lua, held against a real face (face.lua).

local A, B = "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2";

local core, missing = dofile("tests/spec/face.lua").load();

if not core then
	describe("names in the core", function ()
		pending(missing.." is not set: nothing to hold against the contract");
	end);
	return;
end

local pki = dofile "tests/spec/pki.lua";

describe("names in the core", function ()
	local files, folder, context;

	setup(function ()
		files = pki.new();
		folder = files.folder;
		files:write("paths.json", '{"isd_as":"1-ff00:0:111","mtu":1472,"routers":[],"paths":[]}');
	end);

	teardown(function ()
		files:remove();
	end);

	before_each(function ()
		context = assert(core.open { address = A, port = 0, paths = "file:"..folder.."/paths.json" });
	end);

	after_each(function ()
		context:close();
		collectgarbage();
		assert.equal(0, core.live_objects());
	end);

	--- Asks for a name and takes the event, which is there at once.
	local function resolve(name, how)
		local handle = assert(context:resolve(name, how, 77));
		context:process();
		local kind, found, status, udata = context:next_event();
		assert.same({ "answer", handle, 77 }, { kind, found, udata });
		return handle, status;
	end

	it("finds names in the static map and in hosts files", function ()
		files:write("hosts", B.." b.example.org\nc.example.org "..A.." "..B.."\n127.0.0.1 localhost\n");
		assert.is_true((context:names_set { order = "static,hosts", statics = "s.example.org "..A.." "..B,
			hosts = folder.."/missing\n"..folder.."/hosts" }));
		local answer = resolve("B.example.org.");
		assert.same({ { address = B, plain = false, priority = 0 } }, context:answer_targets(answer));
		assert.equal("hosts", context:answer_text(answer, "source"));
		assert.equal("", context:answer_text(answer, "reason"));
		assert.equal("0", context:answer_text(answer, "seconds")); -- asked each time
		assert.truthy(context:answer_text(answer, "trace"):find("hosts: 1 addresses", 1, true));
		assert.is_true((context:answer_release(answer)));
		assert.equal("ESTALE", select(3, context:answer_targets(answer)));
		answer = resolve("s.example.org");
		assert.equal(2, #context:answer_targets(answer));
		assert.equal("static", context:answer_text(answer, "source"));
		local status;
		answer, status = resolve("localhost", { scion_only = true, fresh = true });
		assert.equal("ENOTFOUND", status);
		assert.same({}, context:answer_targets(answer));
		assert.equal("static: not listed; hosts: not listed", context:answer_text(answer, "reason"));
		assert.equal("ENOTFOUND", select(3, context:answer_judge(answer, "x")));
		assert.is_true((context:names_flush()));
	end);

	it("has no names before they are set, and says which setting is wrong", function ()
		assert.equal("EINVAL", select(3, context:resolve("b.example.org")));
		for setting, wrong in pairs { order = { order = "static,carrier pigeon" },
			["rains.roots"] = { order = "rains", servers = "192.0.2.1" },
			["rains.servers"] = { order = "rains", servers = "nowhere", roots = "ed25519 1 "..("8a"):rep(32) },
			dns = { order = "dns", dns = "nonsense" } } do
			local ok, text = context:names_set(wrong);
			assert.is_nil(ok, setting);
			assert.truthy(text:find(setting, 1, true) and text:find("expected", 1, true), text);
		end
		assert.is_true((context:names_set { order = "hosts" }));
		for _, name in ipairs { "", ".", ("a"):rep(300), "a b" } do
			assert.equal("EINVAL", select(3, context:resolve(name)), name);
		end
	end);
end);
