/* SPDX-License-Identifier: MIT */
/* Root keys as operators list them. */
#include <stdio.h>
#include <unistd.h>

#include "rains/roots.h"
#include "tap.h"

#define KEY      "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
#define KEY_FILE "test_rains_roots.key"

static struct sx_rains_anchors anchors;
static struct sx_rains_reason reason;

static const struct {
	const char *text;
	size_t count;       /* 0: refused, unless there is nothing */
	const char *reason; /* NULL: read */
} cases[] = {
	{ NULL, 0, NULL },
	{ "", 0, NULL },
	{ "ed25519 1 " KEY, 1, NULL },
	{ "ed25519 1 " KEY "\ned25519 2 " KEY "\n", 2, NULL },
	{ "example.org. ed25519 1 " KEY, 1, NULL },
	{ KEY_FILE, 1, NULL },
	{ "example.org. " KEY_FILE "\ned25519 2 " KEY, 2, NULL },
	{ "ed25519 1 00", 0, "roots: " },
	{ "/nonexistent/key", 0, "roots: file /nonexistent/key: not found" },
	{ "test_rains_roots.bad", 0, "roots: file test_rains_roots.bad: " },
};

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(name, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(keys_are_read_or_refused_with_a_reason)
{
	int rc;

	anchors.count = 0;
	write_file(KEY_FILE, "ed25519 1 " KEY "\n");
	write_file("test_rains_roots.bad", "no key\n");
	rc = sx_rains_roots_read(&anchors, cases[_i].text, &reason);
	ck_assert_int_eq(unlink(KEY_FILE), 0);
	ck_assert_int_eq(unlink("test_rains_roots.bad"), 0);
	ck_assert((rc == SX_OK) == !cases[_i].reason);
	ck_assert_uint_eq(anchors.count, cases[_i].count);
	ck_assert_msg(!cases[_i].reason ||
			      strncmp(reason.text, cases[_i].reason, strlen(cases[_i].reason)) == 0,
		"%s", reason.text);
}
END_TEST

START_TEST(a_key_is_of_the_zone_in_front_of_it)
{
	anchors.count = 0;
	ck_assert_int_eq(sx_rains_roots_read(&anchors,
				 "ed25519 1 " KEY "\nexample.org. ed25519 1 " KEY, &reason),
		SX_OK);
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&anchors.items[0].zone), sx_bytes_text(".")));
	ck_assert(sx_bytes_equal(
		sx_rains_name_bytes(&anchors.items[1].zone), sx_bytes_text("example.org.")));
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_roots");
	TCase *tcase = tcase_create("keys");

	tcase_add_loop_test(tcase, keys_are_read_or_refused_with_a_reason, 0, SX_COUNT(cases));
	tcase_add_test(tcase, a_key_is_of_the_zone_in_front_of_it);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
