-- SPDX-License-Identifier: MIT
-- tree: the tracked files of this source tree, for the lint checks.
local tree = {};

-- Names of tracked files that end in one of the given ways; all when none is given.
function tree.files(...)
	local endings = { ... };
	local list = {};
	local pipe = assert(io.popen("git ls-files --cached --others --exclude-standard"));
	for name in pipe:lines() do
		local wanted = #endings == 0;
		for _, ending in ipairs(endings) do
			wanted = wanted or name:sub(-#ending) == ending;
		end
		local file = wanted and io.open(name, "rb");
		if file then
			file:close();
			list[#list + 1] = name;
		end
	end
	assert(pipe:close(), "git ls-files failed: is this a git tree?");
	return list;
end

function tree.read(name)
	local file = assert(io.open(name, "rb"));
	local text = file:read("a");
	file:close();
	return text;
end

-- name -> text of all files with these endings.
function tree.texts(...)
	local texts = {};
	for _, name in ipairs(tree.files(...)) do
		texts[name] = tree.read(name);
	end
	return texts;
end

-- The lines of a text, numbered.
function tree.lines(text)
	local list = {};
	for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
		list[#list + 1] = line;
	end
	return list;
end

-- Raises when the list of findings is not empty.
function tree.none(findings)
	table.sort(findings);
	if #findings > 0 then
		error(table.concat(findings, "\n"), 0);
	end
end

return tree;
