/* SPDX-License-Identifier: MIT */
/*
 * events: what the host has still to hear of each stream. Every kind is pending at most once per stream, so the queue
 * is bounded by the streams themselves: nothing is ever dropped and nothing allocated.
 */
#pragma once

#include "base/list.h"
#include "sx.h"

#define SX_REASON_BYTES 160

/* One stream as the host knows it. */
struct sx_channel {
	struct sx_list link;      /* in the queue while pending is not 0, else alone */
	struct sx_stream *stream; /* NULL before a dial has one */
	struct sx_context *context;
	sx_handle handle;
	uint64_t udata;
	uint32_t pending; /* a bit per enum sx_event_kind */
	int status;       /* of SX_EVENT_CLOSE */
	char reason[SX_REASON_BYTES];
};

struct sx_events {
	struct sx_list queue; /* channels with something pending */
};

void sx_events_init(struct sx_events *events);

/* Notes that `kind` is to be told of the channel. */
void sx_events_add(struct sx_events *events, struct sx_channel *channel, enum sx_event_kind kind);

/* Forgets what is pending for a channel. */
void sx_events_forget(struct sx_channel *channel);

/*
 * Takes the oldest channel's next event, in the order of enum sx_event_kind: bytes before the FIN, the FIN before the
 * close. SX_EAGAIN: none.
 */
SX_MUST_CHECK int sx_events_next(struct sx_events *events, struct sx_event *out, struct sx_channel **channel);
