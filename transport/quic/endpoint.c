/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <strings.h>

#include "base/live.h"
#include "base/random.h"
#include "quic/endpoint_private.h"

#define SECOND_NS  1000000000ULL
#define SHORT_RESET 21 /* the least a stateless reset can be: RFC 9000 section 10.3 */

/* quic.md section 9. */
static const struct sx_endpoint_limits defaults = {
	.idle_timeout_ns = 180 * SECOND_NS,
	.handshake_timeout_ns = 10 * SECOND_NS,
	.connections = 10000,
	.half_open = 100,
	.stream_window = 1U << 20,
	.streams = 64,
	.send_queue_bytes = 32U << 20,
};

static void fill_defaults(struct sx_endpoint_limits *limits)
{
	limits->idle_timeout_ns = limits->idle_timeout_ns ? limits->idle_timeout_ns : defaults.idle_timeout_ns;
	limits->handshake_timeout_ns =
		limits->handshake_timeout_ns ? limits->handshake_timeout_ns : defaults.handshake_timeout_ns;
	limits->connections = limits->connections ? limits->connections : defaults.connections;
	limits->half_open = limits->half_open ? limits->half_open : defaults.half_open;
	limits->stream_window = limits->stream_window ? limits->stream_window : defaults.stream_window;
	limits->streams = limits->streams ? limits->streams : defaults.streams;
	limits->send_queue_bytes =
		limits->send_queue_bytes ? limits->send_queue_bytes : defaults.send_queue_bytes;
}

int sx_endpoint_new(struct sx_endpoint **out, const struct sx_endpoint_config *config, uint64_t now_ns)
{
	struct sx_endpoint *endpoint = calloc(1, sizeof *endpoint);
	uint8_t seed[16];

	if (!endpoint) {
		return SX_ENOMEM;
	}
	endpoint->config = *config;
	fill_defaults(&endpoint->config.limits);
	memcpy(endpoint->secret, config->secret, sizeof endpoint->secret);
	endpoint->now_ns = now_ns;
	sx_list_init(&endpoint->conns);
	sx_list_init(&endpoint->dirty);
	sx_random_bytes(seed, sizeof seed);
	sx_live_add();
	if (sx_map_init(&endpoint->ids, seed) < 0 || sx_map_init(&endpoint->tokens, seed) < 0) {
		sx_endpoint_free(endpoint);
		return SX_ENOMEM;
	}
	*out = endpoint;
	return SX_OK;
}

void sx_endpoint_free(struct sx_endpoint *endpoint)
{
	if (!endpoint) {
		return;
	}
	sx_list_each(node, next, &endpoint->conns) {
		struct sx_conn *conn = sx_container_of(node, struct sx_conn, link);

		conn->refs++;
		if (conn->phase == SX_CONN_HANDSHAKE || conn->phase == SX_CONN_OPEN) {
			sx_conn_close(conn);
		}
		if (conn->phase != SX_CONN_OVER) {
			sx_conn_end(conn, SX_ECLOSED, "closed");
		}
		sx_conn_unref(conn);
	}
	sx_map_fini(&endpoint->ids);
	sx_map_fini(&endpoint->tokens);
	sx_heap_fini(&endpoint->timers);
	free(endpoint);
	sx_live_remove();
}

static struct sx_conn *find_conn(const struct sx_map *map, struct sx_bytes key)
{
	struct sx_map_node *node = sx_map_find(map, key);

	return node ? sx_container_of(node, struct sx_conn_key, node)->conn : NULL;
}

/* A datagram that only looks like one of an unknown connection: the peer may have lost its state. */
static struct sx_conn *find_by_token(const struct sx_endpoint *endpoint, struct sx_bytes payload)
{
	if (payload.len < SHORT_RESET) {
		return NULL;
	}
	return find_conn(&endpoint->tokens,
		sx_bytes_of(payload.data + payload.len - SX_TOKEN_BYTES, SX_TOKEN_BYTES));
}

