/* SPDX-License-Identifier: MIT */
/* What ngtcp2 tells. Nothing here may call back into it but for credit; all else is noted for the next process. */
#include <assert.h>
#include <stdio.h>

#include "base/random.h"
#include "quic/endpoint_core.h"

/*
 * The connection whose datagram is being read. ngtcp2's decrypt callback is the only sign of an authentic packet, and
 * it carries no argument of ours (quic.md 3.4); per thread, for an endpoint never leaves its own.
 */
static _Thread_local struct sx_conn *reading;

void sx_conn_reading(struct sx_conn *conn)
{
	reading = conn;
	if (conn) {
		conn->fresh = false;
	}
}

/* A nonce is the packet number masked by the key's IV: in a key phase it belongs to one packet. RFC 9001 section 5.3. */
static void note_nonce(struct sx_conn *conn, const uint8_t *nonce, size_t len)
{
	uint64_t tail = 0;

	assert(len >= sizeof tail);
	memcpy(&tail, nonce + len - sizeof tail, sizeof tail);
	for (size_t i = 0; i < SX_NONCES; i++) {
		if (conn->nonces[i] == tail) {
			return;
		}
	}
	conn->nonces[conn->nonce_at] = tail;
	conn->nonce_at = (conn->nonce_at + 1) % SX_NONCES;
	conn->fresh = true;
}

// NOLINTNEXTLINE(readability-function-size)
static int on_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead,
	const ngtcp2_crypto_aead_ctx *context, const uint8_t *ciphertext, size_t ciphertext_len,
	const uint8_t *nonce, size_t nonce_len, const uint8_t *aad, size_t aad_len)
{
	int rc = ngtcp2_crypto_decrypt_cb(
		dest, aead, context, ciphertext, ciphertext_len, nonce, nonce_len, aad, aad_len);

	if (rc == 0 && reading) {
		note_nonce(reading, nonce, nonce_len);
	}
	return rc;
}

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *context)
{
	(void)context;
	sx_random_bytes(dest, len);
}

static int on_new_cid(ngtcp2_conn *quic, ngtcp2_cid *cid, uint8_t *token, size_t len, void *user)
{
	struct sx_conn *conn = user;
	struct sx_endpoint *endpoint = conn->endpoint;

	(void)quic;
	cid->datalen = len;
	sx_random_bytes(cid->data, len);
	if (ngtcp2_crypto_generate_stateless_reset_token(
		    token, endpoint->secret, SX_SECRET_BYTES, cid) != 0 ||
		sx_cids_add(&endpoint->cids, &conn->cids, conn, sx_bytes_of(cid->data, len)) < 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	return 0;
}

static int on_remove_cid(ngtcp2_conn *quic, const ngtcp2_cid *cid, void *user)
{
	struct sx_conn *conn = user;

	(void)quic;
	sx_cids_remove(&conn->endpoint->cids, conn, sx_bytes_of(cid->data, cid->datalen));
	return 0;
}

/* A stateless reset carries no ID of ours: only its token tells which connection is meant. quic.md 2.2. */
// NOLINTNEXTLINE(readability-function-size)
static int on_dcid_status(ngtcp2_conn *quic, SX_QUIC_DCID_STATUS_TYPE type, uint64_t seq,
	const ngtcp2_cid *cid, const uint8_t *token, void *user)
{
	struct sx_conn *conn = user;
	struct sx_cids *tokens = &conn->endpoint->tokens;

	(void)quic;
	(void)seq;
	(void)cid;
	if (!token) {
		return 0;
	}
	if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_DEACTIVATE) {
		sx_cids_remove(tokens, conn, sx_bytes_of(token, SX_TOKEN_BYTES));
		return 0;
	}
	return sx_cids_add(tokens, &conn->tokens, conn, sx_bytes_of(token, SX_TOKEN_BYTES)) < 0
		       ? NGTCP2_ERR_CALLBACK_FAILURE
		       : 0;
}

/* A PING at a third of the time after which either side gives up. RFC 9000 section 10.1.2. */
static void keep_alive(struct sx_conn *conn)
{
	const ngtcp2_transport_params *peer = ngtcp2_conn_get_remote_transport_params(conn->quic);
	uint64_t timeout = conn->endpoint->config.limits.idle_timeout_ns;

	if (peer && peer->max_idle_timeout > 0 && peer->max_idle_timeout < timeout) {
		timeout = peer->max_idle_timeout;
	}
	ngtcp2_conn_set_keep_alive_timeout(conn->quic, timeout / 3);
}

static void learn_facts(struct sx_conn *conn)
{
	struct sx_facts *facts = &conn->facts;

	facts->established = true;
	facts->handshake_ns = conn->endpoint->now_ns - facts->opened_ns;
	facts->verdict = conn->tls.verdict;
	facts->peer_port = ntohs(conn->ways[0].peer.address.sin6_port);
	sx_tls_session_alpn(&conn->tls, facts->alpn, sizeof facts->alpn);
	(void)snprintf(
		facts->cipher, sizeof facts->cipher, "%s", sx_tls_session_cipher(&conn->tls));
	if (!facts->dialled) {
		(void)snprintf(facts->local_name, sizeof facts->local_name, "%s", conn->tls.name);
	}
}

