/* SPDX-License-Identifier: MIT */
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "rains/tls.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

struct outcome {
	bool is_connected;
	bool is_closed;
	size_t received;
	int status;
	char reason[200];
};

static void must(int rc)
{
	ck_assert_msg(rc >= 0, "%s", gnutls_strerror(rc));
}

static void on_connected(void *arg)
{
	((struct outcome *)arg)->is_connected = true;
}

static void on_received(void *arg, struct sx_bytes bytes)
{
	((struct outcome *)arg)->received += bytes.len;
}

static void on_closed(void *arg, int status, const char *reason)
{
	struct outcome *outcome = arg;

	outcome->is_closed = true;
	outcome->status = status;
	(void)snprintf(outcome->reason, sizeof outcome->reason, "%s", reason);
}

static struct sx_rains_tls_trust *trust_of(const struct sx_rains_tls_policy *policy)
{
	struct sx_rains_tls_trust *made;
	char error[256] = "";

	ck_assert_msg(
		sx_rains_tls_trust_new(&made, policy, error, sizeof error) == SX_OK, "%s", error);
	return made;
}

/* The pins of an identity, by another way than the code under test goes. */
static void make_pins(const char *name, uint8_t certificate_pin[32], uint8_t key_pin[32])
{
	char path[256];
	gnutls_datum_t pem, der;
	gnutls_x509_crt_t certificate;
	gnutls_pubkey_t key;
	size_t len = 32;

	(void)snprintf(path, sizeof path, "%s/%s.crt", fixture_folder(), name);
	must(gnutls_load_file(path, &pem));
	must(gnutls_x509_crt_init(&certificate));
	must(gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM));
	must(gnutls_x509_crt_get_fingerprint(
		certificate, GNUTLS_DIG_SHA256, certificate_pin, &len));
	must(gnutls_pubkey_init(&key));
	must(gnutls_pubkey_import_x509(key, certificate, 0));
	must(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der));
	must(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, key_pin));
	gnutls_free(der.data);
	gnutls_free(pem.data);
	gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(certificate);
}

enum proof {
	ANY,
	CERTIFICATE_PIN,
	KEY_PIN,
	PIN_OF_ANOTHER,
	AUTHORITY,
	AUTHORITY_OTHER_NAME,
};

static const struct {
	enum proof proof;
	const char *identity;
	const char *reason; /* NULL: connected */
} proofs[] = {
	{ ANY, "self.example.org", NULL },
	{ ANY, "expired.example.org", NULL },
	{ CERTIFICATE_PIN, "self.example.org", NULL },
	{ KEY_PIN, "self.example.org", NULL },
	{ KEY_PIN, "expired.example.org", NULL },
	{ PIN_OF_ANOTHER, "self.example.org", "not the pinned one" },
	{ AUTHORITY, "a.example.org", NULL },
	{ AUTHORITY_OTHER_NAME, "a.example.org", "does not match" },
	{ AUTHORITY, "expired.example.org", "expired" },
	{ AUTHORITY, "self.example.org", "NOT trusted" },
	{ AUTHORITY, "stray.example.org", "NOT trusted" },
};

static struct sx_rains_tls_trust *trust_for(enum proof proof, const char *identity)
{
	uint8_t certificate_pin[32], key_pin[32];
	struct sx_rains_tls_policy policy = {
		.ca_file = fixture_ca(),
		.name = proof == AUTHORITY_OTHER_NAME ? "b.example.org" : identity,
	};

	make_pins(proof == PIN_OF_ANOTHER ? "b.example.org" : identity, certificate_pin, key_pin);
	policy.pin = sx_bytes_of(proof == CERTIFICATE_PIN ? certificate_pin : key_pin, 32);
	if (proof == ANY) {
		policy.verify = SX_RAINS_TLS_ANY;
	} else {
		policy.verify = proof < AUTHORITY ? SX_RAINS_TLS_PIN : SX_RAINS_TLS_CA;
	}
	return trust_of(&policy);
}