static void accept_first(struct sx_endpoint *endpoint, const struct sx_datagram *datagram, const ngtcp2_pkt_hd *header)
{
	struct sx_conn_request request = { .header = header, .datagram = datagram };
	ngtcp2_cid odcid;
	struct sx_conn *conn;

	if (SX_TOKEN_LEN(header) > 0 && sx_stateless_token_is_good(endpoint, datagram, header, &odcid)) {
		request.odcid = &odcid;
	} else if (endpoint->stats.half_open >= endpoint->config.limits.half_open) {
		sx_stateless_retry(endpoint, datagram, header);
		return;
	}
	if (endpoint->conn_count >= endpoint->config.limits.connections) {
		endpoint->stats.refused++;
		sx_stateless_refuse(endpoint, datagram, header, NGTCP2_CONNECTION_REFUSED);
		return;
	}
	if (sx_conn_accept(&conn, endpoint, &request, endpoint->now_ns) < 0) {
		endpoint->stats.refused++;
		return;
	}
	if (request.odcid) {
		sx_conn_note_validated(conn);
	}
	sx_conn_read(conn, datagram, endpoint->now_ns);
}

/* A long-header datagram of no connection we know: maybe a client's first. */
static void greet(struct sx_endpoint *endpoint, const struct sx_datagram *datagram)
{
	ngtcp2_pkt_hd header;

	if (endpoint->stopped || !endpoint->config.alpn || datagram->payload.len < NGTCP2_MAX_UDP_PAYLOAD_SIZE ||
		ngtcp2_accept(&header, datagram->payload.data, datagram->payload.len) != 0 ||
		header.version != NGTCP2_PROTO_VER_V1) {
		endpoint->stats.dropped++;
		return;
	}
	accept_first(endpoint, datagram, &header);
}

void sx_endpoint_receive(struct sx_endpoint *endpoint, const struct sx_datagram *datagram, uint64_t now_ns)
{
	ngtcp2_version_cid header;
	struct sx_conn *conn;
	int rc;

	endpoint->now_ns = now_ns;
	endpoint->stats.datagrams_in++;
	if (datagram->payload.len == 0) { /* would abort in ngtcp2 */
		endpoint->stats.dropped++;
		return;
	}
	rc = ngtcp2_pkt_decode_version_cid(&header, datagram->payload.data, datagram->payload.len, SX_CID_BYTES);
	if (rc == NGTCP2_ERR_VERSION_NEGOTIATION) {
		sx_stateless_version(endpoint, datagram, &header);
		return;
	}
	if (rc != 0) {
		endpoint->stats.dropped++;
		return;
	}
	conn = find_conn(&endpoint->ids, sx_bytes_of(header.dcid, header.dcidlen));
	if (!conn && !(datagram->payload.data[0] & 0x80)) {
		conn = find_by_token(endpoint, datagram->payload);
		if (!conn) {
			sx_stateless_reset(endpoint, datagram, &header);
			return;
		}
	}
	if (conn) {
		sx_conn_read(conn, datagram, now_ns);
	} else {
		greet(endpoint, datagram);
	}
}

static void run_timers(struct sx_endpoint *endpoint, uint64_t now_ns)
{
	struct sx_heap_node *first;

	while ((first = sx_heap_first(&endpoint->timers)) && first->deadline_ns <= now_ns) {
		struct sx_conn *conn = sx_container_of(first, struct sx_conn, timer);

		sx_heap_remove(&endpoint->timers, first); /* set anew when written */
		conn->refs++;
		sx_conn_expire(conn, now_ns);
		if (conn->phase < SX_CONN_OVER && conn->dirty.next == &conn->dirty) {
			uint64_t deadline = sx_conn_deadline(conn);

			sx_heap_set(&endpoint->timers, &conn->timer, deadline > now_ns ? deadline : now_ns + 1);
		}
		sx_conn_unref(conn);
	}
}

static void write_conn(struct sx_endpoint *endpoint, struct sx_conn *conn, uint64_t now_ns, bool *more)
{
	conn->refs++;
	if (sx_conn_write(conn, now_ns)) {
		sx_conn_mark_dirty(conn);
		*more = true;
	}
	if (conn->phase < SX_CONN_OVER) {
		sx_heap_set(&endpoint->timers, &conn->timer, sx_conn_deadline(conn));
	}
	sx_conn_unref(conn);
}

