/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "base/random.h"
#include "quic/endpoint_core.h"

#define DIALLED_LINGER_NS (10 * SX_SECOND_NS)
/* The side that dials decides when a connection has had its time; ours is longer, so that no new stream crosses it. */
#define ACCEPTED_LINGER_NS (15 * SX_SECOND_NS)
#define BACKLOG_RETRY_NS   SX_MILLI_NS
#define PAYLOAD_MAX        1452
/* A peer of s2s may use this many of its stream windows at once. quic.md 9. */
#define WINDOWS 4

static void *quic_malloc(size_t size, void *user)
{
	(void)user;
	return malloc(size);
}

static void quic_free(void *pointer, void *user)
{
	(void)user;
	free(pointer);
}

static void *quic_calloc(size_t count, size_t size, void *user)
{
	(void)user;
	return calloc(count, size);
}

static void *quic_realloc(void *pointer, size_t size, void *user)
{
	(void)user;
	return realloc(pointer, size);
}

static const ngtcp2_mem quic_mem = { NULL, quic_malloc, quic_free, quic_calloc, quic_realloc };

/* quic.md 9. PMTU discovery stays on: see path_of. */
static void settings_of(const struct sx_conn *conn, ngtcp2_settings *out)
{
	const struct sx_endpoint *endpoint = conn->endpoint;

	ngtcp2_settings_default(out);
	out->initial_ts = endpoint->now_ns;
	out->handshake_timeout = endpoint->config.limits.handshake_timeout_ns;
	out->max_tx_udp_payload_size = PAYLOAD_MAX;
	out->no_tx_udp_payload_size_shaping = 1;
}

static void params_of(const struct sx_conn *conn, ngtcp2_transport_params *out)
{
	const struct sx_endpoint_limits *limits = &conn->endpoint->config.limits;

	ngtcp2_transport_params_default(out);
	out->initial_max_stream_data_bidi_local = limits->stream_window;
	out->initial_max_stream_data_bidi_remote = limits->stream_window;
	out->initial_max_data = WINDOWS * (uint64_t)limits->stream_window;
	out->initial_max_streams_bidi = limits->streams;
	out->initial_max_streams_uni = 0; /* XEP-0467: bidirectional ones only */
	out->max_idle_timeout = limits->idle_timeout_ns;
	out->active_connection_id_limit = 7;
	out->grease_quic_bit = 1;
}

/*
 * The same all life long. A peer that goes from one address to another and back makes ngtcp2 0.12 abort, with PMTU
 * discovery or without, so it never hears of addresses; conn_path.c follows the peer.
 */
static ngtcp2_path path_of(struct sx_conn *conn)
{
	return (ngtcp2_path){
		.local = { (ngtcp2_sockaddr *)&conn->endpoint->config.local.address,
			sizeof(struct sockaddr_in6) },
		.remote = { (ngtcp2_sockaddr *)&conn->first_peer.address,
			sizeof conn->first_peer.address },
		.user_data = conn,
	};
}

static ngtcp2_cid fresh_cid(void)
{
	ngtcp2_cid cid = { .datalen = SX_CID_BYTES };

	sx_random_bytes(cid.data, SX_CID_BYTES);
	return cid;
}

static int add_cid(struct sx_conn *conn, const ngtcp2_cid *cid)
{
	return sx_cids_add(
		&conn->endpoint->cids, &conn->cids, conn, sx_bytes_of(cid->data, cid->datalen));
}

