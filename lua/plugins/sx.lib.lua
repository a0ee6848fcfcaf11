-- SPDX-License-Identifier: MIT
-- Finds our own parts: Lua libraries named `sx.*` through one searcher, installed by the first of our modules, and the
-- core beside them. package.path and package.cpath stay as they are.

local directory = module:get_directory() or ".";

-- This file is in lua/plugins, the libraries beside that in lua/sx (lua/muc for sx.muc.*). The core is in the build
-- folder of a source tree, or in PREFIX/lib where this is PREFIX/share/prosody-scion/lua/plugins. Or all is in one
-- folder.
local trees = {
	{ lua = directory.."/../", core = directory.."/../../build/module/", bin = directory.."/../../build/module/cli/" };
	{ lua = directory.."/../", core = directory.."/../../../../lib/prosody-scion/", bin = directory.."/../../../../bin/" };
	{ lua = directory.."/", core = directory.."/", bin = directory.."/" };
};

local is_jit = rawget(_G, "jit") ~= nil;
local searchers = package.searchers or package.loaders; -- luacheck: ignore 143

local function file_of(name, folder)
	local rest = name:match("^sx%.([%w_.]+)$");
	if not rest then
		return nil;
	end
	local path = rest:gsub("%.", "/");
	if not path:find("/", 1, true) then
		path = "sx/"..path;
	end
	return folder..path..".lua";
end

local function search(name)
	local tried = {};
	for _, tree in ipairs(trees) do
		local path = file_of(name, tree.lua);
		if not path then
			return nil;
		end
		local chunk, err = loadfile(path);
		if chunk then
			return chunk, path;
		end
		tried[#tried + 1] = "\n\t"..err;
	end
	return table.concat(tried);
end

local function install()
	if not package.loaded["sx.searcher"] then
		package.loaded["sx.searcher"] = search;
		table.insert(searchers, 2, search);
	end
end

local function is_file(path)
	local file = io.open(path, "rb");
	if file then
		file:close();
	end
	return file ~= nil;
end

local function candidates(name, variable)
	local paths = { os.getenv(variable) };
	for _, tree in ipairs(trees) do
		paths[#paths + 1] = tree.core..name;
	end
	return paths;
end

--- LuaJIT's face: the declarations lie beside the library.
local function load_jit_face(path)
	local cdef, err = loadfile((path:gsub("[^/]*$", "")).."cdef.lua");
	if not cdef then
		return nil, err;
	end
	local ok, face = pcall(function ()
		return require "sx.ffi"(path, cdef());
	end);
	if not ok then
		return nil, face;
	end
	return face;
end

local function load_face(path)
	if is_jit then
		return load_jit_face(path);
	end
	local open, err = package.loadlib(path, "luaopen_sx_core");
	if not open then
		return nil, err;
	end
	return open("sx.core", path);
end

--- The core, or nil and what to do. Loaded once; it stays for the life of the process.
local function core()
	if package.loaded["sx.core"] then
		return package.loaded["sx.core"];
	end
	local name, variable = "core.so", "SX_CORE";
	if is_jit then
		name, variable = "libsx.so", "SX_FFI";
	end
	local paths = candidates(name, variable);
	for _, path in ipairs(paths) do
		if is_file(path) then
			local face, err = load_face(path);
			if not face then
				return nil, ("%s cannot be loaded: %s"):format(path, err);
			end
			package.loaded["sx.core"] = face;
			return face;
		end
	end
	return nil, ("%s is not installed; build it with \"meson setup build && ninja -C build\" or set %s (looked at: %s)")
		:format(name, variable, table.concat(paths, ", "));
end

--- A program of ours, where we are or wherever the shell finds it.
local function program(name)
	for _, tree in ipairs(trees) do
		if is_file(tree.bin..name) then
			return tree.bin..name;
		end
	end
	return name;
end

install();

return { core = core, program = program };