/* Connects, and returns what became of it. */
static struct outcome connect_with(const struct sx_rains_tls_trust *trust)
{
	struct outcome outcome = { 0 };
	struct sx_rains_tls_config config = {
		.server = server.address,
		.trust = trust,
		.deadline_ns = sx_loop_now_ns() + 10000000000,
		.events = { on_connected, on_received, on_closed },
		.arg = &outcome,
	};
	struct sx_rains_tls *tls;
	struct sx_loop *loop;

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_rains_tls_open(&tls, loop, &config), SX_OK);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_text("a question")), SX_OK);
	while (outcome.received == 0 && !outcome.is_closed) {
		(void)tls_server_turn(loop, 10000);
	}
	sx_rains_tls_close(tls);
	sx_loop_free(loop);
	return outcome;
}

START_TEST(a_server_proves_who_it_is)
{
	struct sx_rains_tls_trust *trust = trust_for(proofs[_i].proof, proofs[_i].identity);
	struct outcome outcome;

	tls_server_init(ECHO, proofs[_i].identity);
	tls_server_listen("127.0.0.1", 4);
	outcome = connect_with(trust);
	if (proofs[_i].reason) {
		ck_assert_int_eq(outcome.status, SX_ETLS);
		ck_assert_msg(
			strstr(outcome.reason, proofs[_i].reason) != NULL, "%s", outcome.reason);
		ck_assert(!outcome.is_connected);
	} else {
		ck_assert(outcome.is_connected);
		ck_assert_uint_eq(outcome.received, 10);
	}
	tls_server_close();
	sx_rains_tls_trust_free(trust);
}
END_TEST

static const struct {
	struct sx_rains_tls_policy policy;
	const char *error;
} bad_policies[] = {
	{ { .verify = SX_RAINS_TLS_PIN, .pin = { (const uint8_t *)"12345678901234567890", 20 } },
		"32 bytes, not 20" },
	{ { .verify = SX_RAINS_TLS_PIN }, "32 bytes, not 0" },
	{ { .verify = SX_RAINS_TLS_CA, .name = "a.example.org" }, "needs a file" },
	{ { .verify = SX_RAINS_TLS_CA, .ca_file = "/dev/null" }, "the server's name" },
	{ { .verify = SX_RAINS_TLS_CA, .ca_file = "/dev/null", .name = "a.example.org" },
		"/dev/null: " },
	{ { .verify = SX_RAINS_TLS_CA, .ca_file = "/nonexistent/ca", .name = "a.example.org" },
		"/nonexistent/ca: " },
};

START_TEST(a_policy_that_cannot_hold_is_refused)
{
	struct sx_rains_tls_trust *made;
	char error[256] = "";

	ck_assert_int_eq(
		sx_rains_tls_trust_new(&made, &bad_policies[_i].policy, error, sizeof error),
		SX_EINVAL);
	ck_assert_msg(strstr(error, bad_policies[_i].error) != NULL, "%s", error);
}
END_TEST

static int make_trust(void *arg)
{
	struct sx_rains_tls_policy policy = { .verify = SX_RAINS_TLS_ANY };
	struct sx_rains_tls_trust *made;
	char error[64];
	int rc = sx_rains_tls_trust_new(&made, &policy, error, sizeof error);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_tls_trust_free(made);
	}
	return rc;
}

START_TEST(without_memory_there_is_no_trust)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_trust, NULL), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_tls_trust");
	TCase *tcase = tcase_create("policies");

	tcase_add_loop_test(tcase, a_server_proves_who_it_is, 0, SX_COUNT(proofs));
	tcase_add_loop_test(tcase, a_policy_that_cannot_hold_is_refused, 0, SX_COUNT(bad_policies));
	tcase_add_test(tcase, without_memory_there_is_no_trust);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	fixture_make("self.example.org", FIXTURE_SELF_SIGNED);
	fixture_make("expired.example.org", FIXTURE_EXPIRED);
	fixture_make("stray.example.org", FIXTURE_WRONG_CA);
	return sx_tap_run(suite());
}
