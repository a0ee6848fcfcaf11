/* SPDX-License-Identifier: MIT */
/* The part of the Lua 5.4 face that works on streams. */
#include "lua54.h"

#define RECEIVE_MOST     65536
#define CERTIFICATE_MOST 65536
#define EXPORT_MOST      255

static const char *const text_names[] = {
	[SX_TEXT_PEER] = "peer",
	[SX_TEXT_PATH] = "path",
	[SX_TEXT_ALPN] = "alpn",
	[SX_TEXT_LOCAL_NAME] = "local_name",
	[SX_TEXT_REMOTE_NAME] = "remote_name",
	[SX_TEXT_CIPHER] = "cipher",
	[SX_TEXT_VERIFY] = "verify",
	[SX_TEXT_REASON] = "reason",
	NULL,
};

static sx_handle check_handle(lua_State *L, int index)
{
	return (sx_handle)luaL_checkinteger(L, index);
}

static int context_dial(lua_State *L)
{
	char error[512] = "";
	struct sx_context *context = sx_lua_check_context(L);
	struct sx_target target = { .size = sizeof target,
		.udata = (uint64_t)luaL_optinteger(L, 3, 0) };
	sx_handle handle;
	int status;

	luaL_checktype(L, 2, LUA_TTABLE);
	target.local_name = sx_lua_field_text(L, 2, "local_name", 1);
	target.remote_name = sx_lua_field_text(L, 2, "remote_name", 1);
	target.address = sx_lua_field_text(L, 2, "address", 1);
	target.alpn = sx_lua_field_text(L, 2, "alpn", 1);
	target.port = (uint16_t)sx_lua_field_number(L, 2, "port", UINT16_MAX);
	status = sx_dial(context, &target, &handle, error, sizeof error);
	if (status < 0) {
		return sx_lua_push_failure(L, status, error);
	}
	lua_pushinteger(L, (lua_Integer)handle);
	return 1;
}

static int context_set_udata(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(L, sx_channel_set_udata(context, check_handle(L, 2),
					     (uint64_t)luaL_checkinteger(L, 3)));
}

static int context_send(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	size_t len;
	const char *data = luaL_checklstring(L, 3, &len);

	return sx_lua_push_status(L, sx_channel_send(context, check_handle(L, 2), data, len));
}

static int context_receive(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	lua_Integer most = luaL_optinteger(L, 3, RECEIVE_MOST);
	luaL_Buffer buffer;
	size_t len = 0;
	char *out;
	int status;

	luaL_argcheck(L, most > 0 && most <= RECEIVE_MOST, 3, "must be from 1 to 65536");
	out = luaL_buffinitsize(L, &buffer, (size_t)most);
	status = sx_channel_receive(context, check_handle(L, 2), out, (size_t)most, &len);
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	luaL_pushresultsize(&buffer, len);
	return 1;
}

static int context_finish(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(L, sx_channel_finish(context, check_handle(L, 2)));
}

static int context_reset(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(L, sx_channel_reset(context, check_handle(L, 2)));
}

static int context_release(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(L, sx_channel_close(context, check_handle(L, 2)));
}

static int context_pause(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(
		L, sx_channel_pause(context, check_handle(L, 2), (uint32_t)lua_toboolean(L, 3)));
}

static int context_hold(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);

	return sx_lua_push_status(
		L, sx_channel_hold(context, check_handle(L, 2), (uint32_t)lua_toboolean(L, 3)));
}

static void set_boolean(lua_State *L, const char *name, int value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, name);
}

static int context_state(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	struct sx_channel_state state;
	int status = sx_channel_state(context, check_handle(L, 2), &state);

	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_createtable(L, 0, 9);
	set_boolean(L, "dialled", state.dialled != 0);
	set_boolean(L, "verified", state.verify_status == SX_OK);
	sx_lua_set_number(L, "peer_port", state.peer_port);
	sx_lua_set_number(L, "connection", state.connection);
	sx_lua_set_number(L, "handshake_ns", state.handshake_ns);
	sx_lua_set_number(L, "rtt_ns", state.rtt_ns);
	sx_lua_set_number(L, "readable", state.readable);
	sx_lua_set_number(L, "unsent", state.unsent);
	sx_lua_set_number(L, "unacked", state.unacked);
	return 1;
}

static int context_text(lua_State *L)
{
	char text[SX_LUA_TEXT_BYTES];
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle handle = check_handle(L, 2);
	uint32_t which = (uint32_t)luaL_checkoption(L, 3, NULL, text_names);
	int status = sx_channel_text(context, handle, which, text, sizeof text);

	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushstring(L, text);
	return 1;
}

static int context_certificate(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle handle = check_handle(L, 2);
	lua_Integer depth = luaL_optinteger(L, 3, 0);
	luaL_Buffer buffer;
	size_t len = CERTIFICATE_MOST;
	char *out;
	int status;

	luaL_argcheck(L, depth >= 0 && depth < UINT32_MAX, 3, "must not be negative");
	out = luaL_buffinitsize(L, &buffer, CERTIFICATE_MOST);
	status = sx_channel_certificate(context, handle, (uint32_t)depth, out, &len);
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	luaL_pushresultsize(&buffer, len);
	return 1;
}

static int context_export(lua_State *L)
{
	char out[EXPORT_MOST];
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle handle = check_handle(L, 2);
	const char *label = luaL_checkstring(L, 3);
	lua_Integer len = luaL_checkinteger(L, 4);
	int status;

	luaL_argcheck(L, len > 0 && len <= EXPORT_MOST, 4, "must be from 1 to 255");
	status = sx_channel_export(context, handle, label, out, (size_t)len);
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushlstring(L, out, (size_t)len);
	return 1;
}

static int next_stream(lua_State *L)
{
	sx_handle next;

	(void)sx_channel_next(sx_lua_check_context(L), (sx_handle)luaL_optinteger(L, 2, 0), &next);
	if (next == 0) {
		lua_pushnil(L);
	} else {
		lua_pushinteger(L, (lua_Integer)next);
	}
	return 1;
}

static int context_streams(lua_State *L)
{
	(void)sx_lua_check_context(L);
	lua_pushcfunction(L, next_stream);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

const luaL_Reg sx_lua_channel_methods[] = {
	{ "dial", context_dial },
	{ "set_udata", context_set_udata },
	{ "send", context_send },
	{ "receive", context_receive },
	{ "finish", context_finish },
	{ "reset", context_reset },
	{ "release", context_release },
	{ "pause", context_pause },
	{ "hold", context_hold },
	{ "state", context_state },
	{ "text", context_text },
	{ "certificate", context_certificate },
	{ "export", context_export },
	{ "streams", context_streams },
	{ NULL, NULL },
};
