/* SPDX-License-Identifier: MIT */
/*
 * The ways to a peer: which addresses it has proven to be its own, and when to doubt the one in use. A peer that was
 * accepted may change its address (RFC 9000 section 9); ngtcp2 does not know.
 */
#include "quic/endpoint_core.h"

#define AMPLIFICATION 3 /* RFC 9000 section 8 */

static bool same_peer(const struct sx_peer *a, const struct sx_peer *b)
{
	return a->address.sin6_port == b->address.sin6_port &&
	       memcmp(&a->address.sin6_addr, &b->address.sin6_addr, sizeof a->address.sin6_addr) ==
		       0;
}

bool sx_conn_admits(const struct sx_conn *conn, const struct sx_datagram *datagram)
{
	bool may_move = !conn->facts.dialled && conn->state == SX_CONN_OPEN;

	return may_move || same_peer(&conn->ways[0].peer, &datagram->from);
}

static void forget(struct sx_conn *conn, struct sx_way *way)
{
	if (way->route) {
		conn->endpoint->config.port.ops->route_free(way->route);
	}
	*way = (struct sx_way){ 0 };
}

/* Makes room for a new current way. One of the two is proven, and stays. */
static void set_aside(struct sx_conn *conn)
{
	if (!conn->ways[0].proven) {
		forget(conn, &conn->ways[0]);
		return;
	}
	forget(conn, &conn->ways[1]);
	conn->ways[1] = conn->ways[0];
}

/* What had been encoded for one address must not pour over another; what proved one must have gone there. */
static void use(struct sx_conn *conn, const struct sx_way *way)
{
	sx_conn_drop_backlog(conn);
	conn->ways[0] = *way;
	conn->ways[0].since_ns = conn->endpoint->now_ns;
}

static void swap(struct sx_conn *conn)
{
	struct sx_way way = conn->ways[1];

	conn->ways[1] = conn->ways[0];
	use(conn, &way);
}

/* A packet that only the peer can have made came from another address: answers go there, few until it is proven. */
static void move(struct sx_conn *conn, const struct sx_datagram *datagram)
{
	const struct sx_port_ref *port = &conn->endpoint->config.port;
	struct sx_way way = { .peer = datagram->from };

	if (conn->ways[1].route && same_peer(&conn->ways[1].peer, &datagram->from)) {
		swap(conn);
		return;
	}
	if (port->ops->route_back(port->port, datagram, &way.route) < 0) {
		return;
	}
	set_aside(conn);
	use(conn, &way);
}

/* A new sample of the round trip belongs to a packet that was sent so long ago: after the move it went the new way. */
static void prove(struct sx_conn *conn, uint64_t rtt_ns)
{
	struct sx_way *way = &conn->ways[0];
	uint64_t sample = sx_conn_latest_rtt(conn);

	if (sample != rtt_ns && conn->endpoint->now_ns - way->since_ns >= sample) {
		way->proven = true;
	}
}

void sx_conn_heard(struct sx_conn *conn, const struct sx_datagram *datagram, uint64_t rtt_ns)
{
	if (!same_peer(&conn->ways[0].peer, &datagram->from)) {
		move(conn, datagram);
	}
	if (same_peer(&conn->ways[0].peer, &datagram->from)) {
		conn->endpoint->config.port.ops->learn(conn->ways[0].route, datagram);
		conn->ways[0].received += datagram->payload.len;
		conn->facts.peer_port = ntohs(datagram->from.address.sin6_port);
		prove(conn, rtt_ns);
	}
	conn->suspicions = 0;
	conn->silent_since_ns = sx_conn_in_flight(conn) > 0 ? conn->endpoint->now_ns : SX_NEVER;
}

uint64_t sx_conn_allowance(const struct sx_conn *conn)
{
	const struct sx_way *way = &conn->ways[0];

	if (way->proven) {
		return UINT64_MAX;
	}
	return way->sent < AMPLIFICATION * way->received ? AMPLIFICATION * way->received - way->sent
							 : 0;
}

int sx_conn_send(struct sx_conn *conn, struct sx_bytes data, size_t segment, uint8_t ecn)
{
	struct sx_way *way = &conn->ways[0];
	int rc = conn->endpoint->config.port.ops->send(way->route, data, segment, ecn);

	if (rc == SX_OK) {
		way->sent += data.len;
	}
	return rc;
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
	/* Another path first; then, in turns, the other address that was heard of late. */
	if (conn->ways[1].route && conn->suspicions % 2 == 0) {
		swap(conn);
		return;
	}
	conn->endpoint->config.port.ops->suspect(conn->ways[0].route);
}
