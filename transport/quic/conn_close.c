/* SPDX-License-Identifier: MIT */
/* How a connection ends, and what its streams hear. */
#include <stdio.h>

#include "quic/endpoint_core.h"

#define REASON_BYTES 160

struct ending {
	int status;
	bool tell;  /* the peer does not know yet */
	bool drain; /* it does: keep silent, keep the IDs for a while */
	char reason[REASON_BYTES];
};

struct sx_bucket_counts *sx_conn_counts(const struct sx_conn *conn)
{
	return sx_buckets_counts(&conn->endpoint->buckets, &conn->first_peer);
}

void sx_conn_validated(struct sx_conn *conn)
{
	struct sx_endpoint *endpoint = conn->endpoint;

	if (!conn->half_open) {
		return;
	}
	conn->half_open = false;
	endpoint->stats.half_open--;
	sx_conn_counts(conn)->half_open--;
}

void sx_conn_stream_opened(struct sx_conn *conn)
{
	conn->live++;
	conn->endpoint->stats.streams++;
	conn->idle_since_ns = SX_NEVER;
}

static void stream_gone(struct sx_conn *conn)
{
	conn->live--;
	conn->endpoint->stats.streams--;
	if (conn->live == 0 && conn->pending == 0) {
		conn->idle_since_ns = conn->endpoint->now_ns;
	}
}

void sx_conn_stream_closed(struct sx_conn *conn, struct sx_stream *stream, int status)
{
	stream->quic_id = -1;
	sx_list_remove(&stream->sendable);
	stream_gone(conn);
	sx_stream_tell_closed(
		stream, status, status == SX_ECLOSED ? "both sides have finished" : "broken off");
	sx_chunks_fini(&stream->out);
	if (!stream->owned) {
		sx_stream_detach(stream);
	}
}

void sx_conn_stream_given_up(struct sx_conn *conn, struct sx_stream *stream)
{
	stream->pending = false;
	conn->pending--;
	if (conn->live == 0 && conn->pending == 0) {
		conn->idle_since_ns = conn->endpoint->now_ns;
	}
	sx_stream_tell_closed(stream, SX_ERESET, "broken off");
	sx_stream_detach(stream);
}

/* Tells the streams and lets them go. */
static void end_streams(struct sx_conn *conn, const struct ending *ending)
{
	sx_list_each (link, following, &conn->streams) {
		struct sx_stream *stream = sx_container_of(link, struct sx_stream, link);

		if (stream->quic_id >= 0) {
			stream->quic_id = -1;
			stream_gone(conn);
		}
		if (stream->pending) {
			stream->pending = false;
			conn->pending--;
		}
		sx_stream_tell_closed(stream, ending->status, ending->reason);
		sx_stream_detach(stream);
	}
}

void sx_conn_strip(struct sx_conn *conn)
{
	struct sx_endpoint *endpoint = conn->endpoint;

	if (conn->shared) {
		sx_map_remove(&endpoint->dials, &conn->dial_node);
		conn->shared = false;
	}
	sx_conn_drop_backlog(conn);
	sx_cids_clear(&endpoint->tokens, &conn->tokens);
	if (conn->quic) {
		ngtcp2_conn_del(conn->quic);
		conn->quic = NULL;
	}
	sx_tls_session_fini(&conn->tls);
}

/* Builds the one packet that tells the peer, and keeps it for stragglers. RFC 9000 section 10.2.1. */
static void tell_peer(struct sx_conn *conn, const ngtcp2_ccerr *error)
{
	struct sx_endpoint *endpoint = conn->endpoint;
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info = { 0 };
	ngtcp2_ssize len;

	ngtcp2_path_storage_zero(&path);
	len = ngtcp2_conn_write_connection_close(conn->quic, &path.path, &info, endpoint->scratch,
		NGTCP2_MAX_UDP_PAYLOAD_SIZE, error, endpoint->now_ns);
	if (len <= 0 || sx_buf_new(&conn->close_packet, (size_t)len) < 0) {
		return;
	}
	(void)sx_buf_append(conn->close_packet, sx_bytes_of(endpoint->scratch, (size_t)len));
	conn->close_count = 0;
	sx_conn_answer(conn);
}

static void end(struct sx_conn *conn, const struct ending *ending, const ngtcp2_ccerr *error)
{
	struct sx_endpoint *endpoint = conn->endpoint;
	uint64_t quarantine = 3 * ngtcp2_conn_get_pto(conn->quic);

	if (ending->tell) {
		tell_peer(conn, error);
	}
	conn->end_ns = endpoint->now_ns;
	if (conn->close_packet || ending->drain) {
		conn->end_ns += quarantine;
	}
	conn->state = conn->close_packet ? SX_CONN_CLOSING : SX_CONN_DRAINING;
	end_streams(conn, ending);
	sx_conn_strip(conn);
	sx_conn_arm(conn);
	sx_log(&endpoint->config.log, SX_LOG_DEBUG, "connection %llu %s %s ended: %s",
		(unsigned long long)conn->facts.connection_id, conn->facts.dialled ? "to" : "for",
		conn->facts.dialled ? conn->facts.remote_name : conn->facts.local_name,
		ending->reason);
}

void sx_conn_answer(struct sx_conn *conn)
{
	const struct sx_endpoint *endpoint = conn->endpoint;
	unsigned count = conn->close_count++;

	/* The first, second, fourth, eighth... datagram is answered. */
	if (!conn->close_packet || (count & (count - 1)) != 0) {
		return;
	}
	(void)endpoint->config.port.ops->send(conn->ways[0].route,
		sx_bytes_of(conn->close_packet->data, conn->close_packet->len),
		conn->close_packet->len, 0);
	conn->endpoint->stats.datagrams_out++;
}