static int on_handshake_completed(ngtcp2_conn *quic, void *user)
{
	struct sx_conn *conn = user;

	(void)quic;
	conn->state = SX_CONN_OPEN;
	learn_facts(conn);
	sx_conn_validated(conn);
	keep_alive(conn);
	if (conn->live == 0 && conn->pending == 0) {
		conn->idle_since_ns = conn->endpoint->now_ns;
	}
	conn->endpoint->stats.handshakes++;
	return 0;
}

static int on_stream_open(ngtcp2_conn *quic, int64_t id, void *user)
{
	struct sx_conn *conn = user;
	struct sx_stream *stream;

	if (sx_stream_new(&stream, conn) < 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	stream->quic_id = id;
	(void)ngtcp2_conn_set_stream_user_data(quic, id, stream);
	sx_conn_stream_opened(conn);
	if (conn->endpoint->refusing) {
		stream->closed = true;
		stream->reset_wanted = true;
		conn->endpoint->stats.refused++;
		return 0;
	}
	stream->owned = true;
	stream->opened = true;
	sx_conn_events(conn)->accepted(conn->endpoint->config.arg, stream);
	return 0;
}

// NOLINTNEXTLINE(readability-function-size)
static int on_stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *user, void *stream_user)
{
	struct sx_conn *conn = user;
	struct sx_stream *stream = stream_user;

	(void)id;
	(void)offset;
	if (!stream || stream->closed || stream->reset_wanted) {
		ngtcp2_conn_extend_max_offset(quic, len);
		return 0;
	}
	if (sx_stream_take(stream, sx_bytes_of(data, len)) < 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	if ((flags & NGTCP2_STREAM_DATA_FLAG_FIN) && !stream->fin_received) {
		stream->fin_received = true;
		sx_conn_events(conn)->finished(stream->user, stream);
	}
	return 0;
}

// NOLINTNEXTLINE(readability-function-size)
static int on_acked(
	ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t len, void *user, void *stream_user)
{
	(void)quic;
	(void)id;
	(void)offset;
	(void)user;
	if (stream_user) {
		sx_stream_acked(stream_user, len);
	}
	return 0;
}

// NOLINTNEXTLINE(readability-function-size)
static int on_stream_reset(ngtcp2_conn *quic, int64_t id, uint64_t final_size, uint64_t code,
	void *user, void *stream_user)
{
	struct sx_stream *stream = stream_user;

	(void)quic;
	(void)id;
	(void)final_size;
	(void)code;
	if (stream) {
		sx_stream_tell_closed(stream, SX_ERESET, "the peer broke the stream off");
		stream->reset_wanted = true;
		sx_conn_mark(user);
	}
	return 0;
}

// NOLINTNEXTLINE(readability-function-size)
static int on_stream_close(
	ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *user, void *stream_user)
{
	struct sx_conn *conn = user;
	bool broken = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;

	(void)code;
	if (!ngtcp2_conn_is_local_stream(quic, id)) {
		ngtcp2_conn_extend_max_streams_bidi(quic, 1);
	}
	if (stream_user) {
		sx_conn_stream_closed(conn, stream_user, broken ? SX_ERESET : SX_ECLOSED);
	}
	return 0;
}

static int on_stateless_reset(
	ngtcp2_conn *quic, const ngtcp2_pkt_stateless_reset *reset, void *user)
{
	struct sx_conn *conn = user;

	(void)quic;
	(void)reset;
	conn->was_reset = true;
	return 0;
}

static int on_streams_extended(ngtcp2_conn *quic, uint64_t max, void *user)
{
	(void)quic;
	(void)max;
	sx_conn_mark(user);
	return 0;
}

void sx_conn_callbacks(ngtcp2_callbacks *out)
{
	memset(out, 0, sizeof *out);
	out->client_initial = ngtcp2_crypto_client_initial_cb;
	out->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
	out->recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
	out->recv_retry = ngtcp2_crypto_recv_retry_cb;
	out->encrypt = ngtcp2_crypto_encrypt_cb;
	out->decrypt = on_decrypt;
	out->hp_mask = ngtcp2_crypto_hp_mask_cb;
	out->update_key = ngtcp2_crypto_update_key_cb;
	out->delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
	out->delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
	out->get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
	out->version_negotiation = ngtcp2_crypto_version_negotiation_cb;
	out->rand = on_rand;
	out->get_new_connection_id = on_new_cid;
	out->remove_connection_id = on_remove_cid;
	out->dcid_status = on_dcid_status;
	out->handshake_completed = on_handshake_completed;
	out->recv_stateless_reset = on_stateless_reset;
	out->stream_open = on_stream_open;
	out->recv_stream_data = on_stream_data;
	out->acked_stream_data_offset = on_acked;
	out->stream_reset = on_stream_reset;
	out->stream_close = on_stream_close;
	out->extend_max_local_streams_bidi = on_streams_extended;
}
