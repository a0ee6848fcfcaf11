/* SPDX-License-Identifier: MIT */
/* Life of a connection: made, read, expired, closed. Writing is in conn_write.c, ngtcp2's callbacks in conn_calls.c. */
#include <stdio.h>
#include <stdlib.h>

#include "base/live.h"
#include "base/random.h"
#include "quic/conn_calls.h"
#include "quic/endpoint_private.h"

#define SECOND_NS  1000000000ULL
#define LINGER_NS  (10 * SECOND_NS)
#define RTT_GUESS  (SECOND_NS / 10) /* first probe after 300 ms: a dead path costs little at a dial */
#define PING_SHORT (10 * SECOND_NS)
#define IDLE_SHORT (30 * SECOND_NS)

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref)
{
	struct sx_conn *conn = ref->user_data;

	return conn->quic;
}

static ngtcp2_path path_of(struct sx_conn *conn)
{
	return (ngtcp2_path){
		.local = { .addr = (struct sockaddr *)&conn->local.address, .addrlen = sizeof conn->local.address },
		.remote = { .addr = (struct sockaddr *)&conn->peer.address, .addrlen = sizeof conn->peer.address },
	};
}

static void fill_settings(const struct sx_endpoint *endpoint, ngtcp2_settings *settings, uint64_t now_ns)
{
	ngtcp2_settings_default(settings);
	settings->initial_ts = now_ns;
	settings->initial_rtt = RTT_GUESS;
	settings->handshake_timeout = endpoint->config.limits.handshake_timeout_ns;
	settings->max_tx_udp_payload_size = SX_DATAGRAM;
	settings->no_tx_udp_payload_size_shaping = 1; /* the port's budget rules; no_pmtud stays 0: quic.md 0.6 */
}

static void fill_params(const struct sx_endpoint *endpoint, ngtcp2_transport_params *params)
{
	const struct sx_endpoint_limits *limits = &endpoint->config.limits;

	ngtcp2_transport_params_default(params);
	params->initial_max_streams_bidi = limits->streams;
	params->initial_max_streams_uni = 0; /* XEP-0467 knows none */
	params->initial_max_stream_data_bidi_local = limits->stream_window;
	params->initial_max_stream_data_bidi_remote = limits->stream_window;
	params->initial_max_data = 4ULL * limits->stream_window;
	params->max_idle_timeout = limits->idle_timeout_ns;
	params->active_connection_id_limit = 7;
	params->grease_quic_bit = 1;
}

static void random_cid(ngtcp2_cid *cid)
{
	cid->datalen = SX_CID_BYTES;
	sx_random_bytes(cid->data, cid->datalen);
}

static int conn_new(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_peer *peer, uint64_t now_ns)
{
	struct sx_conn *conn;

	if (sx_heap_reserve(&endpoint->timers, endpoint->conn_count + 1) < 0) {
		return SX_ENOMEM;
	}
	conn = calloc(1, sizeof *conn);
	if (!conn) {
		return SX_ENOMEM;
	}
	conn->endpoint = endpoint;
	conn->refs = 1;
	conn->id = ++endpoint->next_id;
	conn->peer = *peer;
	conn->local = endpoint->config.local;
	conn->tls.ref = (ngtcp2_crypto_conn_ref){ .get_conn = get_conn, .user_data = conn };
	conn->created_ns = now_ns;
	conn->heard_ns = now_ns;
	conn->linger_ns = SX_NEVER;
	sx_list_init(&conn->dirty);
	sx_list_init(&conn->streams);
	sx_list_init(&conn->ids);
	sx_list_init(&conn->tokens);
	sx_list_append(&endpoint->conns, &conn->link);
	endpoint->conn_count++;
	endpoint->stats.half_open++;
	sx_live_add();
	*out = conn;
	return SX_OK;
}

static void free_quic(struct sx_conn *conn)
{
	if (conn->quic) {
		ngtcp2_conn_del(conn->quic);
		conn->quic = NULL;
	}
}

void sx_conn_unref(struct sx_conn *conn)
{
	if (--conn->refs > 0) {
		return;
	}
	sx_tls_session_fini(&conn->tls);
	free(conn);
	sx_live_remove();
}

static void forget_keys(struct sx_map *map, struct sx_list *keys)
{
	sx_list_each(node, next, keys) {
		sx_conn_key_free(map, sx_container_of(node, struct sx_conn_key, link));
	}
}

