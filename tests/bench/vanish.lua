-- SPDX-License-Identifier: MIT
-- A server dies whose users are in a room: how long those on the room's own server still see them, and what it costs
-- until the last one has left, with 333. mod_muc finds out only when something is said; ours looks by itself. Over
-- SCION nobody tells that a machine has fallen silent: there the server is started again, and makes a new stream.
local loop = require "e2e.loop";
local proc = require "bench.proc";
local report = require "bench.report";
local rooms = require "bench.rooms";

local COUNT = tonumber(os.getenv("SX_SIZES") or "300");
local LOCALS = 10;
local SETTLE, PATIENCE = 1, 60; -- seconds

-- `messages`: how many a local user says once the server is dead.
local CASES = {
	{ name = "mod_muc, TCP", module = "muc", socket = "remote-tcp", messages = 1, event = "dies, a message" },
	{ name = "ours, TCP", module = "muc_scion", socket = "remote-tcp", messages = 0, event = "dies" },
	{ name = "ours, SCION", module = "muc_scion", socket = "remote", messages = 0, is_back = true,
		event = "dies, is back" },
};

local function measure(scene)
	local case, pid, locals = scene.kind, scene.server.child.pid, rooms.locals(scene, LOCALS);
	locals:tell("join %s 1 %d %d", rooms.ROOM, LOCALS, LOCALS * LOCALS);
	-- Nicknames are those of local users up to LOCALS.
	scene.crowd:tell("join %s %d %d %d", rooms.ROOM, LOCALS + 1, COUNT, COUNT * (COUNT + LOCALS));
	loop.sleep(SETTLE);
	scene.elsewhere:kill();
	if case.is_back then
		assert(scene.elsewhere:start());
		rooms.connect(scene);
	end
	local before = proc.cpu(pid);
	local found = locals:tell("await %s %d %d %d", rooms.ROOM, case.messages, COUNT * LOCALS, PATIENCE);
	return { seconds = found.seconds, cpu = proc.cpu(pid) - before };
end

local rows = {};
for i, case in ipairs(CASES) do
	local found = rooms.with(case, case.socket, LOCALS + COUNT, measure);
	rows[i] = { case.name, case.event, ("%.2f"):format(found.seconds), ("%.3f"):format(found.cpu),
		("%.0f"):format(found.cpu / COUNT * 1e6) };
end
report.table(("vanish: the server of %d occupants is killed; until %d others, on the rooms' server, saw all leave")
	:format(COUNT, LOCALS), { "", "what happens", "s", "CPU s", "CPU us/occupant" }, rows);
report.note("ours looks for the users of a server a second after its stream has ended, and at most once a minute");
