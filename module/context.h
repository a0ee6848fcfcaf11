/* SPDX-License-Identifier: MIT */
/* context: one open endpoint of the ABI: transport below, events and log lines above, handles between. Private. */
#pragma once

#include "answers.h"
#include "events.h"
#include "handles.h"
#include "lines.h"
#include "transport.h"

#define SX_ALPN_LABELS 4

struct sx_context {
	struct sx_transport *transport;
	struct sx_handles handles;
	struct sx_events events;
	struct sx_lines lines;
	struct sx_answers answers;
	char alpn_text[64];                   /* the labels, cut at the commas */
	const char *alpn[SX_ALPN_LABELS + 1]; /* into alpn_text */
};

/* A channel of the context, or NULL when the handle is stale. */
struct sx_channel *sx_context_channel(const struct sx_context *context, sx_handle handle);

/* A new channel without a stream. SX_ENOMEM, SX_ELIMIT. */
SX_MUST_CHECK int sx_context_channel_new(struct sx_context *context, struct sx_channel **out);

/* Releases the stream and frees the channel; its handle is stale. */
void sx_context_channel_free(struct sx_channel *channel);
