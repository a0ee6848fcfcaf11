/* SPDX-License-Identifier: MIT */
/*
 * port: the datagram service below QUIC. QUIC sees a far end as one `sx_peer` address that never changes; which way
 * the datagrams take is the business of a route, made and owned by the port's implementation (SCION, plain UDP, or
 * the simulator of the tests).
 */
#pragma once

#include <netinet/in.h>

#include "base/bytes.h"
#include "base/status.h"

#define SX_PEER_TEXT_BYTES 128

/*
 * A far end (or ours) as QUIC compares it: for SCION a keyed hash of ISD-AS and host in an IPv6 address plus the
 * real port, the same after a restart with the same key; for plain UDP the real address. quic.md 3.2.
 */
struct sx_peer {
	struct sockaddr_in6 address; /* sin6_flowinfo and sin6_scope_id are always 0 */
};

/* A datagram that has arrived; everything is lent until the receive call returns. */
struct sx_datagram {
	struct sx_peer from;
	struct sx_peer to;
	struct sx_bytes payload;
	const void *
		trace; /* how it came, for the port that made it (SCION: the parsed packet and its underlay source) */
	uint8_t ecn; /* two bits, as in IP */
};

struct sx_port; /* an implementation's own */
struct sx_route; /* an implementation's own: the way to one peer, its candidates and the header in use */

struct sx_port_ops {
	/*
	 * Sends datagrams that lie back to back in `data`, each `segment` bytes long, the last one maybe shorter, none
	 * over the route's budget. SX_EAGAIN: the socket is full, nothing of `data` was taken; call again later.
	 * Other failures concern the way only: the datagrams are lost, QUIC recovers.
	 */
	int (*send)(struct sx_route *route, struct sx_bytes data, size_t segment, uint8_t ecn);

	/* The largest datagram payload the current way carries, at least 1200. */
	size_t (*budget)(const struct sx_route *route);

	/* A fresh, authenticated datagram came for this route: later ones may go back the way it came. */
	void (*learn)(struct sx_route *route, const struct sx_datagram *datagram);

	/* Nothing has come back for a whole probe timeout: try the next candidate, if there is one. */
	void (*suspect)(struct sx_route *route);

	/* A new route that answers a datagram. */
	int (*route_back)(
		struct sx_port *port, const struct sx_datagram *datagram, struct sx_route **out);
	void (*route_free)(struct sx_route *route);

	/* Answers one datagram without any state (version negotiation, retry, reset); lost when the socket is full. */
	void (*reply)(
		struct sx_port *port, const struct sx_datagram *datagram, struct sx_bytes payload);

	/* Writes who and which way for people: "1-ff00:0:111,127.0.0.1" and the path, hop by hop. NUL-terminated. */
	void (*describe)(const struct sx_route *route, char *peer, size_t peer_cap, char *path,
		size_t path_cap);
};

struct sx_port_ref {
	const struct sx_port_ops *ops;
	struct sx_port *port;
};
