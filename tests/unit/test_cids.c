/* SPDX-License-Identifier: MIT */
#include "quic/cids.h"

#include "alloc_fail.h"
#include "tap.h"

/* Connections are only pointed at here. */
static int places[2];
static struct sx_conn *const first = (void *)&places[0], *const second = (void *)&places[1];
static struct sx_list owned[2];
static struct sx_cids cids;

static void set_up(void)
{
	ck_assert_int_eq(sx_cids_init(&cids), SX_OK);
	sx_list_init(&owned[0]);
	sx_list_init(&owned[1]);
}

static void tear_down(void)
{
	sx_cids_clear(&cids, &owned[0]);
	sx_cids_clear(&cids, &owned[1]);
	sx_cids_fini(&cids);
}

START_TEST(a_key_leads_to_its_connection_until_it_is_removed)
{
	uint8_t key[SX_CID_MAX_BYTES] = "a connection ID here";

	ck_assert_int_eq(sx_cids_add(&cids, &owned[0], first, sx_bytes_of(key, 16)), SX_OK);
	ck_assert_int_eq(sx_cids_add(&cids, &owned[1], second, sx_bytes_of(key, 20)), SX_OK);
	key[19]++; /* it was copied */
	ck_assert_ptr_null(sx_cids_find(&cids, sx_bytes_of(key, 20)));
	key[19]--;
	ck_assert_ptr_eq(sx_cids_find(&cids, sx_bytes_of(key, 16)), first);
	ck_assert_ptr_eq(sx_cids_find(&cids, sx_bytes_of(key, 20)), second);
	ck_assert_ptr_null(sx_cids_find(&cids, sx_bytes_of(key, 8)));
	sx_cids_remove(&cids, first, sx_bytes_of(key, 16));
	sx_cids_remove(&cids, first, sx_bytes_of(key, 16));
	ck_assert_ptr_null(sx_cids_find(&cids, sx_bytes_of(key, 16)));
}
END_TEST

START_TEST(a_key_stays_with_its_first_owner)
{
	struct sx_bytes key = sx_bytes_text("chosen by a peer");

	ck_assert_int_eq(sx_cids_add(&cids, &owned[0], first, key), SX_OK);
	ck_assert_int_eq(sx_cids_add(&cids, &owned[1], second, key), SX_OK);
	ck_assert_ptr_eq(sx_cids_find(&cids, key), first);
	sx_cids_remove(&cids, second, key);
	sx_cids_clear(&cids, &owned[1]);
	ck_assert_ptr_eq(sx_cids_find(&cids, key), first);
}
END_TEST

START_TEST(thousands_are_cleared_with_their_owner)
{
	for (uint32_t i = 0; i < 5000; i++) {
		ck_assert_int_eq(sx_cids_add(&cids, &owned[i % 2], i % 2 ? second : first,
					 sx_bytes_of(&i, sizeof i)),
			SX_OK);
	}
	sx_cids_clear(&cids, &owned[0]);
	for (uint32_t i = 0; i < 5000; i++) {
		ck_assert_ptr_eq(
			sx_cids_find(&cids, sx_bytes_of(&i, sizeof i)), i % 2 ? second : NULL);
	}
}
END_TEST

static int add(void *arg)
{
	return sx_cids_add(&cids, &owned[0], first, sx_bytes_text(arg));
}

START_TEST(a_key_without_memory_is_refused)
{
	char text[] = "an ID";

	ck_assert_uint_eq(sx_each_allocation_fails(add, text), 1);
	ck_assert_ptr_eq(sx_cids_find(&cids, sx_bytes_text(text)), first);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cids");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_key_leads_to_its_connection_until_it_is_removed);
	tcase_add_test(tcase, a_key_stays_with_its_first_owner);
	tcase_add_test(tcase, thousands_are_cleared_with_their_owner);
	tcase_add_test(tcase, a_key_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
