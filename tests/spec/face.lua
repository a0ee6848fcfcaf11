-- SPDX-License-Identifier: MIT
-- face: the real core for the running Lua: core.so (SX_CORE names it) on 5.4, lua/sx/ffi.lua on libsx.so (SX_FFI names
-- that; cdef.lua lies beside it) on LuaJIT. Returns the core, or nil and the variable that is not set.

package.path = "./lua/?.lua;"..package.path;

local is_jit = rawget(_G, "jit") ~= nil;
local variable = is_jit and "SX_FFI" or "SX_CORE";
local library = os.getenv(variable);

local function load_core()
	if not library then
		return nil, variable;
	elseif is_jit then
		return require "sx.ffi"(library, dofile((library:gsub("[^/]*$", "")).."cdef.lua"));
	end
	return assert(package.loadlib(library, "luaopen_sx_core"))("sx.core", library);
end

return { load = load_core };
