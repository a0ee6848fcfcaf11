/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim_core.h"

#define FIRST_PORT 5000

static const char *const default_alpn[] = { "xmpp-server", NULL };

uint64_t sim_random(struct sim *sim, uint64_t bound)
{
	/* xorshift64*, good enough to be different */
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;
	return bound ? (sim->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound : 0;
}

struct sim *sim_new(uint64_t seed)
{
	struct sim *sim = calloc(1, sizeof *sim);

	MUST(sim);
	sim->now = SIM_SECOND;
	sim->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	sim->weather = (struct sim_weather){ .delay_ns = 10 * SIM_MILLI };
	return sim;
}

struct sim_fates sim_fates(const struct sim *sim)
{
	return sim->fates;
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
	MUST(sim->routes == 0);
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
	MUST(!node->endpoint);
	MUST(sx_endpoint_new(&node->endpoint, &node->config, node->sim->now) == SX_OK);
}

struct sim_node *sim_add(
	struct sim *sim, struct sx_tls *tls, const struct sx_endpoint_limits *limits)
{
	struct sim_node *node = calloc(1, sizeof *node);
	size_t number = sim->node_count++;

	MUST(node);
	MUST(number < SIM_NODES);
	sim->nodes[number] = node;
	sim->ports[number].node = node;
	node->sim = sim;
	node->budget = 1404;
	node->address = address_of(number);
	memset(node->secret, (int)(number + 1), sizeof node->secret);
	node->config = (struct sx_endpoint_config){
		.port = { &sim_port_ops, &sim->ports[number] },
		.local = node->address,
		.tls = tls,
		.alpn = default_alpn,
		.secret = node->secret,
		.events = sim_stream_events,
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

void sim_remove(struct sim_node *node)
{
	struct sim *sim = node->sim;

	ck_assert_ptr_eq(sim->nodes[sim->node_count - 1], node);
	sim_crash(node);
	sim->node_count--;
	free(node);
}

void sim_rebind(struct sim_node *node, uint16_t port)
{
	node->address.address.sin6_port = htons(port);
}

int sim_try_dial(struct sim_node *from, const struct sim_node *to, const struct sx_dial *dial,
	struct sim_stream **out)
{
	struct sx_dial full = *dial;
	struct sim_stream *record = sim_stream_new(from);
	int rc;

	full.peer = to->address;
	full.route = sim_route_new(from->config.port.port, &to->address);
	if (!full.route) {
		from->stream_count--;
		return SX_ENOMEM;
	}
	rc = sx_endpoint_dial(from->endpoint, &full, record, from->sim->now, &record->stream);
	if (rc < 0) {
		sim_port_ops.route_free(full.route);
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

	MUST(sim_try_dial(from, to, &dial, &record) == SX_OK);
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
		to->bytes_from[sim_host_of(from)] += payload.len;
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