static int conn_new(struct sx_conn **out, struct sx_endpoint *endpoint)
{
	struct sx_conn *conn = calloc(1, sizeof *conn);

	if (!conn) {
		return SX_ENOMEM;
	}
	conn->endpoint = endpoint;
	sx_list_init(&conn->link);
	sx_list_init(&conn->dirty);
	sx_list_init(&conn->cids);
	sx_list_init(&conn->tokens);
	sx_list_init(&conn->streams);
	sx_list_init(&conn->sendable);
	sx_list_init(&conn->blocked);
	sx_list_init(&conn->backlog);
	conn->idle_since_ns = SX_NEVER;
	conn->silent_since_ns = SX_NEVER;
	conn->facts.opened_ns = endpoint->now_ns;
	conn->facts.connection_id = ++endpoint->next_connection_id;
	conn->facts.verdict = (struct sx_verdict){ .status = SX_ETLS };
	*out = conn;
	return SX_OK;
}

/* The library leaves a dangling pointer behind when it fails: `conn->quic` is set after success only. */
static int accept_quic(struct sx_conn *conn, const struct sx_hello *hello)
{
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_path path = path_of(conn);
	ngtcp2_cid scid = fresh_cid();
	ngtcp2_conn *quic;

	sx_conn_callbacks(&callbacks);
	settings_of(conn, &settings);
	params_of(conn, &params);
	sx_quic_set_original_dcid(&params, &hello->original_dcid);
	if (hello->after_retry) {
		params.retry_scid = hello->header.dcid;
		params.retry_scid_present = 1;
		sx_quic_set_token(&settings, &hello->header);
	}
	params.stateless_reset_token_present = 1;
	if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token,
		    conn->endpoint->secret, SX_SECRET_BYTES, &scid) != 0 ||
		add_cid(conn, &scid) < 0 || add_cid(conn, &hello->header.dcid) < 0 ||
		ngtcp2_conn_server_new(&quic, &hello->header.scid, &scid, &path,
			hello->header.version, &callbacks, &settings, &params, &quic_mem,
			conn) != 0) {
		return SX_ENOMEM;
	}
	conn->quic = quic;
	return SX_OK;
}

static void bind_tls(struct sx_conn *conn)
{
	conn->tls.quic = conn->quic;
	ngtcp2_conn_set_tls_native_handle(conn->quic, conn->tls.session);
}

int sx_conn_accept(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_hello *hello)
{
	const struct sx_port_ref *port = &endpoint->config.port;
	struct sx_conn *conn = NULL;
	int rc = conn_new(&conn, endpoint);

	if (rc < 0) {
		return rc;
	}
	/* ngtcp2 itself bounds what goes to the first address before it is proven. */
	conn->ways[0] = (struct sx_way){ .peer = hello->datagram->from, .proven = true };
	conn->first_peer = hello->datagram->from;
	rc = port->ops->route_back(port->port, hello->datagram, &conn->ways[0].route);
	if (rc < 0) {
		goto fail;
	}
	rc = accept_quic(conn, hello);
	if (rc < 0) {
		goto fail;
	}
	rc = sx_tls_session_serve(&conn->tls, endpoint->config.tls, endpoint->config.alpn);
	if (rc < 0) {
		goto fail;
	}
	bind_tls(conn);
	rc = sx_endpoint_adopt(endpoint, conn);
	if (rc < 0) {
		goto fail;
	}
	sx_conn_counts(conn)->accepted++;
	if (!hello->after_retry) {
		conn->half_open = true;
		endpoint->stats.half_open++;
		sx_conn_counts(conn)->half_open++;
	}
	*out = conn;
	return SX_OK;

fail:
	sx_conn_free(conn);
	return rc;
}

static int dial_quic(struct sx_conn *conn)
{
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_path path = path_of(conn);
	ngtcp2_cid scid = fresh_cid(), dcid = fresh_cid();
	ngtcp2_conn *quic;

	sx_conn_callbacks(&callbacks);
	settings_of(conn, &settings);
	params_of(conn, &params);
	if (add_cid(conn, &scid) < 0 ||
		ngtcp2_conn_client_new(&quic, &dcid, &scid, &path, NGTCP2_PROTO_VER_V1, &callbacks,
			&settings, &params, &quic_mem, conn) != 0) {
		return SX_ENOMEM;
	}
	conn->quic = quic;
	return SX_OK;
}

