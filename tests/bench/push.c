/* SPDX-License-Identifier: MIT */
/*
 * push: sends on one stream for a while, as much as goes; says how many bytes arrived, in how
 * many seconds, and the CPU seconds that took here.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "node.h"

#define PIECE_BYTES 65536

struct push {
	struct sx_context *context;
	sx_handle channel;
	double begin; /* 0 before the stream is open */
	double end;
	bool finished;
	char answer[32];
	size_t answer_len;
	bool answered;
};

static double cpu(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void send_more(struct push *push)
{
	static char piece[PIECE_BYTES];

	piece[0] = NODE_SINK; /* counts on the first piece only */
	if (push->finished || push->begin == 0) {
		return;
	}
	if (node_now() >= push->end) {
		push->finished = true;
		(void)sx_channel_finish(push->context, push->channel);
		return;
	}
	while (sx_channel_send(push->context, push->channel, piece, sizeof piece) == SX_OK) {
	}
}

static void on_event(void *arg, const struct sx_event *event)
{
	struct push *push = arg;
	size_t len;

	switch (event->kind) {
	case SX_EVENT_OPEN:
		push->end += push->begin = node_now();
		break;
	case SX_EVENT_READABLE:
		while (sx_channel_receive(push->context, event->handle,
			       push->answer + push->answer_len,
			       sizeof push->answer - 1 - push->answer_len, &len) == SX_OK) {
			push->answer_len += len;
		}
		break;
	case SX_EVENT_FINISH:
		push->answered = true;
		break;
	case SX_EVENT_CLOSE:
		node_require(push->answered, "the stream was lost");
		break;
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	struct push push = { 0 };

	node_require(argc == 4 + NODE_WORDS,
		"usage: push ADDRESS PORT PATHFILE CERTIFICATES SERVER PORT SECONDS");
	push.context = node_open(argv + 1);
	node_add_domain(push.context, argv + 1, NODE_CLIENT_NAME);
	push.channel = node_dial(push.context, NODE_CLIENT_NAME, argv[5], argv[6]);
	push.end = (double)node_number(argv[7]);
	while (!push.answered) {
		node_turn(push.context, 1000, on_event, &push);
		send_more(&push);
	}
	node_say("%s %.6f %.6f\n", push.answer, node_now() - push.begin, cpu());
	sx_close(push.context, 100);
	return 0;
}
