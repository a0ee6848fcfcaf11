/* SPDX-License-Identifier: MIT */
#include "handles.h"
#include "tap.h"

static int objects[3];

START_TEST(a_handle_finds_its_object_until_it_is_removed)
{
	struct sx_handles handles;
	sx_handle first, second;

	sx_handles_init(&handles);
	ck_assert_int_eq(sx_handles_add(&handles, &objects[0], &first), SX_OK);
	ck_assert_int_eq(sx_handles_add(&handles, &objects[1], &second), SX_OK);
	ck_assert_uint_ne(first, 0);
	ck_assert_ptr_eq(sx_handles_find(&handles, first), &objects[0]);
	ck_assert_ptr_eq(sx_handles_find(&handles, second), &objects[1]);
	sx_handles_remove(&handles, first);
	ck_assert_ptr_null(sx_handles_find(&handles, first));
	ck_assert_ptr_eq(sx_handles_find(&handles, second), &objects[1]);
	sx_handles_fini(&handles);
}
END_TEST

START_TEST(a_reused_place_gets_another_handle)
{
	struct sx_handles handles;
	sx_handle old, new;

	sx_handles_init(&handles);
	ck_assert_int_eq(sx_handles_add(&handles, &objects[0], &old), SX_OK);
	for (int i = 0; i < 1000; i++) {
		sx_handles_remove(&handles, old);
		ck_assert_int_eq(sx_handles_add(&handles, &objects[1], &new), SX_OK);
		ck_assert_uint_ne(new, old);
		ck_assert_ptr_null(sx_handles_find(&handles, old));
		ck_assert_uint_lt(new, 1ULL << 52);
		old = new;
	}
	ck_assert_uint_eq(handles.count, 1);
	sx_handles_fini(&handles);
}
END_TEST

START_TEST(invented_handles_find_nothing)
{
	static const sx_handle invented[] = { 0, 1, 1ULL << 24, 2ULL << 24, UINT64_MAX, (1ULL << 52) - 1, 1ULL << 52 };
	struct sx_handles handles;
	sx_handle handle;

	sx_handles_init(&handles);
	ck_assert_ptr_null(sx_handles_find(&handles, invented[_i]));
	ck_assert_int_eq(sx_handles_add(&handles, &objects[0], &handle), SX_OK);
	if (invented[_i] != handle) {
		ck_assert_ptr_null(sx_handles_find(&handles, invented[_i]));
	}
	sx_handles_fini(&handles);
}
END_TEST

START_TEST(the_walk_sees_every_object_once_while_they_go)
{
	struct sx_handles handles;
	sx_handle list[100], at = 0;
	int seen = 0;

	sx_handles_init(&handles);
	for (size_t i = 0; i < SX_COUNT(list); i++) {
		ck_assert_int_eq(sx_handles_add(&handles, &list[i], &list[i]), SX_OK);
	}
	for (sx_handle *next; (next = sx_handles_next(&handles, at)); seen++) {
		at = *next;
		sx_handles_remove(&handles, at);
	}
	ck_assert_int_eq(seen, 100);
	sx_handles_fini(&handles);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("handles");
	TCase *tcase = tcase_create("table");

	tcase_add_test(tcase, a_handle_finds_its_object_until_it_is_removed);
	tcase_add_test(tcase, a_reused_place_gets_another_handle);
	tcase_add_loop_test(tcase, invented_handles_find_nothing, 0, 7);
	tcase_add_test(tcase, the_walk_sees_every_object_once_while_they_go);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
