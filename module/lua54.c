/* SPDX-License-Identifier: MIT */
/*
 * The Lua 5.4 face of the ABI: module `sx.core`, documented in lua/sx/core.d.lua. Each binding checks its arguments,
 * makes one call and pushes the result; expected failures are nil, text, name. Streams: lua54_channel.c.
 */
#include <string.h>

#include "lua54.h"

#define CONTEXT_TYPE "sx.context"

struct box {
	struct sx_context *context; /* NULL once closed */
};

int sx_lua_push_failure(lua_State *L, int status, const char *text)
{
	lua_pushnil(L);
	lua_pushstring(L, text && *text ? text : sx_strerror(status));
	lua_pushstring(L, sx_strname(status));
	return 3;
}

int sx_lua_push_status(lua_State *L, int status)
{
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushboolean(L, 1);
	return 1;
}

struct sx_context *sx_lua_check_context(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, CONTEXT_TYPE);

	luaL_argcheck(L, box->context, 1, "context is closed");
	return box->context;
}

/* A text field of the table at 1 or 2; stays on the stack so that the collector leaves it alone. */
const char *sx_lua_field_text(lua_State *L, int table, const char *name, int required)
{
	const char *text;
	size_t len;

	if (lua_getfield(L, table, name) == LUA_TNIL && !required) {
		return NULL;
	}
	if (lua_type(L, -1) != LUA_TSTRING) {
		luaL_error(L, "field '%s' must be a string, not %s", name, luaL_typename(L, -1));
	}
	text = lua_tolstring(L, -1, &len);
	if (len != strlen(text)) {
		luaL_error(L, "field '%s' contains a NUL", name);
	}
	return text;
}

uint32_t sx_lua_field_number(lua_State *L, int table, const char *name, lua_Integer most)
{
	lua_Integer value = 0;
	int is_number = 1;

	if (lua_getfield(L, table, name) != LUA_TNIL) {
		value = lua_tointegerx(L, -1, &is_number);
	}
	if (!is_number || value < 0 || value > most) {
		luaL_error(L, "field '%s' must be an integer from 0 to %I", name, most);
	}
	lua_pop(L, 1);
	return (uint32_t)value;
}

void sx_lua_set_number(lua_State *L, const char *name, uint64_t value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

static const char *const kinds[] = {
	[SX_EVENT_NONE] = "none",
	[SX_EVENT_ACCEPT] = "accept",
	[SX_EVENT_OPEN] = "open",
	[SX_EVENT_READABLE] = "readable",
	[SX_EVENT_WRITABLE] = "writable",
	[SX_EVENT_FINISH] = "finish",
	[SX_EVENT_CLOSE] = "close",
	[SX_EVENT_ANSWER] = "answer",
};

static int core_open(lua_State *L)
{
	char error[512] = "";
	struct sx_options options = { .size = sizeof options };
	struct box *box;
	int status;

	luaL_checktype(L, 1, LUA_TTABLE);
	options.address = sx_lua_field_text(L, 1, "address", 1);
	options.paths = sx_lua_field_text(L, 1, "paths", 1);
	options.alpn = sx_lua_field_text(L, 1, "alpn", 0);
	options.secret = sx_lua_field_text(L, 1, "secret", 0);
	options.port = (uint16_t)sx_lua_field_number(L, 1, "port", UINT16_MAX);
	options.idle_timeout = sx_lua_field_number(L, 1, "idle_timeout", UINT32_MAX);
	options.dial_timeout = sx_lua_field_number(L, 1, "dial_timeout", UINT32_MAX);
	box = lua_newuserdatauv(L, sizeof *box, 0);
	box->context = NULL;
	luaL_setmetatable(L, CONTEXT_TYPE);
	status = sx_open(&options, &box->context, error, sizeof error);
	return status < 0 ? sx_lua_push_failure(L, status, error) : 1;
}

static int core_address_normal(lua_State *L)
{
	char normal[128];
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	/* A NUL inside would hide what follows it. */
	int status = len == strlen(text) ? sx_address_normal(text, normal, sizeof normal)
					 : SX_EMALFORMED;

	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushstring(L, normal);
	return 1;
}

static int core_live_objects(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)sx_live_objects());
	return 1;
}

static int context_close(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, CONTEXT_TYPE);
	struct sx_context *context = box->context;

	box->context = NULL;
	sx_close(context, (uint32_t)luaL_optinteger(L, 2, 0));
	return 0;
}

static int context_collect(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, CONTEXT_TYPE);
	struct sx_context *context = box->context;

	box->context = NULL;
	sx_close(context, 0);
	return 0;
}

static int context_fd(lua_State *L)
{
	lua_pushinteger(L, sx_fd(sx_lua_check_context(L)));
	return 1;
}

