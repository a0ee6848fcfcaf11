/* SPDX-License-Identifier: MIT */
/* heap: deadlines in order. Nodes are intrusive and belong to the caller. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define SX_NEVER UINT64_MAX

struct sx_heap_node {
	uint64_t deadline_ns;
	size_t place; /* 1 + index in the heap, 0 when outside: zeroed memory is a node outside */
};

struct sx_heap {
	struct sx_heap_node **nodes;
	size_t count;
	size_t cap;
};

/* Makes room for `count` nodes, so that sx_heap_set cannot fail for them. SX_ENOMEM: unchanged. */
SX_MUST_CHECK int sx_heap_reserve(struct sx_heap *heap, size_t count);
void sx_heap_fini(struct sx_heap *heap);

/* Inserts or moves a node; room for it must have been reserved. SX_NEVER takes it out. */
void sx_heap_set(struct sx_heap *heap, struct sx_heap_node *node, uint64_t deadline_ns);

/* Takes a node out; harmless when it is not in. */
void sx_heap_remove(struct sx_heap *heap, struct sx_heap_node *node);

/* The node that is due first, or NULL. Lends it. */
struct sx_heap_node *sx_heap_first(const struct sx_heap *heap);
