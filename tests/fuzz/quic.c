/* SPDX-License-Identifier: MIT */
/*
 * Datagrams into endpoints that are client and server: the input is a list of steps, each a letter and its arguments,
 * carried out in the simulator, which checks what must hold for every datagram.
 */
#include <string.h>

#include "base/wire.h"
#include "sim.h"
#include "target.h"
#include "tls_fixture.h"

#define STEPS_MAX   64
#define STREAMS_MAX 16
#define HELD_BYTES  2048

static const char *const names[] = { "a.example.org", "b.example.org", NULL };
static struct sx_tls *tls;

/* One run: two nodes, and what the network is about to do to a's next datagram. */
struct world {
	struct sim *sim;
	struct sim_node *nodes[2];
	struct sx_bytes bend; /* XORed into it, from `bend_at` on */
	size_t bend_at;
	size_t held_len; /* the last one, for replays */
	uint8_t held[HELD_BYTES];
};

static struct sx_peer stranger(uint8_t number)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6, .sin6_port = htons(7) } };

	peer.address.sin6_addr.s6_addr[0] = 0xfd;
	peer.address.sin6_addr.s6_addr[15] = (uint8_t)(100 + number % 100);
	return peer;
}

/* A datagram from anywhere. */
static void step_raw(struct world *world, struct sx_reader *in)
{
	uint8_t who = sx_read_u8(in);
	uint16_t len = sx_read_u16(in);
	struct sx_peer from = stranger(who);

	if (who & 0x80) {
		from = world->nodes[(who + 1) % 2]->address;
	}
	if (len > sx_reader_left(in)) {
		len = (uint16_t)sx_reader_left(in);
	}
	sim_inject(world->nodes[who % 2], &from, sx_read_bytes(in, len));
}

/* The bytes come over the next datagram of a's. */
static void step_bend(struct world *world, struct sx_reader *in)
{
	world->bend_at = sx_read_u16(in) % HELD_BYTES;
	world->bend = sx_read_bytes(in, sx_read_u8(in) % 16);
}

/* The last datagram of a's once more, from somewhere. */
static void step_replay(struct world *world, struct sx_reader *in)
{
	uint8_t who = sx_read_u8(in);
	struct sx_peer from = who % 2 ? stranger(who) : world->nodes[0]->address;

	sim_inject(world->nodes[1], &from, sx_bytes_of(world->held, world->held_len));
}

static void step_time(struct world *world, struct sx_reader *in)
{
	uint8_t steps = sx_read_u8(in);

	sim_run(world->sim, (steps & 0x80 ? SIM_SECOND : SIM_MILLI) * (steps & 0x7f));
}

static void step_dial(struct world *world, struct sx_reader *in)
{
	static const char *const labels[] = { "xmpp-server", "h3" };
	uint8_t how = sx_read_u8(in);
	struct sim_node *from = world->nodes[how % 2];

	if (from->stream_count < STREAMS_MAX) {
		(void)sim_dial(from, world->nodes[(how + 1) % 2], names[how % 2],
			how & 4 ? "nobody.example.org" : names[(how + 1) % 2],
			labels[how >> 3 & 1]);
	}
}

static struct sim_stream *stream_of(struct world *world, uint8_t which)
{
	struct sim_node *node = world->nodes[which % 2];
	struct sim_stream *stream = &node->streams[which / 2 % STREAMS_MAX];

	return which / 2U % STREAMS_MAX < node->stream_count && stream->stream ? stream : NULL;
}

static void step_write(struct world *world, struct sx_reader *in)
{
	struct sim_stream *stream = stream_of(world, sx_read_u8(in));
	uint16_t len = sx_read_u16(in);

	if (stream) {
		(void)!sim_write(stream, len);
	}
}

static void step_read(struct world *world, struct sx_reader *in)
{
	struct sim_stream *stream = stream_of(world, sx_read_u8(in));
	uint16_t len = sx_read_u16(in);

	if (stream) {
		(void)sim_read(stream, len);
	}
}

