/* SPDX-License-Identifier: MIT */
#include "scion/packet.h"
#include "scion/path.h"
#include "tap.h"
#include "vectors.h"

/* The worked packet of a lab run: 1-ff00:0:111,127.0.0.20 to 1-ff00:0:112,127.0.0.30, UDP, "hello". */
static const char worked[] =
	"00000001111a000d010000000001ff00000001120001ff00000001117f00001e7f000014"
	"430020800000acf56b03adb80100580c6b03ad77003f0029000031f830d0b9b8"
	"003f00000001989923091b13003f00000002c503cb194c64003f00010000ca201066ace3"
	"7b0c7bd4000dc6c768656c6c6f";

/* Header of an empty path from and to 1-1, 10.0.0.1, behind NextHdr and up to what follows. */
#define COMMON(next, len, types) "00000001" next "09" len "00" types "0000"
#define IAS                      "00010000000000010001000000000001"
#define HOSTS                    "0a0000010a000001"
#define PLAIN(next, len)         COMMON(next, len, "00") IAS HOSTS

static void write_again(const struct sx_packet *packet, struct sx_vector *out)
{
	struct sx_writer writer = sx_writer_of(out->data, sizeof out->data);

	ck_assert_int_eq(sx_packet_write(&writer, packet), SX_OK);
	out->len = writer.at;
}

START_TEST(the_worked_packet_is_read_field_by_field)
{
	struct sx_vector vector;
	struct sx_packet packet;
	char text[SX_ADDR_TEXT_BYTES];

	sx_vector_unhex(worked, &vector);
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&vector)), SX_OK);
	ck_assert_uint_eq(packet.traffic_class, 0);
	ck_assert_uint_eq(packet.flow_id, 1);
	ck_assert_uint_eq(packet.next_header, SX_PROTOCOL_UDP);
	ck_assert_uint_eq(packet.protocol, SX_PROTOCOL_UDP);
	ck_assert_uint_eq(packet.payload_len, 13);
	ck_assert_uint_eq(packet.path_type, SX_PATH_SCION);
	ck_assert_uint_eq(packet.path.len, 68);
	ck_assert_uint_eq(packet.header.len, 104);
	ck_assert_uint_eq(packet.extensions.len, 0);
	ck_assert_mem_eq(packet.payload.data + 8, "hello", 5);
	sx_addr_write(&packet.dst, text, sizeof text);
	ck_assert_str_eq(text, "1-ff00:0:112,127.0.0.30");
	sx_addr_write(&packet.src, text, sizeof text);
	ck_assert_str_eq(text, "1-ff00:0:111,127.0.0.20");
}
END_TEST

START_TEST(every_recorded_packet_is_rebuilt_byte_for_byte)
{
	static const char *const keys[] = { "sent", "delivered" };
	json_t *root = sx_vectors_load("scion/packets.json");
	json_t *packets = json_object_get(root, "packets");
	size_t i;
	json_t *entry;

	ck_assert_uint_eq(json_array_size(packets), 152);
	json_array_foreach(packets, i, entry)
	{
		struct sx_vector recorded;
		struct sx_vector rebuilt;
		struct sx_packet packet;

		ck_assert(sx_vector_get(entry, keys[_i], &recorded));
		ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&recorded)), SX_OK);
		write_again(&packet, &rebuilt);
		ck_assert_uint_eq(rebuilt.len, recorded.len);
		ck_assert_mem_eq(rebuilt.data, recorded.data, recorded.len);
	}
	json_decref(root);
}
END_TEST

