/* SPDX-License-Identifier: MIT */
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "rains/cert.h"
#include "tap.h"

#define NOW  1800000000
#define HOUR 3600
#define NAME "xmpp.example.org"

/* A certificate and its key. */
struct identity {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	uint8_t der[2048];
	size_t len;
};

static struct identity root;   /* a CA */
static struct identity middle; /* signed by it, a CA too */
static struct identity leaf;   /* signed by that */
static struct identity twin;   /* the leaf's subject with another key */
static struct sx_rains_reason reason;

static void finish(struct identity *identity, const struct identity *issuer)
{
	ck_assert_int_ge(gnutls_x509_crt_sign2(
				 identity->crt, issuer->crt, issuer->key, GNUTLS_DIG_SHA256, 0),
		0);
	identity->len = sizeof identity->der;
	ck_assert_int_ge(gnutls_x509_crt_export(
				 identity->crt, GNUTLS_X509_FMT_DER, identity->der, &identity->len),
		0);
}

static void make(struct identity *identity, const char *name, const struct identity *issuer,
	int64_t since, int64_t until)
{
	static uint8_t serial;

	serial++;
	ck_assert_int_ge(gnutls_x509_privkey_init(&identity->key), 0);
	ck_assert_int_ge(gnutls_x509_privkey_generate(identity->key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	ck_assert_int_ge(gnutls_x509_crt_init(&identity->crt), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_version(identity->crt, 3), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_serial(identity->crt, &serial, 1), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_key(identity->crt, identity->key), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_activation_time(identity->crt, since), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_expiration_time(identity->crt, until), 0);
	ck_assert_int_ge(gnutls_x509_crt_set_dn_by_oid(identity->crt, GNUTLS_OID_X520_COMMON_NAME,
				 0, name, (unsigned)strlen(name)),
		0);
	if (strchr(name, '.')) {
		ck_assert_int_ge(
			gnutls_x509_crt_set_subject_alt_name(identity->crt, GNUTLS_SAN_DNSNAME,
				name, (unsigned)strlen(name), GNUTLS_FSAN_SET),
			0);
	} else {
		ck_assert_int_ge(gnutls_x509_crt_set_basic_constraints(identity->crt, 1, -1), 0);
	}
	finish(identity, issuer ? issuer : identity);
}

static void drop(struct identity *identity)
{
	gnutls_x509_crt_deinit(identity->crt);
	gnutls_x509_privkey_deinit(identity->key);
}

static struct sx_bytes der_of(const struct identity *identity)
{
	return sx_bytes_of(identity->der, identity->len);
}

/* An object that names a certificate by a hash of the Go numbering. */
static struct sx_rains_object_cert name_of(
	const struct identity *identity, int64_t usage, int64_t hash)
{
	static const gnutls_digest_algorithm_t algs[] = { GNUTLS_DIG_UNKNOWN, GNUTLS_DIG_SHA256,
		GNUTLS_DIG_SHA384, GNUTLS_DIG_SHA512 };
	static uint8_t digests[8][64];
	static unsigned next;
	struct sx_rains_object_cert cert = { .protocol = 1, .usage = usage, .hash = hash };
	uint8_t *digest = digests[next++ % SX_COUNT(digests)];

	if (hash == SX_RAINS_NO_HASH) {
		cert.data = der_of(identity);
		return cert;
	}
	ck_assert_int_ge(gnutls_hash_fast(algs[hash], identity->der, identity->len, digest), 0);
	cert.data = sx_bytes_of(digest, gnutls_hash_get_len(algs[hash]));
	return cert;
}

/* What an object says about a peer with this leaf and, if `whole`, all that stands above it. */
static int match_at(const struct sx_rains_object_cert *cert, const struct identity *own, bool whole,
	int64_t now)
{
	const struct sx_bytes chain[] = { der_of(own), der_of(&middle), der_of(&root) };
	const struct sx_rains_peer peer = {
		.chain = chain,
		.count = whole ? SX_COUNT(chain) : 1,
		.name = NAME,
		.now = now,
	};

	return sx_rains_cert_match(cert, &peer, &reason);
}

static void expect_reason(const char *text)
{
	ck_assert_msg(strstr(reason.text, text), "%s", reason.text);
}

START_TEST(an_end_entity_is_the_peers_own_certificate)
{
	for (int64_t hash = SX_RAINS_NO_HASH; hash <= SX_RAINS_SHA512; hash++) {
		struct sx_rains_object_cert cert = name_of(&leaf, SX_RAINS_END_ENTITY, hash);

		ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_OK);
		ck_assert_int_eq(match_at(&cert, &twin, true, NOW), SX_EREFUSED);
		expect_reason("the peer's certificate is another than the one named");
		cert.protocol = 0;
		ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_OK);
	}
}
END_TEST

