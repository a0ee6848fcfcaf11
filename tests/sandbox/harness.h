/* SPDX-License-Identifier: MIT */
/* harness: a network under a virtual clock, for unit tests. Whatever goes wrong in setting it up fails the test. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "network.h"

#define SX_HARNESS_PACKETS_MAX 64

struct sx_harness_packet {
	size_t as;
	struct sx_host host;
	uint16_t port;
	uint64_t arrival_ns;
	size_t len;
	uint8_t data[SX_ROUTER_PACKET_MAX];
};

struct sx_harness {
	struct sx_topology *topology;
	struct sx_network *network;
	struct sx_clock clock;
	size_t count; /* packets that reached hosts, also those that did not fit */
	struct sx_harness_packet packets[SX_HARNESS_PACKETS_MAX];
};

static inline int sx_harness_send(
	void *arg, size_t as, const struct sx_host *host, uint16_t port, struct sx_bytes packet)
{
	struct sx_harness *harness = arg;

	if (harness->count < SX_HARNESS_PACKETS_MAX) {
		struct sx_harness_packet *out = &harness->packets[harness->count];

		out->as = as;
		out->host = *host;
		out->port = port;
		out->arrival_ns = harness->clock.now_ns;
		out->len = packet.len;
		memcpy(out->data, packet.data, packet.len);
	}
	harness->count++;
	return SX_OK;
}

/* `topology`: the name of a file in tests/sandbox. */
static inline struct sx_harness *sx_harness_new(const char *topology, uint64_t unix_time)
{
	struct sx_harness *harness = calloc(1, sizeof *harness);
	struct sx_topology_error error;
	char path[512];

	ck_assert_ptr_nonnull(harness);
	(void)snprintf(path, sizeof path, "%s/%s", SX_SANDBOX_DIR, topology);
	ck_assert_msg(
		sx_topology_load(&harness->topology, path, &error) == SX_OK, "%s", error.text);
	ck_assert_int_eq(sx_network_new(&harness->network, harness->topology,
				 (struct sx_network_sink){ sx_harness_send, harness }, 1),
		SX_OK);
	harness->clock = (struct sx_clock){ 1000000000, unix_time };
	return harness;
}

static inline void sx_harness_free(struct sx_harness *harness)
{
	sx_network_free(harness->network);
	sx_topology_free(harness->topology);
	free(harness);
}

/* The index of an AS by its text. */
static inline size_t sx_harness_as(const struct sx_harness *harness, const char *ia)
{
	uint64_t value = 0;
	const struct sx_topology_as *as;

	ck_assert_int_eq(sx_ia_parse(sx_bytes_text(ia), &value), SX_OK);
	as = sx_topology_find_as(harness->topology, value);
	ck_assert_ptr_nonnull(as);
	return sx_topology_as_index(harness->topology, as);
}

/* Lets time pass until nothing is on its way any more. */
static inline void sx_harness_settle(struct sx_harness *harness)
{
	uint64_t next_ns;

	while ((next_ns = sx_network_run(harness->network, harness->clock)) != SX_NEVER) {
		harness->clock.now_ns = next_ns;
	}
}

/* Sends from a host in `as`, whose underlay address is 127.0.0.9 port 9, and settles. Forgets earlier packets. */
static inline void sx_harness_exchange(
	struct sx_harness *harness, size_t as, struct sx_bytes datagram)
{
	struct sx_host host = { SX_HOST_IPV4, { 127, 0, 0, 9 } };

	harness->count = 0;
	sx_network_receive(harness->network, as, &host, 9, datagram, harness->clock);
	sx_harness_settle(harness);
}