int sx_conn_dial(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_dial *dial)
{
	struct sx_conn *conn = NULL;
	int rc = conn_new(&conn, endpoint);

	if (rc < 0) {
		return rc;
	}
	conn->facts.dialled = true;
	conn->ways[0] = (struct sx_way){ .peer = dial->peer, .proven = true };
	conn->first_peer = dial->peer;
	conn->facts.peer_port = ntohs(dial->peer.address.sin6_port);
	rc = sx_tls_session_dial(
		&conn->tls, endpoint->config.tls, dial->local_name, dial->remote_name, dial->alpn);
	if (rc < 0) {
		goto fail;
	}
	rc = dial_quic(conn);
	if (rc < 0) {
		goto fail;
	}
	bind_tls(conn);
	rc = sx_endpoint_adopt(endpoint, conn);
	if (rc < 0) {
		goto fail;
	}
	conn->ways[0].route = dial->route;
	*out = conn;
	return SX_OK;

fail:
	sx_conn_free(conn);
	return rc;
}

void sx_conn_free(struct sx_conn *conn)
{
	struct sx_endpoint *endpoint = conn->endpoint;

	assert(sx_list_is_empty(&conn->streams));
	/* Only now: hellos that fail must not fill the endpoint with connections in quarantine. */
	sx_conn_validated(conn);
	sx_conn_strip(conn);
	sx_cids_clear(&endpoint->cids, &conn->cids);
	if (!sx_list_is_empty(&conn->link)) {
		endpoint->stats.connections--;
		sx_conn_counts(conn)->accepted -= !conn->facts.dialled;
	}
	sx_list_remove(&conn->link);
	sx_list_remove(&conn->dirty);
	sx_heap_remove(&endpoint->timers, &conn->timer);
	for (size_t i = 0; i < SX_COUNT(conn->ways); i++) {
		if (conn->ways[i].route) {
			endpoint->config.port.ops->route_free(conn->ways[i].route);
		}
	}
	sx_buf_unref(conn->close_packet);
	free(conn);
}

void sx_conn_mark(struct sx_conn *conn)
{
	if (sx_list_is_empty(&conn->dirty)) {
		sx_list_append(&conn->endpoint->dirty, &conn->dirty);
	}
}

void sx_conn_credit(struct sx_conn *conn, const struct sx_stream *stream, size_t len)
{
	if (!conn->quic) {
		return;
	}
	ngtcp2_conn_extend_max_offset(conn->quic, len);
	if (stream->quic_id >= 0 && !stream->fin_received) {
		(void)ngtcp2_conn_extend_max_stream_offset(conn->quic, stream->quic_id, len);
	}
	conn->endpoint->stats.bytes_read += len;
	sx_conn_mark(conn);
}

const struct sx_stream_events *sx_conn_events(const struct sx_conn *conn)
{
	return &conn->endpoint->config.events;
}

size_t sx_conn_queue_limit(const struct sx_conn *conn)
{
	return conn->endpoint->config.limits.send_queue_bytes;
}

void sx_conn_count_written(struct sx_conn *conn, size_t len)
{
	conn->endpoint->stats.bytes_written += len;
}

static ngtcp2_conn_info info_of(const struct sx_conn *conn)
{
	ngtcp2_conn_info info = { 0 };

	if (conn->quic) {
		ngtcp2_conn_get_conn_info(conn->quic, &info);
	}
	return info;
}

uint64_t sx_conn_in_flight(const struct sx_conn *conn)
{
	return info_of(conn).bytes_in_flight;
}

uint64_t sx_conn_latest_rtt(const struct sx_conn *conn)
{
	return info_of(conn).latest_rtt;
}

uint64_t sx_conn_rtt(const struct sx_conn *conn)
{
	return conn->facts.established ? info_of(conn).smoothed_rtt : 0;
}

