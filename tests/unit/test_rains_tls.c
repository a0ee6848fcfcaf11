/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "rains/tls.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

#define MS 1000000ULL
struct heard {
	unsigned connected;
	unsigned closed;
	int status;
	char reason[200];
	size_t len;
	size_t largest;
	uint64_t sum; /* of the bytes, to compare */
	bool pause;   /* after the first piece */
	bool drop;
};

static struct heard heard;
static struct sx_loop *loop;
static struct sx_rains_tls *tls;
static struct sx_rains_tls_trust *trust;

static void run_until(const unsigned *what, unsigned value)
{
	uint64_t limit_ns = sx_loop_now_ns() + 10000 * MS;

	while (*what < value && sx_loop_now_ns() < limit_ns) {
		(void)tls_server_turn(loop, 10000);
	}
	ck_assert_uint_ge(*what, value);
}

static void run_until_len(size_t len)
{
	uint64_t limit_ns = sx_loop_now_ns() + 10000 * MS;

	while (heard.len < len && sx_loop_now_ns() < limit_ns) {
		(void)tls_server_turn(loop, 10000);
	}
	ck_assert_uint_eq(heard.len, len);
}

static void on_connected(void *arg)
{
	((struct heard *)arg)->connected++;
}

static void on_received(void *arg, struct sx_bytes bytes)
{
	struct heard *out = arg;

	ck_assert_uint_gt(bytes.len, 0);
	out->len += bytes.len;
	out->largest = bytes.len > out->largest ? bytes.len : out->largest;
	for (size_t i = 0; i < bytes.len; i++) {
		out->sum = out->sum * 31 + bytes.data[i];
	}
	if (out->pause) {
		sx_rains_tls_pause(tls, true);
	}
	if (out->drop) {
		sx_rains_tls_close(tls);
		tls = NULL;
	}
}

static void on_closed(void *arg, int status, const char *reason)
{
	struct heard *out = arg;

	out->closed++;
	out->status = status;
	(void)snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static int open_client(unsigned wait_ms, size_t queue_bytes)
{
	struct sx_rains_tls_config config = {
		.server = server.address,
		.trust = trust,
		.deadline_ns = sx_loop_now_ns() + wait_ms * MS,
		.queue_bytes = queue_bytes,
		.events = { on_connected, on_received, on_closed },
		.arg = &heard,
	};

	return sx_rains_tls_open(&tls, loop, &config);
}

static void prepare(enum tls_behaviour behaviour, const char *identity)
{
	struct sx_rains_tls_policy any = { .verify = SX_RAINS_TLS_ANY };
	char error[64];

	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	heard = (struct heard){ 0 };
	tls_server_init(behaviour, identity);
	ck_assert_int_eq(sx_rains_tls_trust_new(&trust, &any, error, sizeof error), SX_OK);
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
}

static void start(enum tls_behaviour behaviour)
{
	prepare(behaviour, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	ck_assert_int_eq(open_client(5000, 0), SX_OK);
}

static void stop(void)
{
	sx_rains_tls_close(tls);
	sx_loop_free(loop);
	sx_rains_tls_trust_free(trust);
	tls_server_close();
}

static void send_text(const char *text)
{
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_text(text)), SX_OK);
}

static uint64_t sum_of(const char *text)
{
	uint64_t sum = 0;

	for (; *text; text++) {
		sum = sum * 31 + (uint8_t)*text;
	}
	return sum;
}

static const enum tls_behaviour versions[] = { ECHO, ECHO_TLS12 };

START_TEST(a_connection_serves_several_questions)
{
	start(versions[_i]);
	send_text("one"); /* before it is connected */
	run_until_len(3);
	ck_assert_uint_eq(heard.connected, 1);
	send_text("two,");
	send_text("three");
	run_until_len(12);
	ck_assert_uint_eq(heard.sum, sum_of("onetwo,three"));
	ck_assert_uint_eq(heard.closed, 0);
	ck_assert_uint_eq(server.accepted, 1);
	sx_rains_tls_close(tls);
	tls = NULL;
	while (server.fd >= 0) { /* until the server has heard the goodbye */
		ck_assert(tls_server_turn(loop, 10000));
	}
	stop();
}
END_TEST

