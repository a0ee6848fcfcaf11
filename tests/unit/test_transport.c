/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>

#include "alloc_fail.h"
#include "base/live.h"
#include "path_file.h"
#include "tap.h"
#include "tls_fixture.h"
#include "transport.h"

#define FIRST_PORT 21000
#define PORTS      10000

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

/* What its owner saw of the stream that is dialled. */
struct seen {
	bool opened;
	bool closed;
	int status;
};

static void on_accepted(void *arg, struct sx_stream *stream)
{
	sx_stream_set_user(stream, arg);
}

static void on_opened(void *user, struct sx_stream *stream)
{
	struct seen *seen = user;

	(void)stream;
	seen->opened = true;
}

static void on_nothing(void *user, struct sx_stream *stream)
{
	(void)user;
	(void)stream;
}

static void on_closed(void *user, struct sx_stream *stream, int status, const char *reason)
{
	struct seen *seen = user;

	(void)stream;
	(void)reason;
	seen->closed = true;
	seen->status = status;
}

static uint16_t far_port(void)
{
	return (uint16_t)(FIRST_PORT + getpgrp() % PORTS);
}

static struct sx_transport *start(
	const char *address, uint16_t port, const char *name, const char *secret)
{
	static struct seen nobody;
	struct sx_transport_config config = {
		.address = address,
		.paths = path_option,
		.port = port,
		.secret = secret,
		.alpn = labels,
		.events = { on_accepted, on_opened, on_nothing, on_nothing, on_nothing, on_closed },
		.arg = &nobody,
	};
	struct sx_transport *transport;
	char text[512];

	ck_assert_msg(sx_transport_new(&transport, &config,
			      (struct sx_problem){ text, sizeof text }) == SX_OK,
		"%s", text);
	fixture_add(sx_transport_tls(transport), name);
	return transport;
}

static struct sx_transport *start_far(const char *secret)
{
	return start("1-ff00:0:111,127.0.0.2", far_port(), "b.example.org", secret);
}

/* A server in a process of its own that serves until it is killed. */
static pid_t serve_apart(const char *secret)
{
	int ready[2];
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct sx_transport *far = start_far(secret);

		(void)alarm(20);
		(void)!write(ready[1], "!", 1);
		for (;;) {
			sx_transport_process(far, 1000);
		}
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return child;
}

static struct sx_stream *dial(struct sx_transport *near, struct seen *seen)
{
	struct sx_transport_target to = { "a.example.org", "b.example.org",
		"1-ff00:0:111,127.0.0.2", far_port(), "xmpp-server" };
	char text[512];
	struct sx_stream *stream;

	ck_assert_int_eq(sx_transport_dial(near, &to, seen, &stream,
				 (struct sx_problem){ text, sizeof text }),
		SX_OK);
	for (int turns = 0; !seen->opened && turns < 500; turns++) {
		sx_transport_process(near, 10);
	}
	ck_assert(seen->opened);
	return stream;
}

static const struct {
	const char *secret; /* of the server after its crash */
	bool noticed;
} restarts[] = {
	{ "the secret that survives a crash", true },
	{ "another secret: all is forgotten", false },
};

/* RFC 9000 section 10.3.2. */
START_TEST(a_crash_is_noticed_when_the_secret_survives_it)
{
	pid_t child = serve_apart(restarts[0].secret);
	struct sx_transport *near = start("1-ff00:0:111,127.0.0.1", 0, "a.example.org", NULL);
	struct sx_transport *far;
	struct seen seen = { 0 };
	struct sx_stream *stream = dial(near, &seen);

	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	far = start_far(restarts[_i].secret);
	ck_assert_int_eq(sx_stream_write(stream, sx_bytes_text("are you there?")), SX_OK);
	sx_transport_wake(near);
	for (int turns = 0; !seen.closed && turns < 50; turns++) {
		sx_transport_process(near, 5);
		sx_transport_process(far, 5);
	}
	ck_assert_int_eq(seen.closed, restarts[_i].noticed);
	ck_assert_int_eq(seen.status, restarts[_i].noticed ? SX_ERESET : SX_OK);
	sx_stream_release(stream);
	sx_transport_free(near);
	sx_transport_free(far);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("transport");
	TCase *tcase = tcase_create("opening");

	fixture_init();
	tcase_add_checked_fixture(tcase, make_path_file, remove_path_file);
	tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, (int)SX_COUNT(wrong));
	tcase_add_test(tcase, a_transport_without_memory_is_refused);
	tcase_add_test(tcase, a_dial_needs_a_path_and_an_identity);
	tcase_add_loop_test(
		tcase, a_crash_is_noticed_when_the_secret_survives_it, 0, (int)SX_COUNT(restarts));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