void sx_endpoint_process(struct sx_endpoint *endpoint, uint64_t now_ns, bool *more)
{
	struct sx_list turn;

	*more = false;
	endpoint->now_ns = now_ns;
	run_timers(endpoint, now_ns);
	sx_list_init(&turn);
	sx_list_each(node, next, &endpoint->dirty) {
		sx_list_remove(node);
		sx_list_append(&turn, node);
	}
	while (!sx_list_is_empty(&turn)) {
		struct sx_conn *conn = sx_container_of(turn.next, struct sx_conn, dirty);

		sx_list_remove(&conn->dirty);
		write_conn(endpoint, conn, now_ns, more);
	}
	if (!sx_list_is_empty(&endpoint->dirty)) {
		*more = true;
	}
}

uint64_t sx_endpoint_deadline(const struct sx_endpoint *endpoint)
{
	const struct sx_heap_node *first = sx_heap_first(&endpoint->timers);

	return first ? first->deadline_ns : SX_NEVER;
}

static bool serves(const struct sx_conn *conn, const struct sx_dial *dial)
{
	return conn->dialled && conn->phase <= SX_CONN_OPEN && strcasecmp(conn->local_name, dial->local_name) == 0 &&
		strcasecmp(conn->tls.sni, dial->remote_name) == 0 && strcmp(conn->alpn, dial->alpn) == 0 &&
		memcmp(&conn->peer.address.sin6_addr, &dial->peer.address.sin6_addr,
			sizeof dial->peer.address.sin6_addr) == 0 &&
		conn->peer.address.sin6_port == dial->peer.address.sin6_port;
}

static struct sx_conn *find_shareable(const struct sx_endpoint *endpoint, const struct sx_dial *dial)
{
	sx_list_each(node, next, &endpoint->conns) {
		struct sx_conn *conn = sx_container_of(node, struct sx_conn, link);

		if (serves(conn, dial)) {
			return conn;
		}
	}
	return NULL;
}

int sx_endpoint_dial(struct sx_endpoint *endpoint, const struct sx_dial *dial, void *user, uint64_t now_ns,
	struct sx_stream **out)
{
	struct sx_conn *shared = find_shareable(endpoint, dial);
	struct sx_conn *conn = shared;
	int rc = SX_OK;

	if (endpoint->stopped) {
		return SX_ECLOSED;
	}
	endpoint->now_ns = now_ns;
	if (!shared) {
		if (endpoint->conn_count >= endpoint->config.limits.connections) {
			return SX_ELIMIT;
		}
		rc = sx_conn_dial(&conn, endpoint, dial, now_ns);
	}
	if (rc < 0) {
		return rc;
	}
	rc = sx_conn_add_stream(conn, user, out);
	if (rc < 0 && !shared) {
		conn->route = NULL; /* stays the caller's */
		sx_conn_end(conn, rc, sx_status_text(rc));
		return rc;
	}
	if (rc == SX_OK && shared) {
		sx_endpoint_ops(endpoint)->route_free(dial->route);
	}
	sx_conn_mark_dirty(conn);
	return rc;
}

void sx_endpoint_stats(const struct sx_endpoint *endpoint, struct sx_endpoint_stats *out)
{
	*out = endpoint->stats;
	out->connections = endpoint->conn_count;
	out->streams = 0;
	sx_list_each(node, next, &endpoint->conns) {
		sx_list_each(stream, following, &sx_container_of(node, struct sx_conn, link)->streams) {
			out->streams++;
		}
	}
}

void sx_endpoint_stop_accepting(struct sx_endpoint *endpoint)
{
	endpoint->stopped = true;
}

bool sx_endpoint_is_quiet(const struct sx_endpoint *endpoint)
{
	sx_list_each(node, next, &endpoint->conns) {
		const struct sx_conn *conn = sx_container_of(node, struct sx_conn, link);

		if (conn->phase <= SX_CONN_OPEN && !sx_conn_is_quiet(conn)) {
			return false;
		}
	}
	return true;
}
