/* SPDX-License-Identifier: MIT */
/* The client of RAINS servers, beside one that behaves as badly as it is told. */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "alloc_fail.h"
#include "path_file.h"
#include "rains/lookup.h"
#include "rains/scion_link.h"
#include "rains/server.h"
#include "rains/tls_link.h"
#include "rains/trust.h"
#include "scion/pathsrc_file.h"
#include "tap.h"
#include "tls_fixture.h"
#include "tls_server.h"

#define MS   UINT64_C(1000000)
#define DEAD "127.0.0.1:9" /* nobody listens there */

static struct sx_loop *loop;
static struct sx_rains_client *client;
static struct sx_rains_trust *trust;
static struct sx_pathsrc *paths;
static struct sx_rains_scion scion;
static char servers[512];

struct asked {
	struct sx_rains_call call;
	int64_t type;
	unsigned over;
	int status; /* SX_OK: received */
	char said[SX_RAINS_REASON_BYTES];
};

static void on_received(struct sx_rains_call *call, struct sx_bytes message, const char *from)
{
	struct asked *asked = sx_container_of(call, struct asked, call);
	struct sx_rains_msg msg;

	ck_assert_int_eq(sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST), SX_OK);
	ck_assert(sx_bytes_equal(msg.token, sx_bytes_of(call->token, sizeof call->token)));
	asked->over++;
	asked->status = SX_OK;
	(void)snprintf(asked->said, sizeof asked->said, "%s", from);
}

static void on_failed(struct sx_rains_call *call, int status, const char *reason)
{
	struct asked *asked = sx_container_of(call, struct asked, call);

	asked->over++;
	asked->status = status;
	(void)snprintf(asked->said, sizeof asked->said, "%s", reason);
}

/* How servers are written: the one of the test, after `before`. */
static void write_servers(const char *before)
{
	(void)snprintf(servers, sizeof servers, "%s127.0.0.1:%u", before, server.address.port);
}

static void start(enum tls_behaviour behaviour, const char *before)
{
	struct sx_rains_client_config config = { .servers = servers };
	struct sx_rains_reason reason;

	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	tls_server_init(behaviour, "a.example.org");
	tls_server_listen("127.0.0.1", 4);
	write_servers(before);
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_rains_client_new(&client, loop, &config, &reason), SX_OK);
}

static void stop(void)
{
	sx_rains_client_free(client);
	sx_loop_free(loop);
	tls_server_close();
}

static int ask(struct asked *asked, uint64_t wait_ns)
{
	asked->over = 0;
	asked->type = SX_RAINS_SCION;
	asked->call = (struct sx_rains_call){
		.question = { .name = sx_bytes_text("b.example.org."),
			.context = sx_bytes_text("."),
			.types = &asked->type,
			.type_count = 1 },
		.deadline_ns = sx_loop_now_ns() + wait_ns,
		.received = on_received,
		.failed = on_failed,
	};
	return sx_rains_client_call(client, &asked->call, sx_loop_now_ns());
}

static void run_until_over(const struct asked *asked)
{
	uint64_t limit_ns = sx_loop_now_ns() + 20000 * MS;

	while (!asked->over && sx_loop_now_ns() < limit_ns) {
		(void)tls_server_turn(loop, 10000);
	}
	ck_assert_uint_eq(asked->over, 1);
}

static void expect(const struct asked *asked, int status, const char *said)
{
	ck_assert_msg(asked->status == status && strstr(asked->said, said), "%s: %s, not %s",
		sx_status_text(asked->status), asked->said, said);
}

START_TEST(an_answer_goes_to_whose_token_it_has)
{
	struct asked first, second;

	start(ECHO, "");
	ck_assert_int_eq(ask(&first, 5000 * MS), SX_OK);
	ck_assert_int_eq(ask(&second, 5000 * MS), SX_OK);
	run_until_over(&first);
	run_until_over(&second);
	expect(&first, SX_OK, "127.0.0.1:");
	expect(&second, SX_OK, "127.0.0.1:");
	ck_assert_uint_eq(server.accepted, 1); /* one connection for both */
	stop();
}
END_TEST

