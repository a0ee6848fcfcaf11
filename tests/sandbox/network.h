/* SPDX-License-Identifier: MIT */
/*
 * network: all routers of a topology and the links between them. Time comes in as an argument and packets for hosts go
 * out through a callback, so that it runs as well under a virtual clock.
 */
#pragma once

#include "base/heap.h"
#include "flows.h"
#include "link.h"

#define SX_NETWORK_FLIGHTS_MAX 16384 /* packets on all links together */

struct sx_clock {
	uint64_t now_ns;    /* for links */
	uint64_t unix_time; /* for the expiry of hops */
};

/* Where packets for hosts go. SX_EIO: it could not be sent; counted as dropped. */
struct sx_network_sink {
	int (*send)(void *arg, size_t as, const struct sx_host *host, uint16_t port,
		struct sx_bytes packet);
	void *arg;
};

struct sx_interface_counters {
	uint64_t in_packets;
	uint64_t in_bytes;
	uint64_t out_packets;
	uint64_t out_bytes;
	uint64_t drops
		[SX_DROP_COUNT]; /* of packets that came in here; of those lost behind it: LOSS and QUEUE */
};

struct sx_network_as {
	struct sx_router router;
	int64_t clock_shift; /* seconds */
	struct sx_interface_counters inside;
	struct sx_interface_counters interfaces[SX_TOPOLOGY_INTERFACES_MAX];
};

struct sx_network_link {
	struct sx_link_faults faults;
	struct sx_link_lane lanes[2]; /* by the end that sends */
};

struct sx_network {
	const struct sx_topology *topology;
	struct sx_network_sink sink;
	struct sx_network_as *ases;    /* as in the topology */
	struct sx_network_link *links; /* as in the topology */
	struct sx_heap flights;
	struct sx_flows flows;
	struct sx_dice dice;
};

/* Borrows `topology` for the life of the network. */
SX_MUST_CHECK int sx_network_new(struct sx_network **out, const struct sx_topology *topology,
	struct sx_network_sink sink, uint64_t seed);
void sx_network_free(struct sx_network *network);

/* The host at `host` and `port` sends a datagram to the router of its AS. */
void sx_network_receive(struct sx_network *network, size_t as, const struct sx_host *host,
	uint16_t port, struct sx_bytes datagram, struct sx_clock clock);

/* Lets all packets arrive that are due; returns when the next one is, or SX_NEVER. */
uint64_t sx_network_run(struct sx_network *network, struct sx_clock clock);

/* Takes a link down or up; both its routers know at once. */
void sx_network_set_down(struct sx_network *network, size_t link, bool down);

/* Forgets all counters and flows. */
void sx_network_reset_counters(struct sx_network *network);

/* Takes all faults back: links as the topology has them, clocks right. */
void sx_network_heal(struct sx_network *network);
