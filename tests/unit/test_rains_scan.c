/* SPDX-License-Identifier: MIT */
#include "rains/scan.h"
#include "tap.h"
#include "vectors.h"

#define MOST 65536

static const struct {
	const char *hex;
	int status;
} items[] = {
	{ "00", SX_OK },
	{ "1b7fffffffffffffff", SX_OK },
	{ "3b7fffffffffffffff", SX_OK },
	{ "1b8000000000000000", SX_EMALFORMED }, /* integers beyond int64 */
	{ "3b8000000000000000", SX_EMALFORMED },
	{ "1bffffffffffffffff", SX_EMALFORMED },
	{ "1800", SX_OK }, /* not minimal */
	{ "1b0000000000000001", SX_OK },
	{ "5900026162", SX_OK },
	{ "9a0000000100", SX_OK },
	{ "1c", SX_EMALFORMED }, /* reserved */
	{ "1d", SX_EMALFORMED },
	{ "1e", SX_EMALFORMED },
	{ "1f", SX_EMALFORMED },
	{ "5f4161ff", SX_EMALFORMED }, /* unknown lengths */
	{ "7f6161ff", SX_EMALFORMED },
	{ "9f00ff", SX_EMALFORMED },
	{ "bf0000ff", SX_EMALFORMED },
	{ "ff", SX_EMALFORMED },
	{ "f6", SX_OK },
	{ "f4", SX_EMALFORMED }, /* false, true, undefined, simple values, floats */
	{ "f5", SX_EMALFORMED },
	{ "f7", SX_EMALFORMED },
	{ "f816", SX_EMALFORMED },
	{ "f97c00", SX_EMALFORMED },
	{ "fb0000000000000000", SX_EMALFORMED },
	{ "da00e99ba8a0", SX_OK }, /* the outermost tag */
	{ "c1c100", SX_OK },
	{ "c1c1c100", SX_EMALFORMED },
	{ "c000", SX_OK },
	{ "81c100", SX_OK }, /* a time */
	{ "81c16161", SX_EMALFORMED },
	{ "81c180", SX_EMALFORMED },
	{ "81c1c100", SX_EMALFORMED },
	{ "81c000", SX_EMALFORMED },
	{ "81c1", SX_EMALFORMED },
	{ "a2000001f6", SX_OK },
	{ "a200000000", SX_EMALFORMED }, /* the same key twice, descending, not an integer */
	{ "a201000000", SX_EMALFORMED },
	{ "a220000000", SX_OK },
	{ "a200002000", SX_EMALFORMED },
	{ "a20000180000", SX_EMALFORMED },
	{ "a1616100", SX_EMALFORMED },
	{ "a1f600", SX_EMALFORMED },
	{ "a1c10000", SX_EMALFORMED },
	{ "a100", SX_EMALFORMED },
	{ "62c3a4", SX_OK },
	{ "63e282ac", SX_OK },
	{ "64f09f8fa0", SX_OK },
	{ "6100", SX_EMALFORMED }, /* NUL */
	{ "6180", SX_EMALFORMED },
	{ "61c3", SX_EMALFORMED },
	{ "62c080", SX_EMALFORMED }, /* overlong */
	{ "63e08080", SX_EMALFORMED },
	{ "64f0808080", SX_EMALFORMED },
	{ "63eda080", SX_EMALFORMED },   /* a surrogate */
	{ "64f4908080", SX_EMALFORMED }, /* over 0x10ffff */
	{ "64f5808080", SX_EMALFORMED },
	{ "63e28261", SX_EMALFORMED },
	{ "", SX_EMALFORMED },
	{ "0000", SX_EMALFORMED }, /* something behind */
	{ "8100", SX_OK },
	{ "818181818181818181818180", SX_OK }, /* twelve deep */
	{ "81818181818181818181818180", SX_ELIMIT },
	{ "8b", SX_EMALFORMED },
	{ "992000", SX_ELIMIT },
	{ "9bffffffffffffffff", SX_ELIMIT },
	{ "bbffffffffffffffff", SX_ELIMIT },
	{ "bb8000000000000000", SX_ELIMIT },
	{ "5bffffffffffffffff", SX_ELIMIT },
	{ "7b7fffffffffffffff", SX_ELIMIT },
	{ "4161ff", SX_EMALFORMED },
};

START_TEST(an_item_obeys_every_rule_or_is_refused)
{
	struct sx_vector in;
	uint8_t *exact;

	sx_vector_unhex(items[_i].hex, &in);
	exact = sx_exact_copy(sx_vector_bytes(&in));
	ck_assert_int_eq(sx_cbor_check(sx_bytes_of(exact, in.len), MOST), items[_i].status);
	free(exact);
}
END_TEST

/* A message in everything but meaning: [1, {0: h'', 3: "a"}, -7, "ä"]. */
static const uint8_t whole[] = { 0xda, 0x00, 0xe9, 0x9b, 0xa8, 0x84, 0x01, 0xa2, 0x00, 0x40, 0x03,
	0x61, 0x61, 0x26, 0x62, 0xc3, 0xa4 };

