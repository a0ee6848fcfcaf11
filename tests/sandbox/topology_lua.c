/* SPDX-License-Identifier: MIT */
/* The reading half of topology.h. Everything in the Lua state runs protected: what is wrong is raised as a Lua error. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology.h"

#define MEMORY_MAX       (16U << 20)
#define INSTRUCTIONS_MAX 10000000
#define MTU_MIN          512 /* below it a header of full length would not fit */
#define MTU_MAX          9000
#define DELAY_MAX_MS     60000
#define ROUTER_PORT      31002

/* What the state's allocator and its functions reach through the extra space and upvalues. */
struct reading {
	const char *file;
	size_t memory;
	struct sx_topology
		*topology; /* grows while it is read; freed by sx_topology_load on failure */
};

static void *allocate(void *arg, void *old, size_t old_len, size_t len)
{
	struct reading *reading = arg;
	size_t used = reading->memory - (old ? old_len : 0);
	void *block;

	if (len == 0) {
		free(old);
		reading->memory = used;
		return NULL;
	}
	if (used + len > MEMORY_MAX) {
		return NULL;
	}
	block = realloc(old, len);
	if (block) {
		reading->memory = used + len;
	}
	return block;
}

static void out_of_instructions(lua_State *L, lua_Debug *unused)
{
	(void)unused;
	luaL_error(L, "runs too long: a topology only builds a table");
}

static void push_environment(lua_State *L, struct reading *reading);

/* include("other.lua"): what that file beside this one returns. */
static int include(lua_State *L)
{
	struct reading *reading = lua_touserdata(L, lua_upvalueindex(1));
	const char *name = luaL_checkstring(L, 1);
	const char *slash = strrchr(reading->file, '/');
	int folder = slash ? (int)(slash - reading->file) + 1 : 0;

	if (strchr(name, '/')) {
		return luaL_error(
			L, "include: \"%s\" must be the name of a file beside this one", name);
	}
	lua_pushlstring(L, reading->file, (size_t)folder);
	lua_pushstring(L, name);
	lua_concat(L, 2);
	if (luaL_loadfilex(L, lua_tostring(L, -1), "t") != LUA_OK) {
		return lua_error(L);
	}
	push_environment(L, reading);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	return 1;
}

static void push_environment(lua_State *L, struct reading *reading)
{
	static const char *const allowed[] = { "ipairs", "pairs", "table", "string", "math",
		"error", "assert", "tonumber", "tostring", "type" };

	lua_newtable(L);
	for (size_t i = 0; i < SX_COUNT(allowed); i++) {
		lua_getglobal(L, allowed[i]);
		lua_setfield(L, -2, allowed[i]);
	}
	lua_pushlightuserdata(L, reading);
	lua_pushcclosure(L, include, 1);
	lua_setfield(L, -2, "include");
}

/* "AS 1-ff00:0:110: mtu: expected a whole number from 512 to 9000, found "big"" */
static int raise_field(lua_State *L, const char *where, const char *field, const char *expected)
{
	const char *found = luaL_tolstring(L, -1, NULL);

	return luaL_error(L, "%s: %s: expected %s, found %s", where, field, expected, found);
}

static double number_field(
	lua_State *L, const char *where, const char *field, double least, double most)
{
	char expected[64];
	double value;

	lua_getfield(L, -1, field);
	value = lua_tonumber(L, -1);
	if (!lua_isnumber(L, -1) || !(value >= least && value <= most)) {
		(void)snprintf(expected, sizeof expected, "a number from %g to %g", least, most);
		raise_field(L, where, field, expected);
	}
	lua_pop(L, 1);
	return value;
}

/* Leaves the text on the stack, which keeps it alive. */
static const char *text_field(
	lua_State *L, const char *where, const char *field, const char *expected)
{
	lua_getfield(L, -1, field);
	if (lua_type(L, -1) != LUA_TSTRING) {
		raise_field(L, where, field, expected);
	}
	return lua_tostring(L, -1);
}

static void refuse_unknown_keys(lua_State *L, const char *where, const char *const *known)
{
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		const char *const *key = known;

		lua_pop(L, 1);
		while (*key && (lua_type(L, -1) != LUA_TSTRING ||
				       strcmp(lua_tostring(L, -1), *key) != 0)) {
			key++;
		}
		if (!*key) {
			luaL_error(L, "%s: there is no field \"%s\"", where,
				luaL_tolstring(L, -1, NULL));
		}
	}
}

