/* SPDX-License-Identifier: MIT */
/*
 * The RAINS client as a whole, under a clock of its own, with servers that do whatever the input says: the input is a list
 * of acts, each a byte and its arguments. Whatever happens, each query ends exactly once, by its deadline, unless it is
 * cancelled, and nothing is left behind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "rains/msg.h"
#include "rains/name.h"
#include "rains/object.h"
#include "rains/roster.h"
#include "rains/scan.h"
#include "rains/sign.h"
#include "rains/tls_link.h"
#include "rains_source.h"
#include "target.h"
#include "virtual_loop.h"

#define ACTS_MAX     64
#define QUERIES      6
#define ASKED        64
#define SECTIONS_MAX 12
#define OBJECTS_MAX  6
#define ROOM         65536
#define SERVERS      "127.0.0.1:1\n127.0.0.1:2\n127.0.0.1:3"
#define ROOT_KEY     "ed25519 1 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

/* A way to a server that takes what it is told to take. */
struct fake_link {
	struct sx_rains_link link;
	struct sx_rains_link_events events;
};

/* A question that was sent. */
struct asked {
	struct fake_link *link; /* NULL: it is gone */
	uint8_t token[SX_RAINS_TOKEN_BYTES];
};

struct slot {
	bool is_busy;
	unsigned done;
	struct sx_query query;
};

static struct {
	struct sx_loop *loop;
	struct sx_source *source;
	struct sx_reader *in;
	unsigned links;
	const struct fake_link *speaking;
	int send_status; /* of the next message */
	size_t asked_count;
	struct asked asked[ASKED];
	struct slot slots[QUERIES];
} world;

static uint8_t bytes[ROOM];
static uint8_t object_bytes[ROOM];

static uint8_t byte(void)
{
	return sx_read_u8(world.in);
}

static int fake_send(struct sx_rains_link *base, struct sx_bytes message, uint64_t now_ns)
{
	struct asked *asked = &world.asked[world.asked_count++ % ASKED];
	int status = world.send_status;
	struct sx_rains_section query;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	(void)now_ns;
	assert(sx_rains_msg_parse(&msg, message, SX_RAINS_QUERY_MOST) == SX_OK);
	walk = sx_reader_of(msg.content.items);
	assert(sx_rains_next_section(&walk, &query) && query.type == SX_RAINS_QUERY);
	assert(sx_rains_name_check(query.name) == SX_OK);
	world.send_status = SX_OK;
	asked->link = sx_container_of(base, struct fake_link, link);
	memcpy(asked->token, msg.token.data, sizeof asked->token);
	return status;
}

static void fake_suspect(struct sx_rains_link *base)
{
	(void)base;
}

static void fake_free(struct sx_rains_link *base)
{
	struct fake_link *link = sx_container_of(base, struct fake_link, link);

	assert(link != world.speaking);
	for (size_t i = 0; i < ASKED; i++) {
		if (world.asked[i].link == link) {
			world.asked[i].link = NULL;
		}
	}
	world.links--;
	free(link);
}

/* In place of the real one: whatever is not over SCION comes here. */
int sx_rains_tls_link_new(struct sx_rains_link **out, struct sx_loop *loop,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events,
	struct sx_rains_reason *reason)
{
	static const struct sx_rains_link_ops ops = { fake_send, fake_suspect, fake_free };
	struct fake_link *link = calloc(1, sizeof *link);

	(void)loop;
	(void)server;
	(void)reason;
	if (!link) {
		return SX_ENOMEM;
	}
	link->link.ops = &ops;
	link->events = *events;
	world.links++;
	assert(world.links <= SX_RAINS_ENTRIES);
	*out = &link->link;
	return SX_OK;
}

/* A text of a table; one of the table's own that the input chooses. */
static struct sx_bytes pick(const char *const *texts, size_t count)
{
	return sx_bytes_text(texts[byte() % count]);
}

static struct sx_bytes pick_name(void)
{
	static const char *const names[] = { "b.example.", "x.example.", "a.example.",
		"ns.example.", "_xmpp-server._udpscion.b.example.", "_rains._tcp.ns.example.",
		"example.", ".", "c.b.example.", "" };

	return pick(names, SX_COUNT(names));
}

/* Objects of kinds that lead somewhere. */
static struct sx_rains_object make_object(void)
{
	static const uint8_t alias_types[] = { SX_RAINS_SCION, SX_RAINS_SRV };
	static const uint8_t key[SX_RAINS_KEY_BYTES] = { 9, 9 };
	static const enum sx_rains_object_type types[] = { SX_RAINS_SCION, SX_RAINS_SRV,
		SX_RAINS_NAME, SX_RAINS_REDIR, SX_RAINS_DELEG, SX_RAINS_IP4, SX_RAINS_CERT,
		SX_RAINS_REGT };
	struct sx_rains_object object = { .type = types[byte() % SX_COUNT(types)] };

