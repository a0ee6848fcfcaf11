/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "quic/trust.h"
#include "sim.h"
#include "tap.h"
#include "tls_fixture.h"

static const char *const names[] = { "a.example.org", "b.example.org", NULL };

static const struct {
	const char *name;
	enum fixture_kind kind;
	const char *verdict;
} verdicts[] = {
	{ "valid.example.org", FIXTURE_VALID, "" },
	{ "client.example.org", FIXTURE_CLIENT_ONLY, "" },
	{ "expired.example.org", FIXTURE_EXPIRED, "certificate has expired" },
	{ "early.example.org", FIXTURE_EARLY, "certificate is not yet valid" },
	{ "self.example.org", FIXTURE_SELF_SIGNED, "self signed certificate" },
	{ "stray.example.org", FIXTURE_WRONG_CA, "unable to get local issuer certificate" },
	{ "code.example.org", FIXTURE_CODE_ONLY, "unsupported certificate purpose" },
};

static void expect_verdict(const struct sim_stream *stream, const char *text)
{
	struct sx_stream_info info;

	sx_stream_info(stream->stream, &info);
	ck_assert_str_eq(info.verify_text, text);
	ck_assert_int_eq(info.verify_status, *text ? SX_ETLS : SX_OK);
}

/* Two streams: one end shows the certificate as server, then as client. Neither handshake is hindered. */
START_TEST(a_certificate_gets_its_verdict_in_either_role)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sim *sim = sim_new(1);
	struct sim_node *a = sim_add(sim, tls, NULL), *b = sim_add(sim, tls, NULL);
	struct sim_stream *to, *from;

	fixture_make(verdicts[_i].name, verdicts[_i].kind);
	fixture_add(tls, verdicts[_i].name);
	to = sim_dial(a, b, "a.example.org", verdicts[_i].name, "xmpp-server");
	from = sim_dial(a, b, verdicts[_i].name, "b.example.org", "xmpp-server");
	sim_until(sim, &to->opened, SIM_SECOND);
	sim_until(sim, &from->opened, SIM_SECOND);
	ck_assert_int_eq(sim_write(from, 1), SX_OK);
	sim_run(sim, SIM_SECOND);
	expect_verdict(to, verdicts[_i].verdict);
	expect_verdict(sim_accepted(b, 0), verdicts[_i].verdict);
	expect_verdict(from, "");
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

static void expect_leaf(const struct sim_stream *stream, const char *name)
{
	struct sx_bytes leaf;
	bool found = false;

	ck_assert_int_eq(sx_stream_certificate(stream->stream, 0, &leaf), SX_OK);
	for (size_t i = 0; i + strlen(name) <= leaf.len; i++) {
		found = found || memcmp(leaf.data + i, name, strlen(name)) == 0;
	}
	ck_assert_msg(found, "the certificate is not for %s", name);
	ck_assert_int_eq(sx_stream_certificate(stream->stream, 1, &leaf), SX_ENOTFOUND);
}

START_TEST(each_side_shows_the_certificate_of_its_domain)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sim *sim = sim_new(1);
	struct sim_node *a = sim_add(sim, tls, NULL), *b = sim_add(sim, tls, NULL);
	struct sim_stream *first, *second;
	struct sx_stream_info info;

	first = sim_dial(a, b, "a.example.org", "b.example.org", "xmpp-server");
	second = sim_dial(a, b, "b.example.org", "A.Example.org", "xmpp-server");
	sim_until(sim, &first->opened, SIM_SECOND);
	sim_until(sim, &second->opened, SIM_SECOND);
	ck_assert_int_eq(sim_write(second, 1), SX_OK);
	sim_run(sim, SIM_SECOND);
	expect_leaf(first, "b.example.org");
	expect_leaf(second, "a.example.org");
	expect_leaf(sim_accepted(b, 0), "b.example.org");
	sx_stream_info(second->stream, &info);
	ck_assert(info.dialled);
	ck_assert_str_eq(info.local_name, "b.example.org");
	ck_assert_str_eq(info.remote_name, "A.Example.org");
	ck_assert_str_eq(info.cipher, "TLS_AES_128_GCM_SHA256");
	sx_stream_info(sim_accepted(b, 0)->stream, &info);
	ck_assert(!info.dialled);
	ck_assert_str_eq(info.local_name, "A.Example.org");
	ck_assert_str_eq(info.remote_name, "");
	ck_assert_str_eq(info.alpn, "xmpp-server");
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

START_TEST(a_removed_domain_is_neither_dialled_from_nor_served)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sim *sim = sim_new(1);
	struct sim_node *a = sim_add(sim, tls, NULL), *b = sim_add(sim, tls, NULL);
	struct sim_link link = sim_connect(a, b);
	struct sx_dial dial = { "b.example.org", "a.example.org", "xmpp-server", { { 0 } }, NULL };
	struct sim_stream *stream = NULL;

	sx_tls_remove(tls, "B.example.ORG");
	sx_tls_remove(tls, "never.example.org");
	ck_assert_int_eq(sim_try_dial(a, b, &dial, &stream), SX_ENOTFOUND);
	/* A session lives on with what it started with. */
	ck_assert_int_eq(sim_write(link.far, 100), SX_OK);
	sim_run(sim, SIM_SECOND);
	ck_assert_uint_eq(sim_read(link.near, 200), 100);
	expect_leaf(link.near, "b.example.org");
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

