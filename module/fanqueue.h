/* SPDX-License-Identifier: MIT */
/* fanqueue: what waits for a sink of the fan-out, and the lines that queues wait in. Private to the fan-out. */
#pragma once

#include "base/list.h"
#include "handles.h"
#include "sx.h"

/* Linked into `idle` when no entry needs it. */
struct sx_form {
	struct sx_list idle;
	sx_handle handle;
	uint64_t entries;
	uint32_t marks;
	size_t head_len;
	size_t len; /* of both parts */
	char text[];
};

struct sx_queue;

struct sx_address {
	sx_handle handle;
	struct sx_address *sink; /* itself, or the one it shares */
	struct sx_queue *queue;  /* of a sink: what waits for it, or NULL */
	uint64_t entries;
	uint32_t sharers; /* other addresses of this sink */
	uint32_t held;
	size_t len;
	char to[];
};

struct sx_entry {
	struct sx_form *form;
	struct sx_address *address;
};

/* Linked into `lines` while it waits for its turn; `sink->queue` until it is taken. */
struct sx_queue {
	struct sx_list node;
	sx_handle handle;
	struct sx_address *sink;
	uint32_t bulk;
	uint32_t marks;
	uint32_t count;
	uint32_t cap;
	uint64_t bytes;
	uint64_t largest;
	struct sx_entry *entries;
};

struct sx_fan {
	struct sx_handles forms;
	struct sx_handles addresses;
	struct sx_handles queues;
	struct sx_list lines[2]; /* of queues: those with more than bulk, the others */
	struct sx_list idle;     /* of forms, the longest unneeded first */
	struct sx_list spares;   /* of queues without entries */
	uint64_t idle_bytes;
	uint32_t spare_count;
	struct sx_fan_state state;
};

static inline size_t sx_entry_size(const struct sx_entry *entry)
{
	return entry->form->len + entry->address->len;
}

/* A form that no entry needs. */
void sx_form_rest(struct sx_fan *fan, struct sx_form *form);

/* The queue of a sink that has none, not in line yet; NULL: no memory. */
struct sx_queue *sx_queue_new(struct sx_fan *fan, struct sx_address *sink);

/* Appends an entry and gives the queue the place in line that it has with it. SX_ENOMEM. */
SX_MUST_CHECK int sx_queue_append(
	struct sx_fan *fan, struct sx_queue *queue, const struct sx_entry *entry, uint32_t bulk);

void sx_queue_line_up(struct sx_fan *fan, struct sx_queue *queue);

/* Harmless when it is in no line. */
void sx_queue_leave_line(struct sx_fan *fan, struct sx_queue *queue);

/* Takes it out of line and from its sink. */
void sx_queue_detach(struct sx_fan *fan, struct sx_queue *queue);

/*
 * Lets go of the entries before `first` and puts the rest of a detached queue in front of what waits for its sink now.
 * SX_ENOMEM: nothing has changed.
 */
SX_MUST_CHECK int sx_queue_give_back(struct sx_fan *fan, struct sx_queue *queue, uint32_t first);

/* Lets go of its entries and keeps the queue for another sink, or frees it. */
void sx_queue_retire(struct sx_fan *fan, struct sx_queue *queue);

/* Frees all queues, whatever they hold. */
void sx_queue_free_all(struct sx_fan *fan);
