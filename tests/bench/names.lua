-- SPDX-License-Identifier: MIT
-- What a name costs: from the cache, and verified from the root key by the sandbox's name server and by a real caching
-- rainsd, which the RAINS project's own programs ask the same.
local harness = require "e2e.harness";
local loop = require "e2e.loop";
local nodes = require "bench.nodes";
local process = require "e2e.process";
local report = require "bench.report";
local servers = require "bench.servers";

local REPETITIONS, EACH, PROCESSES = 5, 41, 10;
local BATCHES, BATCH = 40, 250;
local SIGNED_BYTES = 200; -- what is signed of an assertion with an address and the hash of a certificate
local FOLDER = harness.BUILD .. "/bench/names";
local PEERS = ("%s/interop/peers"):format(harness.BUILD);
local SXCTL = ("%s/module/cli/sxctl"):format(harness.BUILD);
local TLS, SCION = "127.4.3.60:55553", "[1-ff00:0:3,127.4.3.60]:31500";
local CLIENT, RAINSD, THEIRS = "1-ff00:0:2,127.4.2.60", "127.0.0.1:55565", "xmpp.theirs";
local HASH = ("ab"):rep(32);

local function path(name)
	return FOLDER .. "/" .. name;
end

local function run(...)
	local words = { ... };
	for i, word in ipairs(words) do
		words[i] = tostring(word);
	end
	local output, ok = process.run(words);
	assert(ok, output);
	return output;
end

-- Runs a program that says lines "WHAT NUMBER": { WHAT = number }.
local function numbers(...)
	local found = {};
	for what, number in run(...):gmatch("(%S+) ([%d.]+)\n") do
		found[what] = tonumber(number);
	end
	return found;
end

local function names(mode, ...)
	return numbers(nodes.program("names"), mode, ...);
end

