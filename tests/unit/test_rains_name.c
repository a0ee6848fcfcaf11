/* SPDX-License-Identifier: MIT */
#include "rains/name.h"
#include "tap.h"

#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 63 */
#define SHORT "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."                                /* 16 labels */

static const struct {
	const char *name;
	int status;
} names[] = {
	{ ".", SX_OK },
	{ "example.", SX_OK },
	{ "_xmpp-server._udpscion.b\xc3\xbc.example.", SX_OK },
	{ LABEL ".", SX_OK },
	{ "a" LABEL ".", SX_EMALFORMED },
	{ LABEL "." LABEL "." LABEL "."
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
		SX_OK }, /* 255 bytes */
	{ LABEL "." LABEL "." LABEL "." LABEL ".", SX_EMALFORMED },
	{ SHORT SHORT SHORT SHORT SHORT SHORT SHORT "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.", SX_OK },
	{ SHORT SHORT SHORT SHORT SHORT SHORT SHORT SHORT, SX_EMALFORMED }, /* 256 bytes */
	{ "", SX_EMALFORMED },
	{ "example", SX_EMALFORMED },
	{ "example..", SX_EMALFORMED },
	{ ".example.", SX_EMALFORMED },
	{ "a b.", SX_EMALFORMED },
	{ "a\n.", SX_EMALFORMED },
	{ "a\x7f.", SX_EMALFORMED },
};

START_TEST(a_full_name_is_known)
{
	ck_assert_int_eq(sx_rains_name_check(sx_bytes_text(names[_i].name)), names[_i].status);
}
END_TEST

static const struct {
	const char *subject;
	const char *zone;
	const char *name; /* NULL: none */
} joins[] = {
	{ "xmpp", "example.", "xmpp.example." },
	{ "_ftp._tcp", "example.", "_ftp._tcp.example." },
	{ "example", ".", "example." },
	{ "@", "example.", "example." },
	{ "@", ".", "." },
	{ "", "example.", NULL },
	{ "", ".", NULL },
	{ "a.", "example.", NULL },
	{ "a.", ".", NULL },
	{ "a", "example", NULL },
	{ "a", "", NULL },
	{ LABEL "." LABEL "." LABEL "." LABEL, "example.", NULL },
};

START_TEST(a_subject_and_its_zone_make_a_name)
{
	struct sx_rains_name name;
	int rc = sx_rains_name_join(
		&name, sx_bytes_text(joins[_i].subject), sx_bytes_text(joins[_i].zone));

	ck_assert_int_eq(rc, joins[_i].name ? SX_OK : SX_EMALFORMED);
	if (joins[_i].name) {
		ck_assert(
			sx_bytes_equal(sx_rains_name_bytes(&name), sx_bytes_text(joins[_i].name)));
	}
}
END_TEST

static const struct {
	const char *name;
	const char *zone;
	const char *subject; /* NULL: elsewhere */
} places[] = {
	{ "xmpp.example.", "example.", "xmpp" },
	{ "a.b.example.", "example.", "a.b" },
	{ "example.", ".", "example" },
	{ "a.example.", ".", "a.example" },
	{ "example.", "example.", "@" },
	{ ".", ".", "@" },
	{ "xexample.", "example.", NULL },
	{ ".example.", "example.", NULL },
	{ "example.", "xmpp.example.", NULL },
	{ "xmpp.example.", "other.", NULL },
	{ "xmpp.Example.", "example.", NULL },
	{ ".", "example.", NULL },
};

START_TEST(a_name_has_its_place_in_a_zone)
{
	struct sx_bytes name = sx_bytes_text(places[_i].name);
	struct sx_bytes zone = sx_bytes_text(places[_i].zone);
	const char *expected = places[_i].subject;
	struct sx_bytes subject;

	ck_assert_int_eq(
		sx_rains_name_subject(name, zone, &subject), expected ? SX_OK : SX_ENOTFOUND);
	if (expected) {
		ck_assert(sx_bytes_equal(subject, sx_bytes_text(expected)));
	}
	ck_assert_int_eq(
		sx_rains_name_is_below(name, zone), expected && strcmp(expected, "@") != 0);
}
END_TEST

START_TEST(a_context_is_global_or_marked)
{
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_text(".")), SX_OK);
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_text("cx--lab.example.")), SX_OK);
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_text("")), SX_EMALFORMED);
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_of(NULL, 0)), SX_EMALFORMED);
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_text("lab")), SX_EMALFORMED);
	ck_assert_int_eq(sx_rains_context_check(sx_bytes_text("cx-\n")), SX_EMALFORMED);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_name");
	TCase *tcase = tcase_create("names");

	tcase_add_loop_test(tcase, a_full_name_is_known, 0, (int)SX_COUNT(names));
	tcase_add_loop_test(tcase, a_subject_and_its_zone_make_a_name, 0, (int)SX_COUNT(joins));
	tcase_add_loop_test(tcase, a_name_has_its_place_in_a_zone, 0, (int)SX_COUNT(places));
	tcase_add_test(tcase, a_context_is_global_or_marked);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
