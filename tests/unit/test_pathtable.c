/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lab.h"
#include "scion/pathtable.h"
#include "tap.h"

static struct sx_pathtable *parse(const json_t *file)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	char *text = json_dumps(file, 0);
	struct sx_pathtable *table;
	int rc = sx_pathtable_parse(&table, sx_bytes_text(text), problem);

	ck_assert_msg(rc == SX_OK, "%s", problem);
	free(text);
	return table;
}

START_TEST(every_recorded_path_file_is_read)
{
	static const char *const ases[] = { "1-ff00:0:110", "1-ff00:0:111", "1-ff00:0:112",
		"1-ff00:0:113", "1-ff00:0:114", "1-ff00:0:120", "2-ff00:0:210", "2-ff00:0:211" };
	json_t *file = sx_lab_file(ases[_i]);
	struct sx_pathtable *table = parse(file);

	ck_assert_uint_eq(table->count, json_array_size(json_object_get(file, "paths")));
	ck_assert_uint_ge(table->count, 16);
	ck_assert_uint_eq(table->local.router_count, 1);
	ck_assert_uint_eq(table->local.mtu, 1472);
	for (size_t i = 0; i < table->count; i++) {
		ck_assert_uint_gt(table->paths[i]->expiry, SX_LAB_NOW);
		ck_assert_uint_eq(table->paths[i]->mtu, 1400);
		ck_assert(sx_ip_port_equal(&table->paths[i]->next_hop, &table->local.routers[0]));
	}
	sx_pathtable_free(table);
	json_decref(file);
}
END_TEST

/* A good file with one member of it or of its second path replaced; NULL: removed. */
static const struct {
	bool in_path;
	const char *field;
	const char *json;
	const char *problem; /* NULL: still good */
} changes[] = {
	{ false, "isd_as", NULL, "isd_as: expected an ISD-AS" },
	{ false, "isd_as", "7", "isd_as: expected an ISD-AS" },
	{ false, "isd_as", "\"1-ff00:0:999999\"", "isd_as: expected an ISD-AS" },
	{ false, "isd_as", "\"1-ff00:0:113\"", "paths[0].interfaces: expected the way of" },
	{ false, "mtu", NULL, NULL },
	{ false, "mtu", "-1", "mtu: expected a number" },
	{ false, "mtu", "65536", "mtu: expected a number" },
	{ false, "mtu", "\"big\"", "mtu: expected a number" },
	{ false, "routers", NULL, "routers: expected a list" },
	{ false, "routers", "[\"10.0.0.1\"]", "routers: expected addresses" },
	{ false, "routers", "[\"[fd00::1]:1\", 7]", "routers: expected addresses" },
	{ false, "routers", "[]", "paths[0].next_hop: expected one of" },
	{ false, "paths", NULL, "paths: expected a list" },
	{ false, "paths", "{}", "paths: expected a list" },
	{ false, "paths", "[]", NULL },
	{ false, "paths", "[7]", "paths[0].destination: expected an ISD-AS" },
	{ false, "something", "{\"new\": 1}", NULL },
	{ true, "destination", NULL, "paths[1].destination: expected an ISD-AS" },
	{ true, "destination", "\"1-1\"", "paths[1].interfaces: expected the way of" },
	{ true, "raw", NULL, "paths[1].raw: expected a SCION path" },
	{ true, "raw", "\"\"", "paths[1].raw: expected a SCION path" },
	{ true, "raw", "\"0\"", "paths[1].raw: expected a SCION path" },
	{ true, "raw", "\"zz\"", "paths[1].raw: expected a SCION path" },
	{ true, "raw", "\"00\\u000000\"", "line 1: \\u0000 is not allowed" },
	{ true, "raw", "\"00002000\"", "paths[1].raw: expected a SCION path" },
	{ true, "raw",
		"\"010020000100abcd00001000003f00000007010203040506003f00090000a1a2a3a4a5a6\"",
		"paths[1].raw: expected a SCION path (type 1) at its first hop" },
	{ true, "raw",
		"\"000020000100abcd00001000003f00000007010203040506003f00090000a1a2a3a4a5a6\"",
		"paths[1].interfaces: expected" },
	{ true, "next_hop", NULL, "paths[1].next_hop: expected an address" },
	{ true, "next_hop", "\"10.0.0.1:1\"", "paths[1].next_hop: expected one of" },
	{ true, "mtu", NULL, NULL },
	{ true, "mtu", "1e3", "paths[1].mtu: expected a number" },
	{ true, "expiry", NULL, "paths[1].expiry: expected UNIX seconds" },
	{ true, "expiry", "-1", "paths[1].expiry: expected UNIX seconds" },
	{ true, "expiry", "1795403971.5", "paths[1].expiry: expected UNIX seconds" },
	{ true, "expiry", "9999999999", NULL },
	{ true, "interfaces", NULL, "paths[1].interfaces: expected a list" },
	{ true, "interfaces", "[]", "paths[1].interfaces: expected the way" },
	{ true, "interfaces", "[1]", "paths[1].interfaces: expected entries" },
	{ true, "interfaces", "[{\"isd_as\": \"1-1\", \"id\": 0}]",
		"paths[1].interfaces: expected entries" },
	{ true, "interfaces", "[{\"isd_as\": \"1-1\", \"id\": 65536}]",
		"paths[1].interfaces: expected entries" },
	{ true, "latency_ms", "[1, 2.5, -1]", NULL },
	{ true, "latency_ms", "7", "paths[1].latency_ms: expected a list" },
	{ true, "latency_ms", "[\"1\"]", "paths[1].latency_ms: expected numbers" },
	{ true, "latency_ms", "[1e300]", "paths[1].latency_ms: expected numbers" },
};

