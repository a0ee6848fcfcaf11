/* SPDX-License-Identifier: MIT */
/* host: a host of the SCION network as socket tests use it: a path file, its source, and a socket with its inbox. */
#pragma once

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "lab.h"
#include "scion/pathsrc_file.h"
#include "scion/socket.h"

#define SECOND_NS 1000000000U

static const uint8_t secret[SX_SOCKET_SECRET_BYTES] = "thirty-two bytes for these tests";

/* What has been handed up, concatenated; views in `last` have gone stale, but for addresses. */
struct inbox {
	size_t count;
	size_t at;
	struct sx_datagram last;
	uint8_t bytes[1 << 18];
};

/* One host: its path file, source and socket. */
struct host {
	char file[64];
	struct sx_pathsrc *source;
	struct sx_socket *socket;
	struct sx_port_ref port;
	struct sx_addr addr;
	struct inbox inbox;
	/* Called on arrival, while the datagram is alive. */
	void (*on_arrival)(struct host *host, const struct sx_datagram *datagram);
	struct sx_route *back;
};

static inline struct sx_addr addr_of(const char *text)
{
	struct sx_addr addr;

	ck_assert_int_eq(sx_addr_parse(sx_bytes_text(text), &addr), SX_OK);
	return addr;
}

static inline void take_in(void *arg, const struct sx_datagram *datagram)
{
	struct host *host = arg;
	struct inbox *inbox = &host->inbox;

	memcpy(inbox->bytes + inbox->at, datagram->payload.data, datagram->payload.len);
	inbox->at += datagram->payload.len;
	inbox->count++;
	inbox->last = *datagram;
	if (host->on_arrival) {
		host->on_arrival(host, datagram);
	}
}

static inline void write_file(const struct host *host, const json_t *file)
{
	char fresh[80];

	(void)snprintf(fresh, sizeof fresh, "%s.new", host->file);
	ck_assert_int_eq(json_dump_file(file, fresh, 0), 0);
	ck_assert_int_eq(rename(fresh, host->file), 0);
}

/* Opens a host whose path file says `file`, which it consumes. */
static inline void host_open(struct host *host, const char *addr, uint16_t port, json_t *file)
{
	char problem[SX_SOCKET_PROBLEM_BYTES];
	struct sx_log log = { 0 };
	struct sx_socket_config config = {
		.local = addr_of(addr),
		.port = port,
		.secret = secret,
		.received = take_in,
		.arg = host,
	};

	memset(host, 0, sizeof *host);
	(void)snprintf(host->file, sizeof host->file, "test_socket.%d.%s.json", getpid(), addr);
	write_file(host, file);
	json_decref(file);
	ck_assert_int_eq(sx_pathsrc_file_open(&host->source, host->file, &log, problem), SX_OK);
	config.paths = host->source;
	ck_assert_msg(sx_socket_open(&host->socket, &config, problem) == SX_OK, "%s", problem);
	sx_socket_set_time(host->socket, SECOND_NS, SX_LAB_NOW);
	host->port = sx_socket_port(host->socket);
	host->addr = config.local;
}

static inline void host_close(struct host *host)
{
	if (host->back) {
		host->port.ops->route_free(host->back);
	}
	sx_socket_close(host->socket);
	host->source->ops->free(host->source);
	ck_assert_int_eq(unlink(host->file), 0);
}

/* Receives until `count` datagrams more have been handed up. */
static inline void host_await(struct host *host, size_t count)
{
	size_t until = host->inbox.count + count;

	while (host->inbox.count < until) {
		struct pollfd ready = { .fd = sx_socket_fd(host->socket), .events = POLLIN };

		ck_assert_int_eq(poll(&ready, 1, 1000), 1);
		ck_assert_int_eq(sx_socket_receive(host->socket), SX_OK);
	}
	ck_assert_uint_eq(host->inbox.count, until);
}

/* Lets a host read what is there, without anything being handed up. */
static inline void host_drop(struct host *host)
{
	size_t count = host->inbox.count;
	struct pollfd ready = { .fd = sx_socket_fd(host->socket), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, 1000), 1);
	ck_assert_int_eq(sx_socket_receive(host->socket), SX_OK);
	ck_assert_uint_eq(host->inbox.count, count);
}

static inline struct sx_socket_stats stats_of(const struct host *host)
{
	struct sx_socket_stats stats;

	sx_socket_stats(host->socket, &stats);
	return stats;
}

static inline int send_text(const struct host *host, struct sx_route *route, const char *text)
{
	return host->port.ops->send(route, sx_bytes_text(text), strlen(text), 1);
}

static inline json_t *plain_file(const char *as)
{
	return json_pack("{ss si s[s] s[]}", "isd_as", as, "mtu", 1400, "routers",
		"127.9.9.9:31002", "paths");
}

static inline struct sx_route *route_between(struct host *from, const struct host *to)
{
	struct sx_route *route;

	ck_assert_int_eq(sx_socket_route_new(from->socket, &to->addr,
				 sx_socket_port_number(to->socket), &route),
		SX_OK);
	return route;
}

static inline bool is_same_peer(struct sx_peer a, struct sx_peer b)
{
	return memcmp(&a.address, &b.address, sizeof a.address) == 0;
}

static inline void keep_route_back(struct host *host, const struct sx_datagram *datagram)
{
	if (!host->back) {
		ck_assert_int_eq(
			host->port.ops->route_back(host->port.port, datagram, &host->back), SX_OK);
	}
}