START_TEST(the_next_server_is_asked_when_one_cannot_be_reached)
{
	struct asked asked;

	start(ECHO, DEAD "\n");
	ck_assert_int_eq(ask(&asked, 5000 * MS), SX_OK);
	run_until_over(&asked);
	expect(&asked, SX_OK, "127.0.0.1:");
	ck_assert_ptr_null(strstr(asked.said, DEAD));
	stop();
}
END_TEST

static const struct {
	enum tls_behaviour behaviour;
	const char *said;
} ill[] = {
	{ CUT, "the connection broke" },
	{ RESET, "" },
	{ GARBAGE, "" },
	{ HANG_UP, "" },
};

START_TEST(an_ill_server_fails_the_question_and_is_left_alone)
{
	struct asked asked;
	unsigned accepted;

	start(ill[_i].behaviour, "");
	ck_assert_int_eq(ask(&asked, 5000 * MS), SX_OK);
	run_until_over(&asked);
	expect(&asked, SX_EUNREACH, ill[_i].said);
	accepted = server.accepted;
	ck_assert_int_eq(ask(&asked, 5000 * MS), SX_EUNREACH);
	ck_assert_ptr_nonnull(strstr(asked.call.reason, "failed lately"));
	ck_assert_uint_eq(server.accepted, accepted);
	sx_rains_client_flush(client); /* and asked again when told to forget it */
	ck_assert_int_eq(ask(&asked, 5000 * MS), SX_OK);
	sx_rains_client_cancel(client, &asked.call);
	stop();
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
	struct asked asked;
	uint64_t since_ns;

	start(SILENCE, "");
	since_ns = sx_loop_now_ns();
	ck_assert_int_eq(ask(&asked, 200 * MS), SX_OK);
	run_until_over(&asked);
	ck_assert_int_lt(asked.status, 0);
	ck_assert_uint_ge(sx_loop_now_ns() - since_ns, 200 * MS);
	stop();
}
END_TEST

START_TEST(under_scion_only_no_tls_server_is_asked)
{
	struct asked asked;
	struct sx_rains_call *call = &asked.call;

	start(ECHO, "");
	ck_assert_int_eq(ask(&asked, 5000 * MS), SX_OK);
	sx_rains_client_cancel(client, call);
	call->scion_only = true;
	ck_assert_int_eq(sx_rains_client_call(client, call, sx_loop_now_ns()), SX_EUNREACH);
	ck_assert_str_eq(call->reason, "no server on SCION is configured");
	stop();
}
END_TEST

START_TEST(questions_at_once_are_bounded)
{
	static struct asked asked[513];
	size_t count = 0;

	start(SILENCE, "");
	while (count < SX_COUNT(asked) && ask(&asked[count], 60000 * MS) == SX_OK) {
		count++;
	}
	ck_assert_uint_eq(count, 512);
	ck_assert_str_eq(asked[count].call.reason, "too many questions at once");
	while (count > 0) {
		sx_rains_client_cancel(client, &asked[--count].call);
	}
	stop();
}
END_TEST

static void never_received(void *arg, struct sx_bytes message)
{
	(void)arg;
	(void)message;
}

static void never_broken(void *arg, const char *reason)
{
	(void)arg;
	(void)reason;
}

static const struct sx_rains_link_events never = { never_received, never_broken, NULL };

static int make_client(void *arg)
{
	struct sx_rains_client_config config = { .servers = servers, .scion = &scion };
	struct sx_rains_client *made;
	struct sx_rains_reason reason;
	int rc = sx_rains_client_new(&made, loop, &config, &reason);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_client_free(made);
	}
	return rc;
}

static void on_done(void *arg, int status, const struct sx_rains_answer *answer, const char *reason)
{
	(void)arg;
	(void)status;
	(void)answer;
	(void)reason;
}