START_TEST(a_stream_is_scanned_as_it_comes)
{
	struct sx_cbor_scan scan = sx_cbor_scan_of(MOST);

	for (size_t len = 0; len < sizeof whole; len++) {
		uint8_t *exact = sx_exact_copy(sx_bytes_of(whole, len));

		ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(exact, len)), SX_EAGAIN);
		ck_assert_int_eq(sx_cbor_check(sx_bytes_of(exact, len), MOST), SX_EMALFORMED);
		free(exact);
	}
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(whole, sizeof whole)), SX_OK);
	ck_assert_uint_eq(scan.at, sizeof whole);
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(whole, sizeof whole)), SX_OK);
}
END_TEST

START_TEST(what_follows_in_the_stream_is_left_alone)
{
	uint8_t two[2 * sizeof whole];
	struct sx_cbor_scan scan = sx_cbor_scan_of(MOST);

	memcpy(two, whole, sizeof whole);
	memcpy(two + sizeof whole, whole, sizeof whole);
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(two, sizeof two)), SX_OK);
	ck_assert_uint_eq(scan.at, sizeof whole);
}
END_TEST

START_TEST(the_bound_on_bytes_is_exact)
{
	struct sx_bytes in = sx_bytes_of(whole, sizeof whole);
	struct sx_cbor_scan scan = sx_cbor_scan_of(sizeof whole - 1);

	ck_assert_int_eq(sx_cbor_check(in, sizeof whole), SX_OK);
	ck_assert_int_eq(sx_cbor_check(in, sizeof whole - 1), SX_ELIMIT);
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(whole, 8)), SX_EAGAIN);
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(whole, sizeof whole - 1)), SX_ELIMIT);
}
END_TEST

/* An array of as many zeros as there are bytes. */
static int check_zeros(size_t count)
{
	static uint8_t in[MOST];

	in[0] = 0x99;
	in[1] = (uint8_t)(count >> 8);
	in[2] = (uint8_t)count;
	return sx_cbor_check(sx_bytes_of(in, count + 3), MOST);
}

START_TEST(the_bound_on_items_is_exact)
{
	ck_assert_int_eq(check_zeros(SX_CBOR_ITEMS_MOST - 1), SX_OK);
	ck_assert_int_eq(check_zeros(SX_CBOR_ITEMS_MOST), SX_ELIMIT);
	ck_assert_int_eq(check_zeros(10000), SX_ELIMIT);
}
END_TEST

START_TEST(a_million_nested_arrays_are_refused_at_the_thirteenth)
{
	size_t len = 1000000;
	uint8_t *in = malloc(len);
	struct sx_cbor_scan scan = sx_cbor_scan_of(len + 1);

	ck_assert_ptr_nonnull(in);
	memset(in, 0x81, len);
	ck_assert_int_eq(sx_cbor_scan(&scan, sx_bytes_of(in, len)), SX_ELIMIT);
	ck_assert_uint_eq(scan.at, SX_CBOR_DEPTH_MOST);
	ck_assert_int_eq(sx_cbor_check(sx_bytes_of(in, len), len), SX_ELIMIT);
	free(in);
}
END_TEST

/* Every head, every width of its value, with every length from none to more than 2^63. */
START_TEST(a_head_that_lies_about_its_length_is_refused)
{
	static const uint64_t values[] = { 3, 23, 24, 255, 256, 65535, 65536, 8193, UINT32_MAX,
		(uint64_t)INT64_MAX, UINT64_MAX - 1, UINT64_MAX };
	uint8_t in[11] = { 0x81 };

	for (size_t i = 0; i < SX_COUNT(values); i++) {
		for (unsigned major = SX_CBOR_BYTES; major <= SX_CBOR_MAP; major++) {
			struct sx_writer writer = sx_writer_of(in + 1, sizeof in - 1);
			uint8_t *exact;

			sx_write_u8(&writer, (uint8_t)(major << 5 | 27));
			sx_write_u64(&writer, values[i]);
			exact = sx_exact_copy(sx_bytes_of(in, sizeof in));
			ck_assert_int_lt(sx_cbor_check(sx_bytes_of(exact, sizeof in), MOST), 0);
			free(exact);
		}
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_scan");
	TCase *tcase = tcase_create("items");

	tcase_add_loop_test(tcase, an_item_obeys_every_rule_or_is_refused, 0, (int)SX_COUNT(items));
	tcase_add_test(tcase, a_stream_is_scanned_as_it_comes);
	tcase_add_test(tcase, what_follows_in_the_stream_is_left_alone);
	tcase_add_test(tcase, the_bound_on_bytes_is_exact);
	tcase_add_test(tcase, the_bound_on_items_is_exact);
	tcase_add_test(tcase, a_million_nested_arrays_are_refused_at_the_thirteenth);
	tcase_add_test(tcase, a_head_that_lies_about_its_length_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
