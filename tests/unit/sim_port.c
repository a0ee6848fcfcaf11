/* SPDX-License-Identifier: MIT */
/* sim_port: the network of a simulation, as each node's port sees it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "sim_core.h"

static bool chance(struct sim *sim, unsigned per_mille)
{
	return sim_random(sim, 1000) < per_mille;
}

uint8_t sim_host_of(const struct sx_peer *peer)
{
	return peer->address.sin6_addr.s6_addr[15];
}

static void carry(struct sim *sim, const struct sx_peer *from, const struct sx_peer *to,
	struct sx_bytes payload)
{
	struct packet *packet = malloc(sizeof *packet + payload.len);
	uint64_t *latest = &sim->latest[sim_host_of(to)], arrival;

	/* Tests let allocations fail: without memory the network loses a packet. */
	if (!packet || sx_heap_reserve(&sim->wire, sim->wire.count + 1) < 0) {
		free(packet);
		return;
	}
	memset(packet, 0, sizeof *packet);
	packet->from = *from;
	packet->to = *to;
	packet->len = payload.len;
	memcpy(packet->data, payload.data, payload.len);
	arrival = sim->now + sim->weather.delay_ns + sim_random(sim, sim->weather.jitter_ns);
	if (arrival < *latest) {
		sim->fates.overtaken++;
	} else {
		*latest = arrival;
	}
	sx_heap_set(&sim->wire, &packet->node, arrival);
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
	node->bytes_to[sim_host_of(to)] += payload.len;
	if (sim->tap) {
		sim->tap(sim->tap_arg, node, payload);
	}
	if (chance(sim, sim->weather.loss)) {
		sim->fates.lost++;
		return;
	}
	carry(sim, &node->address, to, payload);
	if (chance(sim, sim->weather.duplicate)) {
		sim->fates.duplicated++;
		carry(sim, &node->address, to, payload);
	}
}

/* RFC 9000 section 8.1: three times what came, until the peer's address is proven. */
static void check_amplification(struct sx_route *route, struct sx_bytes data)
{
	route->bytes_out += data.len;
	if (route->answers && !route->proven) {
		MUST(route->bytes_out <=
			3 * route->port->node->bytes_from[sim_host_of(&route->to)]);
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

struct sx_route *sim_route_new(struct sx_port *port, const struct sx_peer *to)
{
	struct sx_route *route = calloc(1, sizeof *route);

	if (!route) {
		return NULL;
	}
	route->port = port;
	route->to = *to;
	port->node->sim->routes++;
	return route;
}

static int port_route_back(
	struct sx_port *port, const struct sx_datagram *datagram, struct sx_route **out)
{
	struct sx_route *route = sim_route_new(port, &datagram->from);

	if (!route) {
		return SX_ENOMEM;
	}
	route->answers = true;
	*out = route;
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
	(void)snprintf(peer, peer_cap, "node %u", sim_host_of(&route->to));
	(void)snprintf(path, path_cap, "wire");
}

const struct sx_port_ops sim_port_ops = {
	.send = port_send,
	.budget = port_budget,
	.learn = port_learn,
	.suspect = port_suspect,
	.route_back = port_route_back,
	.route_free = port_route_free,
	.reply = port_reply,
	.describe = port_describe,
};
