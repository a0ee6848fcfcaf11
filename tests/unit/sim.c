/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/wire.h"
#include "sim.h"

/* An assertion for what happens millions of times: check's own tell another process of each success. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			ck_abort_msg("%s", #condition); \
		} \
	} while (false)

#define FIRST_PORT 5000
#define CHUNK      65536

struct packet {
	struct sx_heap_node node;
	struct sx_peer from;
	struct sx_peer to;
	size_t len;
	uint8_t data[];
};

/* An implementation of the port: one node's side of the network. */
struct sx_port {
	struct sim_node *node;
};

struct sx_route {
	struct sx_port *port;
	struct sx_peer to;
	uint64_t bytes_out;
	bool answers; /* made by route_back */
	bool proven;
};

struct sim {
	uint64_t now;
	uint64_t random;
	struct sim_weather weather;
	struct sim_node *nodes[SIM_NODES];
	struct sx_port ports[SIM_NODES];
	size_t node_count;
	struct sx_heap wire;
	size_t routes;
	sim_tap *tap;
	void *tap_arg;
};

static const char *const default_alpn[] = { "xmpp-server", NULL };

uint64_t sim_random(struct sim *sim, uint64_t bound)
{
	/* xorshift64*, good enough to be different */
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return bound ? (sim->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound : 0;
}

static bool chance(struct sim *sim, unsigned per_mille)
{
	return sim_random(sim, 1000) < per_mille;
}

static void carry(struct sim *sim, const struct sx_peer *from, const struct sx_peer *to,
	struct sx_bytes payload)
{
	struct packet *packet = malloc(sizeof *packet + payload.len);

	MUST(packet);
	memset(packet, 0, sizeof *packet);
	packet->from = *from;
	packet->to = *to;
	packet->len = payload.len;
	memcpy(packet->data, payload.data, payload.len);
	MUST(sx_heap_reserve(&sim->wire, sim->wire.count + 1) == SX_OK);
	sx_heap_set(&sim->wire, &packet->node,
		sim->now + sim->weather.delay_ns + sim_random(sim, sim->weather.jitter_ns));
}

static bool is_initial(struct sx_bytes payload)
{
	return payload.len > 0 && (payload.data[0] & 0xb0) == 0x80;
}

static uint64_t read_varint(struct sx_reader *reader)
{
	uint8_t first = sx_read_u8(reader);
	uint64_t value = first & 0x3f;

	for (int i = (1 << (first >> 6)) - 1; i > 0; i--) {
		value = value << 8 | sx_read_u8(reader);
	}
	return value;
}

/* True when a datagram is more than Initial packets: these anybody can make. */
static bool is_beyond_initial(struct sx_bytes payload)
{
	struct sx_reader reader = sx_reader_of(payload);

	while (sx_reader_left(&reader) > 0 && sx_reader_ok(&reader)) {
		if (!is_initial(sx_bytes_of(payload.data + reader.at, 1))) {
			return true;
		}
		sx_read_skip(&reader, 5);
		sx_read_skip(&reader, sx_read_u8(&reader));
		sx_read_skip(&reader, sx_read_u8(&reader));
		sx_read_skip(&reader, read_varint(&reader));
		sx_read_skip(&reader, read_varint(&reader));
	}
	return false;
}

static void transmit(struct sim_node *node, const struct sx_peer *to, struct sx_bytes payload)
{
	struct sim *sim = node->sim;

	MUST(payload.len > 0);
	MUST(payload.len <= node->budget);
	node->sent_count++;
	if (sim->tap) {
		sim->tap(sim->tap_arg, node, payload);
	}
	if (chance(sim, sim->weather.loss)) {
		return;
	}
	carry(sim, &node->address, to, payload);
	if (chance(sim, sim->weather.duplicate)) {
		carry(sim, &node->address, to, payload);
	}
}

static uint8_t host_of(const struct sx_peer *peer)
{
	return peer->address.sin6_addr.s6_addr[15];
}

/* RFC 9000 section 8.1: three times what came, until the peer's address is proven. */
static void check_amplification(struct sx_route *route, struct sx_bytes data)
{
	route->bytes_out += data.len;
	if (route->answers && !route->proven) {
		MUST(route->bytes_out <= 3 * route->port->node->bytes_from[host_of(&route->to)]);
	}
}

static int port_send(struct sx_route *route, struct sx_bytes data, size_t segment, uint8_t ecn)
{
	struct sim_node *node = route->port->node;

	(void)ecn;
	MUST(segment > 0);
	MUST(data.len <= 65507);
	MUST((data.len + segment - 1) / segment <= 64);
	if (node->refuse > 0) {
		node->refuse--;
		return SX_EAGAIN;
	}
	node->sends++;
	node->largest_train = data.len > node->largest_train ? data.len : node->largest_train;
	check_amplification(route, data);
	for (size_t at = 0; at < data.len; at += segment) {
		size_t len = data.len - at < segment ? data.len - at : segment;

		/* RFC 9000 section 14.1: a client's Initial fills its datagram. */
		if (!route->answers && is_initial(sx_bytes_of(data.data + at, len))) {
			MUST(len >= 1200);
		}
		transmit(node, &route->to, sx_bytes_of(data.data + at, len));
	}
	return SX_OK;
}

static size_t port_budget(const struct sx_route *route)
{
	return route->port->node->budget;
}

static void port_learn(struct sx_route *route, const struct sx_datagram *datagram)
{
	/* A Handshake or 1-RTT packet that decrypts proves that the peer has read our answer. */
	if (is_beyond_initial(datagram->payload)) {
		route->proven = true;
	}
	route->port->node->learned++;
}

static void port_suspect(struct sx_route *route)
{
	route->port->node->suspected++;
}

static struct sx_route *route_new(struct sx_port *port, const struct sx_peer *to)
{
	struct sx_route *route = calloc(1, sizeof *route);

	ck_assert_ptr_nonnull(route);
	route->port = port;
	route->to = *to;
	port->node->sim->routes++;
	return route;
}

static int port_route_back(
	struct sx_port *port, const struct sx_datagram *datagram, struct sx_route **out)
{
	*out = route_new(port, &datagram->from);
	(*out)->answers = true;
	return SX_OK;
}

static void port_route_free(struct sx_route *route)
{
	route->port->node->sim->routes--;
	free(route);
}

static void port_reply(
	struct sx_port *port, const struct sx_datagram *datagram, struct sx_bytes payload)
{
	MUST(payload.len <= 3 * datagram->payload.len);
	transmit(port->node, &datagram->from, payload);
}

static void port_describe(
	const struct sx_route *route, char *peer, size_t peer_cap, char *path, size_t path_cap)
{
	(void)snprintf(peer, peer_cap, "node %u", host_of(&route->to));
	(void)snprintf(path, path_cap, "wire");
}

static const struct sx_port_ops port_ops = {
	.send = port_send,
	.budget = port_budget,
	.learn = port_learn,
	.suspect = port_suspect,
	.route_back = port_route_back,
	.route_free = port_route_free,
	.reply = port_reply,
	.describe = port_describe,
};

static struct sim_stream *record_new(struct sim_node *node)
{
	struct sim_stream *record;

	ck_assert_uint_lt(node->stream_count, SIM_STREAMS);
	record = &node->streams[node->stream_count++];
	*record = (struct sim_stream){ .node = node };
	return record;
}

/* No callback after the stream was released, none of the others after `closed`. */
static struct sim_stream *alive(void *user)
{
	struct sim_stream *record = user;

	MUST(record);
	MUST(record->stream);
	MUST(!record->closed);
	return record;
}

static void on_accepted(void *arg, struct sx_stream *stream)
{
	struct sim_stream *record = record_new(arg);

	record->stream = stream;
	record->accepted = true;
	record->opened = true;
	sx_stream_set_user(stream, record);
}

static void on_opened(void *user, struct sx_stream *stream)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	ck_assert(!record->opened);
	record->opened = true;
}

