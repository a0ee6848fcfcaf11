/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/live.h"
#include "base/random.h"
#include "quic/conn_calls.h"
#include "quic/endpoint_private.h"

/*
 * The connection whose datagram is being read: ngtcp2 hands no user data to its decrypt callback. Set only while
 * sx_conn_read_packet runs.
 */
static _Thread_local struct sx_conn *reading;

int sx_conn_key_new(struct sx_conn *conn, struct sx_map *map, struct sx_list *keys, struct sx_bytes bytes)
{
	struct sx_conn_key *key;

	if (sx_map_find(map, bytes)) {
		return SX_ENOMEM; /* 16 random bytes twice; or a token a peer gave to two connections */
	}
	key = calloc(1, sizeof *key);
	if (!key) {
		return SX_ENOMEM;
	}
	key->conn = conn;
	key->len = (uint8_t)bytes.len;
	memcpy(key->bytes, bytes.data, bytes.len);
	sx_map_insert(map, &key->node, sx_bytes_of(key->bytes, key->len));
	sx_list_append(keys, &key->link);
	return SX_OK;
}

void sx_conn_key_free(struct sx_map *map, struct sx_conn_key *key)
{
	sx_map_remove(map, &key->node);
	sx_list_remove(&key->link);
	free(key);
}

static bool is_repeat(struct sx_conn *conn, const uint8_t *nonce, size_t len)
{
	const uint8_t *last = nonce + len - sizeof conn->seen.nonces[0];

	for (size_t i = 0; i < SX_COUNT(conn->seen.nonces); i++) {
		if (memcmp(conn->seen.nonces[i], last, sizeof conn->seen.nonces[0]) == 0) {
			return true;
		}
	}
	memcpy(conn->seen.nonces[conn->seen.at++ % SX_COUNT(conn->seen.nonces)], last,
		sizeof conn->seen.nonces[0]);
	return false;
}

/* NOLINTNEXTLINE(readability-function-size): ngtcp2's signature */
static int on_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *aead_ctx,
	const uint8_t *ciphertext, size_t ciphertextlen, const uint8_t *nonce, size_t noncelen, const uint8_t *aad,
	size_t aadlen)
{
	int rc = ngtcp2_crypto_decrypt_cb(dest, aead, aead_ctx, ciphertext, ciphertextlen, nonce, noncelen, aad,
		aadlen);

	if (rc == 0 && reading && !is_repeat(reading, nonce, noncelen)) {
		reading->seen.fresh = true;
	}
	return rc;
}

int sx_conn_read_packet(struct sx_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
	const struct sx_datagram *datagram, uint64_t now_ns)
{
	int rc;

	conn->seen.fresh = false;
	reading = conn;
	rc = ngtcp2_conn_read_pkt(conn->quic, path, info, datagram->payload.data, datagram->payload.len, now_ns);
	reading = NULL;
	return rc;
}

static void on_rand(uint8_t *dest, size_t destlen, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	sx_random_bytes(dest, destlen);
}

static int on_new_id(ngtcp2_conn *quic, ngtcp2_cid *cid, uint8_t *token, size_t cidlen, void *user_data)
{
	struct sx_conn *conn = user_data;
	struct sx_endpoint *endpoint = conn->endpoint;

	(void)quic;
	sx_random_bytes(cid->data, cidlen);
	cid->datalen = cidlen;
	if (ngtcp2_crypto_generate_stateless_reset_token(token, endpoint->secret, sizeof endpoint->secret, cid) != 0 ||
		sx_conn_key_new(conn, &endpoint->ids, &conn->ids, sx_bytes_of(cid->data, cidlen)) < 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	return 0;
}

static void forget_key(struct sx_map *map, struct sx_bytes bytes)
{
	struct sx_map_node *node = sx_map_find(map, bytes);

	if (node) {
		sx_conn_key_free(map, sx_container_of(node, struct sx_conn_key, node));
	}
}

static int on_remove_id(ngtcp2_conn *quic, const ngtcp2_cid *cid, void *user_data)
{
	struct sx_conn *conn = user_data;

	(void)quic;
	forget_key(&conn->endpoint->ids, sx_bytes_of(cid->data, cid->datalen));
	return 0;
}

/* The peer's connection ids come and go; with them the tokens that its stateless resets bear. */
static int on_peer_id(ngtcp2_conn *quic, sx_cid_status_type type, uint64_t seq, const ngtcp2_cid *cid,
	const uint8_t *token, void *user_data)
{
	struct sx_conn *conn = user_data;
	struct sx_map *tokens = &conn->endpoint->tokens;

	(void)quic;
	(void)seq;
	(void)cid;
	if (!token) {
		return 0;
	}
	if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE) {
		/* Without memory for it a reset goes unnoticed and the idle timeout does the rest. */
		(void)!sx_conn_key_new(conn, tokens, &conn->tokens, sx_bytes_of(token, SX_TOKEN_BYTES));
	} else {
		forget_key(tokens, sx_bytes_of(token, SX_TOKEN_BYTES));
	}
	return 0;
}