static const struct {
	const char *certificate, *key, *cafile, *capath;
	const char *blamed;
} broken[] = {
	{ "none.crt", "b.example.org.key", NULL, NULL, "none.crt" },
	{ "b.example.org.crt", "none.key", NULL, NULL, "none.key" },
	{ "b.example.org.crt", "a.example.org.key", NULL, NULL, "b.example.org.crt" },
	{ "b.example.org.key", "b.example.org.key", NULL, NULL, "b.example.org.key" },
	{ "b.example.org.crt", "b.example.org.key", "none.pem", NULL, "none.pem" },
	{ "b.example.org.crt", "b.example.org.key", "b.example.org.key", NULL,
		"b.example.org.key" },
};

START_TEST(a_broken_identity_is_named_and_the_old_one_stays)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sx_identity identity = {
		.name = "b.example.org",
		.certificate = broken[_i].certificate,
		.key = broken[_i].key,
		.cafile = broken[_i].cafile,
		.capath = broken[_i].capath,
	};
	struct sim *sim = sim_new(1);
	char error[256] = "";

	ck_assert_int_eq(chdir(fixture_folder()), 0);
	ck_assert_int_eq(sx_tls_set(tls, &identity, error, sizeof error), SX_EINVAL);
	ck_assert_msg(strstr(error, broken[_i].blamed), "blamed: %s", error);
	(void)sim_connect(sim_add(sim, tls, NULL), sim_add(sim, tls, NULL));
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

static const struct {
	const char *cafile, *capath;
	const char *verdict;
} anchors[] = {
	{ NULL, "/nonexistent", "unable to get local issuer certificate" },
	{ NULL, ".", "" },
	{ "stranger.crt", NULL, "unable to get local issuer certificate" },
	{ "stranger.crt", ".", "" },
	{ NULL, NULL, "unable to get local issuer certificate" },
};

START_TEST(trust_comes_from_file_folder_or_system)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sx_identity identity = {
		.name = "a.example.org",
		.certificate = "a.example.org.crt",
		.key = "a.example.org.key",
		.cafile = anchors[_i].cafile,
		.capath = anchors[_i].capath,
	};
	struct sim *sim = sim_new(1);
	char error[256] = "";

	ck_assert_int_eq(chdir(fixture_folder()), 0);
	ck_assert_int_eq(sx_tls_set(tls, &identity, error, sizeof error), SX_OK);
	expect_verdict(sim_connect(sim_add(sim, tls, NULL), sim_add(sim, tls, NULL)).near,
		anchors[_i].verdict);
	sim_free(sim);
	sx_tls_free(tls);
}
END_TEST

START_TEST(a_name_that_is_no_domain_is_refused)
{
	struct sx_tls *tls = fixture_tls(names);
	struct sx_identity identity = { .name = "" };
	char error[256] = "", longest[300];

	ck_assert_int_eq(sx_tls_set(tls, &identity, error, sizeof error), SX_EINVAL);
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	identity.name = longest;
	ck_assert_int_eq(sx_tls_set(tls, &identity, error, sizeof error), SX_EINVAL);
	ck_assert_msg(strstr(error, "not a domain"), "%s", error);
	sx_tls_free(tls);
}
END_TEST

static int make_and_free(void *arg)
{
	struct sx_tls *tls;
	int rc = sx_tls_new(&tls);

	(void)arg;
	if (rc == SX_OK) {
		sx_tls_free(tls);
	}
	return rc;
}

static int set_again(void *arg)
{
	struct sx_identity identity = {
		.name = "a.example.org",
		.certificate = "a.example.org.crt",
		.key = "a.example.org.key",
		.cafile = "ca.crt",
	};
	char error[256];

	return sx_tls_set(arg, &identity, error, sizeof error);
}

static int make_trust(void *arg)
{
	struct sx_trust *trust;
	char error[256];
	int rc = sx_trust_new(&trust, "ca.crt", ".", error, sizeof error);

	(void)arg;
	if (rc == SX_OK) {
		sx_trust_free(trust);
	}
	return rc;
}

START_TEST(any_allocation_may_fail)
{
	struct sx_tls *tls = fixture_tls(names);

	ck_assert_int_eq(chdir(fixture_folder()), 0);
	ck_assert_uint_gt(sx_each_allocation_fails(make_and_free, NULL), 1);
	ck_assert_uint_gt(sx_each_allocation_fails(set_again, tls), 1);
	ck_assert_uint_eq(sx_each_allocation_fails(make_trust, NULL), 1);
	sx_tls_free(tls);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("identities");

	fixture_init();
	tcase_add_loop_test(
		tcase, a_certificate_gets_its_verdict_in_either_role, 0, SX_COUNT(verdicts));
	tcase_add_test(tcase, each_side_shows_the_certificate_of_its_domain);
	tcase_add_test(tcase, a_removed_domain_is_neither_dialled_from_nor_served);
	tcase_add_loop_test(
		tcase, a_broken_identity_is_named_and_the_old_one_stays, 0, SX_COUNT(broken));
	tcase_add_loop_test(tcase, trust_comes_from_file_folder_or_system, 0, SX_COUNT(anchors));
	tcase_add_test(tcase, a_name_that_is_no_domain_is_refused);
	tcase_add_test(tcase, any_allocation_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
