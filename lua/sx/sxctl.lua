-- SPDX-License-Identifier: MIT
-- sxctl: the command line by which `sxctl resolve` looks a name up as this server would.

-- A setting of context:names_set -> the flag, whose value is the whole text or each of its lines.
local flags = {
	{ "order", "--order" }, { "statics", "--static", true }, { "hosts", "--hosts", true }, { "roots", "--root", true },
	{ "servers", "--server", true }, { "dns", "--dns" },
};

local function add(words, flag, value)
	words[#words + 1] = flag;
	words[#words + 1] = value;
end

--- The words of a command line, the program first.
---@param program string
---@param settings sx.names as of names.settings
---@param facts { address: string, paths: string, scion_only: boolean }
---@param arguments string[] the name, and flags of the user's own
---@return string[]
local function words(program, settings, facts, arguments)
	local out = { program, "resolve" };
	for _, row in ipairs(flags) do
		local value, flag, in_lines = settings[row[1]], row[2], row[3];
		for line in (value or ""):gmatch(in_lines and "[^\n]+" or ".+") do
			add(out, flag, line);
		end
	end
	add(out, "--deadline", ("%g"):format(settings.deadline_ms / 1000));
	add(out, "--address", facts.address);
	add(out, "--paths", (facts.paths:gsub("^file:", "")));
	if settings.unsigned then
		out[#out + 1] = "--unsigned";
	end
	if facts.scion_only then
		out[#out + 1] = "--scion-only";
	end
	for _, argument in ipairs(arguments) do
		out[#out + 1] = argument;
	end
	return out;
end

--- A command line for a shell.
local function line(list)
	local quoted = {};
	for i, word in ipairs(list) do
		quoted[i] = "'"..word:gsub("'", "'\\''").."'";
	end
	return table.concat(quoted, " ");
end

return { words = words, line = line };