static void on_readable(void *user, struct sx_stream *stream)
{
	MUST(sx_stream_readable_bytes(stream) > 0);
	alive(user)->readable_told++;
}

static void on_writable(void *user, struct sx_stream *stream)
{
	(void)stream;
	alive(user)->writable_told++;
}

static void on_finished(void *user, struct sx_stream *stream)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	ck_assert(!record->finished);
	record->finished = true;
}

static void on_closed(void *user, struct sx_stream *stream, int status, const char *reason)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	ck_assert_int_lt(status, 0);
	ck_assert_str_ne(reason, "");
	record->closed = true;
	record->status = status;
	(void)snprintf(record->reason, sizeof record->reason, "%s", reason);
}

static const struct sx_stream_events events = {
	.accepted = on_accepted,
	.opened = on_opened,
	.readable = on_readable,
	.writable = on_writable,
	.finished = on_finished,
	.closed = on_closed,
};

struct sim *sim_new(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof *sim);

	ck_assert_ptr_nonnull(sim);
	sim->now = SIM_SECOND;
	sim->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	sim->weather = (struct sim_weather){ .delay_ns = 10 * SIM_MILLI };
	return sim;
}

static void drop_wire(struct sim *sim)
{
	struct sx_heap_node *node;

	while ((node = sx_heap_first(&sim->wire))) {
		sx_heap_remove(&sim->wire, node);
		free(sx_container_of(node, struct packet, node));
	}
}

