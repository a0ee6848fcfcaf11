-- SPDX-License-Identifier: MIT
--- The sandbox as a process: how it starts, refuses to start, takes commands, carries packets and ends. Prints TAP.
-- usage: lua5.4 test_sandbox.lua SANDBOX FOLDER
local here = arg[0]:match("^(.*)/") or ".";
package.path = here .. "/?.lua;" .. package.path;
local control = require "control";
local socket = require "socket";

local PATIENCE = 30; -- seconds; valgrind is slow
local program, folder = arg[1], arg[2];
local number, failed = 0, 0;

local function point(ok, what, found)
	number = number + 1;
	print(("%s %d - %s"):format(ok and "ok" or "not ok", number, what));
	if not ok then
		failed = failed + 1;
		print("# found: " .. tostring(found):gsub("\n", "\n# "));
	end
end

local function equal(found, expected, what)
	point(found == expected, what, found);
end

local function has(text, part, what)
	point(type(text) == "string" and text:find(part, 1, true) ~= nil, what, text);
end

local function write(name, text)
	local file = assert(io.open(name, "w"));
	file:write(text);
	file:close();
end

local function read(name)
	local file = io.open(name);
	if not file then
		return nil;
	end
	local text = file:read("a");
	file:close();
	return text;
end

-- Two ASes on addresses of our own, so that other sandboxes may run meanwhile.
local topology = folder .. "/small.lua";
local a, b, a_file = "1-ff00:0:1", "1-ff00:0:2", "1-ff00_0_1.paths.json";
os.execute(("rm -rf '%s' && mkdir -p '%s'"):format(folder, folder));
write(topology, [[return {
	ases = {
		["1-ff00:0:1"] = { core = true, mtu = 1400, router = "127.77.0.1:31002" };
		["1-ff00:0:2"] = { mtu = 1400, router = "127.77.0.2:31002" };
	};
	links = { { kind = "child", from = "1-ff00:0:1#1", to = "1-ff00:0:2#7", mtu = 1300 } };
}]]);

-- Runs to the end; what it printed, both ways, and its status.
local function run(arguments)
	local pipe = io.popen(("'%s' %s 2>&1"):format(program, arguments));
	local text = pipe:read("a");
	local _, _, status = pipe:close();
	return text, status;
end

-- A sandbox that is the child of a shell, which prints the sandbox's pid, then waits for our newline and ends first.
local function start(arguments)
	local log = folder .. "/log";
	os.remove(log);
	local shell = io.popen(("'%s' %s >'%s' 2>&1 & echo $! >'%s/pid'; cat >/dev/null"):format(
		program, arguments, log, folder), "w");
	local deadline = socket.gettime() + PATIENCE;
	repeat
		socket.sleep(0.02);
	until (read(log) or ""):find("\n") or socket.gettime() > deadline;
	return shell, (read(folder .. "/pid") or ""):match("%d+"), read(log);
end

local function is_running(pid)
	local status = read(("/proc/%s/stat"):format(pid));
	return status ~= nil and not status:find("%) Z ");
end

local function wait_for_end(pid)
	local deadline = socket.gettime() + PATIENCE;
	while is_running(pid) and socket.gettime() < deadline do
		socket.sleep(0.02);
	end
	return not is_running(pid);
end

local text, status = run("--help");
equal(status, 0, "--help succeeds");
has(text, "link      A#I up|down", "--help lists the commands");
text, status = run("");
equal(status, 2, "missing arguments are refused");
has(text, "needs --topology FILE", "what is missing is said");
text = run(("--topology '%s' --run '%s/r' --seed x"):format(topology, folder));
has(text, '--seed: expected a whole number, found "x"', "a wrong seed is named");
text = run(("--topology '%s' --run '%s/r' --refresh 0"):format(topology, folder));
has(text, '--refresh: expected seconds from 1 to 21600, found "0"', "path files that never rest are refused");
text, status = run(("--topology '%s/none.lua' --run '%s/r'"):format(folder, folder));
equal(status, 1, "a missing topology is refused");
has(text, "none.lua", "and named");

local place = ("--topology '%s' --run '%s/run'"):format(topology, folder);
local shell, pid, greeting = start(place);
equal(greeting, "ready\n", "it says when it is ready");

