/* SPDX-License-Identifier: MIT */
/* What is written for scionproto's routers, against the files with which the recordings were made. */
#include <ftw.h>
#include <stdio.h>

#include "scionproto.h"
#include "tap.h"
#include "vectors.h"

static char folder[32];
static struct sx_topology *topology;

static void setup(void)
{
	struct sx_topology_error error;
	struct sx_dice dice = { 1 };
	struct sx_beacons beacons;

	(void)snprintf(folder, sizeof folder, "/tmp/sx_scionprotoXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_msg(sx_topology_load(&topology, SX_SANDBOX_DIR "/lab8as.lua", &error) == SX_OK,
		"%s", error.text);
	ck_assert_int_eq(sx_beacons_compute(&beacons, topology, 1795403970, &dice), SX_OK);
	ck_assert_msg(
		sx_scionproto_write(topology, &beacons, folder, &error) == SX_OK, "%s", error.text);
	sx_beacons_fini(&beacons);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static void teardown(void)
{
	sx_topology_free(topology);
	ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The file of an AS, as text. */
static void read_file(uint64_t ia, const char *file, char *out, size_t cap)
{
	char name[SX_IA_TEXT_BYTES], path[128];
	FILE *in;
	size_t len;

	sx_pathfile_name(ia, name);
	(void)snprintf(path, sizeof path, "%s/%s/%s", folder, name, file);
	in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	len = fread(out, 1, cap - 1, in);
	out[len] = '\0';
	(void)fclose(in);
}

static void check_key(uint64_t ia, const char *expected)
{
	char text[64];

	read_file(ia, "keys/master0.key", text, sizeof text);
	ck_assert(strcmp(text, expected) == 0);
	read_file(ia, "keys/master1.key", text, sizeof text);
	ck_assert(strcmp(text, expected) == 0);
}

static void check_as(const char *ia_text, json_t *recorded)
{
	json_t *expected = json_object_get(recorded, "topology");
	json_t *found;
	uint64_t ia = 0;
	char text[8192];

	ck_assert_int_eq(sx_ia_parse(sx_bytes_text(ia_text), &ia), SX_OK);
	read_file(ia, "topology.json", text, sizeof text);
	found = json_loads(text, 0, NULL);
	/* Routers alone need no control service. */
	(void)json_object_del(expected, "control_service");
	(void)json_object_del(expected, "discovery_service");
	ck_assert_msg(json_equal(expected, found), "%s: %s", ia_text, text);
	json_decref(found);
	check_key(ia, json_string_value(json_object_get(recorded, "master0")));
}

START_TEST(topologies_and_keys_are_the_recorded_ones)
{
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	json_t *ases = json_object_get(root, "ases");

	ck_assert_uint_eq(json_object_size(ases), 8);
	for (void *at = json_object_iter(ases); at; at = json_object_iter_next(ases, at)) {
		check_as(json_object_iter_key(at), json_object_iter_value(at));
	}
	json_decref(root);
}
END_TEST

START_TEST(router_is_told_where_its_files_are)
{
	char text[512], expected[256];

	read_file(0x0002ff0000000211, "br.toml", text, sizeof text);
	(void)snprintf(expected, sizeof expected,
		"[general]\nid = \"br\"\nconfig_dir = \"%s/2-ff00_0_211\"\n", folder);
	ck_assert_ptr_nonnull(strstr(text, expected));
}
END_TEST

START_TEST(folder_that_cannot_be_made_is_named)
{
	struct sx_topology_error error;
	struct sx_beacons none = { 0 };

	ck_assert_int_eq(
		sx_scionproto_write(topology, &none, "/nonexistent/folder", &error), SX_EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/folder: cannot be written"));
	ck_assert_int_eq(sx_pathfile_write_all(topology, &none, "/nonexistent", &error), SX_EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/1-ff00_0_110.paths.json"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("topology_scionproto");
	TCase *tc = tcase_create("scionproto");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, topologies_and_keys_are_the_recorded_ones);
	tcase_add_test(tc, router_is_told_where_its_files_are);
	tcase_add_test(tc, folder_that_cannot_be_made_is_named);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
