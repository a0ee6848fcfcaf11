/* SPDX-License-Identifier: MIT */
/* ns_delay: answers that wait until they are due. */
#pragma once

#include "base/bytes.h"
#include "base/heap.h"

#define SX_NS_DELAYED_MOST 256

/* An answer, the first member of what its sender needs to deliver it. */
struct sx_ns_delayed {
	struct sx_heap_node node;
	void (*deliver)(struct sx_ns_delayed *delayed); /* also frees it */
	void (*drop)(struct sx_ns_delayed *delayed);    /* only frees it */
};

/* Zeroed memory has none. */
struct sx_ns_delays {
	struct sx_heap heap;
};

/* Delivers at `due_ns`, or at once when that has come. Takes `delayed`; drops it when too many wait. */
void sx_ns_delay(struct sx_ns_delays *delays, struct sx_ns_delayed *delayed, uint64_t due_ns,
	uint64_t now_ns);

/* Delivers what is due; returns when the next one is, or SX_NEVER. */
uint64_t sx_ns_delays_run(struct sx_ns_delays *delays, uint64_t now_ns);
void sx_ns_delays_fini(struct sx_ns_delays *delays);