START_TEST(a_server_on_ipv6_is_reached)
{
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int rc = bind(probe, (struct sockaddr *)&loopback, sizeof loopback);

	(void)close(probe);
	if (rc < 0) {
		return; /* a machine without IPv6 */
	}
	prepare(ECHO, "a.example.org");
	tls_server_listen("::1", 4);
	ck_assert_int_eq(open_client(5000, 0), SX_OK);
	run_until(&heard.connected, 1);
	stop();
}
END_TEST

START_TEST(what_waits_to_be_sent_is_bounded)
{
	static char large[SX_RAINS_TLS_QUEUE_BYTES];

	memset(large, 'x', sizeof large);
	start(ECHO);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_of(large, sizeof large - 3)), SX_OK);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_of(large, 4)), SX_ELIMIT);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_of(large, 3)), SX_OK);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_of(large, 1)), SX_ELIMIT);
	run_until_len(sizeof large);
	ck_assert_uint_le(heard.largest, SX_RAINS_TLS_PIECE_BYTES);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_of(large, sizeof large)), SX_OK);
	run_until_len(2 * sizeof large);
	stop();
}
END_TEST

/* A server that reads nothing: the queue moves along while the rest of it waits. */
START_TEST(a_server_that_does_not_read_fills_the_queue)
{
	static char bytes[10000];
	int rc = SX_OK;

	start(FLOOD);
	heard.pause = true;
	run_until(&heard.connected, 1);
	for (int i = 0; i < 10000 && rc == SX_OK; i++) {
		rc = sx_rains_tls_send(tls, sx_bytes_of(bytes, sizeof bytes));
		sx_loop_run(loop, 0);
	}
	ck_assert_int_eq(rc, SX_ELIMIT);
	ck_assert_uint_eq(heard.closed, 0);
	stop();
}
END_TEST

START_TEST(a_flood_waits_while_paused)
{
	start(FLOOD);
	heard.pause = true;
	run_until(&server.blocked, 1);
	while (tls_server_turn(loop, 50)) { /* until neither side does anything more */
	}
	ck_assert_uint_gt(heard.len, 0);
	ck_assert_uint_le(heard.len, SX_RAINS_TLS_PIECE_BYTES);
	ck_assert_uint_lt(server.sent, FLOOD_BYTES);
	heard.pause = false;
	sx_rains_tls_pause(tls, false);
	run_until_len(FLOOD_BYTES);
	stop();
}
END_TEST

START_TEST(it_may_be_closed_when_it_has_received)
{
	start(FLOOD);
	heard.drop = true;
	while (tls) {
		(void)tls_server_turn(loop, 10000);
	}
	while (server.fd >= 0 && tls_server_turn(loop, 50)) {
		ck_assert_uint_le(heard.len, SX_RAINS_TLS_PIECE_BYTES);
	}
	ck_assert_uint_eq(heard.closed, 0);
	stop();
}
END_TEST

static const struct {
	enum tls_behaviour behaviour;
	int status;
	const char *reason;
} ends[] = {
	{ GOODBYE, SX_ECLOSED, "the server closed the connection" },
	{ CUT, SX_ERESET, "the connection broke: " },
	{ RESET, SX_ERESET, "the connection broke: " },
	{ GARBAGE, SX_ETLS, "no TLS connection can be made: " },
	{ HANG_UP, SX_ETLS, "no TLS connection can be made: " },
};

