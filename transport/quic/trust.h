/* SPDX-License-Identifier: MIT */
/* trust: a set of trust anchors, and the verdict on a peer's chain in the words that Prosody knows from OpenSSL. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/list.h"
#include "base/status.h"

#define SX_VERDICT_BYTES 96

struct sx_trust;

struct sx_verdict {
	int status;                  /* SX_OK: the chain verifies; else SX_ETLS */
	char text[SX_VERDICT_BYTES]; /* "" or why not */
};

/*
 * Loads anchors from a PEM file, a folder of them, both, or the system's store when both are NULL. SX_EINVAL: `cafile`
 * cannot be read, `error` says why.
 */
SX_MUST_CHECK int sx_trust_new(
	struct sx_trust **out, const char *cafile, const char *capath, char *error, size_t cap);
void sx_trust_free(struct sx_trust *trust);

/* Judges a chain (DER, leaf first). A certificate for servers or for clients will do, names are not looked at. */
void sx_trust_judge(const struct sx_trust *trust, const gnutls_datum_t *chain, unsigned count,
	struct sx_verdict *out);
