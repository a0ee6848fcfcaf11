/* SPDX-License-Identifier: MIT */
/* tls_session: the TLS side of one QUIC connection, from the identities of a `struct sx_tls` to the peer's proof. */
#pragma once

#include "quic/ngtcp2_compat.h"
#include "quic/tls.h"
#include "quic/trust.h"

#define SX_NAME_BYTES 256 /* a domain, with its NUL */

struct sx_identity_ref; /* one domain's credentials, counted: sessions keep those they started with */

/* Of tls.c: takes a counted reference to a domain's credentials. SX_ENOTFOUND: unknown. */
SX_MUST_CHECK int sx_tls_acquire(
	struct sx_tls *tls, const char *name, struct sx_identity_ref **out);
void sx_tls_release(struct sx_identity_ref *identity);
gnutls_certificate_credentials_t sx_tls_credentials(const struct sx_identity_ref *identity);
const struct sx_trust *sx_tls_trust(const struct sx_identity_ref *identity);
gnutls_priority_t sx_tls_priority(const struct sx_tls *tls);

/* Credentials without a certificate, for the time before SNI has been read. */
gnutls_certificate_credentials_t sx_tls_nobody(const struct sx_tls *tls);

struct sx_tls_session {
	gnutls_session_t session;
	ngtcp2_crypto_conn_ref ref;
	ngtcp2_conn *quic; /* the connection it belongs to; set by its owner */
	struct sx_tls *tls;
	struct sx_identity_ref *identity; /* ours; NULL on a server until SNI is read */
	struct sx_verdict verdict;
	char name[SX_NAME_BYTES]; /* the SNI asked for, by whichever side */
};

/*
 * Sets up a server's session for the labels served, or a client's with the identity of `local_name`, SNI and one
 * label. The object must not move until fini. SX_ENOTFOUND: no identity.
 */
SX_MUST_CHECK int sx_tls_session_serve(
	struct sx_tls_session *session, struct sx_tls *tls, const char *const *alpn);
SX_MUST_CHECK int sx_tls_session_dial(struct sx_tls_session *session, struct sx_tls *tls,
	const char *local_name, const char *remote_name, const char *alpn);

/* Accepts a zeroed object. */
void sx_tls_session_fini(struct sx_tls_session *session);

/* The label agreed on, "" before that, cut at `cap`. */
void sx_tls_session_alpn(const struct sx_tls_session *session, char *out, size_t cap);

/* The suite's registered name, "" before it is known. Lends a static text. */
const char *sx_tls_session_cipher(const struct sx_tls_session *session);
SX_MUST_CHECK int sx_tls_session_certificate(
	const struct sx_tls_session *session, unsigned depth, struct sx_bytes *out);
SX_MUST_CHECK int sx_tls_session_export(const struct sx_tls_session *session, const char *label,
	struct sx_bytes context, void *out, size_t len);