static bool is_loopback(const struct sx_host *host)
{
	static const uint8_t v6_loopback[16] = { [15] = 1 };

	return (host->type == SX_HOST_IPV4 && host->bytes[0] == 127) ||
	       (host->type == SX_HOST_IPV6 && memcmp(host->bytes, v6_loopback, 16) == 0);
}

/* "127.0.0.1:31002", "127.0.0.1" or "[::1]:31002" */
static bool parse_router(const char *text, struct sx_topology_as *as)
{
	const char *end = text + strlen(text);
	const char *colon = strrchr(text, ':');
	char *rest = NULL;
	unsigned long port = ROUTER_PORT;

	if (colon) {
		port = strtoul(colon + 1, &rest, 10);
		end = colon;
	}
	if (*text == '[' && end > text && end[-1] == ']') {
		text++;
		end--;
	}
	if ((rest && *rest) || port == 0 || port > UINT16_MAX) {
		return false;
	}
	as->router_port = (uint16_t)port;
	return sx_host_parse(sx_bytes_of(text, (size_t)(end - text)), &as->router) == SX_OK &&
	       is_loopback(&as->router);
}

static void read_router(lua_State *L, const char *where, struct sx_topology_as *as)
{
	static const char expected[] =
		"a loopback address with a port, such as \"127.3.0.3:31002\"";
	const char *text = text_field(L, where, "router", expected);

	if (!parse_router(text, as)) {
		raise_field(L, where, "router", expected);
	}
	lua_pop(L, 1);
}

static bool decode_key(const char *text, size_t len, uint8_t out[SX_HOP_KEY_BYTES])
{
	uint8_t bytes[BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(SX_HOP_KEY_BYTES))];
	struct base64_decode_ctx ctx;
	size_t decoded = sizeof bytes;

	base64_decode_init(&ctx);
	if (len != BASE64_ENCODE_RAW_LENGTH(SX_HOP_KEY_BYTES) ||
		!base64_decode_update(&ctx, &decoded, bytes, len, text) ||
		!base64_decode_final(&ctx) || decoded != SX_HOP_KEY_BYTES) {
		return false;
	}
	memcpy(out, bytes, SX_HOP_KEY_BYTES);
	return true;
}

/* The master key: given, or made from the ISD-AS, which is as good for a network that keeps no secrets. */
static void read_key(lua_State *L, const char *where, struct sx_topology_as *as)
{
	struct sha256_ctx ctx;
	size_t len = 0;

	if (lua_getfield(L, -1, "key") == LUA_TNIL) {
		sha256_init(&ctx);
		sha256_update(&ctx, strlen(where), (const uint8_t *)where);
		sha256_digest(&ctx, SX_HOP_KEY_BYTES, as->master_key);
	} else if (lua_type(L, -1) != LUA_TSTRING ||
		   !decode_key(lua_tolstring(L, -1, &len), lua_rawlen(L, -1), as->master_key)) {
		raise_field(L, where, "key", "16 bytes in base64");
	}
	lua_pop(L, 1);
	sx_hop_key_derive(as->master_key, as->hop_key);
}

/* Key and value of one entry of `ases` are on top of the stack. */
static void read_as(lua_State *L, struct sx_topology *topology)
{
	static const char *const known[] = { "core", "mtu", "router", "key", NULL };
	struct sx_topology_as *as = &topology->ases[topology->as_count];
	char where[64];

	if (lua_type(L, -2) != LUA_TSTRING ||
		sx_ia_parse(sx_bytes_text(lua_tostring(L, -2)), &as->ia) < 0) {
		lua_pushvalue(L, -2);
		raise_field(L, "ases", "a key", "an ISD-AS such as \"1-ff00:0:110\"");
	}
	(void)snprintf(where, sizeof where, "AS %s", lua_tostring(L, -2));
	if (!lua_istable(L, -1)) {
		raise_field(L, "ases", where, "a table");
	}
	if (sx_topology_find_as(topology, as->ia)) {
		luaL_error(L, "%s: is there twice", where);
	}
	refuse_unknown_keys(L, where, known);
	lua_getfield(L, -1, "core");
	if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) {
		raise_field(L, where, "core", "true or false");
	}
	as->core = lua_toboolean(L, -1);
	lua_pop(L, 1);
	as->mtu = (uint16_t)number_field(L, where, "mtu", MTU_MIN, MTU_MAX);
	read_router(L, where, as);
	read_key(L, where, as);
	topology->as_count++;
}

