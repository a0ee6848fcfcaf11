/* SPDX-License-Identifier: MIT */
#include "scion/template.h"

#include "scion/path.h"
#include "tap.h"
#include "vectors.h"

#define RECORDED 152

static uint8_t payload[65536];

/* A template and the plain writer make the same bytes. */
static void expect_same(const struct sx_packet *packet, const struct sx_udp *udp, uint8_t ecn)
{
	static uint8_t plain[70000], quick[70000];
	struct sx_writer one = sx_writer_of(plain, sizeof plain);
	struct sx_writer two = sx_writer_of(quick, sizeof quick);
	struct sx_packet marked = *packet;
	struct sx_template template;

	marked.traffic_class = ecn;
	marked.extensions = sx_bytes_of(NULL, 0);
	marked.next_header = SX_PROTOCOL_UDP;
	ck_assert_int_eq(sx_udp_write(&one, &marked, udp), SX_OK);
	ck_assert_int_eq(sx_template_init(&template, packet, udp), SX_OK);
	sx_template_write(&template, &two, udp->payload, ecn);
	ck_assert(sx_writer_ok(&two));
	ck_assert(sx_bytes_equal(sx_writer_bytes(&one), sx_writer_bytes(&two)));
}

START_TEST(recorded_headers_are_filled_in_as_written)
{
	static const size_t lens[] = { 0, 1, 6, 1200, 1301, 65527 };
	json_t *root = sx_vectors_load("scion/packets.json");
	size_t i;
	json_t *entry;

	for (size_t at = 0; at < sizeof payload; at++) {
		payload[at] = (uint8_t)(at * 7 + at / 251);
	}
	json_array_foreach(json_object_get(root, "packets"), i, entry)
	{
		struct sx_vector recorded;
		struct sx_packet packet;
		struct sx_udp udp;

		ck_assert(sx_vector_get(entry, "delivered", &recorded));
		ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&recorded)), SX_OK);
		ck_assert_int_eq(sx_udp_parse(&udp, &packet), SX_OK);
		udp.payload = sx_bytes_of(payload, lens[i % SX_COUNT(lens)]);
		expect_same(&packet, &udp, (uint8_t)(i % 4));
	}
	ck_assert_uint_eq(i, RECORDED);
	json_decref(root);
}
END_TEST

START_TEST(what_udp_cannot_say_or_hold_is_not_written)
{
	static uint8_t out[70000];
	struct sx_packet packet = { .src.ia = 1, .dst.ia = 2 };
	struct sx_udp udp = { .src_port = 1, .dst_port = 2 };
	struct sx_template template;
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	ck_assert_int_eq(sx_template_init(&template, &packet, &udp), SX_OK);
	sx_template_write(&template, &writer, sx_bytes_of(payload, 65528), 0);
	ck_assert(!sx_writer_ok(&writer));
	writer = sx_writer_of(out, template.len + 9);
	sx_template_write(&template, &writer, sx_bytes_of(payload, 10), 0);
	ck_assert(!sx_writer_ok(&writer));
	packet.path_type = SX_PATH_SCION;
	packet.path = sx_bytes_of(payload, 1024);
	ck_assert_int_eq(sx_template_init(&template, &packet, &udp), SX_EINVAL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("template");
	TCase *tcase = tcase_create("headers");

	tcase_add_test(tcase, recorded_headers_are_filled_in_as_written);
	tcase_add_test(tcase, what_udp_cannot_say_or_hold_is_not_written);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