static void change(json_t *file, int number)
{
	json_t *object =
		changes[number].in_path ? json_array_get(json_object_get(file, "paths"), 1) : file;

	if (!changes[number].json) {
		ck_assert_int_eq(json_object_del(object, changes[number].field), 0);
		return;
	}
	ck_assert_int_eq(
		json_object_set_new(object, changes[number].field,
			json_loads(changes[number].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)),
		0);
}

START_TEST(a_wrong_field_is_named)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	json_t *file = sx_lab_file("1-ff00:0:112");
	struct sx_pathtable *table = NULL;
	char *text;
	int rc;

	change(file, _i);
	text = json_dumps(file, 0);
	rc = sx_pathtable_parse(&table, sx_bytes_text(text), problem);
	if (changes[_i].problem) {
		ck_assert_int_eq(rc, SX_EMALFORMED);
		ck_assert_ptr_null(table);
		ck_assert_msg(
			strncmp(problem, changes[_i].problem, strlen(changes[_i].problem)) == 0,
			"%s", problem);
	} else {
		ck_assert_msg(rc == SX_OK, "%s", problem);
	}
	sx_pathtable_free(table);
	free(text);
	json_decref(file);
}
END_TEST

START_TEST(a_path_never_outlives_its_hop_fields)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	json_t *path = json_array_get(json_object_get(file, "paths"), 0);
	json_int_t expiry = json_integer_value(json_object_get(path, "expiry"));
	struct sx_pathtable *table;

	while (json_array_size(json_object_get(file, "paths")) > 1) {
		ck_assert_int_eq(json_array_remove(json_object_get(file, "paths"), 1), 0);
	}
	ck_assert_int_eq(json_object_set_new(path, "expiry", json_integer(expiry + 1)), 0);
	table = parse(file);
	ck_assert_int_eq((json_int_t)table->paths[0]->expiry, expiry);
	sx_pathtable_free(table);
	ck_assert_int_eq(json_object_set_new(path, "expiry", json_integer(expiry - 1)), 0);
	table = parse(file);
	ck_assert_int_eq((json_int_t)table->paths[0]->expiry, expiry - 1);
	sx_pathtable_free(table);
	json_decref(file);
}
END_TEST

START_TEST(more_than_10000_paths_are_refused)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	json_t *file = sx_lab_file("1-ff00:0:112");
	json_t *paths = json_object_get(file, "paths");
	struct sx_pathtable *table;
	char *text;

	while (json_array_size(paths) <= SX_PATHTABLE_PATHS_MAX) {
		ck_assert_int_eq(json_array_append_new(paths, json_object()), 0);
	}
	text = json_dumps(file, 0);
	ck_assert_int_eq(sx_pathtable_parse(&table, sx_bytes_text(text), problem), SX_EMALFORMED);
	ck_assert_str_eq(problem, "paths: expected a list of at most 10000 paths");
	free(text);
	json_decref(file);
}
END_TEST

