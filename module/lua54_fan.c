/* SPDX-License-Identifier: MIT */
/* The part of the Lua 5.4 face that is about fan-out. */
#include <stdlib.h>

#include "lua54.h"

#define FAN_TYPE  "sx.fan"
#define ROOM_MOST 262144 /* bytes kept for the next batch */

struct box {
	struct sx_fan *fan;
	char *room; /* where batches are written before they become strings */
	size_t room_cap;
};

static struct sx_fan *check_fan(lua_State *L, int index)
{
	struct sx_fan *fan = ((struct box *)luaL_checkudata(L, index, FAN_TYPE))->fan;

	luaL_argcheck(L, fan, index, "fan-out is closed");
	return fan;
}

static sx_handle check_handle(lua_State *L, int index)
{
	return (sx_handle)luaL_checkinteger(L, index);
}

/* A handle, or another number. */
static int push_handle(lua_State *L, int status, sx_handle handle)
{
	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushinteger(L, (lua_Integer)handle);
	return 1;
}

int sx_lua_fan(lua_State *L)
{
	struct box *box = lua_newuserdatauv(L, sizeof *box, 0);
	int status;

	*box = (struct box){ .fan = NULL };
	luaL_setmetatable(L, FAN_TYPE);
	status = sx_fan_new(&box->fan);
	return status < 0 ? sx_lua_push_failure(L, status, NULL) : 1;
}

/* Also what the collector calls. */
static int fan_close(lua_State *L)
{
	struct box *box = luaL_checkudata(L, 1, FAN_TYPE);

	sx_fan_free(box->fan);
	free(box->room);
	*box = (struct box){ .fan = NULL };
	return 0;
}

static int fan_form(lua_State *L)
{
	struct sx_fan *fan = check_fan(L, 1);
	struct sx_fan_form form = { .size = sizeof form };
	sx_handle handle = 0;
	int status;

	form.head = luaL_checklstring(L, 2, &form.head_len);
	form.tail = luaL_checklstring(L, 3, &form.tail_len);
	form.marks = (uint32_t)luaL_optinteger(L, 4, 0);
	status = sx_fan_form_new(fan, &form, &handle);
	return push_handle(L, status, handle);
}

static int fan_address(lua_State *L)
{
	struct sx_fan *fan = check_fan(L, 1);
	size_t len;
	const char *to = luaL_checklstring(L, 2, &len);
	sx_handle handle = 0;
	int status = sx_fan_address_new(fan, to, len, (sx_handle)luaL_optinteger(L, 3, 0), &handle);

	return push_handle(L, status, handle);
}

static int fan_forget(lua_State *L)
{
	return sx_lua_push_status(L, sx_fan_address_free(check_fan(L, 1), check_handle(L, 2)));
}

static int fan_put(lua_State *L)
{
	return sx_lua_push_status(L, sx_fan_put(check_fan(L, 1), check_handle(L, 2),
					     check_handle(L, 3), (uint32_t)lua_toboolean(L, 4)));
}

/* The handle that the table at 4 has for the target on top of the stack, which is popped; 0: none. */
static sx_handle known_address(lua_State *L)
{
	sx_handle address;

	lua_rawget(L, 4);
	address = (sx_handle)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return address;
}

static int fan_put_all(lua_State *L)
{
	struct sx_fan *fan = check_fan(L, 1);
	sx_handle form = check_handle(L, 2);
	lua_Integer at = luaL_checkinteger(L, 5);
	uint32_t bulk = (uint32_t)lua_toboolean(L, 6);

	luaL_checktype(L, 3, LUA_TTABLE);
	luaL_checktype(L, 4, LUA_TTABLE);
	while (lua_rawgeti(L, 3, at) != LUA_TNIL) {
		if (sx_fan_put(fan, form, known_address(L), bulk) < 0) {
			break;
		}
		at++;
	}
	lua_pushinteger(L, at);
	return 1;
}

static int push_batch(lua_State *L, int status, const struct sx_fan_batch *batch)
{
	if (status < 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, (lua_Integer)batch->batch);
	lua_pushinteger(L, (lua_Integer)batch->sink);
	lua_pushinteger(L, batch->count);
	lua_pushinteger(L, batch->marks);
	lua_pushinteger(L, (lua_Integer)batch->bytes);
	lua_pushinteger(L, (lua_Integer)batch->largest);
	lua_pushboolean(L, (int)batch->bulk);
	return 7;
}

static int fan_next(lua_State *L)
{
	struct sx_fan_batch batch;
	int status = sx_fan_next(check_fan(L, 1), &batch);

	return push_batch(L, status, &batch);
}

static int fan_take(lua_State *L)
{
	struct sx_fan_batch batch;
	int status = sx_fan_take(check_fan(L, 1), check_handle(L, 2), &batch);

	return push_batch(L, status, &batch);
}

static int fan_look(lua_State *L)
{
	struct sx_fan_batch batch = { .count = 0 };

	if (sx_fan_look(check_fan(L, 1), check_handle(L, 2), &batch) < 0) {
		batch = (struct sx_fan_batch){ .count = 0 };
	}
	lua_pushinteger(L, batch.count);
	lua_pushinteger(L, (lua_Integer)batch.bytes);
	lua_pushinteger(L, batch.sharers);
	return 3;
}

