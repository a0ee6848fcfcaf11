/* SPDX-License-Identifier: MIT */
#include "rains/anchor.h"
#include "rains/object.h"
#include "rains_vectors.h"
#include "tap.h"

#define NOW    1800000000
#define KEY    "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
#define BASE64 "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="

static struct sx_rains_anchors anchors;
static struct sx_rains_reason reason;

static int add(const char *zone, const char *file)
{
	return sx_rains_anchors_add(
		&anchors, sx_bytes_text(zone), sx_bytes_text(file), NOW, &reason);
}

static void expect(size_t index, const char *zone, int64_t phase)
{
	const struct sx_rains_anchor *anchor = &anchors.items[index];
	struct sx_vector key;

	sx_vector_unhex(KEY, &key);
	ck_assert_uint_gt(anchors.count, index);
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&anchor->zone), sx_bytes_text(zone)));
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&anchor->context), sx_bytes_text(".")));
	ck_assert_int_eq(anchor->phase, phase);
	ck_assert(sx_bytes_equal(sx_bytes_of(anchor->key, 32), sx_vector_bytes(&key)));
}

#define PEM(headers)                                                                        \
	"-----BEGIN RAINS PUBLIC KEY-----\n" headers "\n" BASE64 "\n-----END RAINS PUBLIC " \
	"KEY-----\n"

START_TEST(the_pem_file_of_the_go_tools_is_read)
{
	ck_assert_int_eq(add("", PEM("hexEncoding: " KEY "\nkeyAlgo: ed25519\nkeyPhase: 3\nlab: "
				     "lab\n") "\n" PEM("keyAlgo: ed25519\r\nkeyPhase: 4\r\n")),
		SX_OK);
	expect(0, ".", 3);
	expect(1, ".", 4);
	ck_assert_uint_eq(anchors.count, 2);
}
END_TEST

START_TEST(lines_are_read)
{
	ck_assert_int_eq(add("", "# root\n\ned25519 1 " KEY "\n  ed25519 2 " KEY "  \n"), SX_OK);
	ck_assert_int_eq(add("lab.example.", ":ed25519: 7 " KEY), SX_OK);
	expect(0, ".", 1);
	expect(1, ".", 2);
	expect(2, "lab.example.", 7);
	ck_assert_uint_eq(anchors.count, 3);
}
END_TEST

START_TEST(a_self_signed_assertion_is_read)
{
	struct rains_vector vector;

	rains_vector_load(0, &vector);
	ck_assert_int_eq(sx_rains_anchors_add(&anchors, sx_bytes_text(""),
				 sx_vector_bytes(&vector.section), NOW, &reason),
		SX_OK);
	expect(0, ".", 1);
	ck_assert_int_eq(anchors.items[0].since, RAINS_SINCE);
	ck_assert_int_eq(anchors.items[0].until, RAINS_UNTIL);
	ck_assert_int_eq(sx_rains_anchors_add(&anchors, sx_bytes_text("."),
				 sx_vector_bytes(&vector.section), NOW, &reason),
		SX_OK);
	ck_assert_int_eq(sx_rains_anchors_add(&anchors, sx_bytes_text("example."),
				 sx_vector_bytes(&vector.section), NOW, &reason),
		SX_EMALFORMED);
	ck_assert_uint_eq(anchors.count, 2);
}
END_TEST

static const struct {
	int64_t now;
	int status;
} dates[] = {
	{ RAINS_SINCE - 121, SX_EEXPIRED },
	{ RAINS_SINCE - 120, SX_OK },
	{ RAINS_UNTIL - 1, SX_OK },
	{ RAINS_UNTIL, SX_EEXPIRED },
};

START_TEST(a_self_signed_assertion_has_its_dates)
{
	struct rains_vector vector;

	rains_vector_load(0, &vector);
	ck_assert_int_eq(sx_rains_anchors_add(&anchors, sx_bytes_text(""),
				 sx_vector_bytes(&vector.section), dates[_i].now, &reason),
		dates[_i].status);
	if (dates[_i].status < 0) {
		ck_assert_ptr_nonnull(strstr(reason.text, "valid from 1700000000 to 2000000000"));
	}
}
END_TEST

static struct sx_vector golden;

static void expect_refused(struct sx_bytes mutant)
{
	if (sx_bytes_equal(mutant, sx_vector_bytes(&golden))) {
		return;
	}
	ck_assert_int_lt(
		sx_rains_anchors_add(&anchors, sx_bytes_text(""), mutant, NOW, &reason), 0);
	ck_assert_uint_eq(anchors.count, 0);
	ck_assert_str_ne(reason.text, "");
}

START_TEST(no_mutation_of_a_self_signed_assertion_is_an_anchor)
{
	struct rains_vector vector;

	rains_vector_load(0, &vector);
	golden = vector.section;
	sx_each_mutation(sx_vector_bytes(&golden), expect_refused);
}
END_TEST

