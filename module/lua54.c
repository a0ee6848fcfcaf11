/* SPDX-License-Identifier: MIT */
/*
 * The Lua 5.4 face of the ABI: module `sx.core`, documented in lua/sx/core.d.lua. Each binding checks its arguments,
 * makes one call and pushes the result; expected failures are nil, text, name.
 */
#include <lauxlib.h>
#include <lua.h>

#include "sx.h"

#if LUA_VERSION_NUM != 504
#error "core.so is for Lua 5.4; LuaJIT uses lua/sx/ffi.lua on libsx.so"
#endif

#define CONTEXT_TYPE     "sx.context"
#define RECEIVE_MOST     65536
#define CERTIFICATE_MOST 65536
#define EXPORT_MOST      255
#define TEXT_BYTES       2048

struct box {
	struct sx_context *context; /* NULL once closed */
};

static const char *const kinds[] = {
	[SX_EVENT_NONE] = "none",
	[SX_EVENT_ACCEPT] = "accept",
	[SX_EVENT_OPEN] = "open",
	[SX_EVENT_READABLE] = "readable",
	[SX_EVENT_WRITABLE] = "writable",
	[SX_EVENT_FINISH] = "finish",
	[SX_EVENT_CLOSE] = "close",
};

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

static int push_failure(lua_State *L, int status, const char *text)
{
	lua_pushnil(L);
	lua_pushstring(L, text && *text ? text : sx_strerror(status));
	lua_pushstring(L, sx_strname(status));
	return 3;
}

static int push_status(lua_State *L, int status)
{
	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	lua_pushboolean(L, 1);
	return 1;
}

static struct sx_context *check_context(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, CONTEXT_TYPE);

	luaL_argcheck(L, box->context, 1, "context is closed");
	return box->context;
}

static sx_handle check_handle(lua_State *L, int index)
{
	return (sx_handle)luaL_checkinteger(L, index);
}

/* A text field of the table at 1 or 2; stays on the stack so that the collector leaves it alone. */
static const char *field_text(lua_State *L, int table, const char *name, int required)
{
	if (lua_getfield(L, table, name) == LUA_TNIL && !required) {
		return NULL;
	}
	if (lua_type(L, -1) != LUA_TSTRING) {
		luaL_error(L, "field '%s' must be a string, not %s", name, luaL_typename(L, -1));
	}
	return lua_tostring(L, -1);
}

static uint32_t field_number(lua_State *L, int table, const char *name, lua_Integer most)
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

static int core_open(lua_State *L)
{
	char error[512] = "";
	struct sx_options options = { .size = sizeof options };
	struct box *box;
	int status;

	luaL_checktype(L, 1, LUA_TTABLE);
	options.address = field_text(L, 1, "address", 1);
	options.paths = field_text(L, 1, "paths", 1);
	options.alpn = field_text(L, 1, "alpn", 0);
	options.port = (uint16_t)field_number(L, 1, "port", UINT16_MAX);
	options.idle_timeout = field_number(L, 1, "idle_timeout", UINT32_MAX);
	options.dial_timeout = field_number(L, 1, "dial_timeout", UINT32_MAX);
	box = lua_newuserdatauv(L, sizeof *box, 0);
	box->context = NULL;
	luaL_setmetatable(L, CONTEXT_TYPE);
	status = sx_open(&options, &box->context, error, sizeof error);
	return status < 0 ? push_failure(L, status, error) : 1;
}

