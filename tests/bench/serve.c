/* SPDX-License-Identifier: MIT */
/* serve: the other end of all measurements: echoes streams or swallows them. Ends by a signal. */
#include <stdio.h>
#include <stdlib.h>

#include "node.h"

#define PIECE_BYTES 65536

struct visitor {
	char service; /* 0 until the first byte is in */
	uint64_t bytes;
};

/* A visitor lives from ACCEPT to CLOSE, as the stream's udata. */
static struct visitor *visitor_of(const struct sx_event *event)
{
	return (struct visitor *)(uintptr_t)event->udata; /* NOLINT(performance-no-int-to-ptr) */
}

static void welcome(struct sx_context *context, sx_handle channel)
{
	struct visitor *visitor = calloc(1, sizeof *visitor);

	node_require(visitor != NULL, "out of memory");
	(void)sx_channel_set_udata(context, channel, (uint64_t)(uintptr_t)visitor);
}

static void receive(struct sx_context *context, const struct sx_event *event)
{
	static char piece[PIECE_BYTES];
	struct visitor *visitor = visitor_of(event);
	size_t len;

	while (sx_channel_receive(context, event->handle, piece, sizeof piece, &len) == SX_OK) {
		if (!visitor->service) {
			visitor->service = piece[0];
		}
		visitor->bytes += len;
		if (visitor->service == NODE_ECHO) {
			(void)sx_channel_send(context, event->handle, piece, len);
		}
	}
}

static void finish(struct sx_context *context, const struct sx_event *event)
{
	const struct visitor *visitor = visitor_of(event);
	char text[32];

	if (visitor->service == NODE_SINK) {
		int len = snprintf(text, sizeof text, "%llu", (unsigned long long)visitor->bytes);

		(void)sx_channel_send(context, event->handle, text, (size_t)len);
	}
	(void)sx_channel_finish(context, event->handle);
}

static void on_event(void *arg, const struct sx_event *event)
{
	struct sx_context *context = arg;

	switch (event->kind) {
	case SX_EVENT_ACCEPT:
		welcome(context, event->handle);
		break;
	case SX_EVENT_READABLE:
		receive(context, event);
		break;
	case SX_EVENT_FINISH:
		receive(context, event);
		finish(context, event);
		break;
	case SX_EVENT_CLOSE:
		free(visitor_of(event));
		(void)sx_channel_close(context, event->handle);
		break;
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	struct sx_context *context;

	node_require(argc == 1 + NODE_WORDS, "usage: serve ADDRESS PORT PATHFILE CERTIFICATES");
	context = node_open(argv + 1);
	node_add_domain(context, argv + 1, NODE_SERVER_NAME);
	node_say("ready\n");
	for (;;) {
		node_turn(context, -1, on_event, context);
	}
}
