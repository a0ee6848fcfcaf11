/* SPDX-License-Identifier: MIT */
/* flows: which way packets really went. Routers write themselves into a packet's trace; hosts' packets are counted by it. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "scion/addr.h"
#include "scion/path.h"

#define SX_TRACE_MAX (2 * SX_PATH_HOPS_MAX)
#define SX_FLOWS_MAX 1024

/* The interfaces a packet has passed, as its routers saw it. */
struct sx_trace {
	size_t count;
	struct sx_interface interfaces[SX_TRACE_MAX];
};

struct sx_flow {
	struct sx_map_node node; /* keyed by `identity` up to the last interface */
	struct {
		struct sx_addr src;
		struct sx_addr dst;
		struct sx_trace trace;
	} identity;
	uint64_t packets;
	uint64_t bytes;
};

struct sx_flows {
	struct sx_map map;
	struct sx_flow *flows[SX_FLOWS_MAX]; /* in the order of appearance */
	size_t count;
	uint64_t uncounted; /* packets of flows for which there was no room */
};

SX_MUST_CHECK int sx_flows_init(struct sx_flows *flows, const uint8_t seed[16]);
void sx_flows_fini(struct sx_flows *flows);

/* Notes that a packet passed an interface; what is beyond SX_TRACE_MAX is left out. */
void sx_trace_add(struct sx_trace *trace, uint64_t ia, uint16_t id);

/* Counts a packet of `len` bytes that has arrived at its host. */
void sx_flows_count(struct sx_flows *flows, const struct sx_addr *src, const struct sx_addr *dst,
	const struct sx_trace *trace, size_t len);

/* Forgets all flows. */
void sx_flows_reset(struct sx_flows *flows);