text, status = run(place);
equal(status, 1, "a second sandbox on the same addresses ends");
has(text, "the router of AS 1-ff00:0:1 cannot have 127.77.0.1 port 31002", "and says which address is taken");
has(text, "end the other sandbox that uses it, or change `router` in the topology", "and how to mend it");

local other = folder .. "/other.lua";
write(other, (read(topology):gsub("127%.77", "127.78")));
text = run(("--topology '%s' --run '%s/run'"):format(other, folder));
has(text, "another sandbox runs there; end it, or choose another --run folder", "a run folder in use is left alone");

local session, problem = control.connect(folder .. "/run/sandbox.sock");
point(session ~= nil, "the command socket answers", problem);
equal(control.connect(folder .. "/none.sock"), nil, "a socket that is not there is an error, not a raise");

for _, row in ipairs({
	{ "", '"": there is no such command, see help' };
	{ "fly", '"fly": there is no such command, see help' };
	{ "link 1-ff00:0:1#1", '"link 1-ff00:0:1#1": wrong number of arguments, see help' };
	{ "link 1-ff00:0:1#1 up up", '"link 1-ff00:0:1#1 up up": wrong number of arguments, see help' };
	{ "link 1-ff00:0:1#2 up", '"1-ff00:0:1#2": must be an interface of the topology, such as 1-ff00:0:110#1' };
	{ "link 1-ff00:0:1#1 left", '"left": must be up or down' };
	{ "loss 1-ff00:0:1#1 101", '"101": must be a number from 0 to 100' };
	{ "loss 1-ff00:0:1#1 nan", '"nan": must be a number from 0 to 100' };
	{ "delay 1-ff00:0:1#1 5 -1", '"-1": must be a number from 0 to 60000' };
	{ "rate 1-ff00:0:1#1 1x", '"1x": must be a number from 0 to 1e+08' };
	{ "clock 1-ff00:0:9 5", '"1-ff00:0:9": must be an AS of the topology, such as 1-ff00:0:110' };
	{ "paths 1-ff00:0:1 1-ff00:0:1", '"1-ff00:0:1": must be two different ASes' };
	{ "flows here", '"here": must be an address such as 1-ff00:0:113,127.0.0.1' };
}) do
	local _, wrong = session:command(row[1]);
	equal(wrong, row[2], ("wrong command %q is refused"):format(row[1]));
end

local lines = session:command("paths " .. a .. " " .. b);
has(lines[1], "1-ff00:0:1 1>7 1-ff00:0:2 mtu 1300 expiry ", "paths are told hop by hop");

