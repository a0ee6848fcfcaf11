/* SPDX-License-Identifier: MIT */
/* tls_session: TLS of one connection: which identity is shown, what SNI and ALPN said, what the peer proved. Private. */
#pragma once

#include <gnutls/gnutls.h>

#include "quic/ngtcp2_compat.h"
#include "quic/tls.h"

#define SX_NAME_BYTES 256

struct sx_tls_session {
	ngtcp2_crypto_conn_ref ref; /* filled by the owner before the session is made; what GnuTLS knows us by */
	gnutls_session_t handle;
	struct sx_tls *tls;
	struct sx_tls_identity *identity; /* shown to the peer; a reference */
	char sni[SX_NAME_BYTES];          /* client: asked for; server: asked for by the peer */
	char selected_alpn[32];
	int verify_status;
	char verify_text[96];
};

/*
 * A client's session: shows `local_name`'s certificate, asks for session->sni, which the caller has filled.
 * SX_ENOTFOUND: no such identity. The session may not move in memory until it is finished.
 */
SX_MUST_CHECK int sx_tls_session_client(struct sx_tls_session *session, struct sx_tls *tls, const char *local_name,
	const char *alpn);

/* A server's session; the identity follows from the client's SNI. Borrows `alpn`. */
SX_MUST_CHECK int sx_tls_session_server(struct sx_tls_session *session, struct sx_tls *tls, const char *const *alpn);

/* Accepts a zeroed or half-built session. */
void sx_tls_session_fini(struct sx_tls_session *session);

/* After the handshake: notes ALPN and judges the peer's chain. */
void sx_tls_session_complete(struct sx_tls_session *session);

/* "TLS_AES_128_GCM_SHA256". Lends a static text. */
const char *sx_tls_session_cipher(const struct sx_tls_session *session);
