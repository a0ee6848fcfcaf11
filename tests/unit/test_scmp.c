/* SPDX-License-Identifier: MIT */
#include "scion/path.h"
#include "scion/scmp.h"
#include "tap.h"
#include "vectors.h"

/* Types, codes and pointers that scion.md's appendix on the recorded router names, in the order of the recording. */
static const struct {
	uint8_t type;
	uint8_t code;
	uint16_t pointer;
} recorded[] = {
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 64 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 76 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 88 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 100 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 112 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 124 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 136 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_EXPIRED_HOP, 64 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_EXPIRED_HOP, 100 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_EXPIRED_HOP, 124 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_MAC, 64 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_SOURCE, 20 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_DESTINATION, 12 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_DESTINATION, 0 },
	{ SX_SCMP_PARAMETER_PROBLEM, SX_SCMP_INVALID_PACKET_SIZE, 0 },
	{ SX_SCMP_DESTINATION_UNREACHABLE, 0, 0 },
};

/* Calls `body` with every recorded reply and its number; returns how many stimuli met silence. */
static size_t each_reply(void (*body)(size_t number, const struct sx_vector *reply, const json_t *))
{
	json_t *root = sx_vectors_load("scion/scmp.json");
	size_t number = 0;
	size_t i;
	json_t *entry;

	json_array_foreach(root, i, entry)
	{
		struct sx_vector reply;

		if (sx_vector_get(entry, "reply", &reply)) {
			body(number++, &reply, entry);
		}
	}
	ck_assert_uint_eq(number, 24);
	i = json_array_size(root) - number;
	json_decref(root);
	return i;
}

static void rebuild(size_t number, const struct sx_vector *reply, const json_t *entry)
{
	uint8_t out[SX_VECTOR_MAX];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_packet packet;
	struct sx_scmp scmp;

	(void)number;
	(void)entry;
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(reply)), SX_OK);
	ck_assert_int_eq(sx_scmp_parse(&scmp, &packet), SX_OK);
	ck_assert_int_eq(sx_scmp_write(&writer, &packet, &scmp), SX_OK);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(reply)));
}

START_TEST(every_recorded_reply_is_rebuilt_byte_for_byte)
{
	ck_assert_uint_eq(each_reply(rebuild), 7);
}
END_TEST

static void check_fields(size_t number, const struct sx_vector *reply, const json_t *entry)
{
	struct sx_packet packet;
	struct sx_packet quoted;
	struct sx_packet stimulus;
	struct sx_scmp scmp;
	struct sx_vector sent;

	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(reply)), SX_OK);
	ck_assert_int_eq(sx_scmp_parse(&scmp, &packet), SX_OK);
	if (number >= SX_COUNT(recorded)) {
		ck_assert_uint_eq(scmp.type, SX_SCMP_TRACEROUTE_REPLY);
		ck_assert_uint_eq(scmp.ia, packet.src.ia);
		ck_assert_uint_ne(scmp.interface, 0);
		return;
	}
	ck_assert_uint_eq(scmp.type, recorded[number].type);
	ck_assert_uint_eq(scmp.code, recorded[number].code);
	ck_assert_uint_eq(scmp.pointer, recorded[number].pointer);
	ck_assert(sx_vector_get(entry, "sent", &sent));
	ck_assert_int_eq(sx_packet_parse_header(&quoted, scmp.data), SX_OK);
	ck_assert_int_eq(sx_packet_parse_header(&stimulus, sx_vector_bytes(&sent)), SX_OK);
	ck_assert(sx_addr_equal(&quoted.src, &stimulus.src));
	ck_assert(sx_path_is_same_way(quoted.path_type, quoted.path, stimulus.path));
	ck_assert(sx_bytes_equal(quoted.rest, stimulus.rest));
}

START_TEST(recorded_replies_say_what_the_router_meant)
{
	(void)each_reply(check_fields);
}
END_TEST

static const struct {
	struct sx_scmp scmp;
	const char *hex; /* behind the checksum, before "quote" */
} bodies[] = {
	{ { .type = SX_SCMP_DESTINATION_UNREACHABLE, .code = 4 }, "00000000" },
	{ { .type = SX_SCMP_PACKET_TOO_BIG, .mtu = 1400 }, "00000578" },
	{ { .type = SX_SCMP_PARAMETER_PROBLEM, .code = SX_SCMP_EXPIRED_HOP, .pointer = 0x1234 },
		"00001234" },
	{ { .type = SX_SCMP_EXTERNAL_INTERFACE_DOWN, .ia = 0x0001ff0000000110, .interface = 5 },
		"0001ff00000001100000000000000005" },
	{ { .type = SX_SCMP_INTERNAL_CONNECTIVITY_DOWN,
		  .ia = 0x0001ff0000000110,
		  .interface = 5,
		  .egress = 6 },
		"0001ff000000011000000000000000050000000000000006" },
	{ { .type = SX_SCMP_ECHO_REQUEST, .id = 0x1234, .sequence = 0x5678 }, "12345678" },
	{ { .type = SX_SCMP_ECHO_REPLY, .id = 0x1234, .sequence = 0x5678 }, "12345678" },
	{ { .type = SX_SCMP_TRACEROUTE_REQUEST, .id = 1, .sequence = 2 },
		"0001000200000000000000000000000000000000" },
	{ { .type = SX_SCMP_TRACEROUTE_REPLY,
		  .id = 1,
		  .sequence = 2,
		  .ia = 0x0001ff0000000110,
		  .interface = 7 },
		"000100020001ff00000001100000000000000007" },
	{ { .type = 100, .code = 9 }, "" },
	{ { .type = 200 }, "" },
};

