/* SPDX-License-Identifier: MIT */
#include "lab.h"
#include "scion/addr.h"
#include "scion/packet.h"
#include "scion/path.h"
#include "tap.h"
#include "vectors.h"

/* A recorded packet's path, as sent or as delivered. */
static struct sx_path path_of(const json_t *entry, const char *key)
{
	struct sx_vector vector;
	struct sx_packet packet;
	struct sx_path path;

	ck_assert(sx_vector_get(entry, key, &vector));
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&vector)), SX_OK);
	ck_assert_uint_eq(packet.path_type, SX_PATH_SCION);
	ck_assert_int_eq(sx_path_parse(&path, packet.path), SX_OK);
	return path;
}

static size_t write_path(const struct sx_path *path, uint8_t out[SX_PATH_MAX])
{
	struct sx_writer writer = sx_writer_of(out, SX_PATH_MAX);

	sx_path_write(path, &writer);
	ck_assert(sx_writer_ok(&writer));
	ck_assert_uint_eq(writer.at, sx_path_len(path));
	return writer.at;
}

static bool is_same(const struct sx_path *a, const struct sx_path *b)
{
	uint8_t bytes[2][SX_PATH_MAX];
	size_t len = write_path(a, bytes[0]);

	return len == write_path(b, bytes[1]) && memcmp(bytes[0], bytes[1], len) == 0;
}

static json_t *load(json_t **ases, json_t **packets)
{
	json_t *root = sx_vectors_load("scion/packets.json");

	*ases = json_object_get(root, "ases");
	*packets = json_object_get(root, "packets");
	ck_assert_uint_eq(json_array_size(*packets), 152);
	return root;
}

static const char *text_of(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

START_TEST(every_recorded_path_is_rebuilt_byte_for_byte)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	size_t i;
	json_t *entry;

	json_array_foreach(packets, i, entry)
	{
		struct sx_vector vector;
		struct sx_packet packet;
		struct sx_path path = path_of(entry, "delivered");
		uint8_t rebuilt[SX_PATH_MAX];

		ck_assert(sx_vector_get(entry, "delivered", &vector));
		ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&vector)), SX_OK);
		ck_assert_uint_eq(write_path(&path, rebuilt), packet.path.len);
		ck_assert_mem_eq(rebuilt, packet.path.data, packet.path.len);
	}
	json_decref(root);
}
END_TEST

START_TEST(every_sent_path_walks_into_the_delivered_one)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	size_t i;
	json_t *entry;

	json_array_foreach(packets, i, entry)
	{
		struct sx_path path = path_of(entry, "sent");
		struct sx_path delivered = path_of(entry, "delivered");

		ck_assert_str_eq(
			sx_lab_walk(ases, text_of(entry, "src"), &path), text_of(entry, "dst"));
		ck_assert(is_same(&path, &delivered));
	}
	json_decref(root);
}
END_TEST

START_TEST(every_reply_path_passes_the_mac_checks_and_brings_back_the_original)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	size_t i;
	json_t *entry;

	json_array_foreach(packets, i, entry)
	{
		struct sx_path sent = path_of(entry, "sent");
		struct sx_path delivered = path_of(entry, "delivered");
		struct sx_path_raw raw;
		struct sx_path path;
		uint8_t bytes[SX_PATH_MAX];
		size_t len = write_path(&delivered, bytes);

		ck_assert_int_eq(
			sx_path_reply(SX_PATH_SCION, sx_bytes_of(bytes, len), &raw), SX_OK);
		ck_assert_int_eq(sx_path_parse(&path, sx_bytes_of(raw.bytes, raw.len)), SX_OK);
		ck_assert_str_eq(
			sx_lab_walk(ases, text_of(entry, "dst"), &path), text_of(entry, "src"));
		sx_path_reverse(&path);
		ck_assert(is_same(&path, &sent));
	}
	json_decref(root);
}
END_TEST

