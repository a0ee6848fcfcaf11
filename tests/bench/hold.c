/* SPDX-License-Identifier: MIT */
/*
 * hold: dials many connections, one after the other, each with one stream that has carried a byte both ways, and keeps
 * them. Says a line "handshake SECONDS" for each, then "memory BYTES" that the connections take here. Ends by a signal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

struct hold {
	struct sx_context *context;
	double dialled_at;
	bool echoed;
};

/* Connections are shared between streams of the same two domains, so each gets one of its own. */
static void name_of(uint64_t number, char out[64])
{
	(void)snprintf(out, 64, "client%llu.example.org", (unsigned long long)number);
}

/* Bytes in memory that are not pages of files. */
static uint64_t memory(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long long kib = 0;

	node_require(status != NULL, "no /proc/self/status");
	while (fgets(line, sizeof line, status)) {
		if (strncmp(line, "RssAnon:", 8) == 0) {
			kib = strtoull(line + 8, NULL, 10);
		}
	}
	(void)fclose(status);
	return kib * 1024;
}

static void on_event(void *arg, const struct sx_event *event)
{
	struct hold *hold = arg;
	const char service = NODE_ECHO;
	char answer;
	size_t len;

	node_require(event->kind != SX_EVENT_CLOSE, "a connection was lost");
	if (event->kind == SX_EVENT_OPEN) {
		node_say("handshake %.6f\n", node_now() - hold->dialled_at);
		(void)sx_channel_send(hold->context, event->handle, &service, 1);
	} else if (event->kind == SX_EVENT_READABLE) {
		hold->echoed =
			sx_channel_receive(hold->context, event->handle, &answer, 1, &len) == SX_OK;
	}
}

int main(int argc, char **argv)
{
	struct hold hold = { 0 };
	uint64_t count, before;
	char name[64];

	node_require(argc == 4 + NODE_WORDS,
		"usage: hold ADDRESS PORT PATHFILE CERTIFICATES SERVER PORT COUNT");
	count = node_number(argv[7]);
	hold.context = node_open(argv + 1);
	for (uint64_t i = 0; i < count; i++) {
		name_of(i, name);
		node_add_domain(hold.context, argv + 1, name);
	}
	before = memory();
	for (uint64_t i = 0; i < count; i++) {
		name_of(i, name);
		hold.echoed = false;
		hold.dialled_at = node_now();
		(void)node_dial(hold.context, name, argv[5], argv[6]);
		while (!hold.echoed) {
			node_turn(hold.context, 1000, on_event, &hold);
		}
	}
	node_say("memory %llu\n", (unsigned long long)(memory() - before));
	for (;;) {
		node_turn(hold.context, -1, on_event, &hold);
	}
}
