/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "quic/endpoint_core.h"
#include "quic/endpoint_receive.h"

/* Datagrams sent in one call before the host gets its turn. */
#define PROCESS_DATAGRAMS 512

static void defaults(struct sx_endpoint_limits *limits)
{
	static const struct sx_endpoint_limits standard = {
		.idle_timeout_ns = 180 * SX_SECOND_NS,
		.handshake_timeout_ns = 10 * SX_SECOND_NS,
		.connections = 4096,
		.half_open = 100,
		.stream_window = 1 << 20,
		.streams = 64,
		.send_queue_bytes = 256 << 10,
	};

	limits->idle_timeout_ns =
		limits->idle_timeout_ns ? limits->idle_timeout_ns : standard.idle_timeout_ns;
	limits->handshake_timeout_ns = limits->handshake_timeout_ns ? limits->handshake_timeout_ns
								    : standard.handshake_timeout_ns;
	limits->connections = limits->connections ? limits->connections : standard.connections;
	limits->half_open = limits->half_open ? limits->half_open : standard.half_open;
	limits->stream_window =
		limits->stream_window ? limits->stream_window : standard.stream_window;
	limits->streams = limits->streams ? limits->streams : standard.streams;
	limits->send_queue_bytes =
		limits->send_queue_bytes ? limits->send_queue_bytes : standard.send_queue_bytes;
}

int sx_endpoint_new(
	struct sx_endpoint **out, const struct sx_endpoint_config *config, uint64_t now_ns)
{
	uint8_t seed[16];
	struct sx_endpoint *endpoint = calloc(1, sizeof *endpoint);

	if (!endpoint) {
		return SX_ENOMEM;
	}
	endpoint->config = *config;
	defaults(&endpoint->config.limits);
	memcpy(endpoint->secret, config->secret, SX_SECRET_BYTES);
	endpoint->config.secret = NULL;
	endpoint->now_ns = now_ns;
	sx_list_init(&endpoint->conns);
	sx_list_init(&endpoint->dirty);
	sx_buckets_init(&endpoint->buckets);
	sx_random_bytes(seed, sizeof seed);
	endpoint->scratch = malloc(SX_SCRATCH_BYTES);
	if (!endpoint->scratch || sx_cids_init(&endpoint->cids) < 0 ||
		sx_cids_init(&endpoint->tokens) < 0 || sx_map_init(&endpoint->dials, seed) < 0) {
		sx_endpoint_free(endpoint);
		return SX_ENOMEM;
	}
	*out = endpoint;
	return SX_OK;
}

int sx_endpoint_adopt(struct sx_endpoint *endpoint, struct sx_conn *conn)
{
	if (endpoint->stats.connections >= endpoint->config.limits.connections) {
		return SX_ELIMIT;
	}
	if (sx_heap_reserve(&endpoint->timers, endpoint->stats.connections + 1) < 0) {
		return SX_ENOMEM;
	}
	sx_list_append(&endpoint->conns, &conn->link);
	endpoint->stats.connections++;
	sx_conn_mark(conn);
	return SX_OK;
}

/* Nobody hears of it: who frees an endpoint knows. */
static void hush(struct sx_conn *conn)
{
	sx_list_each (link, following, &conn->streams) {
		sx_container_of(link, struct sx_stream, link)->closed = true;
	}
}

void sx_endpoint_free(struct sx_endpoint *endpoint)
{
	if (!endpoint) {
		return;
	}
	sx_list_each (link, following, &endpoint->conns) {
		struct sx_conn *conn = sx_container_of(link, struct sx_conn, link);

		hush(conn);
		sx_conn_close(conn, SX_ECLOSED, "shut down");
		sx_conn_free(conn);
	}
	sx_heap_fini(&endpoint->timers);
	sx_cids_fini(&endpoint->cids);
	sx_cids_fini(&endpoint->tokens);
	sx_map_fini(&endpoint->dials);
	free(endpoint->scratch);
	free(endpoint);
}

static void advance(struct sx_endpoint *endpoint, uint64_t now_ns)
{
	endpoint->now_ns = now_ns > endpoint->now_ns ? now_ns : endpoint->now_ns;
}

void sx_endpoint_receive(
	struct sx_endpoint *endpoint, const struct sx_datagram *datagram, uint64_t now_ns)
{
	advance(endpoint, now_ns);
	endpoint->stats.datagrams_in++;
	sx_endpoint_demux(endpoint, datagram);
}

static void run_timers(struct sx_endpoint *endpoint)
{
	struct sx_heap_node *node;

	while ((node = sx_heap_first(&endpoint->timers)) && node->deadline_ns <= endpoint->now_ns) {
		struct sx_conn *conn = sx_container_of(node, struct sx_conn, timer);

		/* Set again when the connection has written, which comes next. */
		sx_heap_remove(&endpoint->timers, node);
		sx_conn_mark(conn);
		sx_conn_expire(conn);
	}
}

/* One connection's turn: it writes, and is freed when that was its last. */
static void serve(struct sx_endpoint *endpoint, struct sx_conn *conn, size_t *datagrams)
{
	bool more;

	/* What fell due unnoticed would count as due as long as nobody looks. */
	sx_conn_expire(conn);
	more = sx_conn_write(conn, datagrams);
	if (sx_conn_is_over(conn)) {
		sx_conn_free(conn);
		return;
	}
	sx_conn_arm(conn);
	/* What was marked meanwhile is done; what is left over waits for the others. */
	sx_list_remove(&conn->dirty);
	if (more) {
		sx_list_append(&endpoint->dirty, &conn->dirty);
	}
}