/* Whether two paths pass the same hop fields in opposite order. */
static bool is_opposite(const struct sx_path *a, const struct sx_path *b)
{
	if (a->hop_count != b->hop_count) {
		return false;
	}
	for (int i = 0; i < a->hop_count; i++) {
		if (memcmp(a->hops[i].mac, b->hops[a->hop_count - 1 - i].mac, SX_PATH_MAC_BYTES) !=
			0) {
			return false;
		}
	}
	return true;
}

START_TEST(a_reply_path_equals_the_path_that_the_other_end_was_given)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	unsigned opposites = 0;
	size_t i;
	size_t j;
	json_t *there;
	json_t *back;

	json_array_foreach(packets, i, there)
	{
		struct sx_path path = path_of(there, "delivered");

		json_array_foreach(packets, j, back)
		{
			struct sx_path sent = path_of(back, "sent");
			struct sx_path reversed = path;

			if (is_opposite(&path, &sent)) {
				sx_path_reverse(&reversed);
				ck_assert(is_same(&reversed, &sent));
				opposites++;
			}
		}
	}
	ck_assert_uint_eq(
		opposites, 10); /* the pairs that the daemons built from the same segments */
	json_decref(root);
}
END_TEST

/* A path of `count` segments with hops numbered by their ConsIngress, at its last hop. */
static struct sx_path path_with(uint8_t count, const uint8_t *lens)
{
	struct sx_path path = { .info_count = count, .curr_inf = (uint8_t)(count - 1) };

	for (int i = 0; i < count; i++) {
		path.seg_len[i] = lens[i];
		path.infos[i].timestamp = 1000;
		path.hop_count = (uint8_t)(path.hop_count + lens[i]);
	}
	for (int i = 0; i < path.hop_count; i++) {
		path.hops[i].cons_ingress = (uint16_t)i;
	}
	path.curr_hf = (uint8_t)(path.hop_count - 1);
	return path;
}

START_TEST(the_position_moves_through_hops_and_segments_to_the_end)
{
	static const uint8_t lens[] = { 2, 3, 2 };
	static const uint8_t infos[] = { 0, 0, 1, 1, 1, 2, 2 };
	struct sx_path path = path_with(3, lens);

	path.curr_inf = 0;
	path.curr_hf = 0;
	for (int i = 1; i < 7; i++) {
		ck_assert_int_eq(sx_path_increment(&path), SX_OK);
		ck_assert_int_eq(path.curr_hf, i);
		ck_assert_uint_eq(path.curr_inf, infos[i]);
	}
	ck_assert_int_eq(sx_path_increment(&path), SX_EINVAL);
	ck_assert_uint_eq(path.curr_hf, 6);
	ck_assert_uint_eq(sx_path_hop_offset(&path, 3), 4 + 24 + 36);
	ck_assert_uint_eq(sx_path_info_offset(2), 20);
}
END_TEST

START_TEST(only_the_last_hop_can_reply)
{
	static const uint8_t lens[] = { 2, 2 };
	struct sx_path path = path_with(2, lens);
	struct sx_path_raw raw;
	uint8_t bytes[SX_PATH_MAX];
	size_t len;

	for (uint8_t hop = 0; hop < 4; hop++) {
		path.curr_hf = hop;
		path.curr_inf = hop / 2;
		len = write_path(&path, bytes);
		ck_assert_int_eq(sx_path_reply(SX_PATH_SCION, sx_bytes_of(bytes, len), &raw),
			hop == 3 ? SX_OK : SX_EPROTO);
	}
}
END_TEST

START_TEST(reversal_clears_router_alerts_and_keeps_other_flags)
{
	static const uint8_t lens[] = { 3 };
	struct sx_path path = path_with(1, lens);

	path.hops[0].flags = 0xff;
	path.infos[0].flags = 0xfe;
	sx_path_reverse(&path);
	ck_assert_uint_eq(path.hops[2].flags, 0xfc);
	ck_assert_uint_eq(path.infos[0].flags, 0xff);
	ck_assert_uint_eq(path.curr_hf, 0);
	ck_assert_uint_eq(path.hops[0].cons_ingress, 2);
}
END_TEST