static void release_all(struct sim_node *node)
{
	for (size_t i = 0; i < node->stream_count; i++) {
		if (node->streams[i].stream) {
			sim_release(&node->streams[i]);
		}
	}
}

void sim_free(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count; i++) {
		sx_endpoint_free(sim->nodes[i]->endpoint);
		release_all(sim->nodes[i]);
	}
	ck_assert_uint_eq(sim->routes, 0);
	for (size_t i = 0; i < sim->node_count; i++) {
		free(sim->nodes[i]);
	}
	drop_wire(sim);
	sx_heap_fini(&sim->wire);
	free(sim);
}

void sim_set_weather(struct sim *sim, const struct sim_weather *weather)
{
	sim->weather = *weather;
}

uint64_t sim_now(const struct sim *sim)
{
	return sim->now;
}

void sim_set_tap(struct sim *sim, sim_tap *tap, void *arg)
{
	sim->tap = tap;
	sim->tap_arg = arg;
}

static struct sx_peer address_of(size_t number)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6 } };

	peer.address.sin6_addr.s6_addr[0] = 0xfd;
	peer.address.sin6_addr.s6_addr[15] = (uint8_t)(number + 1);
	peer.address.sin6_port = htons((uint16_t)(FIRST_PORT + number));
	return peer;
}

void sim_start(struct sim_node *node)
{
	ck_assert_ptr_null(node->endpoint);
	ck_assert_int_eq(sx_endpoint_new(&node->endpoint, &node->config, node->sim->now), SX_OK);
}

struct sim_node *sim_add(
	struct sim *sim, struct sx_tls *tls, const struct sx_endpoint_limits *limits)
{
	struct sim_node *node = calloc(1, sizeof *node);
	size_t number = sim->node_count++;

	ck_assert_ptr_nonnull(node);
	ck_assert_uint_lt(number, SIM_NODES);
	sim->nodes[number] = node;
	sim->ports[number].node = node;
	node->sim = sim;
	node->budget = 1404;
	node->address = address_of(number);
	memset(node->secret, (int)(number + 1), sizeof node->secret);
	node->config = (struct sx_endpoint_config){
		.port = { &port_ops, &sim->ports[number] },
		.local = node->address,
		.tls = tls,
		.alpn = default_alpn,
		.secret = node->secret,
		.events = events,
		.arg = node,
	};
	if (limits) {
		node->config.limits = *limits;
	}
	sim_start(node);
	return node;
}

void sim_serve(struct sim_node *node, const char *const *alpn)
{
	sx_endpoint_free(node->endpoint);
	node->endpoint = NULL;
	node->config.alpn = alpn;
	sim_start(node);
}

void sim_crash(struct sim_node *node)
{
	bool deaf = node->deaf;
	unsigned loss = node->sim->weather.loss;

	/* Its last words are lost. */
	node->sim->weather.loss = 1000;
	sx_endpoint_free(node->endpoint);
	node->endpoint = NULL;
	release_all(node);
	node->sim->weather.loss = loss;
	node->deaf = deaf;
}

void sim_rebind(struct sim_node *node, uint16_t port)
{
	node->address.address.sin6_port = htons(port);
}

int sim_try_dial(struct sim_node *from, const struct sim_node *to, const struct sx_dial *dial,
	struct sim_stream **out)
{
	struct sx_dial full = *dial;
	struct sim_stream *record = record_new(from);
	int rc;

	full.peer = to->address;
	full.route = route_new(from->config.port.port, &to->address);
	rc = sx_endpoint_dial(from->endpoint, &full, record, from->sim->now, &record->stream);
	if (rc < 0) {
		port_route_free(full.route);
		from->stream_count--;
		return rc;
	}
	*out = record;
	return SX_OK;
}

struct sim_stream *sim_dial(struct sim_node *from, const struct sim_node *to,
	const char *local_name, const char *remote_name, const char *alpn)
{
	struct sx_dial dial = {
		.local_name = local_name, .remote_name = remote_name, .alpn = alpn
	};
	struct sim_stream *record = NULL;

	ck_assert_int_eq(sim_try_dial(from, to, &dial, &record), SX_OK);
	return record;
}

static struct sim_node *node_at(struct sim *sim, const struct sx_peer *address)
{
	for (size_t i = 0; i < sim->node_count; i++) {
		if (memcmp(&sim->nodes[i]->address, address, sizeof *address) == 0) {
			return sim->nodes[i];
		}
	}
	return NULL;
}

void sim_inject(struct sim_node *to, const struct sx_peer *from, struct sx_bytes payload)
{
	struct sx_datagram datagram = { .from = *from, .to = to->config.local, .payload = payload };

	if (to->endpoint && !to->deaf) {
		to->bytes_from[host_of(from)] += payload.len;
		sx_endpoint_receive(to->endpoint, &datagram, to->sim->now);
	}
}

