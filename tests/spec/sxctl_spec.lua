-- SPDX-License-Identifier: MIT
dofile "tests/spec/world.lua";
local sxctl = require "sx.sxctl";

describe("the command line of sxctl resolve", function ()
	local facts = { address = "1-ff00:0:111,10.0.0.1", paths = "file:/paths.json", scion_only = true };

	it("passes what the server is configured with", function ()
		local settings = { order = "static,rains", deadline_ms = 1500, statics = "a x\nb y", hosts = "/etc/hosts",
			roots = "ed25519 1 aa", servers = "192.0.2.1\n192.0.2.2 pin ff", unsigned = true, dns = "192.0.2.3" };
		assert.same({ "/bin/sxctl", "resolve", "--order", "static,rains", "--static", "a x", "--static", "b y", "--hosts",
			"/etc/hosts", "--root", "ed25519 1 aa", "--server", "192.0.2.1", "--server", "192.0.2.2 pin ff", "--dns",
			"192.0.2.3", "--deadline", "1.5", "--address", "1-ff00:0:111,10.0.0.1", "--paths", "/paths.json", "--unsigned",
			"--scion-only", "b.example.org", "--trace" },
			sxctl.words("/bin/sxctl", settings, facts, { "b.example.org", "--trace" }));
	end);

	it("leaves out what there is none of", function ()
		assert.same({ "sxctl", "resolve", "--order", "hosts", "--deadline", "2", "--address", "1-ff00:0:111,10.0.0.1",
			"--paths", "/p" },
			sxctl.words("sxctl", { order = "hosts", deadline_ms = 2000 }, { address = facts.address, paths = "/p" }, {}));
	end);

	it("is safe for a shell", function ()
		assert.equal([['sxctl' 'it'\''s' '$(x); `y`']], sxctl.line { "sxctl", "it's", "$(x); `y`" });
	end);
end);