	object.text = pick_name();
	object.types = (struct sx_cbor_list){ sx_bytes_of(alias_types, sizeof alias_types), 2 };
	object.addr = (struct sx_addr){ .ia = object.type == SX_RAINS_SCION ? 1 : 0,
		.host = { .type = SX_HOST_IPV4 } };
	object.addr.host.bytes[0] = 127;
	object.addr.host.bytes[3] = byte();
	object.port = object.addr.host.bytes[3];
	object.priority = object.port;
	object.key.alg = SX_RAINS_ED25519;
	object.key.phase = object.port & 3;
	object.key.data = sx_bytes_of(key, sizeof key);
	object.cert.usage = SX_RAINS_END_ENTITY;
	object.cert.hash = SX_RAINS_SHA256;
	object.cert.data = sx_bytes_of(key, sizeof key);
	return object;
}

/* Nobody's signature, or none. */
static struct sx_cbor_list make_signatures(struct sx_writer *room)
{
	static const uint8_t nothing[SX_RAINS_SIGNATURE_BYTES];
	size_t start = room->at;
	uint8_t phase = byte();
	struct sx_rains_signature signature = { .alg = SX_RAINS_ED25519,
		.phase = phase & 3,
		.since = VIRTUAL_UNIX - 1000,
		.until = VIRTUAL_UNIX + 1000,
		.data = sx_bytes_of(nothing, sizeof nothing) };

	if (phase < 128) {
		return (struct sx_cbor_list){ .count = 0 };
	}
	sx_rains_signature_write(room, &signature);
	return (struct sx_cbor_list){ sx_bytes_of(object_bytes + start, room->at - start), 1 };
}

static struct sx_rains_section make_section(struct sx_writer *room)
{
	static const char *const subjects[] = { "b", "x", "a", "ns", "example",
		"_xmpp-server._udpscion.b", "_rains._tcp.ns", "@", "c.b", "ns.example" };
	static const char *const zones[] = { "example.", ".", "b.example." };
	static const enum sx_rains_section_type types[] = { SX_RAINS_ASSERTION, SX_RAINS_ASSERTION,
		SX_RAINS_ASSERTION, SX_RAINS_SHARD, SX_RAINS_ZONE };
	struct sx_rains_section section = { .type = types[byte() % SX_COUNT(types)],
		.context = sx_bytes_text(".") };
	size_t count = byte() % (OBJECTS_MAX + 1);
	size_t start;

	section.subject = pick(subjects, SX_COUNT(subjects));
	section.zone = pick(zones, SX_COUNT(zones));
	section.signatures = make_signatures(room);
	start = room->at;
	for (size_t i = 0; i < count; i++) {
		struct sx_rains_object object = make_object();

		sx_rains_object_write(room, &object);
	}
	if (section.type == SX_RAINS_ASSERTION) {
		section.objects =
			(struct sx_cbor_list){ sx_bytes_of(object_bytes + start, room->at - start),
				count };
	}
	return section;
}

/* A question that was sent and whose server is still known, or NULL. */
static struct asked *pick_asked(void)
{
	size_t count = world.asked_count < ASKED ? world.asked_count : ASKED;
	struct asked *asked = count > 0 ? &world.asked[byte() % count] : NULL;

	return asked && asked->link ? asked : NULL;
}

static void deliver(struct asked *asked, struct sx_bytes message)
{
	struct fake_link *link = asked->link;

	if (sx_cbor_check(message, SX_RAINS_MSG_MOST) < 0) {
		link->events.broken(link->events.arg, SX_EMALFORMED, "no RAINS message");
		return;
	}
	world.speaking = link;
	link->events.received(link->events.arg, message);
	world.speaking = NULL;
}

static void answer(void)
{
	struct sx_writer out = sx_writer_of(bytes, sizeof bytes);
	struct sx_writer room = sx_writer_of(object_bytes, sizeof object_bytes);
	struct asked *asked = pick_asked();
	size_t count = byte() % (SECTIONS_MAX + 1);

	if (!asked) {
		return;
	}
	sx_rains_msg_begin(&out, sx_bytes_of(asked->token, sizeof asked->token),
		(struct sx_cbor_list){ .count = 0 }, count);
	for (size_t i = 0; i < count; i++) {
		struct sx_rains_section section = make_section(&room);

		sx_rains_msg_add(&out, &section);
	}
	assert(sx_writer_ok(&out));
	deliver(asked, sx_writer_bytes(&out));
}