static void leave_endpoint(struct sx_conn *conn)
{
	struct sx_endpoint *endpoint = conn->endpoint;

	forget_keys(&endpoint->ids, &conn->ids);
	forget_keys(&endpoint->tokens, &conn->tokens);
	sx_heap_remove(&endpoint->timers, &conn->timer);
	sx_list_remove(&conn->dirty);
	sx_list_remove(&conn->link);
	endpoint->conn_count--;
	if (!conn->validated) {
		endpoint->stats.half_open--;
	}
	if (conn->route) {
		sx_endpoint_ops(endpoint)->route_free(conn->route);
		conn->route = NULL;
	}
}

/* No stream of the connection will see bytes again. */
static void end_streams(struct sx_conn *conn, int status, const char *reason)
{
	sx_list_each(node, next, &conn->streams) {
		struct sx_stream *stream = sx_container_of(node, struct sx_stream, link);

		sx_stream_end(stream, status, reason);
		stream->quic_gone = true;
		sx_list_remove(&stream->link);
		sx_stream_settle(stream);
	}
}

void sx_conn_end(struct sx_conn *conn, int status, const char *reason)
{
	conn->phase = SX_CONN_OVER;
	conn->refs++; /* streams that settle may hold the last others */
	end_streams(conn, status, reason);
	leave_endpoint(conn);
	free_quic(conn);
	sx_buf_unref(conn->waiting.buf);
	conn->waiting.buf = NULL;
	conn->endpoint = NULL;
	conn->refs--;
	sx_conn_unref(conn);
}

int sx_conn_dial(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_dial *dial, uint64_t now_ns)
{
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid dcid, scid;
	ngtcp2_path path;
	struct sx_conn *conn;
	int rc = conn_new(&conn, endpoint, &dial->peer, now_ns);

	if (rc < 0) {
		return rc;
	}
	conn->dialled = true;
	(void)snprintf(conn->local_name, sizeof conn->local_name, "%s", dial->local_name);
	(void)snprintf(conn->tls.sni, sizeof conn->tls.sni, "%s", dial->remote_name);
	(void)snprintf(conn->alpn, sizeof conn->alpn, "%s", dial->alpn);
	random_cid(&dcid);
	random_cid(&scid);
	fill_settings(endpoint, &settings, now_ns);
	fill_params(endpoint, &params);
	sx_conn_callbacks(&callbacks, true);
	path = path_of(conn);
	rc = sx_tls_session_client(&conn->tls, endpoint->config.tls, dial->local_name, dial->alpn);
	if (rc < 0) {
		goto fail;
	}
	rc = SX_ENOMEM;
	if (ngtcp2_conn_client_new(&conn->quic, &dcid, &scid, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings,
		    &params, NULL, conn) != 0) {
		conn->quic = NULL;
		goto fail;
	}
	ngtcp2_conn_set_tls_native_handle(conn->quic, conn->tls.handle);
	if (sx_conn_key_new(conn, &endpoint->ids, &conn->ids, sx_bytes_of(scid.data, scid.datalen)) < 0) {
		goto fail;
	}
	conn->route = dial->route;
	sx_conn_mark_dirty(conn);
	*out = conn;
	return SX_OK;

fail:
	sx_conn_end(conn, rc, sx_status_text(rc));
	return rc;
}

static int accept_quic(struct sx_conn *conn, const struct sx_conn_request *request, uint64_t now_ns)
{
	struct sx_endpoint *endpoint = conn->endpoint;
	const ngtcp2_pkt_hd *header = request->header;
	ngtcp2_path path = path_of(conn);
	ngtcp2_callbacks callbacks;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid scid;

	random_cid(&scid);
	fill_settings(endpoint, &settings, now_ns);
	fill_params(endpoint, &params);
	sx_conn_callbacks(&callbacks, false);
	SX_SET_ORIGINAL_DCID(&params, request->odcid ? request->odcid : &header->dcid);
	if (request->odcid) {
		params.retry_scid = header->dcid;
		params.retry_scid_present = 1;
		SX_SET_TOKEN(&settings, SX_TOKEN_DATA(header), SX_TOKEN_LEN(header));
	}
	params.stateless_reset_token_present = 1;
	if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token, endpoint->secret,
		    sizeof endpoint->secret, &scid) != 0) {
		return SX_ENOMEM;
	}
	if (ngtcp2_conn_server_new(&conn->quic, &header->scid, &scid, &path, header->version, &callbacks, &settings,
		    &params, NULL, conn) != 0) {
		conn->quic = NULL;
		return SX_ENOMEM;
	}
	ngtcp2_conn_set_tls_native_handle(conn->quic, conn->tls.handle);
	if (sx_conn_key_new(conn, &endpoint->ids, &conn->ids, sx_bytes_of(scid.data, scid.datalen)) < 0) {
		return SX_ENOMEM;
	}
	return sx_conn_key_new(conn, &endpoint->ids, &conn->ids,
		sx_bytes_of(header->dcid.data, header->dcid.datalen));
}