void sx_conn_describe(
	const struct sx_conn *conn, char *peer, size_t peer_cap, char *path, size_t path_cap)
{
	conn->endpoint->config.port.ops->describe(
		conn->ways[0].route, peer, peer_cap, path, path_cap);
}

void sx_conn_read(struct sx_conn *conn, const struct sx_datagram *datagram)
{
	ngtcp2_path path = path_of(conn);
	ngtcp2_pkt_info info = { 0 };
	uint64_t rtt = sx_conn_latest_rtt(conn);
	int rc;

	if (!conn->quic) {
		sx_conn_answer(conn);
		return;
	}
	if (!sx_conn_admits(conn, datagram)) {
		conn->endpoint->stats.dropped++;
		return;
	}
	info.ecn = datagram->ecn & 3;
	sx_conn_reading(conn);
	rc = ngtcp2_conn_read_pkt(conn->quic, &path, &info, datagram->payload.data,
		datagram->payload.len, conn->endpoint->now_ns);
	sx_conn_reading(NULL);
	sx_conn_mark(conn);
	if (conn->fresh) {
		sx_conn_heard(conn, datagram, rtt);
	}
	if (rc != 0) {
		sx_conn_fail(conn, rc);
	}
}

static uint64_t linger_end(const struct sx_conn *conn)
{
	if (conn->state != SX_CONN_OPEN || conn->idle_since_ns == SX_NEVER) {
		return SX_NEVER;
	}
	return conn->idle_since_ns + (conn->facts.dialled ? DIALLED_LINGER_NS : ACCEPTED_LINGER_NS);
}

bool sx_conn_is_over(const struct sx_conn *conn)
{
	return !conn->quic && conn->end_ns <= conn->endpoint->now_ns;
}

void sx_conn_expire(struct sx_conn *conn)
{
	uint64_t now = conn->endpoint->now_ns;
	int rc;

	if (!conn->quic) {
		return;
	}
	if (linger_end(conn) <= now) {
		sx_conn_close(conn, SX_ECLOSED, "no streams left");
		return;
	}
	if (ngtcp2_conn_get_expiry(conn->quic) > now) {
		return;
	}
	sx_conn_suspect(conn);
	rc = ngtcp2_conn_handle_expiry(conn->quic, now);
	if (rc != 0) {
		sx_conn_fail(conn, rc);
	}
}

void sx_conn_arm(struct sx_conn *conn)
{
	uint64_t now = conn->endpoint->now_ns;
	uint64_t due = conn->end_ns, linger = linger_end(conn);

	if (conn->quic) {
		/* The pacer's time, a microsecond away, would only wake us to find nothing to send. */
		due = conn->rest_due_ns ? conn->rest_due_ns : ngtcp2_conn_get_expiry(conn->quic);
		/* ngtcp2 0.12 honours a deadline one nanosecond after it only. */
		due = due == UINT64_MAX ? SX_NEVER : (due > now ? due : now) + 1;
		due = linger < due ? linger : due;
	}
	if (!sx_list_is_empty(&conn->backlog) && now + BACKLOG_RETRY_NS < due) {
		due = now + BACKLOG_RETRY_NS;
	}
	if (due != conn->timer.deadline_ns || !conn->timer.place) {
		sx_heap_set(&conn->endpoint->timers, &conn->timer, due);
	}
}

bool sx_conn_is_quiet(const struct sx_conn *conn)
{
	sx_list_each (link, following, &conn->streams) {
		if (sx_stream_is_unsettled(sx_container_of(link, struct sx_stream, link))) {
			return false;
		}
	}
	return true;
}

bool sx_conn_can_dial(const struct sx_conn *conn)
{
	if (!conn->quic || conn->state > SX_CONN_OPEN) {
		return false;
	}
	return conn->state == SX_CONN_HANDSHAKE ||
	       ngtcp2_conn_get_streams_bidi_left(conn->quic) > conn->pending;
}
