/* SPDX-License-Identifier: MIT */
#include "base/wire.h"
#include "tap.h"

START_TEST(every_width_is_read_in_network_order)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
		19, 20, 21 };
	struct sx_reader reader = sx_reader_of(sx_bytes_of(in, sizeof in));

	ck_assert_uint_eq(sx_read_u8(&reader), 0x01);
	ck_assert_uint_eq(sx_read_u16(&reader), 0x0203);
	ck_assert_uint_eq(sx_read_u32(&reader), 0x04050607);
	ck_assert_uint_eq(sx_read_u48(&reader), 0x08090a0b0c0d);
	ck_assert_uint_eq(sx_read_u64(&reader), 0x0e0f101112131415);
	ck_assert(sx_reader_ok(&reader));
	ck_assert_uint_eq(sx_reader_left(&reader), 0);
}
END_TEST

START_TEST(a_read_past_the_end_fails_for_good)
{
	static const uint8_t in[] = { 1, 2, 3 };
	struct sx_reader reader = sx_reader_of(sx_bytes_of(in, sizeof in));

	ck_assert_uint_eq(sx_read_u32(&reader), 0);
	ck_assert(!sx_reader_ok(&reader));
	ck_assert_uint_eq(sx_read_u8(&reader), 0);
	ck_assert_uint_eq(sx_read_bytes(&reader, 1).len, 0);
	ck_assert_uint_eq(sx_read_rest(&reader).len, 0);
	ck_assert(!sx_reader_ok(&reader));
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	uint8_t out[21];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_reader reader;

	sx_write_u8(&writer, 0xfe);
	sx_write_u16(&writer, 0xfedc);
	sx_write_u32(&writer, 0xfedcba98);
	sx_write_u48(&writer, 0xfedcba987654);
	sx_write_u64(&writer, 0xfedcba9876543210);
	ck_assert(sx_writer_ok(&writer));
	reader = sx_reader_of(sx_writer_bytes(&writer));
	ck_assert_uint_eq(sx_read_u8(&reader), 0xfe);
	ck_assert_uint_eq(sx_read_u16(&reader), 0xfedc);
	ck_assert_uint_eq(sx_read_u32(&reader), 0xfedcba98);
	ck_assert_uint_eq(sx_read_u48(&reader), 0xfedcba987654);
	ck_assert_uint_eq(sx_read_u64(&reader), 0xfedcba9876543210);
}
END_TEST

START_TEST(a_write_past_the_end_writes_nothing_and_fails_for_good)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct sx_writer writer = sx_writer_of(out, 3);

	sx_write_u32(&writer, 1);
	sx_write_u8(&writer, 1);
	ck_assert(!sx_writer_ok(&writer));
	ck_assert_uint_eq(sx_writer_bytes(&writer).len, 0);
	ck_assert_mem_eq(out, "\x09\x09\x09\x09", 4);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("cursor");

	tcase_add_test(tcase, every_width_is_read_in_network_order);
	tcase_add_test(tcase, a_read_past_the_end_fails_for_good);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, a_write_past_the_end_writes_nothing_and_fails_for_good);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