static int on_handshake_completed(ngtcp2_conn *quic, void *user_data)
{
	(void)quic;
	sx_conn_note_handshake(user_data);
	return 0;
}

static int on_stream_open(ngtcp2_conn *quic, int64_t id, void *user_data)
{
	struct sx_conn *conn = user_data;
	struct sx_endpoint *endpoint = conn->endpoint;
	struct sx_stream *stream;

	if (sx_conn_add_stream(conn, NULL, &stream) < 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	stream->id = id;
	if (ngtcp2_conn_set_stream_user_data(quic, id, stream) != 0) {
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	if (!endpoint->stopped) {
		endpoint->config.events.accepted(endpoint->config.arg, stream);
	}
	if (!stream->user) { /* nobody wants it */
		stream->released = true;
		stream->reset_wanted = true;
	}
	return 0;
}

static int on_stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data,
	size_t len, void *user_data, void *stream_user_data)
{
	struct sx_conn *conn = user_data;
	struct sx_stream *stream = stream_user_data;
	bool fin = flags & NGTCP2_STREAM_DATA_FLAG_FIN;

	(void)id;
	(void)offset;
	if (!stream || stream->over || stream->released) { /* credit that nobody would give back otherwise */
		ngtcp2_conn_extend_max_offset(quic, len);
		return 0;
	}
	conn->endpoint->stats.bytes_read += len;
	return sx_stream_received(stream, sx_bytes_of(data, len), fin) < 0 ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_acked(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t len, void *user_data,
	void *stream_user_data)
{
	struct sx_stream *stream = stream_user_data;

	(void)quic;
	(void)id;
	(void)offset;
	(void)user_data;
	if (stream && !stream->over) {
		sx_stream_acked(stream, (size_t)len);
	}
	return 0;
}

static int on_stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *user_data,
	void *stream_user_data)
{
	struct sx_conn *conn = user_data;
	struct sx_stream *stream = stream_user_data;
	bool broken = flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET && code != 0;

	if (ngtcp2_is_bidi_stream(id) && !ngtcp2_conn_is_local_stream(quic, id)) {
		ngtcp2_conn_extend_max_streams_bidi(quic, 1);
	}
	if (!stream) {
		return 0;
	}
	/* What was not read by the owner still weighs on the connection's window. */
	ngtcp2_conn_extend_max_offset(quic, stream->readable + stream->owed);
	stream->owed = 0;
	if (broken) {
		sx_stream_end(stream, SX_ERESET, "the stream was reset");
	} else {
		sx_stream_end(stream, SX_ECLOSED, "closed");
	}
	sx_conn_note_stream_gone(conn, stream);
	return 0;
}

static int on_stream_reset(ngtcp2_conn *quic, int64_t id, uint64_t final_size, uint64_t code, void *user_data,
	void *stream_user_data)
{
	struct sx_stream *stream = stream_user_data;

	(void)quic;
	(void)id;
	(void)final_size;
	(void)code;
	if (stream && !stream->over) {
		stream->reset_wanted = true; /* one half is of no use to XMPP: the other follows */
		sx_conn_mark_dirty(user_data);
	}
	return 0;
}

static int on_stop_sending(ngtcp2_conn *quic, int64_t id, uint64_t code, void *user_data, void *stream_user_data)
{
	return on_stream_reset(quic, id, 0, code, user_data, stream_user_data);
}

void sx_conn_callbacks(ngtcp2_callbacks *callbacks, bool client)
{
	*callbacks = (ngtcp2_callbacks){
		.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
		.encrypt = ngtcp2_crypto_encrypt_cb,
		.decrypt = on_decrypt,
		.hp_mask = ngtcp2_crypto_hp_mask_cb,
		.update_key = ngtcp2_crypto_update_key_cb,
		.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
		.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
		.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
		.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
		.rand = on_rand,
		.get_new_connection_id = on_new_id,
		.remove_connection_id = on_remove_id,
		.dcid_status = on_peer_id,
		.handshake_completed = on_handshake_completed,
		.stream_open = on_stream_open,
		.recv_stream_data = on_stream_data,
		.acked_stream_data_offset = on_acked,
		.stream_close = on_stream_close,
		.stream_reset = on_stream_reset,
		.stream_stop_sending = on_stop_sending,
	};
	if (client) {
		callbacks->client_initial = ngtcp2_crypto_client_initial_cb;
		callbacks->recv_retry = ngtcp2_crypto_recv_retry_cb;
	} else {
		callbacks->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
	}
}