START_TEST(every_type_has_its_body)
{
	struct sx_packet envelope = { .src.ia = 1, .dst.ia = 2 };
	struct sx_scmp scmp = bodies[_i].scmp;
	struct sx_scmp again;
	struct sx_packet packet;
	struct sx_vector body;
	uint8_t out[128];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	scmp.data = sx_bytes_text("quote");
	ck_assert_int_eq(sx_scmp_write(&writer, &envelope, &scmp), SX_OK);
	ck_assert_int_eq(sx_packet_parse(&packet, sx_writer_bytes(&writer)), SX_OK);
	sx_vector_unhex(bodies[_i].hex, &body);
	ck_assert_uint_eq(packet.payload.len, 4 + body.len + 5);
	ck_assert_mem_eq(packet.payload.data + 4, body.data, body.len);
	ck_assert_int_eq(sx_scmp_parse(&again, &packet), SX_OK);
	ck_assert(sx_bytes_equal(again.data, scmp.data));
	again.data = scmp.data;
	ck_assert_mem_eq(&again, &scmp, sizeof scmp);
	for (size_t len = 0; len < 4 + body.len; len++) {
		packet.payload.len = len;
		ck_assert_int_eq(sx_scmp_parse(&again, &packet), SX_EMALFORMED);
	}
}
END_TEST

START_TEST(a_quote_is_cut_so_that_the_whole_fits_1232_bytes)
{
	static const uint8_t big[2000];
	static const uint8_t path[SX_PACKET_HEADER_MAX - 36];
	struct sx_packet envelope = { .path_type = SX_PATH_SCION };
	struct sx_scmp scmp = { .type = SX_SCMP_DESTINATION_UNREACHABLE };
	uint8_t out[4096];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	scmp.data = sx_bytes_of(big, sizeof big);
	envelope.path = sx_bytes_of(path, _i == 0 ? 100 : sizeof path);
	ck_assert_int_eq(sx_scmp_write(&writer, &envelope, &scmp), SX_OK);
	ck_assert_uint_eq(writer.at, SX_SCMP_PACKET_MAX);
}
END_TEST

START_TEST(an_echo_is_never_cut)
{
	static const uint8_t big[2000];
	struct sx_packet envelope = { 0 };
	struct sx_scmp scmp = { .type = SX_SCMP_ECHO_REPLY, .data = { big, sizeof big } };
	uint8_t out[4096];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	ck_assert_int_eq(sx_scmp_write(&writer, &envelope, &scmp), SX_OK);
	ck_assert_uint_eq(writer.at, 36 + 8 + sizeof big);
}
END_TEST

/* SCMP in a packet whose checksum has been put right, so that the bodies are reached. */
static void parse_with_checksum(struct sx_bytes mutant)
{
	uint8_t *bytes = sx_exact_copy(mutant);
	uint8_t out[SX_VECTOR_MAX];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_packet packet;
	struct sx_scmp scmp;

	if (sx_packet_parse(&packet, sx_bytes_of(bytes, mutant.len)) == SX_OK &&
		packet.payload.len >= 4) {
		size_t at = mutant.len - packet.payload.len + 2;
		uint64_t sum = sx_packet_pseudo_sum(&packet, SX_PROTOCOL_SCMP, packet.payload.len);
		uint16_t checksum;

		bytes[at] = 0;
		bytes[at + 1] = 0;
		checksum = sx_checksum_finish(sx_checksum_add(sum, packet.payload));
		bytes[at] = (uint8_t)(checksum >> 8);
		bytes[at + 1] = (uint8_t)checksum;
		ck_assert_int_ne(sx_scmp_parse(&scmp, &packet), SX_EPROTO);
		if (sx_scmp_parse(&scmp, &packet) == SX_OK) {
			ck_assert_int_eq(sx_scmp_write(&writer, &packet, &scmp), SX_OK);
		}
	}
	free(bytes);
}

static void damage(size_t number, const struct sx_vector *reply, const json_t *entry)
{
	(void)number;
	(void)entry;
	sx_each_mutation(sx_vector_bytes(reply), parse_with_checksum);
}

START_TEST(damaged_messages_are_refused_or_read_but_never_overrun)
{
	(void)each_reply(damage);
}
END_TEST

static void flip_each_bit(size_t number, const struct sx_vector *reply, const json_t *entry)
{
	struct sx_packet packet;
	struct sx_scmp scmp;

	(void)number;
	(void)entry;
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(reply)), SX_OK);
	for (size_t bit = 0; bit < (size_t)packet.payload_len * 8; bit++) {
		struct sx_vector flipped = *reply;

		flipped.data[reply->len - 1 - bit / 8] ^= (uint8_t)(1U << bit % 8);
		ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&flipped)), SX_OK);
		ck_assert_int_lt(sx_scmp_parse(&scmp, &packet), 0);
	}
}

START_TEST(a_wrong_checksum_is_refused)
{
	(void)each_reply(flip_each_bit);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("scmp");
	TCase *tcase = tcase_create("scmp");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_recorded_reply_is_rebuilt_byte_for_byte);
	tcase_add_test(tcase, recorded_replies_say_what_the_router_meant);
	tcase_add_loop_test(tcase, every_type_has_its_body, 0, SX_COUNT(bodies));
	tcase_add_loop_test(tcase, a_quote_is_cut_so_that_the_whole_fits_1232_bytes, 0, 2);
	tcase_add_test(tcase, an_echo_is_never_cut);
	tcase_add_test(tcase, damaged_messages_are_refused_or_read_but_never_overrun);
	tcase_add_test(tcase, a_wrong_checksum_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