void sx_conn_close(struct sx_conn *conn, int status, const char *reason)
{
	struct ending ending = { .status = status, .tell = true };
	ngtcp2_ccerr error;

	if (!conn->quic) {
		return;
	}
	(void)snprintf(ending.reason, sizeof ending.reason, "%s", reason);
	ngtcp2_ccerr_default(&error);
	end(conn, &ending, &error);
}

static const char *alert_name(uint64_t alert)
{
	const char *name = gnutls_alert_get_name((gnutls_alert_description_t)alert);

	return name ? name : "unknown alert";
}

/* ": " and the text from the peer, made fit to be shown; nothing when there is none. */
static void write_peer_text(char *out, size_t cap, const ngtcp2_ccerr *error)
{
	size_t count = error->reasonlen < cap - 3 ? error->reasonlen : cap - 3;

	(void)snprintf(out, cap, "%s", count > 0 ? ": " : "");
	for (size_t i = 0; i < count; i++) {
		out[i + 2] = '?';
		if (error->reason[i] >= 0x20 && error->reason[i] < 0x7f) {
			out[i + 2] = (char)error->reason[i];
		}
		out[i + 3] = '\0';
	}
}

static void describe_peer_error(const ngtcp2_ccerr *error, struct ending *ending)
{
	char text[64];

	write_peer_text(text, sizeof text, error);
	if (error->type != NGTCP2_CCERR_TYPE_TRANSPORT || error->error_code == NGTCP2_NO_ERROR) {
		ending->status = SX_ERESET;
		(void)snprintf(ending->reason, REASON_BYTES,
			"the peer closed the connection (%llu)%s",
			(unsigned long long)error->error_code, text);
		return;
	}
	if (error->error_code == NGTCP2_CONNECTION_REFUSED) {
		ending->status = SX_EREFUSED;
		(void)snprintf(ending->reason, REASON_BYTES,
			"the peer takes no more connections now%s", text);
		return;
	}
	if ((error->error_code & ~UINT64_C(0xff)) == NGTCP2_CRYPTO_ERROR) {
		ending->status = SX_ETLS;
		(void)snprintf(ending->reason, REASON_BYTES, "the peer refused in TLS: %s",
			alert_name(error->error_code & 0xff));
		return;
	}
	ending->status = SX_EPROTO;
	(void)snprintf(ending->reason, REASON_BYTES, "the peer closed with QUIC error 0x%llx%s",
		(unsigned long long)error->error_code, text);
}

/* What the peer or the network did, where nobody needs to be told. */
static bool describe_silent(struct sx_conn *conn, int rc, struct ending *ending)
{
	ngtcp2_ccerr error;

	switch (rc) {
	case NGTCP2_ERR_DRAINING:
		ending->drain = true;
		if (conn->was_reset) {
			ending->status = SX_ERESET;
			(void)snprintf(ending->reason, REASON_BYTES,
				"the peer has lost the connection (stateless reset)");
			return true;
		}
		sx_quic_peer_error(conn->quic, &error);
		describe_peer_error(&error, ending);
		return true;
	case NGTCP2_ERR_IDLE_CLOSE:
		ending->status = SX_ETIMEDOUT;
		(void)snprintf(ending->reason, REASON_BYTES, "no sign of life from the peer");
		return true;
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
		ending->status = SX_ETIMEDOUT;
		(void)snprintf(ending->reason, REASON_BYTES, "no answer in time (handshake)");
		return true;
	case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
		ending->status = SX_EPROTO;
		(void)snprintf(
			ending->reason, REASON_BYTES, "the peer does not speak QUIC version 1");
		return true;
	case NGTCP2_ERR_DROP_CONN:
	case NGTCP2_ERR_RETRY:
		ending->status = SX_EPROTO;
		(void)snprintf(ending->reason, REASON_BYTES, "not a valid first packet");
		return true;
	default:
		return false;
	}
}

/* What we found wrong; the peer is told unless ngtcp2 itself can go on no longer. */
static void describe_ours(struct sx_conn *conn, int rc, struct ending *ending, ngtcp2_ccerr *error)
{
	ending->tell = !ngtcp2_err_is_fatal(rc) || rc == NGTCP2_ERR_CALLBACK_FAILURE;
	if (rc == NGTCP2_ERR_CRYPTO) {
		uint8_t alert = ngtcp2_conn_get_tls_alert(conn->quic);

		ngtcp2_ccerr_set_tls_alert(error, alert, NULL, 0);
		ending->status = SX_ETLS;
		(void)snprintf(ending->reason, REASON_BYTES, "TLS handshake failed: %s",
			alert_name(alert));
		return;
	}
	ngtcp2_ccerr_set_liberr(error, rc, NULL, 0);
	ending->status = ngtcp2_err_is_fatal(rc) ? SX_ENOMEM : SX_EPROTO;
	(void)snprintf(ending->reason, REASON_BYTES, "QUIC: %s", ngtcp2_strerror(rc));
}

void sx_conn_fail(struct sx_conn *conn, int rc)
{
	struct ending ending = { 0 };
	ngtcp2_ccerr error;

	ngtcp2_ccerr_default(&error);
	if (!describe_silent(conn, rc, &ending)) {
		describe_ours(conn, rc, &ending, &error);
	}
	end(conn, &ending, &error);
}