static const struct {
	const char *name;
	const char *hex;
	int status;
} shapes[] = {
	{ "empty path, no payload", PLAIN("11", "0000"), SX_OK },
	{ "v6 to v4",
		"00000001110c0000000300000001000000000001000100000000000100000000" HOSTS HOSTS,
		SX_OK },
	{ "unknown host type", COMMON("11", "0000", "40") IAS HOSTS, SX_OK },
	{ "hop-by-hop", PLAIN("c8", "0004") "11000000", SX_OK },
	{ "hop-by-hop, end-to-end", PLAIN("c8", "0008") "c900000011000100", SX_OK },
	{ "end-to-end of 8 bytes", PLAIN("c9", "0008") "1101020411223344", SX_OK },
	{ "version 1",
		"1"
		"0000001"
		"1109000000000000" IAS HOSTS,
		SX_EMALFORMED },
	{ "unknown next header", PLAIN("01", "0000"), SX_EMALFORMED },
	{ "unknown next header behind an extension", PLAIN("c8", "0004") "01000000",
		SX_EMALFORMED },
	{ "end-to-end before hop-by-hop", PLAIN("c9", "0008") "c800000011000100", SX_EMALFORMED },
	{ "two hop-by-hop", PLAIN("c8", "0008") "c800000011000100", SX_EMALFORMED },
	{ "two end-to-end", PLAIN("c9", "0008") "c900000011000100", SX_EMALFORMED },
	{ "extension beyond the end", PLAIN("c8", "0004") "11010000", SX_EMALFORMED },
	{ "option beyond its extension", PLAIN("c8", "0004") "11000101", SX_EMALFORMED },
	{ "option without a length", PLAIN("c8", "0004") "11000001", SX_EMALFORMED },
	{ "payload shorter than stated", PLAIN("11", "0001"), SX_EMALFORMED },
	{ "payload longer than stated", PLAIN("11", "0000") "00", SX_EMALFORMED },
	{ "HdrLen inside the addresses",
		"0000000111080000"
		"00000000" IAS HOSTS,
		SX_EMALFORMED },
	{ "HdrLen 0",
		"0000000111000000"
		"00000000" IAS HOSTS,
		SX_EMALFORMED },
	{ "HdrLen beyond the end",
		"00000001110a0000"
		"01000000" IAS HOSTS,
		SX_EMALFORMED },
	{ "bytes in an empty path",
		"00000001110a0000"
		"00000000" IAS HOSTS "00000000",
		SX_EMALFORMED },
	{ "nothing", "", SX_EMALFORMED },
};

START_TEST(shapes_are_parsed_or_refused)
{
	struct sx_vector vector;
	struct sx_packet packet;

	sx_vector_unhex(shapes[_i].hex, &vector);
	ck_assert_msg(sx_packet_parse(&packet, sx_vector_bytes(&vector)) == shapes[_i].status, "%s",
		shapes[_i].name);
	if (shapes[_i].status == SX_OK) {
		struct sx_vector rebuilt;

		ck_assert_uint_eq(packet.protocol, SX_PROTOCOL_UDP);
		ck_assert_uint_eq(packet.extensions.len + packet.payload.len, packet.payload_len);
		write_again(&packet, &rebuilt);
		ck_assert_uint_eq(rebuilt.len, vector.len);
		ck_assert_mem_eq(rebuilt.data, vector.data, vector.len);
	}
}
END_TEST

START_TEST(a_header_is_read_even_if_its_payload_is_cut)
{
	struct sx_vector vector;
	struct sx_packet packet;

	sx_vector_unhex(worked, &vector);
	ck_assert_int_eq(sx_packet_parse_header(&packet, sx_bytes_of(vector.data, 104)), SX_OK);
	ck_assert_uint_eq(packet.payload_len, 13);
	ck_assert_uint_eq(packet.rest.len, 0);
	ck_assert_int_eq(
		sx_packet_parse_header(&packet, sx_bytes_of(vector.data, 103)), SX_EMALFORMED);
}
END_TEST