int sx_conn_accept(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_conn_request *request,
	uint64_t now_ns)
{
	struct sx_conn *conn;
	int rc = conn_new(&conn, endpoint, &request->datagram->from, now_ns);

	if (rc < 0) {
		return rc;
	}
	conn->local = request->datagram->to;
	rc = sx_tls_session_server(&conn->tls, endpoint->config.tls, endpoint->config.alpn);
	if (rc == SX_OK) {
		rc = accept_quic(conn, request, now_ns);
	}
	if (rc == SX_OK) {
		rc = sx_endpoint_ops(endpoint)->route_back(endpoint->config.port.port, request->datagram,
			&conn->route);
	}
	if (rc < 0) {
		sx_conn_end(conn, rc, sx_status_text(rc));
		return rc;
	}
	*out = conn;
	return SX_OK;
}

int sx_conn_add_stream(struct sx_conn *conn, void *user, struct sx_stream **out)
{
	int rc = sx_stream_new(out, conn);

	if (rc == SX_OK) {
		(*out)->user = user;
		sx_list_append(&conn->streams, &(*out)->link);
		conn->linger_ns = SX_NEVER;
	}
	return rc;
}

void sx_conn_mark_dirty(struct sx_conn *conn)
{
	if (conn->endpoint && conn->phase <= SX_CONN_OPEN && conn->dirty.next == &conn->dirty) {
		sx_list_append(&conn->endpoint->dirty, &conn->dirty);
	}
}

static void send_packet(struct sx_conn *conn, struct sx_bytes packet)
{
	struct sx_endpoint *endpoint = conn->endpoint;

	if (conn->route && packet.len > 0) {
		(void)sx_endpoint_ops(endpoint)->send(conn->route, packet, packet.len, 0);
		endpoint->stats.datagrams_out++;
	}
}

/* Our half of the life after the connection: three probe timeouts. RFC 9000 section 10.2. */
static void wind_down(struct sx_conn *conn, enum sx_conn_phase phase, int status, const char *reason)
{
	end_streams(conn, status, reason);
	conn->phase = phase;
	sx_list_remove(&conn->dirty);
	conn->end_ns = conn->endpoint->now_ns + 3 * ngtcp2_conn_get_pto(conn->quic);
	sx_heap_set(&conn->endpoint->timers, &conn->timer, conn->end_ns);
}

static void say_close(struct sx_conn *conn, const ngtcp2_ccerr *error, int status, const char *reason)
{
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info = { 0 };
	ngtcp2_ssize len;

	ngtcp2_path_storage_zero(&path);
	len = ngtcp2_conn_write_connection_close(conn->quic, &path.path, &info, conn->close_packet, 1200, error,
		conn->endpoint->now_ns);
	if (len <= 0) { /* it has never sent anything, or the error needs no packet */
		sx_conn_end(conn, status, reason);
		return;
	}
	conn->close_len = (size_t)len;
	send_packet(conn, sx_bytes_of(conn->close_packet, conn->close_len));
	wind_down(conn, SX_CONN_CLOSING, status, reason);
}


void sx_conn_fail(struct sx_conn *conn, int liberr)
{
	char reason[128];
	ngtcp2_ccerr error;
	int status = SX_EPROTO;

	ngtcp2_ccerr_default(&error);
	if (liberr == NGTCP2_ERR_CRYPTO) {
		uint8_t alert = ngtcp2_conn_get_tls_alert(conn->quic);
		const char *name = gnutls_alert_get_strname((gnutls_alert_description_t)alert);

		status = SX_ETLS;
		ngtcp2_ccerr_set_tls_alert(&error, alert, NULL, 0);
		(void)snprintf(reason, sizeof reason, "TLS handshake failed: %s", name ? name : "unknown alert");
	} else {
		status = liberr == NGTCP2_ERR_NOMEM ? SX_ENOMEM : SX_EPROTO;
		ngtcp2_ccerr_set_liberr(&error, liberr, NULL, 0);
		(void)snprintf(reason, sizeof reason, "QUIC: %s", ngtcp2_strerror(liberr));
	}
	say_close(conn, &error, status, reason);
}

