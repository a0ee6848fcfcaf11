-- Lua 5.4 is what runs in production, the 5.1 subset is what LuaJIT takes; both must accept every file.
std = "lua51+lua54c"
max_line_length = 120
codes = true
read_globals = { "jit" }
files["lua/sx/core.d.lua"] = { ignore = { "212", "241", "411", "631" } }
files["lua/sx/cdef.lua"] = { max_line_length = false }
files["lua/plugins"] = {
	globals = { "module" };
	read_globals = { "prosody" };
}
files["tests/bench/plugins"] = { globals = { "module" } }
files["tests/e2e/plugins"] = { globals = { "module" }, read_globals = { "prosody" } }
files["tests/spec"] = { std = "+busted" }
