/* SPDX-License-Identifier: MIT */
#include "rains/cbor.h"
#include "tap.h"
#include "vectors.h"

/* A message in everything but meaning: [1, {0: h'', 3: "a"}, -7, "ä"]. */
static const uint8_t whole[] = { 0xda, 0x00, 0xe9, 0x9b, 0xa8, 0x84, 0x01, 0xa2, 0x00, 0x40, 0x03,
	0x61, 0x61, 0x26, 0x62, 0xc3, 0xa4 };

START_TEST(items_are_read_straight_through)
{
	struct sx_reader reader = sx_reader_of(sx_bytes_of(whole, sizeof whole));
	struct sx_bytes item;

	ck_assert_uint_eq(sx_cbor_read_tag(&reader), 15309736);
	ck_assert_uint_eq(sx_cbor_read_array(&reader), 4);
	ck_assert_int_eq(sx_cbor_read_int(&reader), 1);
	ck_assert_int_eq(sx_cbor_peek(&reader), SX_CBOR_MAP);
	item = sx_cbor_read_item(&reader);
	ck_assert_ptr_eq(item.data, whole + 7);
	ck_assert_uint_eq(item.len, 6);
	ck_assert_int_eq(sx_cbor_read_int(&reader), -7);
	ck_assert(sx_bytes_equal(sx_cbor_read_text(&reader), sx_bytes_text("ä")));
	ck_assert_int_eq(sx_cbor_peek(&reader), SX_CBOR_NONE);
	ck_assert(sx_reader_ok(&reader));
	ck_assert_int_eq(sx_cbor_read_int(&reader), 0);
	ck_assert(!sx_reader_ok(&reader));
}
END_TEST

START_TEST(an_item_of_another_kind_fails_the_cursor)
{
	struct sx_reader reader = sx_reader_of(sx_bytes_of(whole, sizeof whole));

	ck_assert_uint_eq(sx_cbor_read_map(&reader), 0);
	ck_assert(!sx_reader_ok(&reader));
	ck_assert_uint_eq(sx_cbor_read_tag(&reader), 0);
	ck_assert_uint_eq(sx_cbor_read_text(&reader).len, 0);
	ck_assert_uint_eq(sx_cbor_read_item(&reader).len, 0);
}
END_TEST

static const struct {
	const char *hex;
	int64_t seconds;
	bool ok;
} times[] = {
	{ "1a6553f100", 1700000000, true },
	{ "c11a6553f100", 1700000000, true },
	{ "c01a6553f100", 0, false },
	{ "20", 0, false },
	{ "1b0020000000000000", INT64_C(1) << 53, true },
	{ "1b0020000000000001", 0, false },
	{ "c1", 0, false },
};

START_TEST(a_time_may_carry_its_tag)
{
	struct sx_vector in;
	struct sx_reader reader;

	sx_vector_unhex(times[_i].hex, &in);
	reader = sx_reader_of(sx_vector_bytes(&in));
	ck_assert_int_eq(sx_cbor_read_time(&reader), times[_i].seconds);
	ck_assert_int_eq(sx_reader_ok(&reader), times[_i].ok);
}
END_TEST

static void walk(struct sx_bytes mutant)
{
	struct sx_reader reader = sx_reader_of(mutant);

	while (sx_cbor_read_item(&reader).len > 0) {
	}
	ck_assert_uint_le(reader.at, mutant.len);
}

START_TEST(mutations_never_leave_the_input)
{
	sx_each_mutation(sx_bytes_of(whole, sizeof whole), walk);
}
END_TEST

START_TEST(a_list_is_walked_element_by_element)
{
	static const uint8_t in[] = { 0x83, 0x01, 0x18, 0x02, 0x20, 0x82, 0x01, 0x40 };
	struct sx_reader reader = sx_reader_of(sx_bytes_of(in, sizeof in));
	struct sx_cbor_list list = sx_cbor_read_ints(&reader);
	uint8_t out[8];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	ck_assert_uint_eq(list.count, 3);
	ck_assert(sx_cbor_list_has(list, 2));
	ck_assert(sx_cbor_list_has(list, -1));
	ck_assert(!sx_cbor_list_has(list, 0));
	sx_cbor_write_list(&writer, list);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_bytes_of(in, 5)));
	ck_assert_uint_eq(sx_cbor_read_ints(&reader).count, 2);
	ck_assert(!sx_reader_ok(&reader));
}
END_TEST

static const struct {
	int64_t value;
	const char *hex;
} widths[] = {
	{ 0, "00" },
	{ 23, "17" },
	{ 24, "1818" },
	{ 254, "18fe" },
	{ 255, "1900ff" },
	{ 256, "190100" },
	{ 65534, "19fffe" },
	{ 65535, "1a0000ffff" },
	{ 4294967294, "1afffffffe" },
	{ 4294967295, "1b00000000ffffffff" },
	{ INT64_MAX, "1b7fffffffffffffff" },
	{ -1, "20" },
	{ -24, "37" },
	{ -256, "3900ff" },
	{ INT64_MIN, "3b7fffffffffffffff" },
};

START_TEST(numbers_are_written_in_the_widths_of_go)
{
	uint8_t out[9];
	struct sx_vector expected;
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_reader reader;

	sx_cbor_write_int(&writer, widths[_i].value);
	sx_vector_unhex(widths[_i].hex, &expected);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(&expected)));
	reader = sx_reader_of(sx_writer_bytes(&writer));
	ck_assert_int_eq(sx_cbor_read_int(&reader), widths[_i].value);
}
END_TEST

START_TEST(every_kind_is_written)
{
	uint8_t out[sizeof whole];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	sx_cbor_write_tag(&writer, 15309736);
	sx_cbor_write_array(&writer, 4);
	sx_cbor_write_int(&writer, 1);
	sx_cbor_write_map(&writer, 2);
	sx_cbor_write_int(&writer, 0);
	sx_cbor_write_bytes(&writer, sx_bytes_of(NULL, 0));
	sx_cbor_write_int(&writer, 3);
	sx_cbor_write_text(&writer, sx_bytes_text("a"));
	sx_cbor_write_int(&writer, -7);
	sx_cbor_write_text(&writer, sx_bytes_text("ä"));
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_bytes_of(whole, sizeof whole)));
	sx_cbor_write_int(&writer, 0);
	ck_assert(!sx_writer_ok(&writer));
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_cbor");
	TCase *tcase = tcase_create("items");

	tcase_add_test(tcase, items_are_read_straight_through);
	tcase_add_test(tcase, an_item_of_another_kind_fails_the_cursor);
	tcase_add_loop_test(tcase, a_time_may_carry_its_tag, 0, (int)SX_COUNT(times));
	tcase_add_test(tcase, mutations_never_leave_the_input);
	tcase_add_loop_test(
		tcase, numbers_are_written_in_the_widths_of_go, 0, (int)SX_COUNT(widths));
	tcase_add_test(tcase, every_kind_is_written);
	tcase_add_test(tcase, a_list_is_walked_element_by_element);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
