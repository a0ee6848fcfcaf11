/* SPDX-License-Identifier: MIT */
/*
 * The public ABI with random handles and calls: the input is a list of calls, each a byte and its arguments, on two
 * contexts that reach each other over loopback. Whatever is called, nothing crashes, hangs or is left behind.
 */
#include "sx.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wire.h"
#include "target.h"
#include "tls_fixture.h"

#define CALLS_MAX  48
#define HANDLES    8
#define ROOM       512
#define FIRST_PORT 20000
#define PORTS      10000
#define PATH_BYTES 256
#define TURNS      3
#define SEND_MAX   307200
#define ROOT_KEY   "ed25519 1 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

static const char *const names[] = { "a.example.org", "b.example.org", "nobody.example.org", "",
	NULL };
static const char *const addresses[] = { "1-ff00:0:111,127.0.0.1", "1-ff00:0:111,127.0.0.2",
	"2-ff00:0:211,127.0.0.3", "1-ff00:0:111,127.0.0.9", "not an address", "" };
static char paths[64] = "file:/tmp/sx-fuzz-paths-XXXXXX";

struct world {
	struct sx_context *contexts[2];
	uint16_t port;
	sx_handle handles[2][HANDLES];
	size_t handle_count[2];
};

/* The arguments of a call. */
struct call {
	struct world *world;
	struct sx_context *context;
	size_t side;
	struct sx_reader *in;
};

static uint8_t byte(struct call *call)
{
	return sx_read_u8(call->in);
}

/* One that is known, one of the other side's, or any number. */
static sx_handle handle(struct call *call)
{
	uint8_t which = byte(call);
	size_t side = which & 0x40 ? 1 - call->side : call->side;

	if (which & 0x80) {
		return sx_read_u64(call->in);
	}
	return call->world->handles[side][which % HANDLES];
}

static void keep(struct call *call, sx_handle handle)
{
	call->world->handles[call->side][call->world->handle_count[call->side]++ % HANDLES] =
		handle;
}

static const char *text_of(struct call *call, const char *const *list, size_t count)
{
	return list[byte(call) % count];
}

/* Results are statuses of the table, and texts end within their room. */
static void expect(int status)
{
	assert(strcmp(sx_strname(status), "EUNKNOWN") != 0);
}

static void events(struct call *call)
{
	struct sx_event event;
	char line[ROOM];
	uint32_t level;

	while (sx_next_event(call->context, &event) == SX_OK) {
		assert(event.kind > SX_EVENT_NONE && event.kind <= SX_EVENT_ANSWER);
		assert(event.handle > 0 && event.handle < UINT64_C(1) << 52);
		if (event.kind == SX_EVENT_ACCEPT) {
			keep(call, event.handle);
		}
	}
	while (sx_next_log(call->context, &level, line, sizeof line) == SX_OK) {
		assert(strlen(line) < sizeof line);
	}
}

static void process(const struct call *call, size_t side)
{
	struct call turn = { call->world, call->world->contexts[side], side, call->in };
	struct pollfd ready = { .fd = sx_fd(turn.context), .events = POLLIN };

	if (poll(&ready, 1, 0) > 0) {
		expect(sx_process(turn.context));
		events(&turn);
	}
}

static void call_process(struct call *call)
{
	for (int i = 0; i < 2 * TURNS; i++) {
		process(call, (size_t)i % 2);
	}
}

static void call_dial(struct call *call)
{
	static const char *const labels[] = { "xmpp-server", "xmpp-client", "h3", "" };
	char error[ROOM];
	struct sx_target target = { .size = sizeof target, .udata = call->side };
	sx_handle dialled;
	int rc;

	target.local_name = text_of(call, names, 4);
	target.remote_name = text_of(call, names, 4);
	target.address = text_of(call, addresses, SX_COUNT(addresses));
	target.alpn = text_of(call, labels, SX_COUNT(labels));
	target.port = byte(call) & 1 ? call->world->port : sx_read_u16(call->in);
	rc = sx_dial(call->context, &target, &dialled, error, sizeof error);
	expect(rc);
	if (rc == SX_OK) {
		keep(call, dialled);
	}
}

static void call_send(struct call *call)
{
	static char data[SEND_MAX];
	sx_handle channel = handle(call);
	size_t len = (size_t)sx_read_u16(call->in) * 8 % SEND_MAX;

	expect(sx_channel_send(call->context, channel, data, len));
}

static void call_receive(struct call *call)
{
	static char data[UINT16_MAX];
	sx_handle channel = handle(call);
	size_t len = 0, cap = sx_read_u16(call->in);
	int rc = sx_channel_receive(call->context, channel, data, cap, &len);

	expect(rc);
	assert(rc != SX_OK || len <= cap);
}

static void call_one(struct call *call)
{
	static int (*const calls[])(struct sx_context *, sx_handle) = { sx_channel_finish,
		sx_channel_reset, sx_channel_close };
	uint8_t which = byte(call);

	expect(calls[which % SX_COUNT(calls)](call->context, handle(call)));
}

static void call_switch(struct call *call)
{
	uint8_t which = byte(call);
	sx_handle channel = handle(call);
	uint32_t on = byte(call);

	expect(which & 1 ? sx_channel_pause(call->context, channel, on)
			 : sx_channel_hold(call->context, channel, on));
	expect(sx_channel_set_udata(call->context, channel, on));
}