#define INFO   "0100abcd00001000" /* C, SegID abcd */
#define FIRST  "003f00000007010203040506"
#define SECOND "003f00090000a1a2a3a4a5a6"

static const struct {
	const char *name;
	int type;
	const char *in;
	const char *out; /* NULL: refused with `status` */
	int out_type;
	int status;
} replies[] = {
	{ "empty", SX_PATH_EMPTY, "", "", SX_PATH_EMPTY, SX_OK },
	{ "empty with bytes", SX_PATH_EMPTY, "00", NULL, 0, SX_EMALFORMED },
	{ "one-hop", SX_PATH_ONE_HOP, INFO FIRST SECOND,
		"00002000"
		"0000abcd00001000" SECOND FIRST,
		SX_PATH_SCION, SX_OK },
	{ "one-hop, unfinished", SX_PATH_ONE_HOP, INFO FIRST "003f00000000000000000000", NULL, 0,
		SX_EPROTO },
	{ "one-hop, short", SX_PATH_ONE_HOP, INFO FIRST, NULL, 0, SX_EMALFORMED },
	{ "one-hop, long", SX_PATH_ONE_HOP, INFO FIRST SECOND "00", NULL, 0, SX_EMALFORMED },
	{ "epic", SX_PATH_EPIC,
		"00112233445566778899aabbccddeeff"
		"01002000" INFO FIRST SECOND,
		"00002000"
		"0000abcd00001000" SECOND FIRST,
		SX_PATH_SCION, SX_OK },
	{ "epic, prefix only", SX_PATH_EPIC, "00112233445566778899aabbccddeeff", NULL, 0,
		SX_EMALFORMED },
	{ "epic, short prefix", SX_PATH_EPIC, "0011", NULL, 0, SX_EMALFORMED },
	{ "colibri", 4, "01002000" INFO FIRST SECOND, NULL, 0, SX_EMALFORMED },
};

START_TEST(other_path_types_are_turned_round_or_refused)
{
	struct sx_vector in;
	struct sx_vector out;
	struct sx_path_raw raw;

	sx_vector_unhex(replies[_i].in, &in);
	ck_assert_msg(sx_path_reply((uint8_t)replies[_i].type, sx_vector_bytes(&in), &raw) ==
			      replies[_i].status,
		"%s", replies[_i].name);
	if (replies[_i].out) {
		sx_vector_unhex(replies[_i].out, &out);
		ck_assert_uint_eq(raw.type, (uint8_t)replies[_i].out_type);
		ck_assert(sx_bytes_equal(sx_bytes_of(raw.bytes, raw.len), sx_vector_bytes(&out)));
	}
}
END_TEST

static const struct {
	const char *name;
	const char *hex;
	int status;
} shapes[] = {
	{ "two hops", "01002000" INFO FIRST SECOND, SX_OK },
	{ "reserved bits set", "01fc2000" INFO FIRST SECOND, SX_OK },
	{ "no segment", "00000000", SX_EMALFORMED },
	{ "first segment empty", "00000080" INFO FIRST SECOND, SX_EMALFORMED },
	{ "gap between segments", "00002002" INFO INFO FIRST SECOND FIRST SECOND, SX_EMALFORMED },
	{ "CurrHF beyond", "02002000" INFO FIRST SECOND, SX_EMALFORMED },
	{ "CurrINF of another segment", "41002000" INFO FIRST SECOND, SX_EMALFORMED },
	{ "CurrINF 3", "c1002000" INFO FIRST SECOND, SX_EMALFORMED },
	{ "single hop", "00001000" INFO FIRST, SX_EMALFORMED },
	{ "single hop of a peering path",
		"00001040"
		"0300abcd00001000"
		"0300abcd00001000" FIRST SECOND,
		SX_OK },
	{ "a hop too few", "01003000" INFO FIRST SECOND, SX_EMALFORMED },
	{ "a hop too many", "01002000" INFO FIRST SECOND FIRST, SX_EMALFORMED },
	{ "nothing", "", SX_EMALFORMED },
};

