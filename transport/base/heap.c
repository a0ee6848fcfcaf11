/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "base/heap.h"

static void put(struct sx_heap *heap, size_t index, struct sx_heap_node *node)
{
	heap->nodes[index] = node;
	node->place = index + 1;
}

static void sift_up(struct sx_heap *heap, size_t index)
{
	struct sx_heap_node *node = heap->nodes[index];

	while (index > 0 && node->deadline_ns < heap->nodes[(index - 1) / 2]->deadline_ns) {
		put(heap, index, heap->nodes[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	put(heap, index, node);
}

static void sift_down(struct sx_heap *heap, size_t index)
{
	struct sx_heap_node *node = heap->nodes[index];

	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= heap->count) {
			break;
		}
		if (child + 1 < heap->count &&
			heap->nodes[child + 1]->deadline_ns < heap->nodes[child]->deadline_ns) {
			child++;
		}
		if (node->deadline_ns <= heap->nodes[child]->deadline_ns) {
			break;
		}
		put(heap, index, heap->nodes[child]);
		index = child;
	}
	put(heap, index, node);
}

int sx_heap_reserve(struct sx_heap *heap, size_t count)
{
	struct sx_heap_node **nodes;
	size_t cap = heap->cap ? heap->cap : 16;

	if (count <= heap->cap) {
		return SX_OK;
	}
	while (cap < count) {
		cap *= 2;
	}
	nodes = realloc(heap->nodes, cap * sizeof *nodes);
	if (!nodes) {
		return SX_ENOMEM;
	}
	heap->nodes = nodes;
	heap->cap = cap;
	return SX_OK;
}

void sx_heap_fini(struct sx_heap *heap)
{
	free(heap->nodes);
	*heap = (struct sx_heap){ 0 };
}

void sx_heap_set(struct sx_heap *heap, struct sx_heap_node *node, uint64_t deadline_ns)
{
	if (deadline_ns == SX_NEVER) {
		sx_heap_remove(heap, node);
		return;
	}
	if (!node->place) {
		assert(heap->count < heap->cap);
		node->deadline_ns = deadline_ns;
		put(heap, heap->count++, node);
		sift_up(heap, heap->count - 1);
		return;
	}
	node->deadline_ns = deadline_ns;
	sift_up(heap, node->place - 1);
	sift_down(heap, node->place - 1);
}

void sx_heap_remove(struct sx_heap *heap, struct sx_heap_node *node)
{
	size_t index = node->place - 1;
	struct sx_heap_node *last;

	if (!node->place) {
		return;
	}
	node->place = 0;
	last = heap->nodes[--heap->count];
	if (last == node) {
		return;
	}
	put(heap, index, last);
	sift_up(heap, index);
	sift_down(heap, last->place - 1);
}

struct sx_heap_node *sx_heap_first(const struct sx_heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}