static void call_ask(struct call *call)
{
	char out[ROOM];
	sx_handle channel = handle(call), next;
	struct sx_channel_state state;
	size_t cap = sx_read_u16(call->in) % sizeof out, len = cap;
	int rc = sx_channel_text(call->context, channel, byte(call), out, cap);

	expect(rc);
	assert(rc != SX_OK || cap == 0 || memchr(out, '\0', cap));
	expect(sx_channel_state(call->context, channel, &state));
	expect(sx_channel_certificate(call->context, channel, byte(call), out, &len));
	expect(sx_channel_export(
		call->context, channel, "EXPORTER-Channel-Binding", out, cap ? 32 : 0));
	expect(sx_channel_next(call->context, channel, &next));
}

static void call_names(struct call *call)
{
	char out[ROOM];
	size_t cap = byte(call);
	const char *text = text_of(call, addresses, SX_COUNT(addresses));
	struct sx_counters counters;

	expect(sx_counters(call->context, &counters));
	expect(sx_path_text(call->context, text, byte(call), out, cap));
	expect(sx_address_normal(text, out, cap));
}

/* Nobody answers there: servers on loopback ports where nobody listens. */
static void call_sources(struct call *call)
{
	static const char *const orders[] = { "static,hosts,rains,dns", "rains", "dns,static",
		"hosts", "", "nobody", "dns,dns,dns,dns,dns" };
	struct sx_names sources = { .size = sizeof sources,
		.order = text_of(call, orders, SX_COUNT(orders)),
		.deadline_ms = byte(call),
		.cache_bytes = byte(call),
		.statics = "a.example.org 1-ff00:0:111,127.0.0.1\nnonsense\n",
		.hosts = "/nonexistent/a\n\n/nonexistent/b",
		.roots = ROOT_KEY,
		.servers = "127.0.0.1:1\n[1-ff00:0:111,127.0.0.9]:1",
		.flags = byte(call),
		.dns = "127.0.0.1:1" };
	char error[ROOM] = "";

	expect(sx_names_set(call->context, &sources, error, sizeof error));
	assert(strlen(error) < sizeof error);
}

static void call_resolve(struct call *call)
{
	struct sx_question question = { .size = sizeof question,
		.name = text_of(call, names, 4),
		.flags = byte(call),
		.udata = 1 };
	sx_handle answer;

	if (sx_resolve(call->context, &question, &answer) == SX_OK) {
		keep(call, answer);
	}
}

static void call_answer(struct call *call)
{
	char out[ROOM];
	sx_handle answer = handle(call);
	size_t cap = byte(call);
	struct sx_place place;
	int rc = sx_answer_text(call->context, answer, byte(call) % 4, out, cap);

	expect(rc);
	assert(rc != SX_OK || cap == 0 || memchr(out, '\0', cap));
	expect(sx_answer_target(call->context, answer, byte(call), &place));
	expect(sx_answer_judge(call->context, answer, "no certificate", out, sizeof out));
	expect(byte(call) & 1 ? sx_answer_release(call->context, answer)
			      : sx_names_flush(call->context));
}

static int set_domain(struct sx_context *context, const char *name)
{
	char certificate[PATH_BYTES], key[PATH_BYTES], error[ROOM];
	struct sx_domain domain = { .size = sizeof domain, .name = name };

	(void)snprintf(certificate, sizeof certificate, "%s/%s.crt", fixture_folder(), name);
	(void)snprintf(key, sizeof key, "%s/%s.key", fixture_folder(), name);
	domain.certificate = certificate;
	domain.key = key;
	domain.cafile = fixture_ca();
	return sx_domain_set(context, &domain, error, sizeof error);
}

static void call_domain(struct call *call)
{
	const char *name = text_of(call, names, 4);

	expect(byte(call) & 1 ? set_domain(call->context, name)
			      : sx_domain_remove(call->context, name));
}

static void (*const calls[])(struct call *call) = { call_process, call_dial, call_send,
	call_receive, call_one, call_switch, call_ask, call_names, call_domain, call_sources,
	call_resolve, call_answer };

static void make_paths(void)
{
	int fd = mkstemp(paths + 5);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	assert(out);
	(void)fputs("{\"isd_as\": \"1-ff00:0:111\", \"mtu\": 1472, \"routers\": [], \"paths\": []}",
		out);
	(void)fclose(out);
}

static void remove_paths(void)
{
	(void)unlink(paths + 5);
}

static int open_side(struct world *world, size_t side)
{
	char error[ROOM];
	struct sx_options options = {
		.size = sizeof options,
		.port = world->port,
		.address = addresses[side],
		.paths = paths,
		.alpn = "xmpp-server,xmpp-client",
	};
	int rc = sx_open(&options, &world->contexts[side], error, sizeof error);

	if (rc == SX_OK) {
		assert(set_domain(world->contexts[side], names[side]) == SX_OK);
	}
	return rc;
}

static void start(void)
{
	static bool started;

	if (!started) {
		started = true;
		fixture_init();
		make_paths();
		(void)atexit(remove_paths);
	}
}

/* Bit 7 of a call's byte is the side. */
static void run(struct world *world, struct sx_reader *in)
{
	for (int i = 0; i < CALLS_MAX && sx_reader_left(in) > 0; i++) {
		uint8_t which = sx_read_u8(in);
		struct call call = { world, world->contexts[which >> 7], which >> 7, in };

		calls[(which & 0x7f) % SX_COUNT(calls)](&call);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .port = (uint16_t)(FIRST_PORT + getpid() % PORTS) };
	struct sx_reader in = sx_reader_of(sx_bytes_of(data, size));

	start();
	if (open_side(&world, 0) == SX_OK && open_side(&world, 1) == SX_OK) {
		run(&world, &in);
	}
	sx_close(world.contexts[0], 0);
	sx_close(world.contexts[1], 0);
	assert(sx_live_objects() == 0);
	return 0;
}
