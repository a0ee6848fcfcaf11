/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "hosts.h"
#include "tap.h"
#include "vectors.h"

static char path[] = "/tmp/sx-hosts-XXXXXX";
static char warnings[1024];
static uint64_t now_ns;

static void keep_warning(void *arg, enum sx_log_level level, const char *text)
{
	(void)arg;
	ck_assert_int_eq(level, SX_LOG_WARN);
	(void)snprintf(
		warnings + strlen(warnings), sizeof warnings - strlen(warnings), "%s\n", text);
}

static void write_file(const char *text)
{
	FILE *out = fopen(path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	now_ns += 2000000000;
	warnings[0] = '\0';
}

static struct sx_hosts *hosts_of(const char *text)
{
	const char *const files[] = { "/nonexistent/scion-hosts", path };
	struct sx_hosts *hosts;

	write_file(text);
	ck_assert_int_eq(
		sx_hosts_new(&hosts, files, SX_COUNT(files), (struct sx_log){ keep_warning, NULL }),
		SX_OK);
	sx_hosts_refresh(hosts, now_ns);
	return hosts;
}

static void expect(
	const struct sx_hosts *hosts, const char *name, size_t index, const char *address)
{
	char text[SX_ADDR_TEXT_BYTES];
	struct sx_addr addr;

	if (!address) {
		ck_assert_int_eq(sx_hosts_find(hosts, name, index, &addr), SX_ENOTFOUND);
		return;
	}
	ck_assert_int_eq(sx_hosts_find(hosts, name, index, &addr), SX_OK);
	sx_addr_write(&addr, text, sizeof text);
	ck_assert_str_eq(text, address);
}

START_TEST(both_dialects_are_read)
{
	struct sx_hosts *hosts =
		hosts_of("1-ff00:0:111,[10.0.0.1] a.example.org A2.example.org # comment\n"
			 "b.example.org\t2-ff00:0:211,fd00::1 2-ff00:0:211,10.0.0.2\r\n"
			 "\n# 1-1,1.2.3.4 no.example.org\n"
			 "1-64512,10.0.0.9 a.example.org");

	expect(hosts, "a.example.org", 0, "1-ff00:0:111,10.0.0.1");
	expect(hosts, "a.example.org", 1, "1-64512,10.0.0.9");
	expect(hosts, "a.example.org", 2, NULL);
	expect(hosts, "a2.EXAMPLE.org", 0, "1-ff00:0:111,10.0.0.1");
	expect(hosts, "b.example.org", 0, "2-ff00:0:211,fd00::1");
	expect(hosts, "b.example.org", 1, "2-ff00:0:211,10.0.0.2");
	expect(hosts, "no.example.org", 0, NULL);
	ck_assert_str_eq(warnings, "");
	sx_hosts_free(hosts);
}
END_TEST

START_TEST(lines_of_other_programs_are_skipped_silently)
{
	struct sx_hosts *hosts =
		hosts_of("127.0.0.1 localhost\n::1 ip6-localhost\n  garbage here\n\x01\xff\n");

	expect(hosts, "localhost", 0, NULL);
	ck_assert_str_eq(warnings, "");
	sx_hosts_free(hosts);
}
END_TEST

START_TEST(a_garbage_line_is_named_and_the_rest_used)
{
	struct sx_hosts *hosts =
		hosts_of("1-ff00:0:111,10.0.0.1 a.example.org\n1-zz,10.0.0.1 x.example.org\n"
			 "y.example.org 1-1,300.0.0.1\n1-ff00:0:112,10.0.0.2 b.example.org\n");

	expect(hosts, "a.example.org", 0, "1-ff00:0:111,10.0.0.1");
	expect(hosts, "b.example.org", 0, "1-ff00:0:112,10.0.0.2");
	expect(hosts, "x.example.org", 0, NULL);
	ck_assert_ptr_nonnull(strstr(warnings, "line 2: not a SCION address: \"1-zz,10.0.0.1\""));
	ck_assert_ptr_nonnull(strstr(warnings, "line 3: not a SCION address: \"1-1,300.0.0.1\""));
	sx_hosts_free(hosts);
}
END_TEST

START_TEST(a_changed_file_is_reread)
{
	struct sx_hosts *hosts = hosts_of("1-ff00:0:111,10.0.0.1 a.example.org\n");

	write_file("1-ff00:0:111,10.0.0.22 a.example.org\n");
	sx_hosts_refresh(hosts, now_ns);
	expect(hosts, "a.example.org", 0, "1-ff00:0:111,10.0.0.22");
	ck_assert_int_eq(unlink(path), 0);
	now_ns += 2000000000;
	sx_hosts_refresh(hosts, now_ns);
	expect(hosts, "a.example.org", 0, NULL);
	sx_hosts_free(hosts);
}
END_TEST

START_TEST(a_line_of_many_words_and_a_large_file_are_refused)
{
	size_t large = 5U << 20;
	char *text = malloc(large + 1);
	struct sx_hosts *hosts = hosts_of("1-ff00:0:111,10.0.0.1 a.example.org\n");

	ck_assert_ptr_nonnull(text);
	memset(text, 'a', large);
	text[large] = '\0';
	write_file(text);
	sx_hosts_refresh(hosts, now_ns);
	ck_assert_ptr_nonnull(strstr(warnings, "limit reached; what it held before stays"));
	expect(hosts, "a.example.org", 0, "1-ff00:0:111,10.0.0.1");
	for (size_t i = 0; i < 200; i++) {
		memcpy(text + 2 * i, "b ", 3);
	}
	write_file(text);
	sx_hosts_refresh(hosts, now_ns);
	ck_assert_ptr_nonnull(strstr(warnings, "line 1: too many words from \"b\""));
	expect(hosts, "a.example.org", 0, NULL);
	free(text);
	sx_hosts_free(hosts);
}
END_TEST

static void write_bytes(struct sx_bytes bytes)
{
	FILE *out = fopen(path, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.len, out), bytes.len);
	ck_assert_int_eq(fclose(out), 0);
	now_ns += 2000000000;
	warnings[0] = '\0';
}

