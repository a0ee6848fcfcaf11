/* SPDX-License-Identifier: MIT */
#include "scion/udp.h"
#include "tap.h"
#include "vectors.h"

static struct sx_packet packet_of(const struct sx_vector *vector)
{
	struct sx_packet packet;

	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(vector)), SX_OK);
	return packet;
}

/* The first packet of the recordings: 8 bytes of UDP header and "vector". */
static void load_first(struct sx_vector *vector)
{
	json_t *root = sx_vectors_load("scion/packets.json");
	json_t *first = json_array_get(json_object_get(root, "packets"), 0);

	ck_assert(sx_vector_get(first, "delivered", vector));
	json_decref(root);
}

static uint8_t *segment_of(struct sx_vector *vector)
{
	return vector->data + vector->len - 14;
}

START_TEST(every_recorded_segment_is_rebuilt_byte_for_byte)
{
	json_t *root = sx_vectors_load("scion/packets.json");
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(root, "packets"), i, entry)
	{
		struct sx_vector recorded;
		uint8_t rebuilt[SX_VECTOR_MAX];
		struct sx_writer writer = sx_writer_of(rebuilt, sizeof rebuilt);
		struct sx_packet packet;
		struct sx_udp udp;

		ck_assert(sx_vector_get(entry, "delivered", &recorded));
		packet = packet_of(&recorded);
		ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_OK);
		ck_assert(sx_bytes_equal(udp.payload, sx_bytes_text("vector")));
		ck_assert_int_eq(sx_udp_write(&writer, &packet, &udp), SX_OK);
		ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(&recorded)));
	}
	ck_assert_uint_eq(i, 152);
	json_decref(root);
}
END_TEST

START_TEST(a_wrong_checksum_is_refused_and_none_accepted)
{
	struct sx_vector vector;
	struct sx_packet packet;
	struct sx_udp udp;

	load_first(&vector);
	segment_of(&vector)[7] ^= 1;
	packet = packet_of(&vector);
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_EPROTO);
	segment_of(&vector)[6] = 0;
	segment_of(&vector)[7] = 0;
	packet = packet_of(&vector);
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_OK);
	ck_assert_uint_eq(udp.src_port, 32001);
	ck_assert_uint_eq(udp.dst_port, 32002);
}
END_TEST

START_TEST(every_flipped_bit_of_what_is_summed_is_noticed)
{
	struct sx_vector vector;

	load_first(&vector);
	for (size_t bit = 0; bit < 14 * 8; bit++) {
		struct sx_vector flipped = vector;
		struct sx_packet packet;
		struct sx_udp udp;

		segment_of(&flipped)[bit / 8] ^= (uint8_t)(1U << bit % 8);
		packet = packet_of(&flipped);
		ck_assert_int_lt(sx_udp_parse(&udp, &packet), 0);
	}
}
END_TEST

START_TEST(a_length_that_lies_is_refused)
{
	static const uint16_t lies[] = { 0, 7, 8, 13, 15, 65535 };
	struct sx_vector vector;
	struct sx_packet packet;
	struct sx_udp udp;

	load_first(&vector);
	segment_of(&vector)[4] = (uint8_t)(lies[_i] >> 8);
	segment_of(&vector)[5] = (uint8_t)lies[_i];
	packet = packet_of(&vector);
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_EMALFORMED);
}
END_TEST

START_TEST(a_segment_shorter_than_its_header_is_refused)
{
	uint8_t bytes[8] = { 0 };
	struct sx_packet packet = { .protocol = SX_PROTOCOL_UDP };
	struct sx_udp udp;

	for (size_t len = 0; len < sizeof bytes; len++) {
		packet.payload = sx_bytes_of(bytes, len);
		ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_EMALFORMED);
	}
	bytes[5] = 8;
	packet.payload = sx_bytes_of(bytes, sizeof bytes);
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_OK);
	packet.protocol = SX_PROTOCOL_TCP;
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_EMALFORMED);
}
END_TEST

START_TEST(a_checksum_of_zero_is_sent_as_ffff)
{
	/* Protocol 17 and twice length 10 leave 0xffff - 37 for the two payload bytes. */
	static const uint8_t payload[] = { 0xff, 0xda };
	struct sx_packet envelope = { 0 };
	struct sx_udp udp = { .payload = sx_bytes_of(payload, sizeof payload) };
	struct sx_packet packet;
	uint8_t out[64];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	ck_assert_int_eq(sx_udp_write(&writer, &envelope, &udp), SX_OK);
	ck_assert_int_eq(sx_packet_parse(&packet, sx_writer_bytes(&writer)), SX_OK);
	ck_assert_mem_eq(packet.payload.data + 6, "\xff\xff", 2);
	ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_OK);
}
END_TEST

START_TEST(no_room_is_a_status)
{
	uint8_t out[64];
	struct sx_packet envelope = { 0 };
	struct sx_udp udp = { .payload = sx_bytes_text("abc") };

	for (size_t cap = 0; cap < 36 + 8 + 3; cap++) {
		struct sx_writer writer = sx_writer_of(out, cap);

		ck_assert_int_eq(sx_udp_write(&writer, &envelope, &udp), SX_ELIMIT);
	}
	udp.payload.len = 65535;
	ck_assert_int_eq(sx_udp_write(&(struct sx_writer){ 0 }, &envelope, &udp), SX_EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("udp");
	TCase *tcase = tcase_create("udp");

	tcase_add_test(tcase, every_recorded_segment_is_rebuilt_byte_for_byte);
	tcase_add_test(tcase, a_wrong_checksum_is_refused_and_none_accepted);
	tcase_add_test(tcase, every_flipped_bit_of_what_is_summed_is_noticed);
	tcase_add_loop_test(tcase, a_length_that_lies_is_refused, 0, 6);
	tcase_add_test(tcase, a_segment_shorter_than_its_header_is_refused);
	tcase_add_test(tcase, a_checksum_of_zero_is_sent_as_ffff);
	tcase_add_test(tcase, no_room_is_a_status);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