static int compare_ases(const void *a, const void *b)
{
	const struct sx_topology_as *left = a;
	const struct sx_topology_as *right = b;

	return left->ia < right->ia ? -1 : left->ia > right->ia;
}

static void refuse_shared_routers(lua_State *L, const struct sx_topology *topology)
{
	for (size_t i = 0; i < topology->as_count; i++) {
		const struct sx_topology_as *a = &topology->ases[i];

		for (size_t j = 0; j < i; j++) {
			const struct sx_topology_as *b = &topology->ases[j];

			if (a->router_port == b->router_port &&
				sx_host_equal(&a->router, &b->router)) {
				char left[SX_IA_TEXT_BYTES], right[SX_IA_TEXT_BYTES];

				sx_ia_write(b->ia, left, sizeof left);
				sx_ia_write(a->ia, right, sizeof right);
				luaL_error(L, "AS %s: router: AS %s has the same address", right,
					left);
			}
		}
	}
}

static void read_ases(lua_State *L, struct sx_topology *topology)
{
	topology->ases = calloc(SX_TOPOLOGY_ASES_MAX, sizeof *topology->ases);
	if (!topology->ases) {
		luaL_error(L, "out of memory");
	}
	if (lua_getfield(L, -1, "ases") != LUA_TTABLE) {
		raise_field(L, "topology", "ases", "a table of ASes");
	}
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (topology->as_count == SX_TOPOLOGY_ASES_MAX) {
			luaL_error(L, "ases: more than %d", SX_TOPOLOGY_ASES_MAX);
		}
		read_as(L, topology);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	qsort(topology->ases, topology->as_count, sizeof *topology->ases, compare_ases);
	refuse_shared_routers(L, topology);
}

static void read_end(lua_State *L, const char *where, struct sx_topology *topology, uint8_t end)
{
	static const char expected[] =
		"an interface such as \"1-ff00:0:110#1\" of an AS listed in ases";
	const char *field = end == 0 ? "from" : "to";
	const char *text = text_field(L, where, field, expected);
	struct sx_topology_end *out = &topology->links[topology->link_count].ends[end];
	const struct sx_topology_as *as;
	uint64_t ia = 0;

	as = sx_topology_parse_name(sx_bytes_text(text), &ia, &out->id) == SX_OK
		     ? sx_topology_find_as(topology, ia)
		     : NULL;
	if (!as) {
		raise_field(L, where, field, expected);
	} else {
		out->as = sx_topology_as_index(topology, as);
	}
	lua_pop(L, 1);
}

static enum sx_link_kind read_kind(lua_State *L, const char *where)
{
	static const char *const kinds[] = { "core", "child", "peer" };
	static const char expected[] =
		"\"core\", \"child\" (from the parent to the child) or \"peer\"";
	const char *text = text_field(L, where, "kind", expected);
	size_t kind = 0;

	while (kind < SX_COUNT(kinds) && strcmp(kinds[kind], text) != 0) {
		kind++;
	}
	if (kind == SX_COUNT(kinds)) {
		raise_field(L, where, "kind", expected);
	}
	lua_pop(L, 1);
	return (enum sx_link_kind)kind;
}

/* Whether two ASes may be joined like this; NULL, or what is wrong. */
static const char *kind_problem(
	enum sx_link_kind kind, const struct sx_topology_as *from, const struct sx_topology_as *to)
{
	if (from == to) {
		return "both ends are in the same AS";
	}
	switch (kind) {
	case SX_LINK_CORE:
		return from->core && to->core ? NULL : "a core link joins two core ASes";
	case SX_LINK_CHILD:
		if (from->ia >> 48 != to->ia >> 48) {
			return "parent and child must be in the same ISD";
		}
		return to->core ? "a core AS cannot be a child" : NULL;
	case SX_LINK_PEER:
		break;
	}
	return from->core || to->core ? "a peer link joins two ASes that are not core" : NULL;
}