START_TEST(a_trust_anchor_is_one_above)
{
	const struct identity *anchors[] = { &middle, &root };

	for (size_t i = 0; i < SX_COUNT(anchors); i++) {
		for (int64_t hash = SX_RAINS_NO_HASH; hash <= SX_RAINS_SHA512; hash++) {
			struct sx_rains_object_cert cert =
				name_of(anchors[i], SX_RAINS_TRUST_ANCHOR, hash);

			ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_OK);
		}
	}
}
END_TEST

START_TEST(a_whole_trust_anchor_need_not_be_shown)
{
	struct sx_rains_object_cert cert =
		name_of(&middle, SX_RAINS_TRUST_ANCHOR, SX_RAINS_NO_HASH);

	ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_OK);
	cert = name_of(&root, SX_RAINS_TRUST_ANCHOR, SX_RAINS_NO_HASH);
	ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_EREFUSED);
	expect_reason("does not verify up to the trust anchor");
	cert.data = sx_bytes_text("no certificate");
	ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_EREFUSED);
}
END_TEST

START_TEST(numbers_two_and_three_are_told_apart_by_length)
{
	struct sx_rains_object_cert cert = name_of(&leaf, SX_RAINS_END_ENTITY, SX_RAINS_SHA384);

	cert.hash = SX_RAINS_SHA512;
	ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_OK);
	cert = name_of(&leaf, SX_RAINS_END_ENTITY, SX_RAINS_SHA512);
	cert.hash = SX_RAINS_SHA384;
	ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_OK);
	cert.hash = SX_RAINS_SHA256;
	ck_assert_int_eq(match_at(&cert, &leaf, false, NOW), SX_EREFUSED);
}
END_TEST

static const struct {
	int64_t protocol;
	int64_t usage;
	int64_t hash;
	size_t len;
	const char *reason;
} unusable[] = {
	{ 2, 3, 1, 32, "it is for protocol 2, not for TLS" },
	{ 1, 0, 1, 32, "its usage 0 is neither trust anchor nor end entity" },
	{ 1, 1, 1, 32, "its usage 1 is neither" },
	{ 1, 4, 1, 32, "its usage 4 is neither" },
	{ 1, 3, 1, 31, "hash 1 of 31 bytes is none we take" },
	{ 1, 3, 1, 0, "hash 1 of 0 bytes is none we take" },
	{ 1, 3, 2, 32, "hash 2 of 32 bytes" },
	{ 1, 3, 4, 64, "hash 4 of 64 bytes" },
	{ 1, 3, 5, 8, "hash 5 of 8 bytes" },
	{ 1, 3, 6, 16, "hash 6 of 16 bytes" },
	{ 1, 3, -1, 32, "hash -1 of 32 bytes" },
};

START_TEST(an_object_that_cannot_be_used_is_refused)
{
	static const uint8_t data[64] = { 0 };
	const struct sx_rains_object_cert cert = { unusable[_i].protocol, unusable[_i].usage,
		unusable[_i].hash, sx_bytes_of(data, unusable[_i].len) };

	ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_EREFUSED);
	expect_reason(unusable[_i].reason);
}
END_TEST

START_TEST(the_wrong_usage_is_refused)
{
	struct sx_rains_object_cert cert = name_of(&leaf, SX_RAINS_TRUST_ANCHOR, SX_RAINS_SHA256);

	ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_EREFUSED);
	expect_reason("no certificate above the peer's is the one named");
	cert = name_of(&root, SX_RAINS_END_ENTITY, SX_RAINS_SHA256);
	ck_assert_int_eq(match_at(&cert, &leaf, true, NOW), SX_EREFUSED);
}
END_TEST

