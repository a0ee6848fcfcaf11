/* SPDX-License-Identifier: MIT */
/* ping: messages at a steady rate on one stream that echoes; for each a line: when it was sent, how long it took. */
#include <string.h>

#include "node.h"

#define MESSAGE_BYTES 300
#define MOST          100000 /* messages */

struct ping {
	struct sx_context *context;
	sx_handle channel;
	bool open;
	size_t sent;
	size_t back; /* bytes */
	double sent_at[MOST];
};

static void receive(struct ping *ping)
{
	char piece[4096];
	size_t len;

	while (sx_channel_receive(ping->context, ping->channel, piece, sizeof piece, &len) ==
		SX_OK) {
		size_t before = ping->back / MESSAGE_BYTES;
		double now = node_now();

		ping->back += len;
		for (size_t i = before; i < ping->back / MESSAGE_BYTES; i++) {
			node_say("%.6f %.6f\n", ping->sent_at[i], now - ping->sent_at[i]);
		}
	}
}

static void on_event(void *arg, const struct sx_event *event)
{
	struct ping *ping = arg;

	ping->open = ping->open || event->kind == SX_EVENT_OPEN;
	node_require(event->kind != SX_EVENT_CLOSE, "the stream was lost");
	receive(ping);
}

static void send_one(struct ping *ping)
{
	char message[MESSAGE_BYTES] = { NODE_ECHO };

	ping->sent_at[ping->sent++] = node_now();
	node_require(
		sx_channel_send(ping->context, ping->channel, message, sizeof message) == SX_OK,
		"the queue is full");
}

int main(int argc, char **argv)
{
	static struct ping ping;
	double rate, due = 0;
	size_t count;

	node_require(argc == 5 + NODE_WORDS,
		"usage: ping ADDRESS PORT PATHFILE CERTIFICATES SERVER PORT RATE COUNT");
	rate = (double)node_number(argv[7]);
	count = node_number(argv[8]);
	node_require(count <= MOST, "too many");
	ping.context = node_open(argv + 1);
	node_add_domain(ping.context, argv + 1, NODE_CLIENT_NAME);
	ping.channel = node_dial(ping.context, NODE_CLIENT_NAME, argv[5], argv[6]);
	while (ping.back < count * MESSAGE_BYTES) {
		double now = node_now();

		if (ping.open && ping.sent < count && now >= due) {
			send_one(&ping);
			due = now + 1 / rate;
		}
		node_turn(ping.context, 1, on_event, &ping);
	}
	sx_close(ping.context, 100);
	return 0;
}
