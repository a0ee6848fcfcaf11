/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "lab.h"
#include "scion/pathsrc_file.h"
#include "tap.h"

#define AS_112    0x0001ff0000000112
#define AS_211    0x0002ff0000000211
#define SECOND_NS 1000000000U

struct warnings {
	unsigned count;
	char last[512];
};

static void note(void *arg, enum sx_log_level level, const char *text)
{
	struct warnings *warnings = arg;

	ck_assert_int_eq(level, SX_LOG_WARN);
	warnings->count++;
	(void)snprintf(warnings->last, sizeof warnings->last, "%s", text);
}

/* A file of our own in the working directory, gone with the test. */
struct fixture {
	char name[64];
	struct warnings warnings;
	struct sx_log log;
	struct sx_pathsrc *source;
};

static void write_text(const struct fixture *fixture, const char *text)
{
	char fresh[80];
	FILE *out;

	(void)snprintf(fresh, sizeof fresh, "%s.new", fixture->name);
	out = fopen(fresh, "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(rename(fresh, fixture->name), 0);
}

static void write_json(const struct fixture *fixture, const json_t *file)
{
	char *text = json_dumps(file, 0);

	write_text(fixture, text);
	free(text);
}

static void open_source(struct fixture *fixture, const json_t *file)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES];

	memset(fixture, 0, sizeof *fixture);
	(void)snprintf(fixture->name, sizeof fixture->name, "test_pathsrc.%d.json", getpid());
	fixture->log = (struct sx_log){ note, &fixture->warnings };
	write_json(fixture, file);
	ck_assert_int_eq(
		sx_pathsrc_file_open(&fixture->source, fixture->name, &fixture->log, problem),
		SX_OK);
}

static void close_source(struct fixture *fixture)
{
	fixture->source->ops->free(fixture->source);
	ck_assert_int_eq(unlink(fixture->name), 0);
}

START_TEST(a_source_answers_by_destination)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	const struct sx_known_path *const *paths;
	struct fixture fixture;

	open_source(&fixture, file);
	ck_assert_uint_eq(fixture.source->ops->local(fixture.source)->ia, AS_112);
	ck_assert_uint_eq(fixture.source->ops->count(fixture.source), 20);
	ck_assert_uint_eq(fixture.source->ops->find(fixture.source, AS_211, &paths), 4);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(paths[i]->destination, AS_211);
	}
	ck_assert_uint_eq(fixture.source->ops->find(fixture.source, AS_112, &paths), 0);
	ck_assert_uint_eq(fixture.source->ops->find(fixture.source, 0, &paths), 0);
	ck_assert_uint_eq(fixture.source->ops->find(fixture.source, UINT64_MAX, &paths), 0);
	close_source(&fixture);
	json_decref(file);
}
END_TEST

START_TEST(a_source_offers_at_most_100_paths_to_one_destination)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	json_t *paths = json_object_get(file, "paths");
	const struct sx_known_path *const *found;
	struct fixture fixture;
	json_t *first = json_array_get(paths, 0);
	uint64_t destination;

	ck_assert_int_eq(
		sx_ia_parse(sx_bytes_text(json_string_value(json_object_get(first, "destination"))),
			&destination),
		SX_OK);
	for (int i = 0; i < 150; i++) {
		ck_assert_int_eq(json_array_append(paths, first), 0);
	}
	open_source(&fixture, file);
	ck_assert_uint_eq(fixture.source->ops->find(fixture.source, destination, &found), 100);
	close_source(&fixture);
	json_decref(file);
}
END_TEST

