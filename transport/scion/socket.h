/* SPDX-License-Identifier: MIT */
/*
 * socket: the port (base/port.h) by which QUIC runs over SCION: one underlay socket, the packets for our address and
 * port, and routes to peers.
 */
#pragma once

#include "base/log.h"
#include "base/port.h"
#include "scion/addr.h"
#include "scion/pathsrc.h"

#define SX_SOCKET_PROBLEM_BYTES 256
#define SX_SOCKET_SECRET_BYTES  32

struct sx_socket;

struct sx_socket_config {
	struct sx_addr local;     /* our SCION address; its host is where the socket is bound */
	uint16_t port;            /* 0: any */
	struct sx_pathsrc *paths; /* borrowed for the socket's life */
	const uint8_t *secret; /* SX_SOCKET_SECRET_BYTES; peers' addresses derive from it; copied */
	/* A datagram for us, with a right checksum and from where it may come. Lent until it returns. */
	void (*received)(void *arg, const struct sx_datagram *datagram);
	void *arg;
};

/* Counters since the start. */
struct sx_socket_stats {
	uint64_t datagrams_in; /* all that came to the underlay socket */
	uint64_t delivered;    /* to `received` */
	uint64_t malformed;    /* no valid SCION packet */
	uint64_t not_ours;     /* for another address or port, or of a protocol we do not speak */
	uint64_t
		unknown_router; /* from outside our AS by no router of ours; from inside under another's address */
	uint64_t bad_checksum;
	uint64_t scmp_in;
	uint64_t scmp_echo;         /* echo requests answered */
	uint64_t scmp_echo_limited; /* echo requests over the rate */
	uint64_t datagrams_out;
	uint64_t lost_out; /* refused by the system, or no path that has not expired */
	uint64_t path_switches;
};

/*
 * Binds the socket. On failure `problem` says for people what is wrong: SX_EINVAL, `local` is no IP address or not of the
 * path source's AS; SX_EIO, the system refused.
 */
SX_MUST_CHECK int sx_socket_open(struct sx_socket **out, const struct sx_socket_config *config,
	char problem[SX_SOCKET_PROBLEM_BYTES]);

/* All its routes must have been freed. Accepts NULL. */
void sx_socket_close(struct sx_socket *socket);

/* The descriptor to poll for reading. Lends it. */
int sx_socket_fd(const struct sx_socket *socket);

/* The port in use. */
uint16_t sx_socket_port_number(const struct sx_socket *socket);

/* Tells the time, monotonic and Unix, at the beginning of each turn; lets the path source look for news. */
void sx_socket_set_time(struct sx_socket *socket, uint64_t now_ns, uint64_t unix_seconds);

/* Takes in a bounded batch of what has come. SX_EAGAIN: nothing was there. */
SX_MUST_CHECK int sx_socket_receive(struct sx_socket *socket);

/* The socket as QUIC's port. Lends it. */
struct sx_port_ref sx_socket_port(struct sx_socket *socket);

/* An address as QUIC sees it; what routes and datagrams of this socket use. Ours is that of `local` and the port. */
struct sx_peer sx_socket_peer(
	const struct sx_socket *socket, const struct sx_addr *addr, uint16_t port);
struct sx_peer sx_socket_local_peer(const struct sx_socket *socket);

/* A route to a peer by the best path. SX_EUNREACH: no path is known. SX_EINVAL: no IP address. ops->route_free it. */
SX_MUST_CHECK int sx_socket_route_new(
	struct sx_socket *socket, const struct sx_addr *peer, uint16_t port, struct sx_route **out);

void sx_socket_stats(const struct sx_socket *socket, struct sx_socket_stats *out);