-- A packet of our own on the path of the file.
local file = read(folder .. "/run/" .. a_file);
has(file, '"isd_as": "1-ff00:0:1"', "the path file names its AS");
has(file, '"routers": [', "and its routers");
local raw = file:match('"raw": "(%x+)"');
local path = raw:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)); end);
local packet = (">I4BBI2BBI2"):pack(1, 17, (36 + #path) // 4, 12, 1, 0, 0)
	.. (">I2I2I2I2I2I2I2I2"):pack(1, 0xff00, 0, 2, 1, 0xff00, 0, 1)
	.. "\127\77\1\2" .. "\127\77\1\1" .. path .. (">I2I2I2I2"):pack(4001, 4002, 12, 0) .. "data";
local sender, receiver = socket.udp(), socket.udp();
assert(sender:setsockname("127.77.1.1", 4001));
assert(receiver:setsockname("127.77.1.2", 4002));
sender:settimeout(1);
receiver:settimeout(1);

local function send()
	sender:sendto(packet, "127.77.0.1", 31002);
end

session:command("reset");
send();
local got, from, port = receiver:receivefrom();
equal(got and got:sub(-4), "data", "a packet crosses two routers");
equal(("%s:%s"):format(from, port), "127.77.0.2:31002", "and comes from the far one");
local counters = session:counters();
equal(counters["1-ff00:0:1#0"].in_packets, 1, "it is counted where it came in");
equal(counters["1-ff00:0:1#1"].out_bytes, #packet, "in bytes where it went on");
equal(counters["1-ff00:0:2#0"].out_packets, 1, "and where it reached its host");
local flows = session:flows("1-ff00:0:2,127.77.1.2", "1-ff00:0:1,127.77.1.1");
equal(#flows, 1, "its flow is found from either end");
equal(flows[1].path, "1-ff00:0:1 1>7 1-ff00:0:2", "with the way it really went");
equal(#session:flows("1-ff00:0:2,127.77.1.9"), 0, "a flow of other hosts is not");

session:command("link 1-ff00:0:2#7 down");
send();
got = sender:receive();
equal(got and got:byte(5), 202, "on a link that is down SCMP comes back");
equal(session:counters()["1-ff00:0:1#0"].drops.link_down, 1, "and the drop is counted");
session:command("heal");
session:command("delay 1-ff00:0:1#1 150");
local sent_at = socket.gettime();
send();
receiver:receive();
local took = socket.gettime() - sent_at;
point(took >= 0.15 and took < 0.6, "a delay is as long as it was set", took);

session:command("heal");
session:command("write 21000");
local old = read(folder .. "/run/" .. a_file);
local expiry = tonumber(old:match('"expiry": (%d+)'));
point(math.abs(expiry - os.time() - 600) < 5, "path files can be made to expire soon", expiry - os.time());
session:command("clock 1-ff00:0:1 -600");
session:command("write");
send();
got = receiver:receive();
equal(got and got:sub(-4), "data", "older paths keep working after new ones are written");

-- Commands arrive as they like: in pieces, several at once, too long.
local unix = require "socket.unix"();
assert(unix:connect(folder .. "/run/sandbox.sock"));
unix:settimeout(2);
unix:send("he");
socket.sleep(0.05);
unix:send("al\nheal\nheal");
equal(unix:receive("*l"), "ok", "a command in two pieces is carried out");
equal(unix:receive("*l"), "ok", "and the one after it");
unix:send("\n");
equal(unix:receive("*l"), "ok", "and the last one when its line ends");
unix:send(("x"):rep(600));
equal(select(2, unix:receive("*l")), "closed", "a line without an end is hung up on");

session:command("quit");
point(wait_for_end(pid), "quit ends it", pid);
equal(read(folder .. "/run/sandbox.sock"), nil, "and removes its socket");
equal(read(folder .. "/log"), "ready\n", "and has nothing to complain about");
shell:close();

shell, pid = start(place .. " --refresh 1");
point(is_running(pid), "it starts again in the same folder", read(folder .. "/log"));
local refreshed_by = socket.gettime() + 5;
old = read(folder .. "/run/" .. a_file);
repeat
	socket.sleep(0.05);
until read(folder .. "/run/" .. a_file) ~= old or socket.gettime() > refreshed_by;
local anew = read(folder .. "/run/" .. a_file);
point(anew ~= old and tonumber(anew:match('"expiry": (%d+)')) > tonumber(old:match('"expiry": (%d+)')),
	"path files are written anew before they expire", anew);
os.execute("kill -TERM " .. pid);
point(wait_for_end(pid), "SIGTERM ends it", pid);
shell:close();

shell, pid = start(place);
shell:close();
point(wait_for_end(pid), "it ends with the process that started it", pid);

-- The same over IPv6, where all hosts and routers share one address.
local six = folder .. "/six.lua";
write(six, (read(topology):gsub("127%.77%.0%.(%d):31002", "[::1]:3155%1")));
shell, pid = start(("--topology '%s' --run '%s/six'"):format(six, folder));
path = read(folder .. "/six/" .. a_file):match('"raw": "(%x+)"'):gsub("%x%x", function(pair)
	return string.char(tonumber(pair, 16));
end);
has(read(folder .. "/six/" .. a_file), '"next_hop": "[::1]:31551"', "an IPv6 router is written with brackets");
local loopback = ("\0"):rep(15) .. "\1";
packet = (">I4BBI2BBI2"):pack(1, 17, (60 + #path) // 4, 12, 1, 0x33, 0)
	.. (">I2I2I2I2I2I2I2I2"):pack(1, 0xff00, 0, 2, 1, 0xff00, 0, 1)
	.. loopback .. loopback .. path .. (">I2I2I2I2"):pack(31561, 31562, 12, 0) .. "six!";
local six_receiver = socket.udp6();
assert(six_receiver:setsockname("::1", 31562));
six_receiver:settimeout(1);
socket.udp6():sendto(packet, "::1", 31551);
got = six_receiver:receive();
equal(got and got:sub(-4), "six!", "a packet crosses routers on IPv6");
shell:close();
point(wait_for_end(pid), "and that network ends too", pid);

print("1.." .. number);
os.exit(failed == 0);
