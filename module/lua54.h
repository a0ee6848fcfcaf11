/* SPDX-License-Identifier: MIT */
/* lua54: what the files of the Lua 5.4 face share. */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "sx.h"

#if LUA_VERSION_NUM != 504
#error "core.so is for Lua 5.4; LuaJIT uses lua/sx/ffi.lua on libsx.so"
#endif

#define SX_LUA_TEXT_BYTES 2048

/* The context in argument 1; raises when it is closed. */
struct sx_context *sx_lua_check_context(lua_State *L);

/* Pushes nil, text, name; an empty text becomes that of the status. */
int sx_lua_push_failure(lua_State *L, int status, const char *text);

/* Pushes true, or the failure. */
int sx_lua_push_status(lua_State *L, int status);

/* A text field of a table; it stays on the stack, so that the collector leaves it alone. Raises on other types. */
const char *sx_lua_field_text(lua_State *L, int table, const char *name, int required);

/* A number field of a table, 0 when it is missing. Raises unless it is an integer from 0 to `most`. */
uint32_t sx_lua_field_number(lua_State *L, int table, const char *name, lua_Integer most);

/* Sets a number in the table on top of the stack. */
void sx_lua_set_number(lua_State *L, const char *name, uint64_t value);

/* The methods that work on streams, for the context's metatable. */
extern const luaL_Reg sx_lua_channel_methods[];

/* The methods that look names up. */
extern const luaL_Reg sx_lua_names_methods[];

/* core.fan(): a new fan-out; its methods are registered before. */
int sx_lua_fan(lua_State *L);
void sx_lua_fan_register(lua_State *L);

/* The method that sends batches on streams. */
extern const luaL_Reg sx_lua_fan_context_methods[];