static int context_process(lua_State *L)
{
	return sx_lua_push_status(L, sx_process(sx_lua_check_context(L)));
}

static int context_next_event(lua_State *L)
{
	struct sx_event event;

	if (sx_next_event(sx_lua_check_context(L), &event) < 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushstring(L, kinds[event.kind]);
	lua_pushinteger(L, (lua_Integer)event.handle);
	if (event.status < 0) {
		lua_pushstring(L, sx_strname(event.status));
	} else {
		lua_pushnil(L);
	}
	lua_pushinteger(L, (lua_Integer)event.udata);
	lua_pushinteger(L, (lua_Integer)event.arg);
	return 5;
}

static int context_next_log(lua_State *L)
{
	char line[512];
	uint32_t level;

	if (sx_next_log(sx_lua_check_context(L), &level, line, sizeof line) < 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, level);
	lua_pushstring(L, line);
	return 2;
}

static int context_domain_set(lua_State *L)
{
	char error[512] = "";
	struct sx_context *context = sx_lua_check_context(L);
	struct sx_domain domain = { .size = sizeof domain };
	int status;

	luaL_checktype(L, 2, LUA_TTABLE);
	domain.name = sx_lua_field_text(L, 2, "name", 1);
	domain.certificate = sx_lua_field_text(L, 2, "certificate", 1);
	domain.key = sx_lua_field_text(L, 2, "key", 1);
	domain.password = sx_lua_field_text(L, 2, "password", 0);
	domain.cafile = sx_lua_field_text(L, 2, "cafile", 0);
	domain.capath = sx_lua_field_text(L, 2, "capath", 0);
	status = sx_domain_set(context, &domain, error, sizeof error);
	return status < 0 ? sx_lua_push_failure(L, status, error) : sx_lua_push_status(L, status);
}

static int context_domain_remove(lua_State *L)
{
	return sx_lua_push_status(
		L, sx_domain_remove(sx_lua_check_context(L), luaL_checkstring(L, 2)));
}

static int context_counters(lua_State *L)
{
	static const char *const names[] = { "datagrams_in", "datagrams_out", "dropped_quic",
		"dropped_scion", "scmp_in", "scmp_echo", "path_switches", "handshakes",
		"retries_sent", "resets_sent", "versions_sent", "refused", "stream_bytes_in",
		"stream_bytes_out", "connections", "streams", "half_open", "paths", "names_asked",
		"names_searched", "names_cached", "names_bytes" };
	struct sx_counters counters;
	const uint64_t *values = &counters.datagrams_in;

	_Static_assert(
		sizeof counters == SX_COUNT(names) * sizeof *values, "a counter has no name");
	(void)sx_counters(sx_lua_check_context(L), &counters);
	lua_createtable(L, 0, (int)SX_COUNT(names));
	for (size_t i = 0; i < SX_COUNT(names); i++) {
		sx_lua_set_number(L, names[i], values[i]);
	}
	return 1;
}

static int context_paths(lua_State *L)
{
	char text[SX_LUA_TEXT_BYTES];
	struct sx_context *context = sx_lua_check_context(L);
	const char *isd_as = luaL_checkstring(L, 2);
	int status;

	lua_newtable(L);
	for (uint32_t i = 0;
		(status = sx_path_text(context, isd_as, i, text, sizeof text)) == SX_OK; i++) {
		lua_pushstring(L, text);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return status == SX_ENOTFOUND ? 1 : sx_lua_push_failure(L, status, NULL);
}

static const luaL_Reg methods[] = {
	{ "close", context_close },
	{ "fd", context_fd },
	{ "process", context_process },
	{ "next_event", context_next_event },
	{ "next_log", context_next_log },
	{ "domain_set", context_domain_set },
	{ "domain_remove", context_domain_remove },
	{ "counters", context_counters },
	{ "paths", context_paths },
	{ NULL, NULL },
};

static const luaL_Reg functions[] = {
	{ "open", core_open },
	{ "address_normal", core_address_normal },
	{ "live_objects", core_live_objects },
	{ "fan", sx_lua_fan },
	{ NULL, NULL },
};

SX_API int luaopen_sx_core(lua_State *L);

int luaopen_sx_core(lua_State *L)
{
	if (luaL_newmetatable(L, CONTEXT_TYPE)) {
		lua_pushcfunction(L, context_collect);
		lua_setfield(L, -2, "__gc");
		luaL_newlib(L, methods);
		luaL_setfuncs(L, sx_lua_channel_methods, 0);
		luaL_setfuncs(L, sx_lua_names_methods, 0);
		luaL_setfuncs(L, sx_lua_fan_context_methods, 0);
		lua_setfield(L, -2, "__index");
	}
	sx_lua_fan_register(L);
	luaL_newlib(L, functions);
	lua_pushstring(L, sx_version());
	lua_setfield(L, -2, "version");
	return 1;
}
