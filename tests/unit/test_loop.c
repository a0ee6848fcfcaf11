/* SPDX-License-Identifier: MIT */
#include <poll.h>
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

START_TEST(a_deadline_that_moves_away_is_met)
{
	struct sx_loop *loop;

	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	sx_loop_set_deadline(loop, sx_loop_now_ns());
	sx_loop_set_deadline(loop, sx_loop_now_ns() + 50000000);
	ck_assert_int_eq(is_readable(loop, 10000), 1); /* once too early, as documented */
	sx_loop_run(loop, 0);
	ck_assert_int_eq(is_readable(loop, 0), 0);
	sx_loop_set_deadline(loop, sx_loop_now_ns() + 1000000);
	ck_assert_int_eq(is_readable(loop, 10000), 1);
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
	tcase_add_test(tcase, a_deadline_that_moves_away_is_met);
	tcase_add_test(tcase, a_watched_descriptor_is_called_while_readable);
	tcase_add_test(tcase, a_loop_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