static void parse_and_rewrite(struct sx_bytes mutant)
{
	struct sx_packet packet;
	struct sx_packet again;
	struct sx_vector rebuilt;

	if (sx_packet_parse(&packet, mutant) < 0) {
		return;
	}
	write_again(&packet, &rebuilt);
	ck_assert_int_eq(sx_packet_parse(&again, sx_vector_bytes(&rebuilt)), SX_OK);
	ck_assert(sx_addr_equal(&packet.dst, &again.dst));
	ck_assert(sx_addr_equal(&packet.src, &again.src));
	ck_assert(sx_bytes_equal(packet.path, again.path));
	ck_assert(sx_bytes_equal(packet.rest, again.rest));
}

START_TEST(damaged_packets_are_refused_or_read_but_never_overrun)
{
	json_t *root = sx_vectors_load("scion/packets.json");
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(root, "packets"), i, entry)
	{
		struct sx_vector vector;

		ck_assert(sx_vector_get(entry, "delivered", &vector));
		sx_each_mutation(sx_vector_bytes(&vector), parse_and_rewrite);
	}
	json_decref(root);
	for (i = 0; i < SX_COUNT(shapes); i++) {
		struct sx_vector vector;

		sx_vector_unhex(shapes[i].hex, &vector);
		sx_each_mutation(sx_vector_bytes(&vector), parse_and_rewrite);
	}
}
END_TEST

START_TEST(what_the_length_fields_cannot_say_is_not_written)
{
	static const uint8_t bytes[SX_PACKET_HEADER_MAX];
	static uint8_t out[70000];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_packet packet = { .path_type = SX_PATH_SCION };

	packet.path = sx_bytes_of(bytes, 6);
	ck_assert_int_eq(sx_packet_write_header(&writer, &packet, 0), SX_EINVAL);
	packet.path = sx_bytes_of(bytes, SX_PACKET_HEADER_MAX - 36 + 4);
	ck_assert_int_eq(sx_packet_write_header(&writer, &packet, 0), SX_EINVAL);
	packet.path = sx_bytes_of(bytes, SX_PACKET_HEADER_MAX - 36);
	ck_assert_int_eq(sx_packet_write_header(&writer, &packet, 65536), SX_EINVAL);
	ck_assert_uint_eq(writer.at, 0);
	ck_assert_int_eq(sx_packet_write_header(&writer, &packet, 65535), SX_OK);
	ck_assert_uint_eq(writer.at, SX_PACKET_HEADER_MAX);
}
END_TEST

START_TEST(no_room_is_a_status)
{
	uint8_t out[40];
	struct sx_packet packet = { .payload = sx_bytes_of("abcdef", 6) };

	for (size_t cap = 0; cap < 36 + 6; cap++) {
		struct sx_writer writer = sx_writer_of(out, cap < sizeof out ? cap : sizeof out);

		ck_assert_int_eq(sx_packet_write(&writer, &packet), SX_ELIMIT);
	}
}
END_TEST

START_TEST(the_checksum_is_rfc_1071)
{
	/* The example of RFC 1071, section 3: the sum is ddf2. */
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(
		sx_checksum_finish(sx_checksum_add(0, sx_bytes_of(example, 8))), 0xffff ^ 0xddf2);
	ck_assert_uint_eq(
		sx_checksum_finish(sx_checksum_add(0, sx_bytes_of(example, 7))), 0xffff ^ 0xdcfb);
	ck_assert_uint_eq(sx_checksum_finish(0), 0xffff);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("packet");
	TCase *tcase = tcase_create("packet");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_worked_packet_is_read_field_by_field);
	tcase_add_loop_test(tcase, every_recorded_packet_is_rebuilt_byte_for_byte, 0, 2);
	tcase_add_loop_test(tcase, shapes_are_parsed_or_refused, 0, SX_COUNT(shapes));
	tcase_add_test(tcase, a_header_is_read_even_if_its_payload_is_cut);
	tcase_add_test(tcase, damaged_packets_are_refused_or_read_but_never_overrun);
	tcase_add_test(tcase, what_the_length_fields_cannot_say_is_not_written);
	tcase_add_test(tcase, no_room_is_a_status);
	tcase_add_test(tcase, the_checksum_is_rfc_1071);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