START_TEST(certificates_have_their_dates)
{
	struct sx_rains_object_cert own = name_of(&leaf, SX_RAINS_END_ENTITY, SX_RAINS_SHA256);
	struct sx_rains_object_cert above = name_of(&root, SX_RAINS_TRUST_ANCHOR, SX_RAINS_SHA256);

	ck_assert_int_eq(match_at(&own, &leaf, true, NOW + HOUR), SX_EEXPIRED);
	expect_reason("the peer's certificate expired 0 s ago");
	ck_assert_int_eq(match_at(&own, &leaf, true, NOW - HOUR - 1), SX_EEXPIRED);
	expect_reason("the peer's certificate is not valid for another 1 s");
	ck_assert_int_eq(match_at(&above, &leaf, true, NOW + HOUR), SX_EEXPIRED);
	expect_reason("the peer's certificate expired");
	ck_assert_int_eq(match_at(&above, &leaf, true, NOW + HOUR - 1), SX_OK);
}
END_TEST

START_TEST(one_above_that_has_expired_is_refused)
{
	struct identity old;
	struct identity own;
	struct sx_rains_object_cert cert;

	make(&old, "Old CA", NULL, NOW - 2 * HOUR, NOW - HOUR);
	make(&own, NAME, &old, NOW - HOUR, NOW + HOUR);
	cert = name_of(&old, SX_RAINS_TRUST_ANCHOR, SX_RAINS_NO_HASH);
	ck_assert_int_eq(match_at(&cert, &own, false, NOW), SX_EEXPIRED);
	expect_reason("a certificate above the peer's expired 3600 s ago");
	drop(&own);
	drop(&old);
}
END_TEST

START_TEST(below_a_trust_anchor_the_name_counts)
{
	struct identity other;
	struct sx_rains_object_cert anchor =
		name_of(&middle, SX_RAINS_TRUST_ANCHOR, SX_RAINS_SHA256);
	struct sx_rains_object_cert own;

	make(&other, "other.example.org", &middle, NOW - HOUR, NOW + HOUR);
	own = name_of(&other, SX_RAINS_END_ENTITY, SX_RAINS_SHA256);
	ck_assert_int_eq(match_at(&anchor, &other, true, NOW), SX_EREFUSED);
	expect_reason("the peer's certificate is not for this name");
	ck_assert_int_eq(match_at(&own, &other, true, NOW), SX_OK);
	drop(&other);
}
END_TEST

START_TEST(what_the_trust_anchor_did_not_sign_is_refused)
{
	struct sx_rains_object_cert anchor =
		name_of(&middle, SX_RAINS_TRUST_ANCHOR, SX_RAINS_SHA256);

	ck_assert_int_eq(match_at(&anchor, &twin, true, NOW), SX_EREFUSED);
	expect_reason("does not verify up to the trust anchor");
}
END_TEST

START_TEST(a_certificate_for_a_server_is_no_trust_anchor)
{
	struct identity below;
	struct sx_rains_object_cert cert;

	make(&below, NAME, &leaf, NOW - HOUR, NOW + HOUR);
	cert = name_of(&leaf, SX_RAINS_TRUST_ANCHOR, SX_RAINS_NO_HASH);
	ck_assert_int_eq(match_at(&cert, &below, false, NOW), SX_EREFUSED);
	expect_reason("does not verify");
	drop(&below);
}
END_TEST

