/* SPDX-License-Identifier: MIT */
/* What a stream's owner may ask about the connection below. */
#include <stdio.h>

#include "quic/endpoint_private.h"

void sx_stream_info(const struct sx_stream *stream, struct sx_stream_info *out)
{
	const struct sx_conn *conn = stream->conn;

	*out = (struct sx_stream_info){
		.dialled = conn->dialled,
		.alpn = conn->alpn,
		.local_name = conn->local_name,
		.remote_name = conn->dialled ? conn->tls.sni : "",
		.cipher = sx_tls_session_cipher(&conn->tls),
		.connection_id = conn->id,
		.opened_ns = conn->created_ns,
		.handshake_ns = conn->handshake_ns,
		.peer_port = ntohs(conn->peer.address.sin6_port),
		.verify_status = conn->handshake_ns ? conn->tls.verify_status : SX_ETLS,
		.verify_text = conn->handshake_ns ? conn->tls.verify_text : "no handshake yet",
	};
	if (conn->quic) {
		ngtcp2_conn_info info;

		ngtcp2_conn_get_conn_info(conn->quic, &info);
		out->rtt_ns = info.smoothed_rtt;
	}
}

void sx_stream_describe(const struct sx_stream *stream, char *peer, size_t peer_cap, char *path, size_t path_cap)
{
	const struct sx_conn *conn = stream->conn;

	if (conn->route) {
		sx_endpoint_ops(conn->endpoint)->describe(conn->route, peer, peer_cap, path, path_cap);
	} else {
		(void)snprintf(peer, peer_cap, "%s", "");
		(void)snprintf(path, path_cap, "%s", "");
	}
}

int sx_stream_certificate(const struct sx_stream *stream, unsigned depth, struct sx_bytes *out)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(stream->conn->tls.handle, &count);

	if (!chain || depth >= count) {
		return SX_ENOTFOUND;
	}
	*out = sx_bytes_of(chain[depth].data, chain[depth].size);
	return SX_OK;
}

int sx_stream_export(struct sx_stream *stream, const char *label, struct sx_bytes context, void *out, size_t len)
{
	struct sx_conn *conn = stream->conn;

	if (!conn->handshake_ns) {
		return SX_EAGAIN;
	}
	return gnutls_prf_rfc5705(conn->tls.handle, strlen(label), label, context.len,
		       context.len > 0 ? (const char *)context.data : "", len, out) == 0 ?
		SX_OK :
		SX_ETLS;
}
