/* SPDX-License-Identifier: MIT */
/*
 * tls: the certificates an endpoint shows, chosen by SNI, what it trusts, and what the peer proved. TLS 1.3 through
 * GnuTLS; no tickets, no early data. A peer whose chain does not verify still completes the handshake: the verdict is
 * kept for the layer that decides (quic.md 4.3).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct sx_tls;

/* One local domain. Texts are NUL-terminated; certificate and key are PEM files. */
struct sx_identity {
	const char *name;        /* the domain, as A-label: what SNI asks for */
	const char *certificate; /* path of the chain, leaf first */
	const char *key;         /* path of the private key */
	const char *password;    /* of the key, or NULL */
	const char *cafile;      /* trust anchors for peers of this domain, or NULL */
	const char *capath;      /* a folder of trust anchors, or NULL; both NULL: the system's */
};

SX_MUST_CHECK int sx_tls_new(struct sx_tls **out);
void sx_tls_free(struct sx_tls *tls);

/*
 * Adds a domain or replaces it; live sessions keep what they started with. Copies everything. On failure the old
 * one stays and `error` (of `cap` bytes) tells a person which file is wrong and how.
 */
SX_MUST_CHECK int sx_tls_set(
	struct sx_tls *tls, const struct sx_identity *identity, char *error, size_t cap);

/* Takes a domain out; harmless when it is not there. */
void sx_tls_remove(struct sx_tls *tls, const char *name);