START_TEST(shapes_are_parsed_or_refused)
{
	struct sx_vector vector;
	struct sx_path path;
	uint8_t rebuilt[SX_PATH_MAX];

	sx_vector_unhex(shapes[_i].hex, &vector);
	ck_assert_msg(sx_path_parse(&path, sx_vector_bytes(&vector)) == shapes[_i].status, "%s",
		shapes[_i].name);
	if (shapes[_i].status == SX_OK) {
		ck_assert_uint_eq(write_path(&path, rebuilt), vector.len);
		ck_assert_mem_eq(rebuilt, vector.data, vector.len);
	}
}
END_TEST

START_TEST(at_most_64_hops_are_read)
{
	uint8_t bytes[4 + 16 + 65 * 12] = { 0 };
	struct sx_path path;

	for (uint8_t second = 1; second <= 3; second++) {
		uint32_t meta = 62U << 12 | (uint32_t)second << 6;

		bytes[1] = (uint8_t)(meta >> 16);
		bytes[2] = (uint8_t)(meta >> 8);
		bytes[3] = (uint8_t)meta;
		bytes[4] = bytes[12] = SX_INFO_PEERING;
		ck_assert_int_eq(sx_path_parse(&path, sx_bytes_of(bytes, 20 + (62U + second) * 12)),
			second <= 2 ? SX_OK : SX_EMALFORMED);
	}
}
END_TEST

START_TEST(a_path_expires_with_its_first_hop)
{
	static const uint8_t lens[] = { 2, 2 };
	struct sx_path path = path_with(2, lens);

	for (int i = 0; i < 4; i++) {
		path.hops[i].exp_time = 63;
	}
	ck_assert_uint_eq(sx_path_expiry(&path), 1000 + 6 * 3600);
	path.infos[1].timestamp = 500;
	ck_assert_uint_eq(sx_path_expiry(&path), 500 + 6 * 3600);
	path.hops[1].exp_time = 0;
	ck_assert_uint_eq(sx_path_expiry(&path), 1000 + 337); /* 337.5 s, as routers round it */
	path.infos[0].timestamp = UINT32_MAX;
	path.hops[1].exp_time = 255;
	ck_assert_uint_eq(
		sx_hop_expiry(&path.infos[0], &path.hops[1]), (uint64_t)UINT32_MAX + 86400);
}
END_TEST

START_TEST(the_same_way_is_known_at_any_position)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	json_t *entry = json_array_get(packets, 151);
	struct sx_path sent = path_of(entry, "sent");
	struct sx_path delivered = path_of(entry, "delivered");
	uint8_t a[SX_PATH_MAX];
	uint8_t b[SX_PATH_MAX];
	size_t len = write_path(&sent, a);

	ck_assert_uint_eq(write_path(&delivered, b), len);
	ck_assert(!is_same(&sent, &delivered));
	ck_assert(sx_path_is_same_way(SX_PATH_SCION, sx_bytes_of(a, len), sx_bytes_of(b, len)));
	ck_assert(!sx_path_is_same_way(SX_PATH_EPIC, sx_bytes_of(a, len), sx_bytes_of(b, len)));
	ck_assert(
		!sx_path_is_same_way(SX_PATH_SCION, sx_bytes_of(a, len), sx_bytes_of(b, len - 1)));
	for (size_t i = len - 12; i < len; i++) {
		b[i] ^= 1;
		ck_assert(!sx_path_is_same_way(
			SX_PATH_SCION, sx_bytes_of(a, len), sx_bytes_of(b, len)));
		b[i] ^= 1;
	}
	json_decref(root);
}
END_TEST

