/* SPDX-License-Identifier: MIT */
#include "combine.h"
#include "tap.h"
#include "vectors.h"

#define RESPONSE_MAX 16384

static struct sx_topology *topology;
static struct sx_beacons beacons;

static void load(const char *file)
{
	struct sx_topology_error error;
	struct sx_dice dice = { 7 };

	ck_assert_msg(sx_topology_load(&topology, file, &error) == SX_OK, "%s", error.text);
	ck_assert_int_eq(sx_beacons_compute(&beacons, topology, 1795403970, &dice), SX_OK);
}

static void unload(void)
{
	sx_beacons_fini(&beacons);
	sx_topology_free(topology);
}

static size_t index_of(const char *ia)
{
	uint64_t value = 0;
	const struct sx_topology_as *as;

	ck_assert_int_eq(sx_ia_parse(sx_bytes_text(ia), &value), SX_OK);
	as = sx_topology_find_as(topology, value);
	ck_assert_ptr_nonnull(as);
	return sx_topology_as_index(topology, as);
}

/* What a test needs of protobuf: fields that are varints, and fields that are bytes. */
struct field {
	uint64_t number;
	uint64_t value;
	struct sx_bytes bytes;
};

static uint64_t read_varint(struct sx_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = sx_read_u8(reader);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			break;
		}
	}
	return value;
}

static bool next_field(struct sx_reader *reader, struct field *out)
{
	uint64_t tag;

	if (sx_reader_left(reader) == 0) {
		return false;
	}
	tag = read_varint(reader);
	*out = (struct field){ .number = tag >> 3 };
	switch (tag & 7) {
	case 0:
		out->value = read_varint(reader);
		break;
	case 1:
		sx_read_skip(reader, 8);
		break;
	case 2:
		out->bytes = sx_read_bytes(reader, read_varint(reader));
		break;
	case 5:
		sx_read_skip(reader, 4);
		break;
	default:
		ck_abort_msg("wire type %d", (int)(tag & 7));
	}
	ck_assert(sx_reader_ok(reader));
	return true;
}

/* daemon.proto, message Path: raw 1, interfaces 3 { isd_as 1, id 2 }, mtu 4. */
static void decode_path(struct sx_bytes in, struct sx_combined *out)
{
	struct sx_reader reader = sx_reader_of(in);
	struct field field;

	memset(out, 0, sizeof *out);
	while (next_field(&reader, &field)) {
		if (field.number == 1) {
			ck_assert_int_eq(sx_path_parse(&out->path, field.bytes), SX_OK);
		} else if (field.number == 4) {
			out->mtu = (uint16_t)field.value;
		} else if (field.number == 3) {
			struct sx_reader inner = sx_reader_of(field.bytes);
			struct sx_interface *interface = &out->interfaces[out->interface_count++];

			while (next_field(&inner, &field)) {
				if (field.number == 1) {
					interface->ia = field.value;
				} else if (field.number == 2) {
					interface->id = field.value;
				}
			}
		}
	}
}

/* Where a piece of a segment ends nearest to its origin; there ConsIngress is not used, unless a peer link is there. */
static bool is_boundary(const struct sx_path *path, uint8_t hop)
{
	uint8_t info = sx_path_info_index(path, hop);
	bool first = hop == 0 || sx_path_info_index(path, (uint8_t)(hop - 1)) != info;
	bool last =
		hop + 1 == path->hop_count || sx_path_info_index(path, (uint8_t)(hop + 1)) != info;

	if (path->infos[info].flags & SX_INFO_PEERING) {
		return false;
	}
	return path->infos[info].flags & SX_INFO_CONS_DIR ? first : last;
}

/*
 * Equal but for what differs from one beaconing to the next, SegIDs, timestamps and MACs, and for which of several
 * segments a shortcut was cut from.
 */
static bool is_same_structure(const struct sx_path *a, const struct sx_path *b)
{
	if (memcmp(a->seg_len, b->seg_len, sizeof a->seg_len) != 0) {
		return false;
	}
	for (size_t i = 0; i < a->info_count; i++) {
		if (a->infos[i].flags != b->infos[i].flags) {
			return false;
		}
	}
	for (uint8_t i = 0; i < a->hop_count; i++) {
		if (a->hops[i].cons_egress != b->hops[i].cons_egress ||
			a->hops[i].exp_time != b->hops[i].exp_time ||
			(a->hops[i].cons_ingress != b->hops[i].cons_ingress &&
				!is_boundary(a, i))) {
			return false;
		}
	}
	return true;
}

