/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "alloc_fail.h"
#include "context.h"
#include "path_file.h"
#include "tap.h"

static struct sx_options good_options(void)
{
	return (struct sx_options){ .size = sizeof(struct sx_options),
		.address = "1-ff00:0:111,127.0.0.1",
		.paths = path_option };
}

static int make_context(void *arg)
{
	struct sx_options options = good_options();
	struct sx_context *context;
	char error[512];
	int rc = sx_open(&options, &context, error, sizeof error);

	(void)arg;
	if (rc == SX_OK) {
		sx_close(context, 0);
	}
	return rc;
}

START_TEST(a_context_without_memory_is_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_context, NULL), 5);
	ck_assert_uint_eq(sx_live_objects(), 0);
}
END_TEST

static int make_channel(void *arg)
{
	struct sx_channel *channel;
	int rc = sx_context_channel_new(arg, &channel);

	if (rc == SX_OK) {
		sx_context_channel_free(channel);
	}
	return rc;
}

static struct sx_context *open_context(void)
{
	struct sx_options options = good_options();
	struct sx_context *context;
	char error[512];

	ck_assert_msg(sx_open(&options, &context, error, sizeof error) == SX_OK, "%s", error);
	return context;
}

START_TEST(a_channel_without_memory_is_refused)
{
	struct sx_context *context = open_context();

	ck_assert_uint_gt(sx_each_allocation_fails(make_channel, context), 0);
	sx_close(context, 0);
	ck_assert_uint_eq(sx_live_objects(), 0);
}
END_TEST

START_TEST(a_caller_of_another_version_is_refused)
{
	struct sx_options options = good_options();
	struct sx_context *context;
	char error[512];

	options.size--;
	ck_assert_int_eq(sx_open(&options, &context, error, sizeof error), SX_EINVAL);
	ck_assert_str_eq(error, "the caller was built for another version of libsx");
}
END_TEST

static const char *const alpn_lists[] = { "", ",", "a,b,c,d,e",
	"a-label-that-is-much-longer-than-the-room-that-there-is-for-all-labels" };

START_TEST(a_list_of_labels_that_is_none_is_refused)
{
	struct sx_options options = good_options();
	struct sx_context *context;
	char error[512];

	options.alpn = alpn_lists[_i];
	ck_assert_int_eq(sx_open(&options, &context, error, sizeof error), SX_EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "is not a list of at most 4 labels"));
	ck_assert_uint_eq(sx_live_objects(), 0);
}
END_TEST

START_TEST(every_call_knows_a_stale_handle)
{
	struct sx_context *context = open_context();
	struct sx_channel_state state;
	const sx_handle stale = 1ULL << 24;
	char out[64];
	size_t len;

	ck_assert_int_eq(sx_channel_set_udata(context, stale, 1), SX_ESTALE);
	ck_assert_int_eq(sx_channel_send(context, stale, "x", 1), SX_ESTALE);
	ck_assert_int_eq(sx_channel_receive(context, stale, out, sizeof out, &len), SX_ESTALE);
	ck_assert_int_eq(sx_channel_finish(context, stale), SX_ESTALE);
	ck_assert_int_eq(sx_channel_reset(context, stale), SX_ESTALE);
	ck_assert_int_eq(sx_channel_close(context, stale), SX_ESTALE);
	ck_assert_int_eq(sx_channel_pause(context, stale, 1), SX_ESTALE);
	ck_assert_int_eq(sx_channel_hold(context, stale, 1), SX_ESTALE);
	ck_assert_int_eq(sx_channel_state(context, stale, &state), SX_ESTALE);
	ck_assert_int_eq(sx_channel_text(context, stale, SX_TEXT_PEER, out, sizeof out), SX_ESTALE);
	ck_assert_int_eq(sx_channel_certificate(context, stale, 0, out, &len), SX_ESTALE);
	ck_assert_int_eq(sx_channel_export(context, stale, "x", out, 32), SX_ESTALE);
	sx_close(context, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("context");
	TCase *tcase = tcase_create("abi");

	tcase_add_checked_fixture(tcase, make_path_file, remove_path_file);
	tcase_add_test(tcase, a_context_without_memory_is_refused);
	tcase_add_test(tcase, a_channel_without_memory_is_refused);
	tcase_add_test(tcase, a_caller_of_another_version_is_refused);
	tcase_add_loop_test(
		tcase, a_list_of_labels_that_is_none_is_refused, 0, (int)SX_COUNT(alpn_lists));
	tcase_add_test(tcase, every_call_knows_a_stale_handle);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