static int core_address_normal(lua_State *L)
{
	char normal[128];
	int status = sx_address_normal(luaL_checkstring(L, 1), normal, sizeof normal);

	if (status < 0) {
		return push_failure(L, status, NULL);
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
	lua_pushinteger(L, sx_fd(check_context(L)));
	return 1;
}

static int context_process(lua_State *L)
{
	return push_status(L, sx_process(check_context(L)));
}

static int context_next_event(lua_State *L)
{
	struct sx_event event;

	if (sx_next_event(check_context(L), &event) < 0) {
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

	if (sx_next_log(check_context(L), &level, line, sizeof line) < 0) {
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
	struct sx_context *context = check_context(L);
	struct sx_domain domain = { .size = sizeof domain };
	int status;

	luaL_checktype(L, 2, LUA_TTABLE);
	domain.name = field_text(L, 2, "name", 1);
	domain.certificate = field_text(L, 2, "certificate", 1);
	domain.key = field_text(L, 2, "key", 1);
	domain.password = field_text(L, 2, "password", 0);
	domain.cafile = field_text(L, 2, "cafile", 0);
	domain.capath = field_text(L, 2, "capath", 0);
	status = sx_domain_set(context, &domain, error, sizeof error);
	return status < 0 ? push_failure(L, status, error) : push_status(L, status);
}

static int context_domain_remove(lua_State *L)
{
	return push_status(L, sx_domain_remove(check_context(L), luaL_checkstring(L, 2)));
}

static int context_hosts_set(lua_State *L)
{
	struct sx_context *context = check_context(L);
	luaL_Buffer files;

	luaL_checktype(L, 2, LUA_TTABLE);
	luaL_buffinit(L, &files);
	for (lua_Integer i = 1; i <= luaL_len(L, 2); i++) {
		if (lua_geti(L, 2, i) != LUA_TSTRING) {
			return luaL_error(L, "hosts file %I must be a string", i);
		}
		luaL_addvalue(&files);
		luaL_addchar(&files, '\n');
	}
	luaL_pushresult(&files);
	return push_status(L, sx_hosts_set(context, lua_tostring(L, -1)));
}

static int context_hosts_find(lua_State *L)
{
	char address[128];
	struct sx_context *context = check_context(L);
	const char *name = luaL_checkstring(L, 2);

	lua_newtable(L);
	for (uint32_t i = 0; sx_hosts_address(context, name, i, address, sizeof address) == SX_OK; i++) {
		lua_pushstring(L, address);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

static int context_dial(lua_State *L)
{
	char error[512] = "";
	struct sx_context *context = check_context(L);
	struct sx_target target = { .size = sizeof target };
	uint64_t udata = (uint64_t)luaL_optinteger(L, 3, 0);
	sx_handle handle;
	int status;

	luaL_checktype(L, 2, LUA_TTABLE);
	target.local_name = field_text(L, 2, "local_name", 1);
	target.remote_name = field_text(L, 2, "remote_name", 1);
	target.address = field_text(L, 2, "address", 1);
	target.alpn = field_text(L, 2, "alpn", 1);
	target.port = (uint16_t)field_number(L, 2, "port", UINT16_MAX);
	status = sx_dial(context, &target, udata, &handle, error, sizeof error);
	if (status < 0) {
		return push_failure(L, status, error);
	}
	lua_pushinteger(L, (lua_Integer)handle);
	return 1;
}

static int context_set_udata(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L,
		sx_channel_set_udata(context, check_handle(L, 2), (uint64_t)luaL_checkinteger(L, 3)));
}

static int context_send(lua_State *L)
{
	struct sx_context *context = check_context(L);
	size_t len;
	const char *data = luaL_checklstring(L, 3, &len);

	return push_status(L, sx_channel_send(context, check_handle(L, 2), data, len));
}

static int context_receive(lua_State *L)
{
	struct sx_context *context = check_context(L);
	lua_Integer most = luaL_optinteger(L, 3, RECEIVE_MOST);
	luaL_Buffer buffer;
	size_t len = 0;
	char *out;
	int status;

	luaL_argcheck(L, most > 0 && most <= RECEIVE_MOST, 3, "must be from 1 to 65536");
	out = luaL_buffinitsize(L, &buffer, (size_t)most);
	status = sx_channel_receive(context, check_handle(L, 2), out, (size_t)most, &len);
	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	luaL_pushresultsize(&buffer, len);
	return 1;
}

static int context_finish(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L, sx_channel_finish(context, check_handle(L, 2)));
}

static int context_reset(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L, sx_channel_reset(context, check_handle(L, 2)));
}

static int context_release(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L, sx_channel_close(context, check_handle(L, 2)));
}

static int context_pause(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L, sx_channel_pause(context, check_handle(L, 2), (uint32_t)lua_toboolean(L, 3)));
}

static int context_hold(lua_State *L)
{
	struct sx_context *context = check_context(L);

	return push_status(L, sx_channel_hold(context, check_handle(L, 2), (uint32_t)lua_toboolean(L, 3)));
}

static void set_number(lua_State *L, const char *name, uint64_t value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, int value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, name);
}

static int context_state(lua_State *L)
{
	struct sx_context *context = check_context(L);
	struct sx_channel_state state;
	int status = sx_channel_state(context, check_handle(L, 2), &state);

	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	lua_createtable(L, 0, 9);
	set_boolean(L, "dialled", state.dialled != 0);
	set_boolean(L, "verified", state.verify_status == SX_OK);
	set_number(L, "peer_port", state.peer_port);
	set_number(L, "connection", state.connection);
	set_number(L, "handshake_ns", state.handshake_ns);
	set_number(L, "rtt_ns", state.rtt_ns);
	set_number(L, "readable", state.readable);
	set_number(L, "unsent", state.unsent);
	set_number(L, "unacked", state.unacked);
	return 1;
}

