/* SPDX-License-Identifier: MIT */
/*
 * rains_servers: RAINS servers on SCION hosts in our own AS, in the thread of the test; each does what the test lets it
 * do. Link with clock_dep: the clock stands on its own feet (clock.h).
 */
#pragma once

#include "clock.h"
#include "host.h"
#include "rains/client.h"
#include "rains_maker.h"

#define SERVERS 3
#define OUR_AS  "1-ff00:0:112"

struct name_server {
	struct host host;
	/* What becomes of a question; NULL: silence. */
	void (*answer)(struct name_server *self, const struct sx_rains_section *query);
	unsigned asked;
	uint8_t token[SX_RAINS_TOKEN_BYTES]; /* of the last question */
	struct sx_datagram from;             /* where it came from */
};

static struct {
	struct sx_loop *loop;
	struct host us; /* its paths are ours; its socket is a stranger */
	struct name_server servers[SERVERS];
	struct sx_rains_scion scion;
	char lines[SERVERS * SX_ADDR_TEXT_BYTES]; /* the servers as configured */
} net;

static inline void serve(struct host *host, const struct sx_datagram *datagram)
{
	struct name_server *self = sx_container_of(host, struct name_server, host);
	struct sx_rains_section query;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	ck_assert_int_eq(sx_rains_msg_parse(&msg, datagram->payload, SX_RAINS_MSG_MOST), SX_OK);
	walk = sx_reader_of(msg.content.items);
	ck_assert(sx_rains_next_section(&walk, &query));
	ck_assert_int_eq(query.type, SX_RAINS_QUERY);
	memcpy(self->token, msg.token.data, sizeof self->token);
	if (host->back) {
		host->port.ops->route_free(host->back);
	}
	ck_assert_int_eq(host->port.ops->route_back(host->port.port, datagram, &host->back), SX_OK);
	self->from = *datagram;
	self->asked++;
	host->inbox.at = 0;
	if (self->answer) {
		self->answer(self, &query);
	}
}

static inline void net_begin(void)
{
	char addr[64], text[SX_ADDR_TEXT_BYTES];

	rains_make_begin();
	memset(&net, 0, sizeof net);
	ck_assert_int_eq(sx_loop_new(&net.loop), SX_OK);
	host_open(&net.us, OUR_AS ",127.0.0.1", 0, plain_file(OUR_AS));
	net.scion = (struct sx_rains_scion){ .local = net.us.addr, .paths = net.us.source };
	for (size_t i = 0; i < SERVERS; i++) {
		struct host *host = &net.servers[i].host;

		(void)snprintf(addr, sizeof addr, OUR_AS ",127.0.0.%zu", i + 2);
		host_open(host, addr, 0, plain_file(OUR_AS));
		host->on_arrival = serve;
		sx_addr_write_port(
			&host->addr, sx_socket_port_number(host->socket), text, sizeof text);
		(void)snprintf(net.lines + strlen(net.lines), sizeof net.lines - strlen(net.lines),
			"%s\n", text);
	}
}

static inline void net_end(void)
{
	for (size_t i = 0; i < SERVERS; i++) {
		host_close(&net.servers[i].host);
	}
	host_close(&net.us);
	sx_loop_free(net.loop);
}

/* Waits for whatever comes first and lets it work. False: nothing did in time. */
static inline bool net_turn(int wait_ms)
{
	struct pollfd fds[SERVERS + 1] = { { .fd = sx_loop_fd(net.loop), .events = POLLIN } };
	int count;

	for (size_t i = 0; i < SERVERS; i++) {
		fds[i + 1] = (struct pollfd){ .fd = sx_socket_fd(net.servers[i].host.socket),
			.events = POLLIN };
	}
	count = poll(fds, SX_COUNT(fds), wait_ms);
	ck_assert_int_ge(count, 0);
	if (fds[0].revents) {
		sx_loop_run(net.loop, 0);
	}
	for (size_t i = 0; i < SERVERS; i++) {
		if (fds[i + 1].revents) {
			ck_assert_int_eq(sx_socket_receive(net.servers[i].host.socket), SX_OK);
		}
	}
	return count > 0;
}

/* Turns until the number has become `value`. */
static inline void net_until(const unsigned *what, unsigned value)
{
	while (*what < value) {
		ck_assert_msg(net_turn(2000), "%u of %u", *what, value);
	}
	ck_assert_uint_eq(*what, value);
}

/* Turns until there is nothing more to do. */
static inline void net_settle(void)
{
	while (net_turn(20)) {
	}
}

static inline void reply_bytes(struct name_server *self, struct sx_bytes bytes)
{
	const struct host *host = &self->host;

	ck_assert_int_eq(host->port.ops->send(host->back, bytes, bytes.len, 0), SX_OK);
}

/* Answers the last question with sections. */
static inline void reply(
	struct name_server *self, const struct sx_rains_section *sections, size_t count)
{
	size_t start = rains_writer.at;

	sx_rains_msg_begin(&rains_writer, sx_bytes_of(self->token, sizeof self->token),
		(struct sx_cbor_list){ .count = 0 }, count);
	for (size_t i = 0; i < count; i++) {
		sx_rains_msg_add(&rains_writer, &sections[i]);
	}
	reply_bytes(self, rains_made(start));
}

/* An answer with nothing in it. */
static inline void reply_nothing(struct name_server *self, const struct sx_rains_section *query)
{
	(void)query;
	reply(self, NULL, 0);
}
