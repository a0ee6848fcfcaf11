/* SPDX-License-Identifier: MIT */
#include "quic/chunks.h"

#include <stdlib.h>

#include "alloc_fail.h"
#include "tap.h"

/* The queue against a plain array: what is appended comes out, what is marked is not offered again. */
START_TEST(bytes_come_out_in_order_and_marked_ones_once)
{
	static uint8_t model[1 << 20], bytes[20000];
	size_t head = 0, mark = 0, tail = 0;
	struct sx_chunks chunks;

	srandom(1);
	sx_chunks_init(&chunks);
	for (int turn = 0; turn < 2000; turn++) {
		struct sx_bytes pieces[4];
		size_t add = (size_t)random() % 1000, drop, count;

		for (size_t i = 0; i < add && tail + add < sizeof model; i++) {
			bytes[i] = model[tail + i] = (uint8_t)random();
		}
		if (tail + add < sizeof model) {
			ck_assert_int_eq(sx_chunks_append(&chunks, sx_bytes_of(bytes, add)), SX_OK);
			tail += add;
		}
		count = sx_chunks_unmarked(&chunks, pieces, SX_COUNT(pieces));
		for (size_t i = 0, at = mark; i < count; at += pieces[i].len, i++) {
			ck_assert_mem_eq(pieces[i].data, model + at, pieces[i].len);
		}
		if (count > 0) {
			size_t len = (size_t)random() % (pieces[0].len + 1);

			sx_chunks_mark(&chunks, len);
			mark += len;
		}
		drop = mark > head ? (size_t)random() % (mark - head + 1) : 0;
		sx_chunks_drop(&chunks, drop);
		head += drop;
		ck_assert_uint_eq(chunks.len, tail - head);
		ck_assert_uint_eq(chunks.marked, mark - head);
		if (chunks.len > 0) {
			ck_assert_uint_eq(*sx_chunks_head(&chunks).data, model[head]);
		}
	}
	sx_chunks_fini(&chunks);
}
END_TEST

START_TEST(bytes_stay_where_they_are_until_they_are_dropped)
{
	static uint8_t bytes[5000];
	struct sx_chunks chunks;
	struct sx_bytes first, pieces[8];

	sx_chunks_init(&chunks);
	ck_assert_int_eq(sx_chunks_append(&chunks, sx_bytes_text("first")), SX_OK);
	first = sx_chunks_head(&chunks);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(
			sx_chunks_append(&chunks, sx_bytes_of(bytes, sizeof bytes)), SX_OK);
	}
	ck_assert_uint_eq(sx_chunks_unmarked(&chunks, pieces, SX_COUNT(pieces)), SX_COUNT(pieces));
	ck_assert_ptr_eq(pieces[0].data, first.data);
	ck_assert_mem_eq(first.data, "first", 5);
	sx_chunks_mark(&chunks, 3);
	sx_chunks_drop(&chunks, 3);
	ck_assert_ptr_eq(sx_chunks_head(&chunks).data, first.data + 3);
	sx_chunks_fini(&chunks);
}
END_TEST

static int append(void *arg)
{
	static uint8_t bytes[6000];

	return sx_chunks_append(arg, sx_bytes_of(bytes, sizeof bytes));
}

START_TEST(without_memory_nothing_is_appended)
{
	struct sx_chunks chunks;

	sx_chunks_init(&chunks);
	ck_assert_int_eq(sx_chunks_append(&chunks, sx_bytes_text("first")), SX_OK);
	ck_assert_uint_eq(sx_each_allocation_fails(append, &chunks), 2);
	/* Once, not in part each time. */
	ck_assert_uint_eq(chunks.len, 6005);
	sx_chunks_fini(&chunks);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("chunks");
	TCase *tcase = tcase_create("queue");

	tcase_add_test(tcase, bytes_come_out_in_order_and_marked_ones_once);
	tcase_add_test(tcase, bytes_stay_where_they_are_until_they_are_dropped);
	tcase_add_test(tcase, without_memory_nothing_is_appended);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
