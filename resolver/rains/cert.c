/* SPDX-License-Identifier: MIT */
#include "rains/cert.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <inttypes.h>

#include "rains/datum.h"

#define DIGEST_MOST 64
#define CHAIN_MOST  16

#define PROTOCOL_ANY 0
#define PROTOCOL_TLS 1

/* The draft swaps numbers 2 and 3, so the length decides between them. */
static const struct {
	int64_t hash;
	size_t len;
	gnutls_digest_algorithm_t alg;
} hashes[] = {
	{ SX_RAINS_SHA256, 32, GNUTLS_DIG_SHA256 },
	{ SX_RAINS_SHA384, 48, GNUTLS_DIG_SHA384 },
	{ SX_RAINS_SHA384, 64, GNUTLS_DIG_SHA512 },
	{ SX_RAINS_SHA512, 48, GNUTLS_DIG_SHA384 },
	{ SX_RAINS_SHA512, 64, GNUTLS_DIG_SHA512 },
};

/* What of a chain is looked at, parsed: the peer's own, and those above up to the one named. */
struct chain {
	gnutls_x509_crt_t certs[CHAIN_MOST];
	unsigned count;
};

static int refuse(struct sx_rains_reason *reason, const char *why)
{
	sx_rains_reason_set(reason, "%s", why);
	return SX_EREFUSED;
}

/* SX_OK when the object can be compared with certificates; `*alg` is unknown for a whole certificate. */
static int check_object(const struct sx_rains_object_cert *cert, gnutls_digest_algorithm_t *alg,
	struct sx_rains_reason *reason)
{
	*alg = GNUTLS_DIG_UNKNOWN;
	if (cert->protocol != PROTOCOL_ANY && cert->protocol != PROTOCOL_TLS) {
		sx_rains_reason_set(
			reason, "it is for protocol %" PRId64 ", not for TLS", cert->protocol);
		return SX_EREFUSED;
	}
	if (cert->usage != SX_RAINS_TRUST_ANCHOR && cert->usage != SX_RAINS_END_ENTITY) {
		sx_rains_reason_set(reason,
			"its usage %" PRId64 " is neither trust anchor nor end entity",
			cert->usage);
		return SX_EREFUSED;
	}
	if (cert->hash == SX_RAINS_NO_HASH) {
		return SX_OK;
	}
	for (size_t i = 0; i < SX_COUNT(hashes); i++) {
		if (hashes[i].hash == cert->hash && hashes[i].len == cert->data.len) {
			*alg = hashes[i].alg;
			return SX_OK;
		}
	}
	sx_rains_reason_set(reason, "hash %" PRId64 " of %zu bytes is none we take", cert->hash,
		cert->data.len);
	return SX_EREFUSED;
}

static bool is_named(
	const struct sx_rains_object_cert *cert, gnutls_digest_algorithm_t alg, struct sx_bytes der)
{
	uint8_t digest[DIGEST_MOST];

	if (alg == GNUTLS_DIG_UNKNOWN) {
		return sx_bytes_equal(cert->data, der);
	}
	return gnutls_hash_fast(alg, der.data, der.len, digest) >= 0 &&
	       sx_bytes_equal(cert->data, sx_bytes_of(digest, cert->data.len));
}

