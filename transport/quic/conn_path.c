/* SPDX-License-Identifier: MIT */
/* The ways to a peer: which it proved to be its own, and when to doubt the one in use. */
#include <assert.h>

#include "quic/endpoint_core.h"

static bool same_peer(const struct sx_peer *a, const struct sx_peer *b)
{
	return a->address.sin6_port == b->address.sin6_port &&
	       memcmp(&a->address.sin6_addr, &b->address.sin6_addr, sizeof a->address.sin6_addr) ==
		       0;
}

struct sx_way *sx_conn_way(struct sx_conn *conn, const struct sx_peer *peer)
{
	for (size_t i = 0; i < SX_COUNT(conn->ways); i++) {
		if (conn->ways[i].route && same_peer(&conn->ways[i].peer, peer)) {
			return &conn->ways[i];
		}
	}
	return NULL;
}

/* A packet that only the peer can have made came from this address: answers may go there. */
static void learn(struct sx_conn *conn, const struct sx_datagram *datagram)
{
	const struct sx_port_ref *port = &conn->endpoint->config.port;
	struct sx_way *way = sx_conn_way(conn, &datagram->from);
	struct sx_route *route;

	if (way) {
		port->ops->learn(way->route, datagram);
		return;
	}
	if (port->ops->route_back(port->port, datagram, &route) < 0) {
		return;
	}
	if (conn->ways[1].route) {
		port->ops->route_free(conn->ways[1].route);
	}
	conn->ways[1] = (struct sx_way){ .peer = datagram->from, .route = route };
}

void sx_conn_follow_path(struct sx_conn *conn)
{
	const ngtcp2_path *path = ngtcp2_conn_get_path(conn->quic);
	struct sx_peer peer = { 0 };
	struct sx_way was = conn->ways[0];

	assert(path->remote.addrlen == sizeof peer.address);
	memcpy(&peer.address, path->remote.addr, sizeof peer.address);
	if (sx_conn_way(conn, &peer) != &conn->ways[1]) {
		return;
	}
	conn->ways[0] = conn->ways[1];
	conn->ways[1] = was;
	conn->facts.peer_port = ntohs(peer.address.sin6_port);
}

void sx_conn_heard(struct sx_conn *conn, const struct sx_datagram *datagram)
{
	learn(conn, datagram);
	conn->suspicions = 0;
	conn->silent_since_ns = sx_conn_in_flight(conn) > 0 ? conn->endpoint->now_ns : SX_NEVER;
}

void sx_conn_suspect(struct sx_conn *conn)
{
	ngtcp2_duration pto = ngtcp2_conn_get_pto(conn->quic);
	unsigned doubled = conn->suspicions < 6 ? conn->suspicions : 6;

	if (conn->silent_since_ns == SX_NEVER) {
		return;
	}
	if (sx_conn_in_flight(conn) == 0) {
		conn->silent_since_ns = SX_NEVER;
		return;
	}
	if (conn->state == SX_CONN_HANDSHAKE) {
		/* The library adds it in, yet Initial packets are probed without. RFC 9002 section 6.2.1. */
		pto -= NGTCP2_DEFAULT_MAX_ACK_DELAY;
	}
	if (conn->endpoint->now_ns - conn->silent_since_ns < pto << doubled) {
		return;
	}
	conn->silent_since_ns = conn->endpoint->now_ns;
	conn->suspicions++;
	conn->endpoint->config.port.ops->suspect(conn->ways[0].route);
}
