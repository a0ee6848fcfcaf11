/* SPDX-License-Identifier: MIT */
#include "events.h"

void sx_events_init(struct sx_events *events)
{
	sx_list_init(&events->queue);
}

void sx_events_add(struct sx_events *events, struct sx_channel *channel, enum sx_event_kind kind)
{
	if (channel->pending == 0) {
		sx_list_append(&events->queue, &channel->link);
	}
	channel->pending |= 1U << kind;
}

void sx_events_forget(struct sx_channel *channel)
{
	channel->pending = 0;
	sx_list_remove(&channel->link);
}

static uint32_t first_kind(uint32_t pending)
{
	uint32_t kind = 0;

	while (!(pending >> kind & 1)) {
		kind++;
	}
	return kind;
}

int sx_events_next(struct sx_events *events, struct sx_event *out, struct sx_channel **channel)
{
	struct sx_channel *first;

	if (sx_list_is_empty(&events->queue)) {
		return SX_EAGAIN;
	}
	first = sx_container_of(events->queue.next, struct sx_channel, link);
	*out = (struct sx_event){ .kind = first_kind(first->pending), .handle = first->handle, .udata = first->udata };
	first->pending &= ~(1U << out->kind);
	sx_list_remove(&first->link);
	if (first->pending) { /* the others have their turn first */
		sx_list_append(&events->queue, &first->link);
	}
	*channel = first;
	return SX_OK;
}