static void step_stream(struct world *world, struct sx_reader *in)
{
	struct sim_stream *stream = stream_of(world, sx_read_u8(in));
	uint8_t what = sx_read_u8(in);

	if (!stream) {
		return;
	}
	switch (what % 5) {
	case 0:
		sx_stream_finish(stream->stream);
		break;
	case 1:
		sx_stream_reset(stream->stream);
		break;
	case 2:
		sim_release(stream);
		break;
	case 3:
		sx_stream_pause(stream->stream, what & 8);
		break;
	default:
		sx_stream_hold(stream->stream, what & 8);
	}
}

/* Loss, duplication, jitter; a's port; a crash; a deaf node; a full socket. */
static void step_trouble(struct world *world, struct sx_reader *in)
{
	uint8_t what = sx_read_u8(in), how = sx_read_u8(in);
	struct sim_weather weather = { .delay_ns = SIM_MILLI * how,
		.jitter_ns = 1 + SIM_MILLI * (how / 2),
		.loss = how,
		.duplicate = how };

	switch (what % 5) {
	case 0:
		sim_set_weather(world->sim, &weather);
		break;
	case 1:
		sim_rebind(world->nodes[0], (uint16_t)(5000 + how));
		break;
	case 2:
		sim_crash(world->nodes[1]);
		sim_start(world->nodes[1]);
		break;
	case 3:
		world->nodes[how % 2]->deaf = how & 2;
		break;
	default:
		world->nodes[how % 2]->refuse = how;
	}
}

static const struct {
	char letter;
	void (*step)(struct world *world, struct sx_reader *in);
} steps[] = {
	{ 'g', step_raw },
	{ 'b', step_bend },
	{ 'r', step_replay },
	{ 't', step_time },
	{ 'd', step_dial },
	{ 'w', step_write },
	{ 'i', step_read },
	{ 's', step_stream },
	{ 'x', step_trouble },
};

static void take_step(struct world *world, struct sx_reader *in)
{
	char letter = (char)sx_read_u8(in);

	for (size_t i = 0; i < SX_COUNT(steps); i++) {
		if (steps[i].letter == letter) {
			steps[i].step(world, in);
		}
	}
}

static void on_datagram(void *arg, struct sim_node *from, struct sx_bytes payload)
{
	struct world *world = arg;

	if (from != world->nodes[0] || payload.len > HELD_BYTES) {
		return;
	}
	memcpy(world->held, payload.data, payload.len);
	world->held_len = payload.len;
	if (world->bend.len > 0) {
		uint8_t bent[HELD_BYTES];
		struct sx_bytes original = payload;

		memcpy(bent, original.data, original.len);
		for (size_t i = 0; i < world->bend.len && world->bend_at + i < original.len; i++) {
			bent[world->bend_at + i] ^= world->bend.data[i];
		}
		world->bend.len = 0;
		sim_inject(world->nodes[1], &from->address, sx_bytes_of(bent, original.len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sx_endpoint_limits limits = {
		.stream_window = 32768, .streams = 4, .half_open = 4, .connections = 24
	};
	struct world world = { .sim = sim_new(1) };
	struct sx_reader in = sx_reader_of(sx_bytes_of(data, size));

	if (!tls) {
		fixture_init();
		tls = fixture_tls(names);
	}
	world.nodes[0] = sim_add(world.sim, tls, &limits);
	world.nodes[1] = sim_add(world.sim, tls, &limits);
	sim_set_tap(world.sim, on_datagram, &world);
	for (int i = 0; i < STEPS_MAX && sx_reader_left(&in) > 0 && sx_reader_ok(&in); i++) {
		take_step(&world, &in);
	}
	sim_set_tap(world.sim, NULL, NULL);
	sim_run(world.sim, SIM_SECOND);
	sim_free(world.sim);
	return 0;
}
