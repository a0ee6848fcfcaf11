-- SPDX-License-Identifier: MIT
-- loop: one process, many users: waits for sockets and deadlines, and runs coroutines between them.
--
-- Code reads as if it blocked: `loop.wait` returns when its condition holds. Called from a task (`loop.spawn`) it lets
-- the others run; called from the main chunk it turns the loop itself. select(2) bounds a process to about 1,000 users.
local socket = require "socket";

local loop = {};

local watches = {}; -- socket -> { readable = f, writable = f, wants_write = f }
local waiting = {}; -- task -> { condition = f, deadline = seconds }
local TICK = 0.05; -- conditions that no socket announces (a log line, a file) are looked at this often

loop.now = socket.gettime;

-- Handlers: `readable()` is needed; `writable()` is called while `wants_write()` holds.
function loop.watch(sock, handlers)
	watches[sock] = handlers;
end

function loop.unwatch(sock)
	watches[sock] = nil;
end

local function poll(timeout)
	local readers, writers = {}, {};
	for sock, handlers in pairs(watches) do
		readers[#readers + 1] = sock;
		if handlers.wants_write and handlers.wants_write() then
			writers[#writers + 1] = sock;
		end
	end
	local readable, writable = socket.select(readers, writers, timeout);
	for _, sock in ipairs(writable) do
		if watches[sock] then
			watches[sock].writable();
		end
	end
	for _, sock in ipairs(readable) do
		if watches[sock] then
			watches[sock].readable();
		end
	end
end

local function resume(task, ...)
	local ok, err = coroutine.resume(task.thread, ...);
	if not ok then
		task.error = debug.traceback(task.thread, tostring(err));
	end
	task.done = coroutine.status(task.thread) == "dead";
end

local function wake_tasks()
	local ready = {};
	for task, wait in pairs(waiting) do
		local value = wait.condition();
		if value or loop.now() >= wait.deadline then
			ready[task] = { value = value or nil };
		end
	end
	for task, result in pairs(ready) do
		waiting[task] = nil;
		resume(task, result.value);
	end
end

-- How long sockets may keep us, seconds: until some wait is over, and never longer than a tick.
local function patience(deadline)
	local now = loop.now();
	local seconds = math.min(TICK, deadline - now);
	for _, wait in pairs(waiting) do
		seconds = math.min(seconds, wait.deadline - now);
	end
	return math.max(0, seconds);
end

local tasks = setmetatable({}, { __mode = "k" }); -- thread -> task

-- Waits until `condition()` is true or `seconds` have passed: its value, or nil and "timeout".
function loop.wait(condition, seconds)
	local value = condition();
	if value then
		return value;
	end
	local deadline = loop.now() + seconds;
	local task = tasks[coroutine.running()];
	if task then
		waiting[task] = { condition = condition, deadline = deadline };
		value = coroutine.yield();
	else
		while not value and loop.now() < deadline do
			poll(patience(deadline));
			wake_tasks();
			value = condition();
		end
	end
	if value then
		return value;
	end
	return nil, "timeout";
end

function loop.sleep(seconds)
	loop.wait(function () return false; end, seconds);
end

-- Starts `f(...)` as a task that runs whenever anyone waits.
function loop.spawn(f, ...)
	local task = { thread = coroutine.create(f) };
	tasks[task.thread] = task;
	resume(task, ...);
	return task;
end

-- Waits for all tasks; raises the first error any of them ended with.
function loop.join(list, seconds)
	local function finished()
		for _, task in ipairs(list) do
			if not task.done then
				return false;
			end
		end
		return true;
	end
	local ok = loop.wait(finished, seconds);
	for _, task in ipairs(list) do
		if task.error then
			error(task.error, 0);
		end
	end
	if not ok then
		error(("tasks did not end within %g s"):format(seconds), 2);
	end
end

return loop;