static void deliver(struct sim *sim)
{
	struct sx_heap_node *first;

	while ((first = sx_heap_first(&sim->wire)) && first->deadline_ns <= sim->now) {
		struct packet *packet = sx_container_of(first, struct packet, node);
		struct sim_node *to = node_at(sim, &packet->to);

		sx_heap_remove(&sim->wire, first);
		if (to) {
			sim_inject(to, &packet->from, sx_bytes_of(packet->data, packet->len));
		}
		free(packet);
	}
}

static void process(struct sim_node *node)
{
	bool more = true;

	if (!node->endpoint) {
		return;
	}
	for (int turns = 0; more; turns++) {
		MUST(turns < 1000);
		sx_endpoint_process(node->endpoint, node->sim->now, &more);
	}
	MUST(sx_endpoint_deadline(node->endpoint) > node->sim->now);
}

static uint64_t next_event(const struct sim *sim)
{
	const struct sx_heap_node *first = sx_heap_first(&sim->wire);
	uint64_t next = first ? first->deadline_ns : SX_NEVER;

	for (size_t i = 0; i < sim->node_count; i++) {
		uint64_t due = sim->nodes[i]->endpoint
				       ? sx_endpoint_deadline(sim->nodes[i]->endpoint)
				       : SX_NEVER;

		next = due < next ? due : next;
	}
	return next;
}

bool sim_step(struct sim *sim, uint64_t until_ns)
{
	uint64_t next = next_event(sim);

	if (next > until_ns) {
		sim->now = until_ns > sim->now ? until_ns : sim->now;
		return false;
	}
	sim->now = next > sim->now ? next : sim->now;
	deliver(sim);
	for (size_t i = 0; i < sim->node_count; i++) {
		process(sim->nodes[i]);
	}
	return true;
}

void sim_run(struct sim *sim, uint64_t duration_ns)
{
	uint64_t until = sim->now + duration_ns;

	while (sim_step(sim, until)) {
	}
}

void sim_until(struct sim *sim, const bool *flag, uint64_t patience_ns)
{
	uint64_t until = sim->now + patience_ns;

	while (!*flag && sim_step(sim, until)) {
	}
	ck_assert_msg(*flag, "it has not happened in time");
}

static uint8_t pattern(uint64_t seed, uint64_t offset)
{
	uint64_t mixed = (offset + seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint8_t)(mixed >> 56);
}

int sim_write(struct sim_stream *record, size_t len)
{
	uint8_t bytes[CHUNK];
	int rc;

	MUST(len <= sizeof bytes);
	for (size_t i = 0; i < len; i++) {
		bytes[i] = pattern(record->seed, record->sent + i);
	}
	rc = sx_stream_write(record->stream, sx_bytes_of(bytes, len));
	if (rc == SX_OK) {
		record->sent += len;
	}
	return rc;
}

size_t sim_read(struct sim_stream *record, size_t cap)
{
	uint8_t bytes[CHUNK];
	size_t len = 0;

	MUST(cap <= sizeof bytes);
	if (sx_stream_read(record->stream, bytes, cap, &len) < 0) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		MUST(bytes[i] == pattern(record->seed, record->received + i));
	}
	record->received += len;
	return len;
}

void sim_release(struct sim_stream *record)
{
	struct sx_stream *stream = record->stream;

	record->stream = NULL;
	sx_stream_release(stream);
}

struct sim_stream *sim_accepted(struct sim_node *node, size_t number)
{
	for (size_t i = 0; i < node->stream_count; i++) {
		if (node->streams[i].accepted && number-- == 0) {
			return &node->streams[i];
		}
	}
	ck_abort_msg("no such stream was accepted");
	return NULL;
}

struct sim_link sim_connect(struct sim_node *a, struct sim_node *b)
{
	struct sim_link link;
	size_t accepted = 0;

	for (size_t i = 0; i < b->stream_count; i++) {
		accepted += b->streams[i].accepted;
	}
	link.near = sim_dial(a, b, "a.example.org", "b.example.org", "xmpp-server");
	sim_until(a->sim, &link.near->opened, 20 * SIM_SECOND);
	ck_assert_int_eq(sim_write(link.near, 10), SX_OK);
	sim_run(a->sim, SIM_SECOND);
	link.far = sim_accepted(b, accepted);
	ck_assert_uint_eq(sim_read(link.far, 100), 10);
	return link;
}

void sim_part(struct sim_link *link)
{
	sx_stream_finish(link->near->stream);
	sx_stream_finish(link->far->stream);
	sim_until(link->near->node->sim, &link->near->closed, 20 * SIM_SECOND);
	sim_until(link->near->node->sim, &link->far->closed, 20 * SIM_SECOND);
}
