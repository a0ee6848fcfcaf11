/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fanqueue.h"

#define FIRST_ENTRIES 4
#define SPARE_ENTRIES 64   /* a queue that has grown larger is not kept */
#define SPARES        1024 /* queues kept for the next turn */

void sx_form_rest(struct sx_fan *fan, struct sx_form *form)
{
	sx_list_append(&fan->idle, &form->idle);
	fan->idle_bytes += form->len;
}

static void form_use(struct sx_fan *fan, struct sx_form *form)
{
	if (form->entries++ == 0) {
		sx_list_remove(&form->idle);
		fan->idle_bytes -= form->len;
		fan->state.bytes += form->len;
	}
}

static void form_leave(struct sx_fan *fan, struct sx_form *form)
{
	if (--form->entries == 0) {
		fan->state.bytes -= form->len;
		sx_form_rest(fan, form);
	}
}

static struct sx_queue *take_spare(struct sx_fan *fan)
{
	struct sx_queue *queue;

	if (sx_list_is_empty(&fan->spares)) {
		return NULL;
	}
	queue = sx_container_of(fan->spares.next, struct sx_queue, node);
	sx_list_remove(&queue->node);
	fan->spare_count--;
	return queue;
}

static void queue_free(struct sx_queue *queue)
{
	free(queue->entries);
	free(queue);
}

static int grow(struct sx_queue *queue)
{
	uint32_t cap = queue->cap ? queue->cap * 2 : FIRST_ENTRIES;
	struct sx_entry *entries = realloc(queue->entries, cap * sizeof *entries);

	if (!entries) {
		return SX_ENOMEM;
	}
	queue->entries = entries;
	queue->cap = cap;
	return SX_OK;
}

static struct sx_queue *make(void)
{
	struct sx_queue *queue = calloc(1, sizeof *queue);

	if (queue && grow(queue) < 0) {
		free(queue);
		return NULL;
	}
	return queue;
}

struct sx_queue *sx_queue_new(struct sx_fan *fan, struct sx_address *sink)
{
	struct sx_queue *queue = take_spare(fan);

	if (!queue) {
		queue = make();
	}
	if (!queue) {
		return NULL;
	}
	sx_list_init(&queue->node);
	if (sx_handles_add(&fan->queues, queue, &queue->handle) < 0) {
		queue_free(queue);
		return NULL;
	}
	queue->sink = sink;
	queue->bulk = 1;
	sink->queue = queue;
	return queue;
}

void sx_queue_line_up(struct sx_fan *fan, struct sx_queue *queue)
{
	sx_list_append(&fan->lines[queue->bulk], &queue->node);
	fan->state.batches++;
}

void sx_queue_leave_line(struct sx_fan *fan, struct sx_queue *queue)
{
	if (!sx_list_is_empty(&queue->node)) {
		sx_list_remove(&queue->node);
		fan->state.batches--;
	}
}

static void place(struct sx_fan *fan, struct sx_queue *queue, uint32_t bulk)
{
	int is_first = queue->count == 0;
	int is_promoted = queue->bulk && !bulk;

	queue->bulk = queue->bulk && bulk;
	if (!queue->sink->held && (is_first || is_promoted)) {
		sx_queue_leave_line(fan, queue);
		sx_queue_line_up(fan, queue);
	}
}

int sx_queue_append(
	struct sx_fan *fan, struct sx_queue *queue, const struct sx_entry *entry, uint32_t bulk)
{
	size_t size = sx_entry_size(entry);

	if (queue->count == queue->cap && grow(queue) < 0) {
		return SX_ENOMEM;
	}
	place(fan, queue, bulk);
	form_use(fan, entry->form);
	entry->address->entries++;
	queue->entries[queue->count++] = *entry;
	queue->bytes += size;
	queue->largest = size > queue->largest ? size : queue->largest;
	queue->marks |= entry->form->marks;
	fan->state.entries++;
	fan->state.bytes += sizeof *entry;
	return SX_OK;
}

void sx_queue_detach(struct sx_fan *fan, struct sx_queue *queue)
{
	sx_queue_leave_line(fan, queue);
	queue->sink->queue = NULL;
}

/* Lets go of `count` entries from the first on; what is left moves to the front. */
static void shed(struct sx_fan *fan, struct sx_queue *queue, uint32_t count)
{
	uint32_t left = queue->count - count;

	for (uint32_t i = 0; i < count; i++) {
		queue->bytes -= sx_entry_size(&queue->entries[i]);
		queue->entries[i].address->entries--;
		form_leave(fan, queue->entries[i].form);
	}
	fan->state.entries -= count;
	fan->state.bytes -= count * sizeof *queue->entries;
	memmove(queue->entries, queue->entries + count, left * sizeof *queue->entries);
	queue->count = left;
	if (left == 0) {
		queue->marks = 0;
		queue->largest = 0;
	}
}

void sx_queue_retire(struct sx_fan *fan, struct sx_queue *queue)
{
	shed(fan, queue, queue->count);
	sx_handles_remove(&fan->queues, queue->handle);
	if (queue->cap > SPARE_ENTRIES || fan->spare_count >= SPARES) {
		queue_free(queue);
		return;
	}
	sx_list_append(&fan->spares, &queue->node);
	fan->spare_count++;
}

/* Moves the entries of `later` behind those of `queue`. */
static int join(struct sx_queue *queue, struct sx_queue *later)
{
	while (queue->cap < queue->count + later->count) {
		if (grow(queue) < 0) {
			return SX_ENOMEM;
		}
	}
	memcpy(queue->entries + queue->count, later->entries,
		later->count * sizeof *later->entries);
	queue->count += later->count;
	queue->bytes += later->bytes;
	queue->largest = queue->largest > later->largest ? queue->largest : later->largest;
	queue->marks |= later->marks;
	queue->bulk = queue->bulk && later->bulk;
	later->count = 0;
	later->bytes = 0;
	return SX_OK;
}

int sx_queue_give_back(struct sx_fan *fan, struct sx_queue *queue, uint32_t first)
{
	struct sx_queue *later = queue->sink->queue;

	if (later && join(queue, later) < 0) {
		return SX_ENOMEM;
	}
	if (later) {
		sx_queue_detach(fan, later);
		sx_queue_retire(fan, later);
	}
	shed(fan, queue, first);
	queue->sink->queue = queue;
	if (!queue->sink->held) {
		sx_queue_line_up(fan, queue);
	}
	return SX_OK;
}

void sx_queue_free_all(struct sx_fan *fan)
{
	struct sx_queue *queue;

	while ((queue = sx_handles_next(&fan->queues, 0))) {
		sx_handles_remove(&fan->queues, queue->handle);
		queue_free(queue);
	}
	sx_list_each (node, following, &fan->spares) {
		queue_free(sx_container_of(node, struct sx_queue, node));
	}
	sx_list_init(&fan->spares);
}
