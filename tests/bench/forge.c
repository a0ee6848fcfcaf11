/* SPDX-License-Identifier: MIT */
/*
 * forge: first datagrams of QUIC connections from hosts that do not exist, at a steady rate. They are real ones, made by
 * our own transport and caught on their way, each with a valid ClientHello and connection ids of its own, so a server
 * cannot tell them from those of a crowd; nobody reads the answers.
 *
 * Says "ready" when it has made them, "begin TIME" when it starts, after a pause, and "end TIME COUNT".
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "scion/addr.h"
#include "scion/udp.h"

#define MADE         10000 /* different datagrams */
#define AT_ONCE      500   /* connections of one endpoint that makes them */
#define HOSTS        100   /* from FIRST_HOST of 127.4.2.0/24 on */
#define FIRST_HOST   100
#define PACKET_BYTES 1500
#define TURN_US      2000
#define FAR          "1-ff00:0:3,192.0.2.1"

struct forgery {
	uint8_t bytes[PACKET_BYTES];
	size_t len;
};

struct forger {
	struct sx_addr server;
	uint16_t port;
	int sockets[HOSTS];
	struct forgery made[MADE];
	size_t count;
};

static int open_socket(uint32_t host, uint16_t port)
{
	struct sockaddr_in local = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(0x7f040200U | host),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	node_require(fd >= 0 && bind(fd, (struct sockaddr *)&local, sizeof local) == 0,
		"cannot bind a socket");
	return fd;
}

/* Wraps the QUIC datagram inside a caught packet anew: to the server, from a host of ours and a port out of thin air. */
static void wrap(struct forger *forger, struct sx_bytes caught)
{
	struct forgery *out = &forger->made[forger->count];
	struct sx_writer writer = sx_writer_of(out->bytes, sizeof out->bytes);
	struct sx_packet packet;
	struct sx_udp udp;
	uint8_t host = (uint8_t)(FIRST_HOST + forger->count % HOSTS);

	if (sx_packet_parse(&packet, caught) < 0 || sx_udp_parse(&udp, &packet) < 0) {
		return;
	}
	packet = (struct sx_packet){ .dst = forger->server, .src = forger->server };
	packet.src.host.bytes[3] = host;
	udp.src_port = (uint16_t)(1024 + forger->count);
	udp.dst_port = forger->port;
	node_require(sx_udp_write(&writer, &packet, &udp) == SX_OK, "a packet is too long");
	out->len = writer.at;
	forger->count++;
}

static void on_event(void *arg, const struct sx_event *event)
{
	(void)arg;
	(void)event;
}

static void catch_all(struct forger *forger, int trap)
{
	uint8_t caught[PACKET_BYTES];
	ssize_t len;

	while (forger->count < MADE && (len = recv(trap, caught, sizeof caught, 0)) > 0) {
		wrap(forger, sx_bytes_of(caught, (size_t)len));
	}
}

/* Dials strangers through a router that is our trap: each port is a connection of its own. */
static void make_some(struct forger *forger, char **words, int trap)
{
	struct sx_context *context = node_open(words);

	node_add_domain(context, words, NODE_CLIENT_NAME);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		char port[8];

		(void)snprintf(port, sizeof port, "%u", 10000 + i);
		(void)node_dial(context, NODE_CLIENT_NAME, FAR, port);
		node_turn(context, 0, on_event, NULL);
		catch_all(forger, trap);
	}
	sx_close(context, 0);
}

static void drain(int trap)
{
	uint8_t ignored[PACKET_BYTES];

	while (recv(trap, ignored, sizeof ignored, 0) > 0) {
	}
}

/* Returns how many went out. */
static uint64_t flood(struct forger *forger, double rate, double seconds)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(forger->port) };
	double begin = node_now(), now = begin;
	uint64_t sent = 0;

	memcpy(&to.sin_addr, forger->server.host.bytes, sizeof to.sin_addr);
	while (now < begin + seconds) {
		for (; (double)sent < (now - begin) * rate; sent++) {
			const struct forgery *next = &forger->made[sent % MADE];

			(void)sendto(forger->sockets[sent % MADE % HOSTS], next->bytes, next->len,
				0, (struct sockaddr *)&to, sizeof to);
		}
		(void)usleep(TURN_US);
		now = node_now();
	}
	return sent;
}

int main(int argc, char **argv)
{
	static struct forger forger;
	uint64_t sent;
	int trap;

	node_require(argc == 7 + NODE_WORDS, "usage: forge ADDRESS PORT PATHFILE CERTIFICATES "
					     "SERVER PORT TRAP-PORT RATE PAUSE SECONDS");
	node_require(sx_addr_parse(sx_bytes_text(argv[5]), &forger.server) == SX_OK, argv[5]);
	forger.port = (uint16_t)node_number(argv[6]);
	trap = open_socket(FIRST_HOST + HOSTS, (uint16_t)node_number(argv[7]));
	for (uint32_t i = 0; i < HOSTS; i++) {
		forger.sockets[i] = open_socket(FIRST_HOST + i, 0);
	}
	while (forger.count < MADE) {
		make_some(&forger, argv + 1, trap);
		drain(trap);
	}
	node_say("ready\n");
	(void)sleep((unsigned)node_number(argv[9]));
	node_say("begin %.6f\n", node_now());
	sent = flood(&forger, (double)node_number(argv[8]), (double)node_number(argv[10]));
	node_say("end %.6f %llu\n", node_now(), (unsigned long long)sent);
	return 0;
}