static void attach(lua_State *L, const char *where, struct sx_topology *topology, uint8_t end)
{
	size_t index = topology->link_count;
	const struct sx_topology_end *at = &topology->links[index].ends[end];
	struct sx_topology_as *as = &topology->ases[at->as];

	if (sx_topology_find_interface(as, at->id)) {
		luaL_error(L, "%s: interface %d of %s has a link already", where, (int)at->id,
			end == 0 ? "\"from\"" : "\"to\"");
	}
	if (as->interface_count == SX_TOPOLOGY_INTERFACES_MAX) {
		luaL_error(L, "%s: its AS has more than %d interfaces", where,
			SX_TOPOLOGY_INTERFACES_MAX);
	}
	as->interfaces[as->interface_count++] =
		(struct sx_topology_interface){ at->id, end, index };
}

/* The link is on top of the stack. */
static void read_link(lua_State *L, struct sx_topology *topology)
{
	static const char *const known[] = { "kind", "from", "to", "mtu", "delay", NULL };
	struct sx_topology_link *link = &topology->links[topology->link_count];
	const char *problem;
	char where[32];

	(void)snprintf(where, sizeof where, "link %u", (unsigned)topology->link_count + 1);
	if (!lua_istable(L, -1)) {
		raise_field(L, "links", where, "a table");
	}
	refuse_unknown_keys(L, where, known);
	link->kind = read_kind(L, where);
	read_end(L, where, topology, 0);
	read_end(L, where, topology, 1);
	problem = kind_problem(
		link->kind, &topology->ases[link->ends[0].as], &topology->ases[link->ends[1].as]);
	if (problem) {
		luaL_error(L, "%s: %s", where, problem);
	}
	link->mtu = (uint16_t)number_field(L, where, "mtu", MTU_MIN, MTU_MAX);
	if (lua_getfield(L, -1, "delay") != LUA_TNIL) {
		lua_pop(L, 1);
		link->delay_ms = number_field(L, where, "delay", 0, DELAY_MAX_MS);
		lua_pushnil(L);
	}
	lua_pop(L, 1);
	attach(L, where, topology, 0);
	attach(L, where, topology, 1);
	topology->link_count++;
}

static void read_links(lua_State *L, struct sx_topology *topology)
{
	lua_Unsigned count;

	topology->links = calloc(SX_TOPOLOGY_LINKS_MAX, sizeof *topology->links);
	if (!topology->links) {
		luaL_error(L, "out of memory");
	}
	if (lua_getfield(L, -1, "links") != LUA_TTABLE) {
		raise_field(L, "topology", "links", "a list of links");
	}
	count = lua_rawlen(L, -1);
	if (count > SX_TOPOLOGY_LINKS_MAX) {
		luaL_error(L, "links: more than %d", SX_TOPOLOGY_LINKS_MAX);
	}
	for (lua_Unsigned i = 1; i <= count; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i);
		read_link(L, topology);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static int read_topology(lua_State *L)
{
	static const char *const known[] = { "ases", "links", NULL };
	struct reading *reading = lua_touserdata(L, 1);

	luaL_openlibs(L);
	lua_sethook(L, out_of_instructions, LUA_MASKCOUNT, INSTRUCTIONS_MAX);
	if (luaL_loadfilex(L, reading->file, "t") != LUA_OK) {
		return lua_error(L);
	}
	push_environment(L, reading);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	if (!lua_istable(L, -1)) {
		return luaL_error(L, "must return a table with ases and links");
	}
	refuse_unknown_keys(L, "topology", known);
	read_ases(L, reading->topology);
	read_links(L, reading->topology);
	return 0;
}

int sx_topology_load(struct sx_topology **out, const char *file, struct sx_topology_error *error)
{
	struct sx_topology *topology = calloc(1, sizeof *topology);
	struct reading reading = { .file = file, .topology = topology };
	lua_State *L = lua_newstate(allocate, &reading);
	int rc = SX_ENOMEM;

	(void)snprintf(error->text, sizeof error->text, "%s: out of memory", file);
	if (!topology || !L) {
		goto out;
	}
	lua_pushcfunction(L, read_topology);
	lua_pushlightuserdata(L, &reading);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		const char *text = lua_tostring(L, -1);

		(void)snprintf(error->text, sizeof error->text, "%s: %s", file,
			text ? text : "not a text");
		rc = SX_EINVAL;
		goto out;
	}
	*out = topology;
	topology = NULL;
	rc = SX_OK;

out:
	if (L) {
		lua_close(L);
	}
	sx_topology_free(topology);
	return rc;
}