static int context_text(lua_State *L)
{
	char text[TEXT_BYTES];
	struct sx_context *context = check_context(L);
	sx_handle handle = check_handle(L, 2);
	uint32_t which = (uint32_t)luaL_checkoption(L, 3, NULL, text_names);
	int status = sx_channel_text(context, handle, which, text, sizeof text);

	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	lua_pushstring(L, text);
	return 1;
}

static int context_certificate(lua_State *L)
{
	struct sx_context *context = check_context(L);
	sx_handle handle = check_handle(L, 2);
	lua_Integer depth = luaL_optinteger(L, 3, 0);
	luaL_Buffer buffer;
	size_t len = 0;
	char *out;
	int status;

	luaL_argcheck(L, depth >= 0 && depth < UINT32_MAX, 3, "must not be negative");
	out = luaL_buffinitsize(L, &buffer, CERTIFICATE_MOST);
	status = sx_channel_certificate(context, handle, (uint32_t)depth, out, CERTIFICATE_MOST, &len);
	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	luaL_pushresultsize(&buffer, len);
	return 1;
}

static int context_export(lua_State *L)
{
	char out[EXPORT_MOST];
	struct sx_context *context = check_context(L);
	sx_handle handle = check_handle(L, 2);
	const char *label = luaL_checkstring(L, 3);
	lua_Integer len = luaL_checkinteger(L, 4);
	int status;

	luaL_argcheck(L, len > 0 && len <= EXPORT_MOST, 4, "must be from 1 to 255");
	status = sx_channel_export(context, handle, label, out, (size_t)len);
	if (status < 0) {
		return push_failure(L, status, NULL);
	}
	lua_pushlstring(L, out, (size_t)len);
	return 1;
}

static int next_stream(lua_State *L)
{
	sx_handle next;

	(void)sx_channel_next(check_context(L), (sx_handle)luaL_optinteger(L, 2, 0), &next);
	if (next == 0) {
		lua_pushnil(L);
	} else {
		lua_pushinteger(L, (lua_Integer)next);
	}
	return 1;
}

static int context_streams(lua_State *L)
{
	(void)check_context(L);
	lua_pushcfunction(L, next_stream);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

static int context_counters(lua_State *L)
{
	static const char *const names[] = { "datagrams_in", "datagrams_out", "dropped_quic", "dropped_scion",
		"scmp_in", "scmp_echo", "path_switches", "handshakes", "retries_sent", "resets_sent",
		"versions_sent", "refused", "stream_bytes_in", "stream_bytes_out", "connections", "streams",
		"half_open", "paths" };
	struct sx_counters counters;
	const uint64_t *values = &counters.datagrams_in;

	_Static_assert(sizeof counters == SX_COUNT(names) * sizeof *values, "a counter has no name");
	(void)sx_counters(check_context(L), &counters);
	lua_createtable(L, 0, (int)SX_COUNT(names));
	for (size_t i = 0; i < SX_COUNT(names); i++) {
		set_number(L, names[i], values[i]);
	}
	return 1;
}

static int context_paths(lua_State *L)
{
	char text[TEXT_BYTES];
	struct sx_context *context = check_context(L);
	const char *isd_as = luaL_checkstring(L, 2);
	int status;

	lua_newtable(L);
	for (uint32_t i = 0; (status = sx_path_text(context, isd_as, i, text, sizeof text)) == SX_OK; i++) {
		lua_pushstring(L, text);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return status == SX_ENOTFOUND ? 1 : push_failure(L, status, NULL);
}

static const luaL_Reg methods[] = {
	{ "close", context_close },
	{ "fd", context_fd },
	{ "process", context_process },
	{ "next_event", context_next_event },
	{ "next_log", context_next_log },
	{ "domain_set", context_domain_set },
	{ "domain_remove", context_domain_remove },
	{ "hosts_set", context_hosts_set },
	{ "hosts_find", context_hosts_find },
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
	{ "counters", context_counters },
	{ "paths", context_paths },
	{ NULL, NULL },
};

static const luaL_Reg functions[] = {
	{ "open", core_open },
	{ "address_normal", core_address_normal },
	{ "live_objects", core_live_objects },
	{ NULL, NULL },
};

SX_API int luaopen_sx_core(lua_State *L);

int luaopen_sx_core(lua_State *L)
{
	if (luaL_newmetatable(L, CONTEXT_TYPE)) {
		lua_pushcfunction(L, context_collect);
		lua_setfield(L, -2, "__gc");
		luaL_newlib(L, methods);
		lua_setfield(L, -2, "__index");
	}
	luaL_newlib(L, functions);
	lua_pushstring(L, sx_version());
	lua_setfield(L, -2, "version");
	return 1;
}