START_TEST(a_file_with_a_nul_is_no_text)
{
	static const char text[] =
		"1-ff00:0:111,10.0.0.2 a.example.org\n\0\n1-1,10.0.0.3 b.example.org\n";
	struct sx_hosts *hosts = hosts_of("1-ff00:0:111,10.0.0.1 a.example.org\n");

	write_bytes(sx_bytes_of(text, sizeof text - 1));
	sx_hosts_refresh(hosts, now_ns);
	ck_assert_ptr_nonnull(strstr(warnings, "not a text file; what it held before stays"));
	expect(hosts, "a.example.org", 0, "1-ff00:0:111,10.0.0.1");
	expect(hosts, "b.example.org", 0, NULL);
	sx_hosts_free(hosts);
}
END_TEST

static void read_mutant(struct sx_bytes text)
{
	const char *const files[] = { path };
	struct sx_hosts *hosts;
	struct sx_addr addr;

	write_bytes(text);
	ck_assert_int_eq(sx_hosts_new(&hosts, files, 1, (struct sx_log){ 0 }), SX_OK);
	sx_hosts_refresh(hosts, now_ns);
	(void)!sx_hosts_find(hosts, "a", 0, &addr);
	sx_hosts_free(hosts);
}

START_TEST(damaged_text_is_read_as_far_as_it_goes)
{
	sx_each_mutation(
		sx_bytes_text("1-1,[10.0.0.1] a B #x\nb\t2-2,::1 1-1,1.2.3.4\r\nc d"), read_mutant);
}
END_TEST

static int make_hosts(void *arg)
{
	const char *const files[] = { "/nonexistent/one", "/nonexistent/two" };
	struct sx_hosts *hosts;
	int rc = sx_hosts_new(&hosts, files, SX_COUNT(files), (struct sx_log){ 0 });

	(void)arg;
	if (rc == SX_OK) {
		sx_hosts_free(hosts);
	}
	return rc;
}

START_TEST(hosts_without_memory_are_refused)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_hosts, NULL), 0);
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
	Suite *suite = suite_create("hosts");
	TCase *tcase = tcase_create("files");

	tcase_add_checked_fixture(tcase, make_file, remove_file);
	tcase_add_test(tcase, both_dialects_are_read);
	tcase_add_test(tcase, lines_of_other_programs_are_skipped_silently);
	tcase_add_test(tcase, a_garbage_line_is_named_and_the_rest_used);
	tcase_add_test(tcase, a_changed_file_is_reread);
	tcase_add_test(tcase, a_line_of_many_words_and_a_large_file_are_refused);
	tcase_add_test(tcase, a_file_with_a_nul_is_no_text);
	tcase_add_test(tcase, damaged_text_is_read_as_far_as_it_goes);
	tcase_add_test(tcase, hosts_without_memory_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