-- A zone of many names: each has an address and the hash of a certificate.
local function write_batch(batch)
	local lines = { ":Z: big. . [" };
	for i = batch * BATCH, (batch + 1) * BATCH - 1 do
		lines[#lines + 1] = (":A: n%d [ :scion: 1-ff00:0:3,[127.4.3.50] :cert: :tls: :endEntity: :sha256: %s ]")
			:format(i, HASH);
	end
	lines[#lines + 1] = "]\n";
	process.write_file(path("big" .. batch), table.concat(lines, "\n"));
end

local function key_of(zone)
	return run(SXCTL, "zone", path(zone), "--key", path(zone .. ".key"));
end

local function write_zones()
	for batch = 0, BATCHES - 1 do
		write_batch(batch);
	end
	process.write_file(path("big"), process.read_file(path("big0")));
	process.write_file(path("home"), ([[
:Z: home. . [
	:A: xmpp [ :scion: 1-ff00:0:3,[127.4.3.50] :cert: :tls: :endEntity: :sha256: %s ]
	:A: _xmpp-server._udpscion.xmpp [ :srv: xmpp.home. 31467 0 ]
]
]]):format(HASH));
	process.write_file(path("root"), (":Z: . . [\n%s\n%s\n]\n"):format(
		key_of("home"):match(":A: home [^\n]+"), key_of("big"):match(":A: big [^\n]+")));
	return key_of("root"):match("\t(ed25519 %d+ %x+)\n");
end

-- The sandbox's network and name server: how to ask it.
local function open_sandbox()
	run("mkdir", "-p", FOLDER);
	local here = { folder = FOLDER, network = servers.network(FOLDER .. "/network") };
	local root = write_zones();
	local command = { ("%s/tests/sandbox/sandbox-rains"):format(harness.BUILD), "--run", path("rains"), "--tls", TLS,
		"--scion", SCION };
	for _, zone in ipairs({ "root", "home", "big" }) do
		table.move({ "--zone", path(zone), "--key", path(zone .. ".key") }, 1, 4, #command + 1, command);
	end
	nodes.wait_line(nodes.start(here, "names", command), "(ready)");
	return root, here.network:path_file("1-ff00:0:2");
end

-- Real name servers: the file with their root key; nil without them.
local function open_rainsd()
	local why = process.read_file(harness.BUILD .. "/bench/rainsd.why");
	if why then
		report.skip("names by rainsd and rdig", why);
		return nil;
	end
	nodes.wait_line(nodes.start({ folder = FOLDER }, "rainsd",
		{ "sh", ("%s/tests/bench/rainsd.sh"):format(harness.ROOT), harness.BUILD, path("rainsd") }), "(ready)");
	return path("rainsd/keys/root/root_pub.pem");
end

-- Milliseconds that a process takes in the middle.
local function time_processes(...)
	local took = {};
	for i = 1, PROCESSES do
		local begin = loop.now();
		assert(run(...):find(HASH, 1, true), "it did not find the certificate");
		took[i] = (loop.now() - begin) * 1e3;
	end
	return report.median(took);
end

local function ask_rainsd(found, root)
	local expires = ("%d"):format(os.time() + 60);
	found.rdig = time_processes(PEERS .. "/rdig", "-p", RAINSD:match(":(%d+)"), "-e", expires,
		"@" .. RAINSD:match("^[^:]+"), THEIRS .. ".", "cert");
	found.sxctl = time_processes(SXCTL, "resolve", THEIRS, "--type", "certificates", "--order", "rains", "--server",
		RAINSD, "--root", root);
	found.library = numbers(PEERS .. "/rainsquery", RAINSD, THEIRS .. ".", "7", EACH).library;
	found.cold_there = names("cold", RAINSD, root, "certificates", THEIRS, EACH).ms;
	found.warm_there = names("warm", RAINSD, root, "certificates", THEIRS, EACH).ms;
	found.go_checks = numbers(PEERS .. "/rainsquery", "verify", SIGNED_BYTES).checks;
end

local function ask_sandbox(found, root, paths)
	for want, short in pairs({ addresses = "addr", certificates = "cert" }) do
		found["tls_" .. short] = names("cold", TLS, root, want, "xmpp.home", EACH).ms;
		found["scion_" .. short] = names("cold", SCION, root, want, "xmpp.home", EACH, CLIENT, paths).ms;
	end
	found.warm = names("warm", TLS, root, "certificates", "xmpp.home", EACH).ms;
	local hit = names("hit", TLS, root, "addresses", "xmpp.home");
	found.hit, found.addr_bytes = hit.hit, hit.counted;
	found.checks = names("verify", SIGNED_BYTES).checks;
end

local function repetition(root, paths, their_root)
	local found = {};
	ask_sandbox(found, root, paths);
	if their_root then
		ask_rainsd(found, their_root);
	end
	local filled = names("fill", TLS, root, path("rains/rains.sock"), path("big"), BATCHES, BATCH);
	assert(filled.entries == BATCHES * BATCH, "names are missing in the cache");
	found.spread, found.cert_bytes, found.malloc, found.rate = filled.spread, filled.counted, filled.malloc, filled.rate;
	return found;
end

local function text(format, value)
	return value and format:format(value) or "-";
end

local function compared(what, ours, theirs, format)
	return { what, text(format, ours), text(format, theirs), theirs and report.ratio(ours, theirs) or "-" };
end

local root, paths = open_sandbox();
local their_root = open_rainsd();
local found = {};
for i = 1, REPETITIONS do
	found[i] = repetition(root, paths, their_root);
end
found = report.medians(found);

report.table(("names: medians of %d"):format(REPETITIONS), { "", "value" }, {
	{ "from the cache, one name, ns", text("%.0f", found.hit) },
	{ ("from the cache, %d names out of order, ns"):format(BATCHES * BATCH), text("%.0f", found.spread) },
	{ "cold, addresses by TLS, ms", text("%.2f", found.tls_addr) },
	{ "cold, addresses by SCION over 3 routers, ms", text("%.2f", found.scion_addr) },
	{ "cold, certificates by TLS, ms", text("%.2f", found.tls_cert) },
	{ "cold, certificates by SCION over 3 routers, ms", text("%.2f", found.scion_cert) },
	{ "past the cache, certificates by TLS, ms", text("%.2f", found.warm) },
	{ "names resolved and verified in a second, 64 at once", text("%.0f", found.rate) },
	{ "memory of a cached name with certificates, as counted, bytes", text("%.0f", found.cert_bytes) },
	{ "the same, what malloc gave out, bytes", text("%.0f", found.malloc) },
	{ "memory of a cached name with addresses, as counted, bytes", text("%.0f", found.addr_bytes) },
});
report.note("cold: a new resolver each time, so with connection, delegation and answer, both verified");
report.table(("names: a certificate by a caching rainsd that knows it; medians of %d"):format(REPETITIONS),
	{ "", "ours", "rains", "ratio" }, {
		compared("a process: sxctl resolve, rdig; ms", found.sxctl, found.rdig, "%.2f"),
		compared("a connection each: new resolver, pkg/rains; ms", found.cold_there, found.library, "%.2f"),
		compared("one connection, which pkg/rains cannot; ms", found.warm_there, found.library, "%.2f"),
		compared("signature checks a second: GnuTLS, Go", found.checks, found.go_checks, "%.0f"),
	});
report.note("ours verifies, and with a new resolver asks for the delegation too; rdig and pkg/rains verify nothing");
