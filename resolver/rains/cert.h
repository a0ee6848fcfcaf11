/* SPDX-License-Identifier: MIT */
/*
 * cert: whether a certificate that a believed assertion names is the one a TLS peer has shown. Like DANE's usages 2
 * and 3 (RFC 7671) with whole certificates. Pure: bytes in, a verdict out.
 */
#pragma once

#include "rains/object.h"
#include "rains/reason.h"

struct sx_rains_peer {
	const struct sx_bytes *chain; /* DER, the peer's own first */
	size_t count;
	const char *name; /* what the peer's own must be for when a trust anchor is named */
	int64_t now;      /* UNIX seconds */
};

/*
 * SX_OK: the object names the peer's own certificate, or one above from which it verifies. SX_EEXPIRED: it does, but
 * one of them is outside its dates. SX_EREFUSED: it does not, or cannot be used. The reason says which.
 */
SX_MUST_CHECK int sx_rains_cert_match(const struct sx_rains_object_cert *cert,
	const struct sx_rains_peer *peer, struct sx_rains_reason *reason);

/* The same for the objects of an assertion, of which one is enough. SX_ENOTFOUND: none of them is a certificate. */
SX_MUST_CHECK int sx_rains_certs_match(struct sx_cbor_list objects,
	const struct sx_rains_peer *peer, struct sx_rains_reason *reason);
