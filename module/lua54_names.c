/* SPDX-License-Identifier: MIT */
/* The part of the Lua 5.4 face that looks names up. */
#include "lua54.h"

#define TRACE_MOST 32768

static const char *const text_names[] = {
	[SX_ANSWER_SOURCE] = "source",
	[SX_ANSWER_REASON] = "reason",
	[SX_ANSWER_TRACE] = "trace",
	[SX_ANSWER_SECONDS] = "seconds",
	NULL,
};

static int context_names_set(lua_State *L)
{
	char error[512] = "";
	struct sx_context *context = sx_lua_check_context(L);
	struct sx_names names = { .size = sizeof names };
	int status;

	luaL_checktype(L, 2, LUA_TTABLE);
	names.order = sx_lua_field_text(L, 2, "order", 1);
	names.statics = sx_lua_field_text(L, 2, "statics", 0);
	names.hosts = sx_lua_field_text(L, 2, "hosts", 0);
	names.roots = sx_lua_field_text(L, 2, "roots", 0);
	names.servers = sx_lua_field_text(L, 2, "servers", 0);
	names.dns = sx_lua_field_text(L, 2, "dns", 0);
	names.deadline_ms = sx_lua_field_number(L, 2, "deadline_ms", UINT32_MAX);
	names.cache_bytes = sx_lua_field_number(L, 2, "cache_bytes", UINT32_MAX);
	names.scion_port = (uint16_t)sx_lua_field_number(L, 2, "scion_port", UINT16_MAX);
	lua_getfield(L, 2, "unsigned");
	names.flags = lua_toboolean(L, -1) ? SX_NAMES_UNSIGNED : 0;
	status = sx_names_set(context, &names, error, sizeof error);
	return status < 0 ? sx_lua_push_failure(L, status, error) : sx_lua_push_status(L, status);
}

static int context_names_flush(lua_State *L)
{
	return sx_lua_push_status(L, sx_names_flush(sx_lua_check_context(L)));
}

static uint32_t flag(lua_State *L, const char *name, uint32_t value)
{
	int is_set;

	lua_getfield(L, 3, name);
	is_set = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is_set ? value : 0;
}

static int context_resolve(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	struct sx_question question = { .size = sizeof question, .name = luaL_checkstring(L, 2) };
	sx_handle handle;
	int status;

	if (!lua_isnoneornil(L, 3)) {
		luaL_checktype(L, 3, LUA_TTABLE);
		question.flags = flag(L, "certificates", SX_ASK_CERTIFICATES) |
				 flag(L, "scion_only", SX_ASK_SCION_ONLY) |
				 flag(L, "fresh", SX_ASK_FRESH);
	}
	question.udata = (uint64_t)luaL_optinteger(L, 4, 0);
	status = sx_resolve(context, &question, &handle);
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushinteger(L, (lua_Integer)handle);
	return 1;
}

static void push_place(lua_State *L, const struct sx_place *place)
{
	lua_createtable(L, 0, 4);
	lua_pushstring(L, place->address);
	lua_setfield(L, -2, "address");
	lua_pushboolean(L, place->plain != 0);
	lua_setfield(L, -2, "plain");
	sx_lua_set_number(L, "priority", place->priority);
	if (place->port) {
		sx_lua_set_number(L, "port", place->port);
	}
}

static int context_answer_targets(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle handle = (sx_handle)luaL_checkinteger(L, 2);
	struct sx_place place;
	int status;

	lua_newtable(L);
	for (uint32_t i = 0; (status = sx_answer_target(context, handle, i, &place)) == SX_OK;
		i++) {
		push_place(L, &place);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return status == SX_ENOTFOUND ? 1 : sx_lua_push_failure(L, status, NULL);
}

static int context_answer_text(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle handle = (sx_handle)luaL_checkinteger(L, 2);
	uint32_t which = (uint32_t)luaL_checkoption(L, 3, NULL, text_names);
	luaL_Buffer buffer;
	char *out = luaL_buffinitsize(L, &buffer, TRACE_MOST);
	int status = sx_answer_text(context, handle, which, out, TRACE_MOST);

	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushstring(L, out);
	return 1;
}

static int context_answer_judge(lua_State *L)
{
	char error[512] = "";
	struct sx_context *context = sx_lua_check_context(L);
	int status = sx_answer_judge(context, (sx_handle)luaL_checkinteger(L, 2),
		luaL_checkstring(L, 3), error, sizeof error);

	return status < 0 ? sx_lua_push_failure(L, status, error) : sx_lua_push_status(L, status);
}

static int context_answer_release(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(
		L, sx_answer_release(context, (sx_handle)luaL_checkinteger(L, 2)));
}

const luaL_Reg sx_lua_names_methods[] = {
	{ "names_set", context_names_set },
	{ "names_flush", context_names_flush },
	{ "resolve", context_resolve },
	{ "answer_targets", context_answer_targets },
	{ "answer_text", context_answer_text },
	{ "answer_judge", context_answer_judge },
	{ "answer_release", context_answer_release },
	{ NULL, NULL },
};