static const struct sx_combined *find(
	const struct sx_combined_list *list, const struct sx_combined *wanted)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct sx_combined *item = &list->items[i];

		if (item->interface_count == wanted->interface_count &&
			memcmp(item->interfaces, wanted->interfaces,
				item->interface_count * sizeof *item->interfaces) == 0) {
			return item;
		}
	}
	return NULL;
}

static struct sx_bytes unhex_response(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;

	ck_assert_uint_le(len, RESPONSE_MAX);
	for (size_t i = 0; i < len; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return sx_bytes_of(out, len);
}

static void compare_with_daemon(const json_t *recorded)
{
	uint8_t bytes[RESPONSE_MAX];
	struct sx_reader reader = sx_reader_of(
		unhex_response(json_string_value(json_object_get(recorded, "response")), bytes));
	struct sx_combined_list list = { 0 };
	struct field field;
	size_t count = 0;

	ck_assert_int_eq(sx_combine(&list, topology, &beacons,
				 index_of(json_string_value(json_object_get(recorded, "src"))),
				 index_of(json_string_value(json_object_get(recorded, "dst")))),
		SX_OK);
	while (next_field(&reader, &field)) {
		struct sx_combined wanted;
		const struct sx_combined *found;

		decode_path(field.bytes, &wanted);
		found = find(&list, &wanted);
		ck_assert_msg(found != NULL, "path %zu is missing", count);
		ck_assert(is_same_structure(&found->path, &wanted.path));
		ck_assert_uint_eq(found->mtu, wanted.mtu);
		count++;
	}
	ck_assert_uint_eq(list.count, count);
	sx_combined_list_fini(&list);
}

START_TEST(paths_are_those_of_the_daemon)
{
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	json_t *pairs = json_object_get(root, "paths");
	json_t *recorded;
	size_t index;

	load(SX_SANDBOX_DIR "/lab8as.lua");
	ck_assert_uint_eq(json_array_size(pairs), 56);
	json_array_foreach(pairs, index, recorded)
	{
		compare_with_daemon(recorded);
	}
	unload();
	json_decref(root);
}
END_TEST

static bool shares_an_interface(const struct sx_combined *a, const struct sx_combined *b)
{
	for (size_t i = 0; i < a->interface_count; i++) {
		for (size_t j = 0; j < b->interface_count; j++) {
			if (a->interfaces[i].ia == b->interfaces[j].ia &&
				a->interfaces[i].id == b->interfaces[j].id) {
				return true;
			}
		}
	}
	return false;
}

START_TEST(demo_pair_has_four_paths_two_of_them_disjoint)
{
	struct sx_combined_list list = { 0 };
	size_t disjoint = 0;

	load(SX_SANDBOX_DIR "/topology.lua");
	ck_assert_int_eq(sx_combine(&list, topology, &beacons, index_of("1-ff00:0:113"),
				 index_of("2-ff00:0:211")),
		SX_OK);
	ck_assert_uint_ge(list.count, 4);
	for (size_t i = 0; i < list.count; i++) {
		for (size_t j = 0; j < i; j++) {
			/* Through the core both: the peer link would make it easy. */
			disjoint += list.items[i].interface_count > 2 &&
				    list.items[j].interface_count > 2 &&
				    !shares_an_interface(&list.items[i], &list.items[j]);
		}
	}
	ck_assert_uint_ge(disjoint, 1);
	sx_combined_list_fini(&list);
	unload();
}
END_TEST

START_TEST(hops_are_written_for_people)
{
	static const struct sx_interface way[] = { { 0x0001ff0000000111, 1 },
		{ 0x0001ff0000000110, 3 }, { 0x0001ff0000000110, 2 }, { 0x0002ff0000000210, 2 } };
	char text[128], small[20];

	sx_hops_write(way, SX_COUNT(way), text, sizeof text);
	ck_assert_str_eq(text, "1-ff00:0:111 1>3 1-ff00:0:110 2>2 2-ff00:0:210");
	sx_hops_write(way, SX_COUNT(way), small, sizeof small);
	ck_assert_str_eq(small, "1-ff00:0:111 1>3 1-");
	sx_hops_write(way, 0, text, sizeof text);
	ck_assert_str_eq(text, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("combine");
	TCase *tc = tcase_create("combine");

	tcase_add_test(tc, paths_are_those_of_the_daemon);
	tcase_add_test(tc, demo_pair_has_four_paths_two_of_them_disjoint);
	tcase_add_test(tc, hops_are_written_for_people);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