static int parse(gnutls_x509_crt_t *out, struct sx_bytes der)
{
	gnutls_datum_t datum = sx_rains_datum(der);

	if (gnutls_x509_crt_init(out) < 0) {
		return SX_ENOMEM;
	}
	if (gnutls_x509_crt_import(*out, &datum, GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(*out);
		return SX_EMALFORMED;
	}
	return SX_OK;
}

static void chain_fini(struct chain *chain)
{
	while (chain->count > 0) {
		gnutls_x509_crt_deinit(chain->certs[--chain->count]);
	}
}

static int chain_add(struct chain *chain, struct sx_bytes der, struct sx_rains_reason *reason)
{
	int rc = chain->count == CHAIN_MOST ? SX_ELIMIT : parse(&chain->certs[chain->count], der);

	if (rc == SX_OK) {
		chain->count++;
		return SX_OK;
	}
	return rc == SX_ENOMEM ? rc : refuse(reason, "the peer's chain cannot be read");
}

static int check_dates(const struct chain *chain, int64_t now, struct sx_rains_reason *reason)
{
	for (unsigned i = 0; i < chain->count; i++) {
		int64_t since = gnutls_x509_crt_get_activation_time(chain->certs[i]);
		int64_t until = gnutls_x509_crt_get_expiration_time(chain->certs[i]);
		const char *whose =
			i == 0 ? "the peer's certificate" : "a certificate above the peer's";

		if (now >= until) {
			sx_rains_reason_set(
				reason, "%s expired %" PRId64 " s ago", whose, now - until);
			return SX_EEXPIRED;
		}
		if (now < since) {
			sx_rains_reason_set(reason, "%s is not valid for another %" PRId64 " s",
				whose, since - now);
			return SX_EEXPIRED;
		}
	}
	return SX_OK;
}

/* Whether the chain verifies up to its last certificate. Dates are not looked at: the time is the caller's. */
static int verify(const struct chain *chain, struct sx_rains_reason *reason)
{
	unsigned flags =
		GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;
	gnutls_x509_crt_t certs[CHAIN_MOST];
	gnutls_x509_trust_list_t list;
	unsigned status = GNUTLS_CERT_INVALID;
	int rc;

	memcpy(certs, chain->certs, sizeof certs);
	if (gnutls_x509_trust_list_init(&list, 0) < 0) {
		return SX_ENOMEM;
	}
	rc = gnutls_x509_trust_list_add_cas(list, &certs[chain->count - 1], 1, 0);
	if (rc == 1) {
		rc = gnutls_x509_trust_list_verify_crt(
			list, certs, chain->count - 1, flags, &status, NULL);
	}
	gnutls_x509_trust_list_deinit(list, 0);
	if (rc < 0 || status != 0) {
		return refuse(reason, "the peer's chain does not verify up to the trust anchor");
	}
	return SX_OK;
}

static int check_name(const struct chain *chain, const char *name, struct sx_rains_reason *reason)
{
	if (!gnutls_x509_crt_check_hostname(chain->certs[0], name)) {
		return refuse(reason, "the peer's certificate is not for this name");
	}
	return SX_OK;
}

static int match_end_entity(const struct sx_rains_object_cert *cert, gnutls_digest_algorithm_t alg,
	const struct sx_rains_peer *peer, struct sx_rains_reason *reason)
{
	struct chain chain = { .count = 0 };
	int rc;

	if (!is_named(cert, alg, peer->chain[0])) {
		return refuse(reason, "the peer's certificate is another than the one named");
	}
	rc = chain_add(&chain, peer->chain[0], reason);
	if (rc == SX_OK) {
		rc = check_dates(&chain, peer->now, reason);
	}
	chain_fini(&chain);
	return rc;
}

/* The peer's chain up to the one named. A whole certificate need not be in it. */
static int load_chain(struct chain *chain, const struct sx_rains_object_cert *cert,
	gnutls_digest_algorithm_t alg, const struct sx_rains_peer *peer,
	struct sx_rains_reason *reason)
{
	int rc = chain_add(chain, peer->chain[0], reason);

	for (size_t i = 1; i < peer->count && rc == SX_OK; i++) {
		rc = chain_add(chain, peer->chain[i], reason);
		if (rc == SX_OK && is_named(cert, alg, peer->chain[i])) {
			return SX_OK;
		}
	}
	if (rc == SX_OK && alg == GNUTLS_DIG_UNKNOWN) {
		return chain_add(chain, cert->data, reason);
	}
	return rc < 0 ? rc : refuse(reason, "no certificate above the peer's is the one named");
}

static int match_trust_anchor(const struct sx_rains_object_cert *cert,
	gnutls_digest_algorithm_t alg, const struct sx_rains_peer *peer,
	struct sx_rains_reason *reason)
{
	struct chain chain = { .count = 0 };
	int rc = load_chain(&chain, cert, alg, peer, reason);

	if (rc == SX_OK) {
		rc = verify(&chain, reason);
	}
	if (rc == SX_OK) {
		rc = check_name(&chain, peer->name, reason);
	}
	if (rc == SX_OK) {
		rc = check_dates(&chain, peer->now, reason);
	}
	chain_fini(&chain);
	return rc;
}

int sx_rains_cert_match(const struct sx_rains_object_cert *cert, const struct sx_rains_peer *peer,
	struct sx_rains_reason *reason)
{
	gnutls_digest_algorithm_t alg;

	if (peer->count == 0) {
		return refuse(reason, "the peer has shown no certificate");
	}
	if (check_object(cert, &alg, reason) < 0) {
		return SX_EREFUSED;
	}
	return cert->usage == SX_RAINS_END_ENTITY ? match_end_entity(cert, alg, peer, reason)
						  : match_trust_anchor(cert, alg, peer, reason);
}

int sx_rains_certs_match(struct sx_cbor_list objects, const struct sx_rains_peer *peer,
	struct sx_rains_reason *reason)
{
	struct sx_reader walk = sx_reader_of(objects.items);
	struct sx_rains_object object;
	struct sx_rains_reason why;
	int status = SX_ENOTFOUND;

	sx_rains_reason_set(reason, "no certificate is named");
	while (sx_rains_next_object(&walk, &object)) {
		int rc = object.type == SX_RAINS_CERT
				 ? sx_rains_cert_match(&object.cert, peer, &why)
				 : SX_ENOTFOUND;

		if (rc == SX_OK || rc == SX_ENOMEM) {
			return rc;
		}
		/* The right certificate out of its dates says more than another one. */
		if (rc != SX_ENOTFOUND && status != SX_EEXPIRED) {
			status = rc;
			*reason = why;
		}
	}
	return status;
}
