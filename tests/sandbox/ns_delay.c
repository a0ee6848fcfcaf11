/* SPDX-License-Identifier: MIT */
#include "ns_delay.h"

#include "base/list.h"

static struct sx_ns_delayed *first(const struct sx_ns_delays *delays)
{
	struct sx_heap_node *node = sx_heap_first(&delays->heap);

	return node ? sx_container_of(node, struct sx_ns_delayed, node) : NULL;
}

void sx_ns_delay(struct sx_ns_delays *delays, struct sx_ns_delayed *delayed, uint64_t due_ns,
	uint64_t now_ns)
{
	if (due_ns <= now_ns) {
		delayed->deliver(delayed);
		return;
	}
	if (delays->heap.count == SX_NS_DELAYED_MOST ||
		sx_heap_reserve(&delays->heap, delays->heap.count + 1) < 0) {
		delayed->drop(delayed);
		return;
	}
	sx_heap_set(&delays->heap, &delayed->node, due_ns);
}

uint64_t sx_ns_delays_run(struct sx_ns_delays *delays, uint64_t now_ns)
{
	struct sx_ns_delayed *delayed;

	while ((delayed = first(delays)) && delayed->node.deadline_ns <= now_ns) {
		sx_heap_remove(&delays->heap, &delayed->node);
		delayed->deliver(delayed);
	}
	return delayed ? delayed->node.deadline_ns : SX_NEVER;
}

void sx_ns_delays_fini(struct sx_ns_delays *delays)
{
	struct sx_ns_delayed *delayed;

	while ((delayed = first(delays))) {
		sx_heap_remove(&delays->heap, &delayed->node);
		delayed->drop(delayed);
	}
	sx_heap_fini(&delays->heap);
}
