/* SPDX-License-Identifier: MIT */
/* sim_core: what the simulation's own files share: its clock and nodes, its network, and the records of streams. */
#pragma once

#include "base/heap.h"
#include "base/list.h"
#include "sim.h"

/* An assertion for what happens millions of times, or outside of tests: check's own report every success. */
#define MUST(condition)                                 \
	do {                                            \
		if (!(condition)) {                     \
			ck_abort_msg("%s", #condition); \
		}                                       \
	} while (false)

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
	struct sim_fates fates;
	uint64_t latest[256]; /* arrival under way, by the last byte of the receiver's address */
	struct sim_node *nodes[SIM_NODES];
	struct sx_port ports[SIM_NODES];
	size_t node_count;
	struct sx_heap wire;
	size_t routes;
	sim_tap *tap;
	void *tap_arg;
};

/* The network's side of a node. */
extern const struct sx_port_ops sim_port_ops;

/* A route of this port; freed by sim_port_ops.route_free. NULL: there is no memory. */
struct sx_route *sim_route_new(struct sx_port *port, const struct sx_peer *to);

/* The last byte of an address: the node's number. */
uint8_t sim_host_of(const struct sx_peer *peer);

/* The endpoint's callbacks; their `arg` is the node. */
extern const struct sx_stream_events sim_stream_events;

/* A fresh record of the node's. */
struct sim_stream *sim_stream_new(struct sim_node *node);
