/* SPDX-License-Identifier: MIT */
#include "rains/server.h"
#include "tap.h"

#define PIN "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static const struct {
	const char *text;
	const char *shown; /* NULL: refused */
	bool over_scion;
} cases[] = {
	{ "192.0.2.1:55001", "192.0.2.1:55001", false },
	{ "192.0.2.1", "192.0.2.1:55553", false },
	{ "[2001:db8::1]:7", "[2001:db8::1]:7", false },
	{ "2001:db8::1", "[2001:db8::1]:55553", false },
	{ "[1-ff00:0:110,192.0.2.1]:31468", "[1-ff00:0:110,192.0.2.1]:31468", true },
	{ "1-ff00:0:110,192.0.2.1:31468", "[1-ff00:0:110,192.0.2.1]:31468", true },
	{ "1-ff00:0:110,192.0.2.1", "[1-ff00:0:110,192.0.2.1]:55553", true },
	{ "192.0.2.1 pin " PIN, "192.0.2.1:55553", false },
	{ "192.0.2.1:1 ca /etc/ca.pem ns.example.org", "192.0.2.1:1", false },
	{ "", NULL, false },
	{ "ns.example.org", NULL, false },
	{ "192.0.2.1:0", NULL, false },
	{ "192.0.2.1:65536", NULL, false },
	{ "CS", NULL, false },
	{ "192.0.2.1 pin 00", NULL, false },
	{ "192.0.2.1 pin " PIN "00", NULL, false },
	{ "192.0.2.1 pin zz112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", NULL,
		false },
	{ "192.0.2.1 ca /etc/ca.pem", NULL, false },
	{ "192.0.2.1 ca a b c", NULL, false },
	{ "192.0.2.1 tls", NULL, false },
	{ "1-ff00:0:110,192.0.2.1 pin " PIN, NULL, false },
};

START_TEST(servers_are_read_as_operators_write_them)
{
	struct sx_rains_server server;
	struct sx_rains_reason reason = { "" };
	int rc = sx_rains_server_parse(&server, cases[_i].text, &reason);

	if (!cases[_i].shown) {
		ck_assert_int_eq(rc, SX_EMALFORMED);
		ck_assert_ptr_nonnull(strstr(reason.text, "expected a server such as"));
		return;
	}
	ck_assert_int_eq(rc, SX_OK);
	ck_assert_str_eq(server.text, cases[_i].shown);
	ck_assert(server.over_scion == cases[_i].over_scion);
}
END_TEST

START_TEST(what_a_server_must_show_is_read_too)
{
	struct sx_rains_server server;
	struct sx_rains_reason reason;

	ck_assert_int_eq(sx_rains_server_parse(&server, "192.0.2.1 pin " PIN, &reason), SX_OK);
	ck_assert(server.is_pinned);
	ck_assert_uint_eq(server.pin[1], 0x11);
	ck_assert_uint_eq(server.pin[31], 0xff);
	ck_assert_int_eq(
		sx_rains_server_parse(&server, "192.0.2.1 ca /ca.pem ns.example.org", &reason),
		SX_OK);
	ck_assert(!server.is_pinned);
	ck_assert_str_eq(server.cafile, "/ca.pem");
	ck_assert_str_eq(server.name, "ns.example.org");
}
END_TEST

START_TEST(a_text_of_any_length_is_refused)
{
	char text[5000];
	struct sx_rains_server server;
	struct sx_rains_reason reason;

	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(sx_rains_server_parse(&server, text, &reason), SX_EMALFORMED);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_server");
	TCase *tcase = tcase_create("texts");

	tcase_add_loop_test(tcase, servers_are_read_as_operators_write_them, 0, SX_COUNT(cases));
	tcase_add_test(tcase, what_a_server_must_show_is_read_too);
	tcase_add_test(tcase, a_text_of_any_length_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