START_TEST(a_chain_that_is_none_is_refused)
{
	struct sx_bytes chain[40];
	struct sx_rains_peer peer = { .chain = chain, .name = NAME, .now = NOW };
	struct sx_rains_object_cert cert = { 1, SX_RAINS_END_ENTITY, SX_RAINS_NO_HASH,
		sx_bytes_text("garbage") };

	ck_assert_int_eq(sx_rains_cert_match(&cert, &peer, &reason), SX_EREFUSED);
	expect_reason("the peer has shown no certificate");
	for (size_t i = 0; i < SX_COUNT(chain); i++) {
		chain[i] = cert.data;
	}
	peer.count = 1;
	ck_assert_int_eq(sx_rains_cert_match(&cert, &peer, &reason), SX_EREFUSED);
	expect_reason("cannot be read");
	for (size_t i = 0; i < SX_COUNT(chain); i++) {
		chain[i] = der_of(&leaf);
	}
	peer.count = SX_COUNT(chain);
	cert = name_of(&root, SX_RAINS_TRUST_ANCHOR, SX_RAINS_SHA256);
	ck_assert_int_eq(sx_rains_cert_match(&cert, &peer, &reason), SX_EREFUSED);
	expect_reason("cannot be read");
}
END_TEST

/* The objects of an assertion that names these certificates, and has an address, too. */
static int match_any(const struct identity *const *named, size_t count, int64_t now)
{
	uint8_t out[512];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_rains_object text = { .type = SX_RAINS_REGT, .text = sx_bytes_text("t") };
	struct sx_bytes chain = der_of(&leaf);
	const struct sx_rains_peer peer = { &chain, 1, NAME, now };

	for (size_t i = 0; i < count; i++) {
		struct sx_rains_object object = { .type = SX_RAINS_CERT,
			.cert = name_of(named[i], SX_RAINS_END_ENTITY, SX_RAINS_SHA256) };

		sx_rains_object_write(&writer, &object);
	}
	sx_rains_object_write(&writer, &text);
	return sx_rains_certs_match(
		(struct sx_cbor_list){ sx_writer_bytes(&writer), count + 1 }, &peer, &reason);
}

START_TEST(one_of_several_is_enough)
{
	const struct identity *both[] = { &twin, &leaf };

	ck_assert_int_eq(match_any(both, 2, NOW), SX_OK);
	ck_assert_int_eq(match_any(both, 1, NOW), SX_EREFUSED);
	ck_assert_int_eq(match_any(both, 0, NOW), SX_ENOTFOUND);
	expect_reason("no certificate is named");
	ck_assert_int_eq(match_any(both, 2, NOW + HOUR), SX_EEXPIRED);
	both[0] = &leaf;
	both[1] = &twin;
	ck_assert_int_eq(match_any(both, 2, NOW + HOUR), SX_EEXPIRED);
	expect_reason("expired");
}
END_TEST

static void make_all(void)
{
	make(&root, "Root CA", NULL, NOW - 10 * HOUR, NOW + 10 * HOUR);
	make(&middle, "Middle CA", &root, NOW - 10 * HOUR, NOW + 10 * HOUR);
	make(&leaf, NAME, &middle, NOW - HOUR, NOW + HOUR);
	make(&twin, NAME, NULL, NOW - HOUR, NOW + HOUR);
}

static void drop_all(void)
{
	drop(&twin);
	drop(&leaf);
	drop(&middle);
	drop(&root);
}

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_cert");
	TCase *tcase = tcase_create("certificates");

	tcase_add_unchecked_fixture(tcase, make_all, drop_all);
	tcase_add_test(tcase, an_end_entity_is_the_peers_own_certificate);
	tcase_add_test(tcase, a_trust_anchor_is_one_above);
	tcase_add_test(tcase, a_whole_trust_anchor_need_not_be_shown);
	tcase_add_test(tcase, numbers_two_and_three_are_told_apart_by_length);
	tcase_add_loop_test(
		tcase, an_object_that_cannot_be_used_is_refused, 0, (int)SX_COUNT(unusable));
	tcase_add_test(tcase, the_wrong_usage_is_refused);
	tcase_add_test(tcase, certificates_have_their_dates);
	tcase_add_test(tcase, one_above_that_has_expired_is_refused);
	tcase_add_test(tcase, below_a_trust_anchor_the_name_counts);
	tcase_add_test(tcase, what_the_trust_anchor_did_not_sign_is_refused);
	tcase_add_test(tcase, a_certificate_for_a_server_is_no_trust_anchor);
	tcase_add_test(tcase, a_chain_that_is_none_is_refused);
	tcase_add_test(tcase, one_of_several_is_enough);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