static int make_lookup(void *arg)
{
	struct sx_rains_wish wish = { .client = client,
		.trust = trust,
		.name = "b.example.org",
		.type = SX_RAINS_SCION,
		.deadline_ns = sx_loop_now_ns() + 1000 * MS,
		.done = on_done };
	struct sx_rains_lookup *lookup;
	struct sx_rains_reason reason;
	int rc = sx_rains_lookup_new(&lookup, &wish, sx_loop_now_ns(), &reason);

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_lookup_free(lookup);
	}
	return rc;
}

static int make_tls_link(void *arg)
{
	struct sx_rains_link *link;
	struct sx_rains_reason reason;
	int rc = sx_rains_tls_link_new(&link, loop, arg, &never, &reason);

	if (rc == SX_OK) {
		link->ops->free(link);
	}
	return rc;
}

static int make_scion_link(void *arg)
{
	struct sx_rains_link *link;
	struct sx_rains_port *port;
	struct sx_rains_reason reason;
	int rc = sx_rains_port_new(&port, loop, &scion, &reason);

	if (rc < 0) {
		return rc;
	}
	rc = sx_rains_scion_link_new(&link, port, arg, &never);
	if (rc == SX_OK) {
		link->ops->free(link);
	}
	sx_rains_port_free(port);
	return rc;
}

static void open_paths(void)
{
	struct sx_log silent = { NULL, NULL };
	char problem[SX_PATHTABLE_PROBLEM_BYTES];

	make_path_file();
	ck_assert_int_eq(sx_pathsrc_file_open(&paths, path_option + 5, &silent, problem), SX_OK);
	ck_assert_int_eq(
		sx_addr_parse(sx_bytes_text("1-ff00:0:111,127.0.0.1"), &scion.local), SX_OK);
	scion.paths = paths;
}

static void open_trust(void)
{
	static const struct sx_rains_anchors none;
	static const uint8_t seed[16];
	struct sx_rains_trust_config config = { .anchors = &none,
		.unsigned_ok = true,
		.keys_most = 10,
		.validity_most = 10,
		.seed = seed };

	ck_assert_int_eq(sx_rains_trust_new(&trust, &config), SX_OK);
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_server tls, far;
	struct sx_rains_reason reason;

	start(SILENCE, "");
	open_paths();
	open_trust();
	ck_assert_int_eq(sx_rains_server_parse(&tls, servers, &reason), SX_OK);
	ck_assert_int_eq(
		sx_rains_server_parse(&far, "[1-ff00:0:111,127.0.0.1]:31468", &reason), SX_OK);
	ck_assert_uint_gt(sx_each_allocation_fails(make_tls_link, &tls), 1);
	ck_assert_uint_gt(sx_each_allocation_fails(make_scion_link, &far), 2);
	ck_assert_uint_gt(sx_each_allocation_fails(make_lookup, NULL), 1);
	write_servers("[1-ff00:0:111,127.0.0.1]:31468\n");
	ck_assert_uint_gt(sx_each_allocation_fails(make_client, NULL), 5);
	sx_rains_trust_free(trust);
	paths->ops->free(paths);
	remove_path_file();
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_client");
	TCase *tcase = tcase_create("servers");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_answer_goes_to_whose_token_it_has);
	tcase_add_test(tcase, the_next_server_is_asked_when_one_cannot_be_reached);
	tcase_add_loop_test(
		tcase, an_ill_server_fails_the_question_and_is_left_alone, 0, SX_COUNT(ill));
	tcase_add_test(tcase, silence_ends_at_the_deadline);
	tcase_add_test(tcase, under_scion_only_no_tls_server_is_asked);
	tcase_add_test(tcase, questions_at_once_are_bounded);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	fixture_init();
	fixture_make("a.example.org", FIXTURE_VALID);
	return sx_tap_run(suite());
}