/* Bytes of the input behind the head of an answer. */
static void answer_raw(void)
{
	struct sx_writer out = sx_writer_of(bytes, sizeof bytes);
	struct asked *asked = pick_asked();
	size_t len = byte();

	if (!asked || len > sx_reader_left(world.in)) {
		return;
	}
	sx_rains_msg_begin(&out, sx_bytes_of(asked->token, sizeof asked->token),
		(struct sx_cbor_list){ .count = 0 }, byte() & 3);
	sx_write_bytes(&out, sx_read_bytes(world.in, len));
	deliver(asked, sx_writer_bytes(&out));
}

static void notify(void)
{
	static const uint8_t fresh[SX_RAINS_TOKEN_BYTES] = { 1 };
	struct sx_writer out = sx_writer_of(bytes, sizeof bytes);
	struct asked *asked = pick_asked();
	struct sx_rains_section section = {
		.type = SX_RAINS_NOTIFICATION, .code = byte() + 300, .text = sx_bytes_text("no")
	};

	if (asked) {
		section.token = sx_bytes_of(asked->token, sizeof asked->token);
		sx_rains_msg_begin(&out, sx_bytes_of(fresh, sizeof fresh),
			(struct sx_cbor_list){ .count = 0 }, 1);
		sx_rains_msg_add(&out, &section);
		deliver(asked, sx_writer_bytes(&out));
	}
}

static void break_link(void)
{
	struct asked *asked = pick_asked();
	bool is_closed = byte() & 1;

	if (asked) {
		asked->link->events.broken(
			asked->link->events.arg, is_closed ? SX_ECLOSED : SX_ERESET, "gone");
	}
}

static void on_done(struct sx_query *query)
{
	struct slot *slot = sx_container_of(query, struct slot, query);

	assert(slot->is_busy && slot->done == 0);
	assert(query->finding.status != SX_EAGAIN);
	assert(query->finding.target_count <= SX_FINDING_TARGETS_MOST);
	slot->done++;
}

static void release(struct slot *slot)
{
	sx_finding_fini(&slot->query.finding);
	slot->is_busy = false;
}

static void begin(void)
{
	static const char *const names[] = { "b.example", "a.example", "c.b.example" };
	struct slot *slot = &world.slots[byte() % QUERIES];
	uint8_t how = byte();

	if (slot->is_busy) {
		return;
	}
	*slot = (struct slot){ .is_busy = true,
		.query = { .name = names[how % SX_COUNT(names)],
			.want = how & 64 ? SX_WANT_CERTIFICATES : SX_WANT_ADDRESSES,
			.scion_only = how & 128,
			.deadline_ns = sx_loop_now_ns() + 2 * VIRTUAL_SECOND,
			.done = on_done } };
	sx_finding_init(&slot->query.finding);
	world.source->ops->ask(world.source, &slot->query, sx_loop_now_ns());
}

/* Cancels a query, or takes note that it is done. */
static void end(void)
{
	struct slot *slot = &world.slots[byte() % QUERIES];

	if (slot->is_busy && slot->done == 0) {
		world.source->ops->cancel(world.source, &slot->query);
	}
	if (slot->is_busy) {
		release(slot);
	}
}

static void pass_time(void)
{
	virtual_now_ns += byte() * (VIRTUAL_SECOND / 50);
	sx_loop_run(world.loop, 0);
}

static void refuse_next(void)
{
	world.send_status = byte() & 1 ? SX_EUNREACH : SX_ELIMIT;
}

static void flush(void)
{
	world.source->ops->flush(world.source);
}

static void (*const acts[])(void) = { begin, answer, pass_time, end, answer_raw, notify, break_link,
	refuse_next, flush };

static void start(struct sx_reader *in)
{
	const struct sx_rains_config config = {
		.roots = ROOT_KEY, .servers = SERVERS, .unsigned_too = true
	};
	struct sx_rains_reason reason;

	memset(&world, 0, sizeof world);
	world.in = in;
	assert(sx_loop_new(&world.loop) == SX_OK);
	assert(sx_rains_source_new(&world.source, world.loop, &config, &reason) == SX_OK);
}

/* All deadlines pass. */
static void finish(void)
{
	for (int i = 0; i < 8; i++) {
		virtual_now_ns += VIRTUAL_SECOND / 2;
		sx_loop_run(world.loop, 0);
	}
	for (size_t i = 0; i < QUERIES; i++) {
		if (world.slots[i].is_busy) {
			assert(world.slots[i].done == 1);
			release(&world.slots[i]);
		}
	}
	world.source->ops->free(world.source);
	assert(world.links == 0);
	sx_loop_free(world.loop);
	for (size_t i = 0; i < VIRTUAL_LOOPS; i++) {
		assert(!virtual_loops[i].is_live);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_reader in = sx_reader_of(sx_bytes_of(data, size));

	start(&in);
	for (int i = 0; i < ACTS_MAX && sx_reader_left(&in) > 0; i++) {
		acts[byte() % SX_COUNT(acts)]();
		sx_loop_run(world.loop, 0);
	}
	finish();
	return 0;
}
