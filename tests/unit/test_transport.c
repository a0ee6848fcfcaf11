/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "base/live.h"
#include "path_file.h"
#include "tap.h"
#include "transport.h"

static const char *const labels[] = { "xmpp-server", NULL };

static int try_open(const char *address, const char *paths, char *text, size_t cap)
{
	struct sx_transport_config config = { .address = address, .paths = paths, .alpn = labels };
	struct sx_transport *transport;
	int rc = sx_transport_new(&transport, &config, (struct sx_problem){ text, cap });

	if (rc == SX_OK) {
		sx_transport_free(transport);
	}
	return rc;
}

static const struct {
	const char *address;
	const char *paths; /* NULL: the good one */
	const char *text;
} wrong[] = {
	{ "hello", NULL, "address \"hello\": is not a SCION address" },
	{ "1-ff00:0:112,127.0.0.1", NULL, "address \"1-ff00:0:112,127.0.0.1\": " },
	{ "1-ff00:0:111,192.0.2.1", NULL, "address \"1-ff00:0:111,192.0.2.1\": " },
	{ "1-ff00:0:111,127.0.0.1", "daemon", "paths \"daemon\": must be \"file:\"" },
	{ "1-ff00:0:111,127.0.0.1", "file:/nonexistent/paths",
		"paths \"file:/nonexistent/paths\": " },
};

START_TEST(what_is_wrong_is_named)
{
	char text[512] = "";

	ck_assert_int_lt(
		try_open(wrong[_i].address, wrong[_i].paths ? wrong[_i].paths : path_option, text,
			sizeof text),
		0);
	ck_assert_msg(strncmp(text, wrong[_i].text, strlen(wrong[_i].text)) == 0, "%s", text);
	ck_assert_uint_eq(sx_live_count(), 0);
}
END_TEST

static int make_transport(void *arg)
{
	struct sx_transport_config config = {
		.address = "1-ff00:0:111,127.0.0.1", .paths = path_option, .alpn = labels
	};
	struct sx_transport *transport;
	char text[512];
	int rc = sx_transport_new(&transport, &config, (struct sx_problem){ text, sizeof text });

	(void)arg;
	if (rc == SX_OK) {
		sx_transport_free(transport);
	}
	return rc;
}

START_TEST(a_transport_without_memory_is_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_transport, NULL), 5);
	ck_assert_uint_eq(sx_live_count(), 0);
}
END_TEST

START_TEST(a_dial_needs_a_path_and_an_identity)
{
	struct sx_transport_config config = {
		.address = "1-ff00:0:111,127.0.0.1", .paths = path_option, .alpn = labels
	};
	struct sx_transport_target to = { "a.example.org", "b.example.org",
		"2-ff00:0:211,127.0.0.2", 31467, "xmpp-server" };
	char text[512];
	struct sx_problem problem = { text, sizeof text };
	struct sx_transport *transport;
	struct sx_stream *stream;

	ck_assert_int_eq(sx_transport_new(&transport, &config, problem), SX_OK);
	ck_assert_int_eq(sx_transport_dial(transport, &to, NULL, &stream, problem), SX_EUNREACH);
	ck_assert_str_eq(text, "no usable SCION path to 2-ff00:0:211");
	to.address = "1-ff00:0:111,127.0.0.2";
	ck_assert_int_eq(sx_transport_dial(transport, &to, NULL, &stream, problem), SX_ENOTFOUND);
	ck_assert_str_eq(text, "no certificate is known for the local domain");
	to.address = "there";
	ck_assert_int_eq(sx_transport_dial(transport, &to, NULL, &stream, problem), SX_EMALFORMED);
	sx_transport_free(transport);
	ck_assert_uint_eq(sx_live_count(), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("transport");
	TCase *tcase = tcase_create("opening");

	tcase_add_checked_fixture(tcase, make_path_file, remove_path_file);
	tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, (int)SX_COUNT(wrong));
	tcase_add_test(tcase, a_transport_without_memory_is_refused);
	tcase_add_test(tcase, a_dial_needs_a_path_and_an_identity);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