START_TEST(text_cut_anywhere_is_refused_with_its_line)
{
	json_t *file = sx_lab_file("2-ff00:0:210");
	char *text = json_dumps(file, JSON_INDENT(1));
	size_t len = strlen(text);

	for (size_t cut = 0; cut < len; cut += cut < 2000 ? 1 : 97) {
		char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
		struct sx_pathtable *table;

		ck_assert_int_eq(
			sx_pathtable_parse(&table, sx_bytes_of(text, cut), problem), SX_EMALFORMED);
		ck_assert_int_eq(strncmp(problem, "line ", 5), 0);
	}
	free(text);
	json_decref(file);
}
END_TEST

static void read_table(struct sx_bytes text)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	struct sx_pathtable *table;

	if (sx_pathtable_parse(&table, text, problem) == SX_OK) {
		ck_assert_uint_le(table->count, 1);
		sx_pathtable_free(table);
	} else {
		ck_assert_str_ne(problem, "");
	}
}

START_TEST(damaged_text_is_refused_with_a_reason_or_read)
{
	json_t *file = sx_lab_file("2-ff00:0:210");
	json_t *paths = json_object_get(file, "paths");
	char *text;

	while (json_array_size(paths) > 1) {
		ck_assert_int_eq(json_array_remove(paths, 1), 0);
	}
	text = json_dumps(file, JSON_COMPACT);
	sx_each_mutation(sx_bytes_text(text), read_table);
	free(text);
	json_decref(file);
}
END_TEST
static const struct sx_interface way[] = {
	{ 0x0001ff0000000111, 1 },
	{ 0x0001ff0000000110, 3 },
	{ 0x0001ff0000000110, 2 },
	{ 0x0002ff0000000210, 2 },
	{ 0x0002ff0000000210, 3 },
	{ 0x0002ff0000000211, 1 },
};

START_TEST(a_way_reads_hop_by_hop)
{
	struct sx_interface unknown[] = { way[0], { 0, 3 }, { 0, 2 }, way[5] };
	char text[SX_WAY_TEXT_BYTES];

	sx_way_write(way, 6, text, sizeof text);
	ck_assert_str_eq(
		text, "1-ff00:0:111#1 > 1-ff00:0:110#3,2 > 2-ff00:0:210#2,3 > 2-ff00:0:211#1");
	sx_way_write(unknown, 4, text, sizeof text);
	ck_assert_str_eq(text, "1-ff00:0:111#1 > #3,2 > 2-ff00:0:211#1");
	sx_way_write(way, 0, text, sizeof text);
	ck_assert_str_eq(text, "");
	for (size_t cap = 1; cap < 80; cap++) {
		memset(text, 'x', sizeof text);
		sx_way_write(way, 6, text, cap);
		ck_assert_uint_lt(strlen(text), cap);
		ck_assert_int_eq(text[cap], 'x');
	}
}
END_TEST

START_TEST(links_are_shared_in_either_direction)
{
	struct sx_interface back[6];
	struct sx_known_path a = { .interfaces = way, .interface_count = 6 };
	struct sx_known_path b = { .interfaces = back, .interface_count = 6 };

	for (int i = 0; i < 6; i++) {
		back[i] = way[5 - i];
	}
	ck_assert_uint_eq(sx_known_path_shared_links(&a, &b), 3);
	back[2].id++;
	ck_assert_uint_eq(sx_known_path_shared_links(&a, &b), 2);
	b.interface_count = 0;
	ck_assert_uint_eq(sx_known_path_shared_links(&a, &b), 0);
}
END_TEST
static Suite *suite(void)
{
	Suite *suite = suite_create("pathtable");
	TCase *tcase = tcase_create("text");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, every_recorded_path_file_is_read, 0, 8);
	tcase_add_loop_test(tcase, a_wrong_field_is_named, 0, SX_COUNT(changes));
	tcase_add_test(tcase, a_path_never_outlives_its_hop_fields);
	tcase_add_test(tcase, more_than_10000_paths_are_refused);
	tcase_add_test(tcase, text_cut_anywhere_is_refused_with_its_line);
	tcase_add_test(tcase, damaged_text_is_refused_with_a_reason_or_read);
	tcase_add_test(tcase, a_way_reads_hop_by_hop);
	tcase_add_test(tcase, links_are_shared_in_either_direction);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
