/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "base/buf.h"
#include "tap.h"

START_TEST(a_buffer_takes_what_fits)
{
	struct sx_buf *buf;

	ck_assert_int_eq(sx_buf_new(&buf, 5), SX_OK);
	ck_assert_uint_eq(sx_buf_append(buf, sx_bytes_text("abc")), 3);
	ck_assert_uint_eq(sx_buf_append(buf, sx_bytes_text("defg")), 2);
	ck_assert_uint_eq(sx_buf_append(buf, sx_bytes_text("h")), 0);
	ck_assert_uint_eq(sx_buf_append(buf, sx_bytes_of(NULL, 0)), 0);
	ck_assert_mem_eq(buf->data, "abcde", 5);
	sx_buf_unref(buf);
}
END_TEST

START_TEST(the_last_reference_frees)
{
	struct sx_buf *buf;

	ck_assert_int_eq(sx_buf_new(&buf, 1), SX_OK);
	ck_assert_ptr_eq(sx_buf_ref(buf), buf);
	sx_buf_unref(buf);
	ck_assert_uint_eq(buf->refs, 1);
	sx_buf_unref(buf);
	sx_buf_unref(NULL);
}
END_TEST

static int make_buf(void *arg)
{
	struct sx_buf *buf;
	int rc = sx_buf_new(&buf, 100);

	(void)arg;
	if (rc == SX_OK) {
		sx_buf_unref(buf);
	}
	return rc;
}

START_TEST(a_buffer_without_memory_is_refused)
{
	ck_assert_uint_eq(sx_each_allocation_fails(make_buf, NULL), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tcase = tcase_create("payload");

	tcase_add_test(tcase, a_buffer_takes_what_fits);
	tcase_add_test(tcase, the_last_reference_frees);
	tcase_add_test(tcase, a_buffer_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