static void write_out(struct sx_endpoint *endpoint)
{
	size_t datagrams = 0;
	struct sx_list turn;

	sx_list_init(&turn);
	while (!sx_list_is_empty(&endpoint->dirty)) {
		struct sx_list *first = endpoint->dirty.next;

		sx_list_remove(first);
		sx_list_append(&turn, first);
	}
	sx_list_each (link, following, &turn) {
		sx_list_remove(link);
		if (datagrams < PROCESS_DATAGRAMS) {
			serve(endpoint, sx_container_of(link, struct sx_conn, dirty), &datagrams);
		} else {
			sx_list_append(&endpoint->dirty, link);
		}
	}
}

void sx_endpoint_process(struct sx_endpoint *endpoint, uint64_t now_ns, bool *more)
{
	advance(endpoint, now_ns);
	run_timers(endpoint);
	write_out(endpoint);
	*more = !sx_list_is_empty(&endpoint->dirty);
}

uint64_t sx_endpoint_deadline(const struct sx_endpoint *endpoint)
{
	const struct sx_heap_node *first = sx_heap_first(&endpoint->timers);

	if (!sx_list_is_empty(&endpoint->dirty)) {
		return endpoint->now_ns;
	}
	return first ? first->deadline_ns : SX_NEVER;
}

/* "local\0remote\0alpn\0" and the peer's address and port. SX_EINVAL: a text is too long. */
static int dial_key(const struct sx_dial *dial, uint8_t *out, size_t *len)
{
	const char *const texts[] = { dial->local_name, dial->remote_name, dial->alpn };
	static const size_t limits[] = { SX_NAME_BYTES, SX_NAME_BYTES, SX_ALPN_BYTES };
	size_t at = 0;

	for (size_t i = 0; i < SX_COUNT(texts); i++) {
		size_t size = strlen(texts[i]) + 1;

		if (size > limits[i]) {
			return SX_EINVAL;
		}
		memcpy(out + at, texts[i], size);
		at += size;
	}
	memcpy(out + at, &dial->peer.address.sin6_addr, 16);
	memcpy(out + at + 16, &dial->peer.address.sin6_port, 2);
	*len = at + 18;
	return SX_OK;
}

static void share(struct sx_endpoint *endpoint, struct sx_conn *conn, struct sx_bytes key)
{
	struct sx_map_node *old = sx_map_find(&endpoint->dials, key);

	if (old) {
		sx_container_of(old, struct sx_conn, dial_node)->shared = false;
		sx_map_remove(&endpoint->dials, old);
	}
	memcpy(conn->dial_key, key.data, key.len);
	sx_map_insert(&endpoint->dials, &conn->dial_node, sx_bytes_of(conn->dial_key, key.len));
	conn->shared = true;
}

static void name_facts(struct sx_conn *conn, const struct sx_dial *dial)
{
	struct sx_facts *facts = &conn->facts;

	(void)snprintf(facts->alpn, sizeof facts->alpn, "%s", dial->alpn);
	(void)snprintf(facts->local_name, sizeof facts->local_name, "%s", dial->local_name);
	(void)snprintf(facts->remote_name, sizeof facts->remote_name, "%s", dial->remote_name);
}

/* The live connection under `key`, or a new one. */
static int conn_for(struct sx_endpoint *endpoint, const struct sx_dial *dial, struct sx_bytes key,
	struct sx_conn **out)
{
	struct sx_map_node *node = sx_map_find(&endpoint->dials, key);
	int rc;

	if (node) {
		*out = sx_container_of(node, struct sx_conn, dial_node);
		if (sx_conn_can_dial(*out)) {
			return SX_OK;
		}
	}
	rc = sx_conn_dial(out, endpoint, dial);
	if (rc < 0) {
		return rc;
	}
	name_facts(*out, dial);
	share(endpoint, *out, key);
	return SX_OK;
}

int sx_endpoint_dial(struct sx_endpoint *endpoint, const struct sx_dial *dial, void *user,
	uint64_t now_ns, struct sx_stream **out)
{
	uint8_t key[SX_KEY_BYTES];
	size_t len;
	struct sx_conn *conn = NULL;
	struct sx_stream *stream;
	bool reused;
	int rc = dial_key(dial, key, &len);

	if (rc < 0) {
		return rc;
	}
	advance(endpoint, now_ns);
	rc = conn_for(endpoint, dial, sx_bytes_of(key, len), &conn);
	if (rc < 0) {
		return rc;
	}
	reused = conn->ways[0].route != dial->route;
	rc = sx_stream_new(&stream, conn);
	if (rc < 0) {
		goto fail;
	}
	if (reused && dial->route) {
		endpoint->config.port.ops->route_free(dial->route);
	}
	stream->owned = true;
	stream->user = user;
	stream->pending = true;
	conn->pending++;
	conn->idle_since_ns = SX_NEVER;
	sx_conn_mark(conn);
	*out = stream;
	return SX_OK;

fail:
	if (!reused) {
		conn->ways[0].route = NULL;
		sx_conn_free(conn);
	}
	return rc;
}

void sx_endpoint_stats(const struct sx_endpoint *endpoint, struct sx_endpoint_stats *out)
{
	*out = endpoint->stats;
}

void sx_endpoint_stop_accepting(struct sx_endpoint *endpoint)
{
	endpoint->refusing = true;
}

bool sx_endpoint_is_quiet(const struct sx_endpoint *endpoint)
{
	sx_list_each (link, following, &endpoint->conns) {
		if (!sx_conn_is_quiet(sx_container_of(link, struct sx_conn, link))) {
			return false;
		}
	}
	return true;
}