START_TEST(a_changed_file_is_read_again_once_a_second)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	struct fixture fixture;
	uint64_t generation;

	open_source(&fixture, file);
	generation = fixture.source->generation;
	ck_assert_int_eq(json_array_clear(json_object_get(file, "paths")), 0);
	write_json(&fixture, file);
	fixture.source->ops->refresh(fixture.source, SECOND_NS / 2);
	ck_assert_uint_eq(fixture.source->ops->count(fixture.source), 20);
	fixture.source->ops->refresh(fixture.source, 2 * SECOND_NS);
	ck_assert_uint_eq(fixture.source->ops->count(fixture.source), 0);
	ck_assert_uint_eq(fixture.source->generation, generation + 1);
	fixture.source->ops->refresh(fixture.source, 4 * (uint64_t)SECOND_NS);
	ck_assert_uint_eq(fixture.source->generation, generation + 1);
	ck_assert_uint_eq(fixture.warnings.count, 0);
	close_source(&fixture);
	json_decref(file);
}
END_TEST

START_TEST(a_broken_file_leaves_the_last_good_one_and_warns_once)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	struct fixture fixture;
	char expected[256];

	open_source(&fixture, file);
	write_text(&fixture, "{\n\"isd_as\": \"1-ff00:0:112\",\n}");
	for (uint64_t second = 2; second < 6; second++) {
		fixture.source->ops->refresh(fixture.source, second * SECOND_NS);
	}
	ck_assert_uint_eq(fixture.source->ops->count(fixture.source), 20);
	ck_assert_uint_eq(fixture.warnings.count, 1);
	(void)snprintf(expected, sizeof expected, "%s: line 3: ", fixture.name);
	ck_assert_ptr_nonnull(strstr(fixture.warnings.last, expected));
	write_json(&fixture, file);
	fixture.source->ops->refresh(fixture.source, 8 * (uint64_t)SECOND_NS);
	ck_assert_uint_eq(fixture.source->generation, 2);
	close_source(&fixture);
	json_decref(file);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";
	struct sx_log log = { 0 };
	struct sx_pathsrc *source;
	struct fixture fixture = { .name = "test_pathsrc.open.json" };

	ck_assert_int_eq(
		sx_pathsrc_file_open(&source, "no such file", &log, problem), SX_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(problem, "cannot be read"));
	write_text(&fixture, "[]");
	ck_assert_int_eq(sx_pathsrc_file_open(&source, fixture.name, &log, problem), SX_EMALFORMED);
	ck_assert_int_eq(truncate(fixture.name, SX_PATHSRC_FILE_BYTES_MAX + 1), 0);
	ck_assert_int_eq(sx_pathsrc_file_open(&source, fixture.name, &log, problem), SX_ELIMIT);
	ck_assert_int_eq(unlink(fixture.name), 0);
}
END_TEST

static int open_and_free(void *arg)
{
	char problem[SX_PATHTABLE_PROBLEM_BYTES];
	const struct fixture *fixture = arg;
	struct sx_pathsrc *source;
	int rc = sx_pathsrc_file_open(&source, fixture->name, &fixture->log, problem);

	if (rc == SX_OK) {
		source->ops->free(source);
	} else {
		ck_assert_str_eq(rc == SX_ENOMEM ? "ok" : problem, "ok");
	}
	return rc;
}

START_TEST(every_allocation_of_opening_may_fail)
{
	json_t *file = sx_lab_file("1-ff00:0:112");
	struct fixture fixture;

	open_source(&fixture, file);
	/* The source, the text, the table, its list and its 20 paths at least. */
	ck_assert_uint_ge(sx_each_allocation_fails(open_and_free, &fixture), 24);
	close_source(&fixture);
	json_decref(file);
}
END_TEST
static Suite *suite(void)
{
	Suite *suite = suite_create("pathsrc");
	TCase *tcase = tcase_create("file");

	tcase_add_test(tcase, a_source_answers_by_destination);
	tcase_add_test(tcase, a_source_offers_at_most_100_paths_to_one_destination);
	tcase_add_test(tcase, a_changed_file_is_read_again_once_a_second);
	tcase_add_test(tcase, a_broken_file_leaves_the_last_good_one_and_warns_once);
	tcase_add_test(tcase, what_cannot_be_opened_says_why);
	tcase_add_test(tcase, every_allocation_of_opening_may_fail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