START_TEST(the_fingerprint_is_sha256_over_the_interfaces)
{
	static const struct sx_interface interfaces[] = {
		{ 0x0001ff0000000111, 41 },
		{ 0x0001ff0000000110, 1 },
	};
	/* printf '0001ff00000001110000000000000029 0001ff00000001100000000000000001' | xxd -r -p | sha256sum */
	static const char expected[] =
		"26b64e146bfcc8ae2e164b20dd00d7a80c80dbc7869c4acafa9cabc6ae686a09";
	uint8_t print[SX_PATH_FINGERPRINT_BYTES];
	struct sx_vector vector;

	sx_vector_unhex(expected, &vector);
	sx_path_fingerprint(interfaces, 2, print);
	ck_assert_mem_eq(print, vector.data, sizeof print);
	sx_path_fingerprint(interfaces, 1, print);
	ck_assert_mem_ne(print, vector.data, sizeof print);
}
END_TEST

static void reverse_if_whole(struct sx_bytes mutant)
{
	struct sx_path path;
	struct sx_path_raw raw;
	uint8_t rebuilt[SX_PATH_MAX];

	for (int type = 0; type < 5; type++) {
		if (sx_path_reply((uint8_t)type, mutant, &raw) == SX_OK && raw.len > 0) {
			ck_assert_int_eq(
				sx_path_parse(&path, sx_bytes_of(raw.bytes, raw.len)), SX_OK);
			ck_assert_uint_eq(path.curr_hf, 0);
		}
	}
	if (sx_path_parse(&path, mutant) == SX_OK) {
		ck_assert_uint_eq(write_path(&path, rebuilt), mutant.len);
		ck_assert_mem_eq(rebuilt, mutant.data, mutant.len);
		ck_assert(sx_path_is_same_way(SX_PATH_SCION, mutant, mutant));
		(void)sx_path_expiry(&path);
	}
	(void)sx_path_is_same_way(SX_PATH_SCION, mutant, mutant);
}

START_TEST(damaged_paths_are_refused_or_read_but_never_overrun)
{
	json_t *ases;
	json_t *packets;
	json_t *root = load(&ases, &packets);
	size_t i;
	json_t *entry;

	json_array_foreach(packets, i, entry)
	{
		struct sx_path path = path_of(entry, "delivered");
		uint8_t bytes[SX_PATH_MAX];
		size_t len = write_path(&path, bytes);

		sx_each_mutation(sx_bytes_of(bytes, len), reverse_if_whole);
	}
	for (i = 0; i < SX_COUNT(replies); i++) {
		struct sx_vector vector;

		sx_vector_unhex(replies[i].in, &vector);
		sx_each_mutation(sx_vector_bytes(&vector), reverse_if_whole);
	}
	json_decref(root);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("path");
	TCase *tcase = tcase_create("path");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_recorded_path_is_rebuilt_byte_for_byte);
	tcase_add_test(tcase, every_sent_path_walks_into_the_delivered_one);
	tcase_add_test(tcase, every_reply_path_passes_the_mac_checks_and_brings_back_the_original);
	tcase_add_test(tcase, a_reply_path_equals_the_path_that_the_other_end_was_given);
	tcase_add_test(tcase, the_position_moves_through_hops_and_segments_to_the_end);
	tcase_add_test(tcase, only_the_last_hop_can_reply);
	tcase_add_test(tcase, reversal_clears_router_alerts_and_keeps_other_flags);
	tcase_add_loop_test(
		tcase, other_path_types_are_turned_round_or_refused, 0, SX_COUNT(replies));
	tcase_add_loop_test(tcase, shapes_are_parsed_or_refused, 0, SX_COUNT(shapes));
	tcase_add_test(tcase, at_most_64_hops_are_read);
	tcase_add_test(tcase, a_path_expires_with_its_first_hop);
	tcase_add_test(tcase, the_same_way_is_known_at_any_position);
	tcase_add_test(tcase, the_fingerprint_is_sha256_over_the_interfaces);
	tcase_add_test(tcase, damaged_paths_are_refused_or_read_but_never_overrun);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