/* The peer has closed the connection. */
static void drain(struct sx_conn *conn)
{
	char reason[160];
	ngtcp2_ccerr error;
	int status = SX_ECLOSED;

	sx_conn_get_ccerr(conn->quic, &error);
	if (error.error_code >= NGTCP2_CRYPTO_ERROR && error.error_code < NGTCP2_CRYPTO_ERROR + 256) {
		const char *name =
			gnutls_alert_get_strname((gnutls_alert_description_t)(error.error_code & 0xff));

		status = SX_EREFUSED;
		(void)snprintf(reason, sizeof reason, "the peer refused the TLS handshake: %s",
			name ? name : "unknown alert");
	} else if (error.error_code == 0) {
		(void)snprintf(reason, sizeof reason, "the peer closed the connection");
	} else {
		status = SX_ERESET;
		(void)snprintf(reason, sizeof reason, "the peer closed the connection with error 0x%llx",
			(unsigned long long)error.error_code);
	}
	if (conn->seen.fresh) {
		wind_down(conn, SX_CONN_DRAINING, status, reason);
	} else {
		wind_down(conn, SX_CONN_DRAINING, SX_ERESET, "the peer has forgotten the connection (stateless reset)");
	}
}

static void after_read(struct sx_conn *conn, int rc)
{
	switch (rc) {
	case 0:
		sx_conn_mark_dirty(conn);
		break;
	case NGTCP2_ERR_DRAINING:
		drain(conn);
		break;
	case NGTCP2_ERR_RETRY:
	case NGTCP2_ERR_DROP_CONN:
		sx_conn_end(conn, SX_EPROTO, "QUIC: the first packet was not usable");
		break;
	default:
		sx_conn_fail(conn, rc);
	}
}

/* Late packets of a connection we have closed: the first, second, fourth... is answered. */
static void answer_late(struct sx_conn *conn)
{
	unsigned count = ++conn->close_answers;

	if ((count & (count - 1)) == 0) {
		send_packet(conn, sx_bytes_of(conn->close_packet, conn->close_len));
	}
}

void sx_conn_read(struct sx_conn *conn, const struct sx_datagram *datagram, uint64_t now_ns)
{
	ngtcp2_path path = path_of(conn);
	ngtcp2_pkt_info info = { .ecn = datagram->ecn };
	int rc;

	if (conn->phase == SX_CONN_CLOSING) {
		answer_late(conn);
	}
	if (conn->phase > SX_CONN_OPEN) {
		return;
	}
	rc = sx_conn_read_packet(conn, &path, &info, datagram, now_ns);
	if (conn->seen.fresh) {
		conn->heard_ns = now_ns;
		sx_endpoint_ops(conn->endpoint)->learn(conn->route, datagram);
	}
	after_read(conn, rc);
}

static void expire_quic(struct sx_conn *conn, uint64_t now_ns)
{
	int rc = ngtcp2_conn_handle_expiry(conn->quic, now_ns);

	if (rc == NGTCP2_ERR_IDLE_CLOSE) {
		sx_conn_end(conn, conn->validated ? SX_ETIMEDOUT : SX_EUNREACH,
			"connection lost: no sign of life from the peer within the idle timeout");
	} else if (rc == NGTCP2_ERR_HANDSHAKE_TIMEOUT) {
		sx_conn_end(conn, SX_ETIMEDOUT, "no answer from the peer: the QUIC handshake timed out");
	} else if (rc != 0) {
		sx_conn_fail(conn, rc);
	} else {
		sx_conn_mark_dirty(conn);
	}
}

/* A probe timeout without a fresh packet: the way may be dead. */
static void suspect_route(struct sx_conn *conn, uint64_t now_ns)
{
	uint64_t pto = ngtcp2_conn_get_pto(conn->quic);
	uint64_t since = conn->heard_ns > conn->suspected_ns ? conn->heard_ns : conn->suspected_ns;
	ngtcp2_conn_info info;

	ngtcp2_conn_get_conn_info(conn->quic, &info);
	if (info.bytes_in_flight > 0 && now_ns - since >= pto) {
		conn->suspected_ns = now_ns;
		sx_endpoint_ops(conn->endpoint)->suspect(conn->route);
	}
}

