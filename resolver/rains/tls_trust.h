/* SPDX-License-Identifier: MIT */
/* tls_trust: what a RAINS server must show to be talked to over TLS; made once, used by all its connections. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/bytes.h"
#include "base/status.h"

#define SX_RAINS_PIN_BYTES 32

/* RAINS data is signed: TLS only hides the question, so that any certificate will do where none is known. */
enum sx_rains_tls_verify {
	SX_RAINS_TLS_ANY,
	SX_RAINS_TLS_PIN,
	SX_RAINS_TLS_CA,
};

struct sx_rains_tls_policy {
	enum sx_rains_tls_verify verify;
	struct sx_bytes
		pin; /* PIN: SHA-256 of the server's certificate, or of its public key (SPKI) */
	const char *ca_file; /* CA: PEM; and the name or IP address that the certificate is for */
	const char *name;
};

struct sx_rains_tls_trust;

/*
 * Copies the policy and reads its files. `error` says what is wrong, for people. SX_EINVAL: a pin of another length, no
 * name, a file that does not hold certificates.
 */
SX_MUST_CHECK int sx_rains_tls_trust_new(struct sx_rains_tls_trust **out,
	const struct sx_rains_tls_policy *policy, char *error, size_t cap);
void sx_rains_tls_trust_free(struct sx_rains_tls_trust *trust);

/* Prepares a session for a server of this trust, which outlives it. SX_ENOMEM. */
SX_MUST_CHECK int sx_rains_tls_trust_apply(
	const struct sx_rains_tls_trust *trust, gnutls_session_t session);

/* Judges what the server has shown in the handshake. SX_ETLS: `reason` says why not. */
SX_MUST_CHECK int sx_rains_tls_trust_judge(
	const struct sx_rains_tls_trust *trust, gnutls_session_t session, char *reason, size_t cap);
