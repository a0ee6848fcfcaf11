-- SPDX-License-Identifier: MIT
-- process: child processes of a test. They hang on keep.sh, which ends them when this process ends, however it does.
local loop = require "e2e.loop";

local process = {};
process.__index = process;

process.HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".";

function process.quote(text)
	return "'" .. text:gsub("'", "'\\''") .. "'";
end

local keeper = assert(io.popen("exec sh " .. process.quote(process.HERE .. "/keep.sh"), "w"));
keeper:setvbuf("line");

-- A command line of its words.
function process.words(list)
	local quoted = {};
	for i, word in ipairs(list) do
		quoted[i] = process.quote(word);
	end
	return table.concat(quoted, " ");
end

function process.read_file(path)
	local file = io.open(path, "rb");
	if not file then
		return nil;
	end
	local text = file:read("a");
	file:close();
	return text;
end

function process.write_file(path, text)
	local file = assert(io.open(path, "wb"));
	assert(file:write(text));
	assert(file:close());
end

-- Runs a command to its end: its output (both channels) and whether it succeeded.
function process.run(list)
	local pipe = io.popen(process.words(list) .. " 2>&1 </dev/null");
	local output = pipe:read("a");
	return output, pipe:close() == true;
end

-- Starts `command` (a list of words) with files NAME.pid, NAME.exit and NAME.out in `folder`.
function process.start(folder, name, command)
	local base = ("%s/%s"):format(folder, name);
	os.remove(base .. ".exit");
	os.remove(base .. ".pid");
	local line = process.words({ base, table.unpack(command) });
	assert(not line:find("\n"), "a command is one line");
	keeper:write(line, "\n");
	local self = setmetatable({ base = base, name = name }, process);
	local pid = loop.wait(function () return tonumber(process.read_file(base .. ".pid") or ""); end, 5);
	self.pid = assert(pid, "did not start: " .. name);
	return self;
end

-- The exit status once it has ended (128 and more: by a signal), else nil.
function process:status()
	return tonumber(process.read_file(self.base .. ".exit") or "");
end

function process:output()
	return process.read_file(self.base .. ".out") or "";
end

function process:signal(name)
	os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid));
end

-- Ends it with SIGTERM, in need with SIGKILL. Returns its exit status, and "killed" when it did not go by itself.
function process:stop(seconds)
	local ended, manner = self:status(), nil;
	if not ended then
		self:signal("TERM");
		ended = loop.wait(function () return self:status(); end, seconds or 40);
	end
	if not ended then
		self:signal("KILL");
		ended, manner = loop.wait(function () return self:status(); end, 5), "killed";
	end
	return ended, manner;
end

return process;