void sx_conn_expire(struct sx_conn *conn, uint64_t now_ns)
{
	if (conn->phase >= SX_CONN_CLOSING) {
		if (now_ns >= conn->end_ns) {
			sx_conn_end(conn, SX_ECLOSED, "closed");
		}
		return;
	}
	if (now_ns >= conn->linger_ns) {
		sx_conn_close(conn);
		return;
	}
	if (conn->waiting.buf) {
		sx_conn_mark_dirty(conn);
	}
	if (now_ns > ngtcp2_conn_get_expiry(conn->quic)) {
		suspect_route(conn, now_ns);
		expire_quic(conn, now_ns);
	}
}

void sx_conn_close(struct sx_conn *conn)
{
	ngtcp2_ccerr error;

	if (conn->phase >= SX_CONN_CLOSING) {
		return;
	}
	ngtcp2_ccerr_default(&error);
	ngtcp2_ccerr_set_application_error(&error, 0, NULL, 0);
	say_close(conn, &error, SX_ECLOSED, "closed");
}

uint64_t sx_conn_deadline(const struct sx_conn *conn)
{
	uint64_t deadline;

	if (conn->phase >= SX_CONN_CLOSING) {
		return conn->end_ns;
	}
	deadline = ngtcp2_conn_get_expiry(conn->quic);
	deadline += deadline != UINT64_MAX; /* 0.12 honours it one nanosecond late */
	if (conn->waiting.buf && deadline > conn->endpoint->now_ns + SECOND_NS / 1000) {
		deadline = conn->endpoint->now_ns + SECOND_NS / 1000;
	}
	return conn->linger_ns < deadline ? conn->linger_ns : deadline;
}

static bool stream_is_quiet(const struct sx_stream *stream)
{
	bool fin_open = stream->fin_queued && !stream->quic_gone && !stream->over;

	return stream->unsent == 0 && stream->unacked == 0 && !fin_open;
}

bool sx_conn_is_quiet(const struct sx_conn *conn)
{
	sx_list_each(node, next, &conn->streams) {
		if (!stream_is_quiet(sx_container_of(node, struct sx_stream, link))) {
			return false;
		}
	}
	return true;
}

void sx_conn_note_handshake(struct sx_conn *conn)
{
	const ngtcp2_transport_params *peer = ngtcp2_conn_get_remote_transport_params(conn->quic);
	uint64_t own_idle = conn->endpoint->config.limits.idle_timeout_ns;
	uint64_t idle = own_idle, ping;

	if (peer && peer->max_idle_timeout > 0 && peer->max_idle_timeout < idle) {
		idle = peer->max_idle_timeout;
	}
	ping = idle <= IDLE_SHORT ? PING_SHORT : idle / 3;
	ngtcp2_conn_set_keep_alive_timeout(conn->quic, ping < idle / 3 ? ping : idle / 3);
	conn->phase = SX_CONN_OPEN;
	conn->handshake_ns = conn->endpoint->now_ns - conn->created_ns;
	conn->endpoint->stats.handshakes++;
	sx_tls_session_complete(&conn->tls);
	(void)snprintf(conn->alpn, sizeof conn->alpn, "%s", conn->tls.selected_alpn);
	if (!conn->dialled) {
		(void)snprintf(conn->local_name, sizeof conn->local_name, "%s", conn->tls.sni);
	}
	sx_conn_note_validated(conn);
	if (sx_list_is_empty(&conn->streams)) {
		conn->linger_ns = conn->endpoint->now_ns + LINGER_NS;
	}
}

void sx_conn_note_validated(struct sx_conn *conn)
{
	if (!conn->validated) {
		conn->validated = true;
		conn->endpoint->stats.half_open--;
	}
}

void sx_conn_note_stream_gone(struct sx_conn *conn, struct sx_stream *stream)
{
	stream->quic_gone = true;
	sx_list_remove(&stream->link);
	if (sx_list_is_empty(&conn->streams)) {
		conn->linger_ns = conn->endpoint->now_ns + LINGER_NS;
	}
	sx_stream_settle(stream);
}
