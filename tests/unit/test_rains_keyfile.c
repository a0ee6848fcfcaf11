/* SPDX-License-Identifier: MIT */
#include "rains/keyfile.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rains/anchor.h"
#include "tap.h"

#define SEED "0101010101010101010101010101010101010101010101010101010101010101"
#define ROOT "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

static char folder[] = "/tmp/sx-keyfile-XXXXXX";
static char path[64];
static struct sx_rains_reason reason;
static struct sx_rains_keyfile keyfile;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/zone.key", folder);
	memset(&keyfile, 0, sizeof keyfile);
}

static void tear_down(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
	(void)strcpy(folder, "/tmp/sx-keyfile-XXXXXX");
}

static void write_file(const void *text, size_t len, mode_t mode)
{
	FILE *out = fopen(path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void expect_reason(const char *problem)
{
	char expected[SX_RAINS_REASON_BYTES];

	(void)snprintf(expected, sizeof expected, "%s: %s", path, problem);
	ck_assert_str_eq(reason.text, expected);
}

START_TEST(a_key_is_made_once_for_its_owner_only)
{
	struct sx_rains_keyfile again;
	struct stat st;

	(void)umask(0);
	ck_assert_int_eq(sx_rains_keyfile_read(&again, path, &reason), SX_ENOTFOUND);
	expect_reason("No such file or directory");
	ck_assert_int_eq(sx_rains_keyfile_create(&keyfile, path, 3, &reason), SX_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(sx_rains_keyfile_create(&again, path, 3, &reason), SX_EIO);
	expect_reason("File exists");
	ck_assert_int_eq(sx_rains_keyfile_read(&again, path, &reason), SX_OK);
	ck_assert_int_eq(again.phase, 3);
	ck_assert_mem_eq(again.seed, keyfile.seed, sizeof again.seed);
	ck_assert_mem_eq(again.key, keyfile.key, sizeof again.key);
}
END_TEST

START_TEST(two_keys_differ)
{
	struct sx_rains_keyfile other;

	ck_assert_int_eq(sx_rains_keyfile_create(&keyfile, path, 1, &reason), SX_OK);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(sx_rains_keyfile_create(&other, path, 1, &reason), SX_OK);
	ck_assert_mem_ne(keyfile.seed, other.seed, sizeof other.seed);
}
END_TEST

START_TEST(the_lines_for_others_are_printed)
{
	static const struct {
		const char *zone;
		const char *line;
	} cases[] = {
		{ "example.", ":A: example [ :deleg: :ed25519: 2 " ROOT " ]" },
		{ "b.example.", ":A: b [ :deleg: :ed25519: 2 " ROOT " ]" },
		{ ".", ":A: @ [ :deleg: :ed25519: 2 " ROOT " ]" },
	};
	static const char text[] = "# ours\n#\n  ed25519\t2 " SEED "  \n\n# end";
	char anchor[SX_RAINS_ANCHOR_TEXT_BYTES];
	char line[SX_RAINS_DELEGATION_TEXT_BYTES];
	struct sx_rains_anchors anchors = { .count = 0 };

	write_file(text, strlen(text), 0400);
	ck_assert_int_eq(sx_rains_keyfile_read(&keyfile, path, &reason), SX_OK);
	for (size_t i = 0; i < SX_COUNT(cases); i++) {
		sx_rains_keyfile_delegation(&keyfile, sx_bytes_text(cases[i].zone), line);
		ck_assert_str_eq(line, cases[i].line);
	}
	sx_rains_keyfile_anchor(&keyfile, anchor);
	ck_assert_str_eq(anchor, "ed25519 2 " ROOT);
	ck_assert_int_eq(sx_rains_anchors_add(
				 &anchors, sx_bytes_of(NULL, 0), sx_bytes_text(anchor), 0, &reason),
		SX_OK);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *reason;
} wrong[] = {
	{ "", 0, "line 1: found the end of the file, expected \"ed25519\"" },
	{ "# nothing", 9, "line 1: found the end of the file, expected \"ed25519\"" },
	{ "\n-----BEGIN RAINS", 17, "line 2: found \"-----BEGIN\", expected \"ed25519\"" },
	{ "ed25519 x " SEED, 74, "line 1: found \"x\", expected a key phase" },
	{ "ed25519 -1 " SEED, 75, "line 1: found \"-1\", expected a key phase" },
	{ "ed25519 1 0102", 14, "line 1: expected a seed of 64 hex digits" },
	{ "ed25519 1 " SEED "00", 76, "line 1: expected a seed of 64 hex digits" },
	{ "ed25519 1 " SEED "\ned25519 2", 84, "line 2: expected nothing behind the seed" },
	{ "ed25519\0 1", 10, "line 1: found \"ed25519\\x00\", expected \"ed25519\"" },
};

START_TEST(what_is_no_key_is_refused)
{
	write_file(wrong[_i].text, wrong[_i].len, 0600);
	ck_assert_int_eq(sx_rains_keyfile_read(&keyfile, path, &reason), SX_EMALFORMED);
	expect_reason(wrong[_i].reason);
}
END_TEST

START_TEST(large_files_are_refused)
{
	static char text[5000];

	memset(text, '#', sizeof text);
	write_file(text, sizeof text, 0600);
	ck_assert_int_eq(sx_rains_keyfile_read(&keyfile, path, &reason), SX_EMALFORMED);
	expect_reason("too large for a key; expected a line \"ed25519 PHASE SEED\"");
}
END_TEST

START_TEST(keys_that_others_can_read_are_refused)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0700 | 0010 };

	write_file("ed25519 1 " SEED, 74, modes[_i]);
	ck_assert_int_eq(sx_rains_keyfile_read(&keyfile, path, &reason), SX_EREFUSED);
	expect_reason("others can read this secret; chmod 600 it");
}
END_TEST

START_TEST(folders_are_no_keys)
{
	ck_assert_int_eq(sx_rains_keyfile_read(&keyfile, folder, &reason), SX_EMALFORMED);
	ck_assert_ptr_nonnull(strstr(reason.text, ": this is no file"));
	ck_assert_int_eq(sx_rains_keyfile_create(&keyfile, "/nonexistent/key", 1, &reason), SX_EIO);
	ck_assert_str_eq(reason.text, "/nonexistent/key: No such file or directory");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rains_keyfile");
	TCase *tc = tcase_create("keyfile");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_key_is_made_once_for_its_owner_only);
	tcase_add_test(tc, two_keys_differ);
	tcase_add_test(tc, the_lines_for_others_are_printed);
	tcase_add_loop_test(tc, what_is_no_key_is_refused, 0, SX_COUNT(wrong));
	tcase_add_test(tc, large_files_are_refused);
	tcase_add_loop_test(tc, keys_that_others_can_read_are_refused, 0, 4);
	tcase_add_test(tc, folders_are_no_keys);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
