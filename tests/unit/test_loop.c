/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "base/loop.h"
#include "tap.h"

static int is_readable(const struct sx_loop *loop, int timeout_ms)
{
	struct pollfd fd = { .fd = sx_loop_fd(loop), .events = POLLIN };

	return poll(&fd, 1, timeout_ms);
}

START_TEST(a_wake_makes_it_readable_for_one_turn)
{
	struct sx_loop *loop;

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_wake(loop);
	sx_loop_wake(loop);
	ck_assert_int_eq(is_readable(loop, 0), 1);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_free(loop);
}
END_TEST

START_TEST(a_deadline_makes_it_readable)
{
	struct sx_loop *loop;

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	sx_loop_set_deadline(loop, sx_loop_now_ns() + 3600000000000);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_set_deadline(loop, 0); /* long past */
	ck_assert_int_eq(is_readable(loop, 10000), 1);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_set_deadline(loop, sx_loop_now_ns());
	sx_loop_set_deadline(loop, SX_NEVER);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_free(loop);
}
END_TEST

static void count(void *arg)
{
	++*(int *)arg;
}

START_TEST(a_watched_descriptor_is_called_while_readable)
{
	struct sx_loop *loop;
	int pipe_fds[2], calls = 0;
	struct sx_watch watch = { count, &calls, -1 };

	ck_assert_int_eq(pipe(pipe_fds), 0);
	watch.fd = pipe_fds[0];
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_loop_watch(loop, &watch), SX_OK);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 0);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	sx_loop_run(loop, 0);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 2);
	sx_loop_unwatch(loop, &watch);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 2);
	sx_loop_free(loop);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}
END_TEST

START_TEST(a_watch_waits_for_writing_while_asked_to)
{
	struct sx_loop *loop;
	int fds[2], calls = 0;
	struct sx_watch watch = { count, &calls, -1 };

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	watch.fd = fds[0];
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_loop_watch(loop, &watch), SX_OK);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 0);
	ck_assert_int_eq(sx_loop_watch_for(loop, &watch, SX_LOOP_READ | SX_LOOP_WRITE), SX_OK);
	sx_loop_run(loop, 0);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 2);
	while (write(fds[0], "0123456789abcdef", 16) > 0) {
	}
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(sx_loop_watch_for(loop, &watch, SX_LOOP_WRITE), SX_OK);
	ck_assert_int_eq(write(fds[1], "x", 1), 1); /* nobody waits for it */
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(sx_loop_watch_for(loop, &watch, SX_LOOP_READ), SX_OK);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(sx_loop_watch_for(loop, &watch, 0), SX_OK);
	sx_loop_run(loop, 0);
	ck_assert_int_eq(calls, 3);
	sx_loop_free(loop);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

/* Two watches on pipes that both are readable; the one called first takes the other away. */
struct rival {
	struct sx_watch watch;
	struct sx_loop *loop;
	struct rival *other;
	int calls;
};

static void beat_the_other(void *arg)
{
	struct rival *rival = arg;

	rival->calls++;
	sx_loop_unwatch(rival->loop, &rival->other->watch);
}

START_TEST(a_watch_taken_away_in_the_same_turn_is_not_called)
{
	struct sx_loop *loop;
	struct rival rivals[2] = { 0 };
	int fds[2][2];

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(fds[i]), 0);
		ck_assert_int_eq(write(fds[i][1], "x", 1), 1);
		rivals[i].watch = (struct sx_watch){ beat_the_other, &rivals[i], fds[i][0] };
		rivals[i].loop = loop;
		rivals[i].other = &rivals[1 - i];
		ck_assert_int_eq(sx_loop_watch(loop, &rivals[i].watch), SX_OK);
	}
	sx_loop_run(loop, 0);
	ck_assert_int_eq(rivals[0].calls + rivals[1].calls, 1);
	sx_loop_free(loop);
	for (int i = 0; i < 2; i++) {
		(void)close(fds[i][0]);
		(void)close(fds[i][1]);
	}
}
END_TEST

struct nested {
	struct sx_loop *loop;
	int turns;
};

static void run_inner(void *arg)
{
	struct nested *inner = arg;

	inner->turns++;
	sx_loop_run(inner->loop, 0);
}

START_TEST(a_loop_in_a_loop_has_a_timer_of_its_own)
{
	struct sx_loop *outer;
	struct nested inner = { 0 };
	struct sx_watch watch = { run_inner, &inner, -1 };

	ck_assert_int_eq(sx_loop_new(&outer), SX_OK);
	ck_assert_int_eq(sx_loop_new(&inner.loop), SX_OK);
	watch.fd = sx_loop_fd(inner.loop);
	ck_assert_int_eq(sx_loop_watch(outer, &watch), SX_OK);
	sx_loop_set_deadline(outer, sx_loop_now_ns() + 3600000000000);
	sx_loop_set_deadline(inner.loop, 0);
	ck_assert_int_eq(is_readable(outer, 10000), 1);
	sx_loop_run(outer, 0);
	ck_assert_int_eq(inner.turns, 1);
	ck_assert_int_eq(is_readable(outer, 0), 0);
	sx_loop_wake(inner.loop);
	sx_loop_run(outer, 0);
	ck_assert_int_eq(inner.turns, 2);
	ck_assert_int_eq(is_readable(outer, 0), 0);
	sx_loop_unwatch(outer, &watch);
	sx_loop_free(inner.loop);
	sx_loop_free(outer);
}
END_TEST

static int make_loop(void *arg)
{
	struct sx_loop *loop;
	int rc = sx_loop_new(&loop);

	(void)arg;
	if (rc == SX_OK) {
		sx_loop_free(loop);
	}
	return rc;
}

START_TEST(a_loop_without_memory_is_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_loop, NULL), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = tcase_create("descriptor");

	tcase_add_test(tcase, a_wake_makes_it_readable_for_one_turn);
	tcase_add_test(tcase, a_deadline_makes_it_readable);
	tcase_add_test(tcase, a_watched_descriptor_is_called_while_readable);
	tcase_add_test(tcase, a_watch_waits_for_writing_while_asked_to);
	tcase_add_test(tcase, a_watch_taken_away_in_the_same_turn_is_not_called);
	tcase_add_test(tcase, a_loop_in_a_loop_has_a_timer_of_its_own);
	tcase_add_test(tcase, a_loop_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
