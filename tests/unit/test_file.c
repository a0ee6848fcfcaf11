/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tap.h"

#define SECOND 1000000000ULL

static char path[] = "/tmp/sx-file-XXXXXX";

static void write_file(const char *text)
{
	FILE *out = fopen(path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static void expect(struct sx_file *file, uint64_t now_ns, const char *wanted)
{
	char *text;
	size_t len;

	ck_assert_int_eq(sx_file_read(file, now_ns, &text, &len), SX_OK);
	ck_assert_str_eq(text, wanted);
	ck_assert_uint_eq(len, strlen(wanted));
	free(text);
}

static void expect_status(struct sx_file *file, uint64_t now_ns, int status)
{
	char *text;
	size_t len;

	ck_assert_int_eq(sx_file_read(file, now_ns, &text, &len), status);
}

START_TEST(a_file_is_read_again_only_when_it_has_changed)
{
	struct sx_file file = { .name = path, .most = 100 };

	write_file("one");
	expect(&file, 1 * SECOND, "one");
	expect_status(&file, 2 * SECOND, SX_EAGAIN);
	write_file("three");
	expect(&file, 3 * SECOND, "three");
}
END_TEST

START_TEST(it_is_looked_at_once_a_second)
{
	struct sx_file file = { .name = path, .most = 100 };

	write_file("one");
	expect(&file, 5 * SECOND, "one");
	write_file("three");
	expect_status(&file, 6 * SECOND - 1, SX_EAGAIN);
	expect(&file, 6 * SECOND, "three");
}
END_TEST

START_TEST(a_file_that_goes_and_comes_is_read_again)
{
	struct sx_file file = { .name = path, .most = 100 };

	write_file("one");
	expect(&file, 1 * SECOND, "one");
	ck_assert_int_eq(unlink(path), 0);
	expect_status(&file, 2 * SECOND, SX_ENOTFOUND);
	write_file("one");
	expect(&file, 3 * SECOND, "one");
}
END_TEST

START_TEST(a_large_file_and_a_folder_are_refused)
{
	struct sx_file file = { .name = path, .most = 3 };
	struct sx_file folder = { .name = "/tmp", .most = 1U << 20 };

	write_file("four");
	expect_status(&file, 1 * SECOND, SX_ELIMIT);
	expect_status(&file, 2 * SECOND, SX_EAGAIN);
	expect_status(&folder, 1 * SECOND, SX_EIO);
}
END_TEST

static void make_file(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}

static void remove_file(void)
{
	(void)unlink(path);
	memset(path + strlen(path) - 6, 'X', 6);
}

static Suite *suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("reading");

	tcase_add_checked_fixture(tcase, make_file, remove_file);
	tcase_add_test(tcase, a_file_is_read_again_only_when_it_has_changed);
	tcase_add_test(tcase, it_is_looked_at_once_a_second);
	tcase_add_test(tcase, a_file_that_goes_and_comes_is_read_again);
	tcase_add_test(tcase, a_large_file_and_a_folder_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