static int fan_hold(lua_State *L)
{
	return sx_lua_push_status(
		L, sx_fan_hold(check_fan(L, 1), check_handle(L, 2), (uint32_t)lua_toboolean(L, 3)));
}

/* An index of Lua's as one of C's; out of range where it is none. */
static uint32_t check_index(lua_State *L, int index)
{
	lua_Integer value = luaL_checkinteger(L, index);

	return value >= 1 && value <= UINT32_MAX ? (uint32_t)value - 1 : UINT32_MAX;
}

static int fan_entry(lua_State *L)
{
	sx_handle form, address;
	int status = sx_fan_entry(
		check_fan(L, 1), check_handle(L, 2), check_index(L, 3), &form, &address);

	if (status < 0) {
		return sx_lua_push_failure(L, status, NULL);
	}
	lua_pushinteger(L, (lua_Integer)form);
	lua_pushinteger(L, (lua_Integer)address);
	return 2;
}

/* What is larger than the room that is kept, or not needed any more, is given back at the next call. */
static char *room_for(struct box *box, size_t bytes)
{
	size_t cap = bytes > ROOM_MOST ? bytes : ROOM_MOST;

	if (box->room_cap < bytes || box->room_cap > cap) {
		free(box->room);
		box->room = malloc(cap);
		box->room_cap = box->room ? cap : 0;
	}
	return box->room;
}

static int fan_bytes(lua_State *L)
{
	struct sx_fan *fan = check_fan(L, 1);
	sx_handle batch = check_handle(L, 2);
	struct sx_fan_piece piece = { .first = check_index(L, 3) };
	uint64_t most = (uint64_t)luaL_optinteger(L, 4, INT64_MAX);
	int status = sx_fan_measure(fan, batch, most, &piece);
	char *room = status == SX_OK ? room_for(lua_touserdata(L, 1), piece.bytes) : NULL;

	if (!room) {
		return sx_lua_push_failure(L, status < 0 ? status : SX_ENOMEM, NULL);
	}
	(void)sx_fan_write(fan, batch, &piece, room);
	lua_pushlstring(L, room, piece.bytes);
	lua_pushinteger(L, (lua_Integer)piece.first + piece.count + 1);
	return 2;
}

static int fan_give_back(lua_State *L)
{
	return sx_lua_push_status(
		L, sx_fan_give_back(check_fan(L, 1), check_handle(L, 2), check_index(L, 3)));
}

static int fan_done(lua_State *L)
{
	return sx_lua_push_status(L, sx_fan_done(check_fan(L, 1), check_handle(L, 2)));
}

static int fan_reap(lua_State *L)
{
	sx_handle form;

	if (sx_fan_reap(check_fan(L, 1), (uint64_t)luaL_optinteger(L, 2, 0), &form) < 0) {
		lua_pushnil(L);
	} else {
		lua_pushinteger(L, (lua_Integer)form);
	}
	return 1;
}

static int fan_state(lua_State *L)
{
	struct sx_fan_state state;

	(void)sx_fan_state(check_fan(L, 1), &state);
	lua_pushinteger(L, (lua_Integer)state.batches);
	lua_pushinteger(L, (lua_Integer)state.bytes);
	lua_pushinteger(L, (lua_Integer)state.entries);
	lua_pushinteger(L, (lua_Integer)state.addresses);
	lua_pushinteger(L, (lua_Integer)state.forms);
	return 5;
}

static int context_send_batch(lua_State *L)
{
	struct sx_context *context = sx_lua_check_context(L);
	sx_handle channel = check_handle(L, 2);
	struct sx_fan *fan = check_fan(L, 3);
	sx_handle batch = check_handle(L, 4);
	struct sx_fan_piece piece = { .first = check_index(L, 5) };
	int status = sx_fan_measure(fan, batch, (uint64_t)luaL_checkinteger(L, 6), &piece);

	if (status == SX_OK) {
		status = sx_fan_send(fan, batch, &piece, context, channel);
	}
	return push_handle(L, status, (sx_handle)piece.first + piece.count + 1);
}

const luaL_Reg sx_lua_fan_context_methods[] = {
	{ "send_batch", context_send_batch },
	{ NULL, NULL },
};

static const luaL_Reg methods[] = {
	{ "form", fan_form },
	{ "address", fan_address },
	{ "forget", fan_forget },
	{ "put", fan_put },
	{ "put_all", fan_put_all },
	{ "next", fan_next },
	{ "take", fan_take },
	{ "look", fan_look },
	{ "hold", fan_hold },
	{ "entry", fan_entry },
	{ "bytes", fan_bytes },
	{ "give_back", fan_give_back },
	{ "done", fan_done },
	{ "reap", fan_reap },
	{ "state", fan_state },
	{ "close", fan_close },
	{ NULL, NULL },
};

void sx_lua_fan_register(lua_State *L)
{
	if (luaL_newmetatable(L, FAN_TYPE)) {
		lua_pushcfunction(L, fan_close);
		lua_setfield(L, -2, "__gc");
		luaL_newlib(L, methods);
		lua_setfield(L, -2, "__index");
	}
	lua_pop(L, 1);
}
