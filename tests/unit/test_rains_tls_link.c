/* SPDX-License-Identifier: MIT */
/* Messages over TLS: the server of the test says what it hears. */
#include <stdio.h>

#include "alloc_fail.h"
#include "rains/tls_link.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

static struct sx_loop *loop;
static struct sx_rains_link *link_to;
static struct {
	unsigned received;
	unsigned broken;
	unsigned orderly;
	size_t len;
	char reason[200];
} heard;

static void on_received(void *arg, struct sx_bytes message)
{
	(void)arg;
	heard.received++;
	heard.len = message.len;
}

static void on_broken(void *arg, int status, const char *reason)
{
	(void)arg;
	heard.broken++;
	heard.orderly += status == SX_ECLOSED;
	(void)snprintf(heard.reason, sizeof heard.reason, "%s", reason);
}

static void start(enum tls_behaviour behaviour)
{
	static const struct sx_rains_link_events events = { on_received, on_broken, NULL };
	struct sx_rains_server at = { .over_scion = false };
	struct sx_rains_reason reason;

	memset(&heard, 0, sizeof heard);
	tls_server_init(behaviour, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	at.addr.host = server.address.host;
	at.port = server.address.port;
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_rains_tls_link_new(&link_to, loop, &at, &events, &reason), SX_OK);
}

static void stop(void)
{
	link_to->ops->free(link_to);
	sx_loop_free(loop);
	tls_server_close();
}

static void until(const unsigned *what, unsigned value)
{
	while (*what < value) {
		ck_assert(tls_server_turn(loop, 2000));
	}
	ck_assert_uint_eq(*what, value);
}

static void settle(void)
{
	while (tls_server_turn(loop, 30)) {
	}
}

/* The server echoes all of it. */
static void send_bytes(const void *bytes, size_t len)
{
	ck_assert_int_eq(
		link_to->ops->send(link_to, sx_bytes_of(bytes, len), sx_loop_now_ns()), SX_OK);
}

/* A byte string is one CBOR item. */
static const uint8_t message[] = { 0x45, 'h', 'e', 'l', 'l', 'o' };

START_TEST(a_message_may_come_in_pieces)
{
	start(ECHO);
	for (size_t i = 0; i < sizeof message; i++) {
		ck_assert_uint_eq(heard.received, 0);
		send_bytes(message + i, 1);
		settle();
	}
	ck_assert_uint_eq(heard.received, 1);
	ck_assert_uint_eq(heard.len, sizeof message);
	stop();
}
END_TEST

START_TEST(several_messages_may_come_at_once)
{
	uint8_t bytes[2 * sizeof message + 2];

	memcpy(bytes, message, sizeof message);
	memcpy(bytes + sizeof message, message, sizeof message);
	memcpy(bytes + 2 * sizeof message, message, 2);
	start(ECHO);
	send_bytes(bytes, sizeof bytes);
	until(&heard.received, 2);
	settle();
	ck_assert_uint_eq(heard.received, 2);
	send_bytes(message + 2, sizeof message - 2);
	until(&heard.received, 3);
	ck_assert_uint_eq(heard.len, sizeof message);
	ck_assert_uint_eq(server.accepted, 1);
	stop();
}
END_TEST

START_TEST(what_is_no_message_ends_the_connection)
{
	static const uint8_t garbage[] = { 0xff, 0xff };

	start(ECHO);
	send_bytes(garbage, sizeof garbage);
	until(&heard.broken, 1);
	ck_assert_str_eq(heard.reason, "sent what is no RAINS message");
	ck_assert_uint_eq(heard.received, 0);
	stop();
}
END_TEST

START_TEST(what_is_too_large_ends_the_connection)
{
	static uint8_t large[60000] = { 0x5a, 0, 1, 0, 1 }; /* a string of 65,537 bytes */

	start(ECHO);
	send_bytes(large, sizeof large);
	until(&heard.broken, 1);
	ck_assert_str_eq(heard.reason, "sent a message over the limits");
	stop();
}
END_TEST

static const struct {
	enum tls_behaviour behaviour;
	bool orderly;
} ends[] = {
	{ GOODBYE, true },
	{ CUT, false },
	{ RESET, false },
	{ GARBAGE, false },
	{ HANG_UP, false },
};

START_TEST(an_end_is_told)
{
	start(ends[_i].behaviour);
	send_bytes(message, sizeof message);
	until(&heard.broken, 1);
	ck_assert_uint_eq(heard.orderly, ends[_i].orderly);
	settle();
	ck_assert_uint_eq(heard.broken, 1);
	stop();
}
END_TEST

static int make_link(void *arg)
{
	struct sx_rains_link_events events = { 0 };
	struct sx_rains_reason reason;
	struct sx_rains_link *made;
	int rc = sx_rains_tls_link_new(&made, loop, arg, &events, &reason);

	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_server at = { .is_pinned = true };

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(make_link, &at), 1);
	sx_loop_free(loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_tls_link");
	TCase *tcase = tcase_create("link");

	tcase_add_test(tcase, a_message_may_come_in_pieces);
	tcase_add_test(tcase, several_messages_may_come_at_once);
	tcase_add_test(tcase, what_is_no_message_ends_the_connection);
	tcase_add_test(tcase, what_is_too_large_ends_the_connection);
	tcase_add_loop_test(tcase, an_end_is_told, 0, SX_COUNT(ends));
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	return sx_tap_run(suite());
}