START_TEST(an_assertion_of_another_key_is_no_anchor)
{
	struct rains_vector vector;

	for (size_t i = 1; i < RAINS_VECTORS; i++) {
		rains_vector_load(i, &vector);
		expect_refused(sx_vector_bytes(&vector.section));
	}
}
END_TEST

static const struct {
	const char *file;
	const char *reason;
} broken[] = {
	{ "", "found no key; expected a PEM block" },
	{ "\n# nothing\n", "found no key" },
	{ "ed25519 1", "line 1: found not three words" },
	{ "ed25519 1 " KEY " x", "line 1: found not three words" },
	{ "hello", "expected a PEM block \"RAINS PUBLIC KEY\", a line" },
	{ "\ned448 1 " KEY, "line 2: found another algorithm" },
	{ "ed25519 one " KEY, "a key phase that is no number" },
	{ "ed25519 -1 " KEY, "a key phase that is no number" },
	{ "ed25519 4294967296 " KEY, "a key phase that is no number" },
	{ "ed25519 1 8a88", "not 64 hex digits" },
	{ "ed25519 1 x" KEY, "not 64 hex digits" },
	{ "ed25519 1 xy88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
		"not 64 hex digits" },
	{ "ed25519 1 0000000000000000000000000000000000000000000000000000000000000000",
		"anybody can sign" },
	{ "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		"line 1: found another PEM block; expected \"RAINS PUBLIC KEY\"" },
	{ "-----BEGIN RAINS ENCRYPTED PRIVATE KEY-----\n", "found a private key" },
	{ "-----BEGIN RAINS PUBLIC KEY-----\nkeyPhase: 1\n\n" BASE64 "\n", "no end of the block" },
	{ "-----BEGIN RAINS PUBLIC KEY-----\nkeyPhase: 1\n\nAAAA\n-----END RAINS PUBLIC KEY-----",
		"a key of the wrong length; expected 32 bytes" },
	{ "-----BEGIN RAINS PUBLIC KEY-----\nkeyPhase: 1\n\n*\n-----END RAINS PUBLIC KEY-----",
		"found no base64" },
	{ PEM("keyAlgo: ed448\nkeyPhase: 1\n"), "another algorithm" },
	{ PEM("keyAlgo: ed25519\n"), "no key phase" },
	{ PEM("keyPhase: x\n"), "no key phase" },
	{ "\x03\x04gob", "a gob file of the Go tools?" },
	{ "\xa1\x01", "bytes that are no assertion" },
};

START_TEST(what_is_no_anchor_is_refused_with_the_reason)
{
	ck_assert_int_eq(add("", broken[_i].file), SX_EMALFORMED);
	ck_assert_msg(strstr(reason.text, broken[_i].reason), "%s", reason.text);
	ck_assert_uint_eq(anchors.count, 0);
}
END_TEST

START_TEST(a_line_longer_than_any_is_refused)
{
	char line[2000];

	memset(line, 'a', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	ck_assert_int_eq(add("", line), SX_EMALFORMED);
}
END_TEST

START_TEST(anchors_are_bounded)
{
	for (size_t i = 0; i < SX_RAINS_ANCHORS_MOST; i++) {
		ck_assert_int_eq(add("", "ed25519 1 " KEY), SX_OK);
	}
	ck_assert_int_eq(add("", "ed25519 1 " KEY), SX_ELIMIT);
	ck_assert_uint_eq(anchors.count, SX_RAINS_ANCHORS_MOST);
	ck_assert_int_eq(add("example", "ed25519 1 " KEY), SX_EMALFORMED);
	ck_assert_ptr_nonnull(strstr(reason.text, "ends with a dot"));
}
END_TEST

static void forget(void)
{
	anchors.count = 0;
	reason.text[0] = '\0';
}

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_anchor");
	TCase *tcase = tcase_create("anchors");

	tcase_add_checked_fixture(tcase, forget, NULL);
	tcase_add_test(tcase, the_pem_file_of_the_go_tools_is_read);
	tcase_add_test(tcase, lines_are_read);
	tcase_add_test(tcase, a_self_signed_assertion_is_read);
	tcase_add_loop_test(tcase, a_self_signed_assertion_has_its_dates, 0, (int)SX_COUNT(dates));
	tcase_add_test(tcase, no_mutation_of_a_self_signed_assertion_is_an_anchor);
	tcase_add_test(tcase, an_assertion_of_another_key_is_no_anchor);
	tcase_add_loop_test(
		tcase, what_is_no_anchor_is_refused_with_the_reason, 0, (int)SX_COUNT(broken));
	tcase_add_test(tcase, a_line_longer_than_any_is_refused);
	tcase_add_test(tcase, anchors_are_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