START_TEST(an_end_is_told_once_with_its_reason)
{
	start(ends[_i].behaviour);
	run_until(&heard.closed, 1);
	ck_assert_int_eq(heard.status, ends[_i].status);
	ck_assert_msg(strncmp(heard.reason, ends[_i].reason, strlen(ends[_i].reason)) == 0, "%s",
		heard.reason);
	ck_assert_int_eq(sx_rains_tls_send(tls, sx_bytes_text("x")), SX_ECLOSED);
	sx_rains_tls_pause(tls, true);
	sx_loop_run(loop, 0);
	ck_assert_uint_eq(heard.closed, 1);
	stop();
}
END_TEST

START_TEST(sending_to_a_reset_connection_raises_no_signal)
{
	start(ECHO);
	heard.pause = true;
	send_text("x");
	run_until(&heard.connected, 1);
	run_until_len(1);
	tls_server_reset();
	send_text("y");
	run_until(&heard.closed, 1);
	ck_assert_int_eq(heard.status, SX_ERESET);
	stop();
}
END_TEST

START_TEST(a_refused_connection_is_told)
{
	prepare(ECHO, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	(void)close(server.listener);
	server.listener = -1;
	ck_assert_int_eq(open_client(5000, 0), SX_OK);
	run_until(&heard.closed, 1);
	ck_assert_int_eq(heard.status, SX_EREFUSED);
	ck_assert_str_eq(heard.reason, "the server refuses connections");
	stop();
}
END_TEST

START_TEST(a_silent_server_meets_the_deadline)
{
	uint64_t before_ns = sx_loop_now_ns();

	prepare(SILENCE, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	ck_assert_int_eq(open_client(50, 0), SX_OK);
	run_until(&heard.closed, 1);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	ck_assert_str_eq(heard.reason, "no TLS handshake with the server in time");
	ck_assert_uint_ge(sx_loop_now_ns() - before_ns, 50 * MS);
	stop();
}
END_TEST

/* A full backlog: the system does not answer further clients. */
START_TEST(a_server_that_does_not_accept_meets_the_deadline)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	int others[4];

	prepare(SILENCE, "a.example.org");
	tls_server_listen("127.0.0.1", 0);
	server.accepted = 1; /* let it wait */
	ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&address, &len), 0);
	for (size_t i = 0; i < SX_COUNT(others); i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(others[i], (struct sockaddr *)&address, len);
	}
	ck_assert_int_eq(open_client(50, 0), SX_OK);
	run_until(&heard.closed, 1);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	ck_assert_str_eq(heard.reason, "no connection to the server in time");
	for (size_t i = 0; i < SX_COUNT(others); i++) {
		(void)close(others[i]);
	}
	stop();
}
END_TEST

static int make_tls(void *arg)
{
	struct sx_rains_tls_config config = { .server = server.address, .trust = trust };
	struct sx_rains_tls *made;
	int rc = sx_rains_tls_open(&made, arg, &config);

	if (rc == SX_OK) {
		sx_rains_tls_close(made);
	}
	return rc;
}

START_TEST(without_memory_there_is_no_connection)
{
	start(ECHO);
	ck_assert_uint_gt(sx_each_allocation_fails(make_tls, loop), 0);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_tls");
	TCase *tcase = tcase_create("connection");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_connection_serves_several_questions, 0, SX_COUNT(versions));
	tcase_add_test(tcase, a_server_on_ipv6_is_reached);
	tcase_add_test(tcase, what_waits_to_be_sent_is_bounded);
	tcase_add_test(tcase, a_server_that_does_not_read_fills_the_queue);
	tcase_add_test(tcase, a_flood_waits_while_paused);
	tcase_add_test(tcase, it_may_be_closed_when_it_has_received);
	tcase_add_loop_test(tcase, an_end_is_told_once_with_its_reason, 0, SX_COUNT(ends));
	tcase_add_test(tcase, sending_to_a_reset_connection_raises_no_signal);
	tcase_add_test(tcase, a_refused_connection_is_told);
	tcase_add_test(tcase, a_silent_server_meets_the_deadline);
	tcase_add_test(tcase, a_server_that_does_not_accept_meets_the_deadline);
	tcase_add_test(tcase, without_memory_there_is_no_connection);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	return sx_tap_run(suite());
}
