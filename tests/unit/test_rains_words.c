/* SPDX-License-Identifier: MIT */
#include "rains/words.h"

#include <stdio.h>

#include "tap.h"

static struct sx_rains_reason reason;

static struct sx_rains_words words_of(const char *text)
{
	return sx_rains_words_of(sx_bytes_text(text), &reason);
}

START_TEST(words_stand_between_blanks_and_know_their_line)
{
	static const struct {
		const char *word;
		unsigned line;
	} expected[] = { { "one", 1 }, { "two", 1 }, { "[three]", 2 }, { "four", 5 } };
	struct sx_rains_words words = words_of("; none\rnor this");

	ck_assert_uint_eq(words.word.len, 0);
	words = words_of("one\ttwo;a comment\n [three]\r\n\n;another\x01\n\ffour;");
	for (size_t i = 0; i < SX_COUNT(expected); i++) {
		ck_assert(sx_rains_words_at(&words, expected[i].word));
		ck_assert_uint_eq(words.line, expected[i].line);
		sx_rains_words_next(&words);
	}
	ck_assert_uint_eq(words.word.len, 0);
	sx_rains_words_next(&words);
	ck_assert_uint_eq(words.word.len, 0);
	ck_assert_int_eq(words.status, SX_OK);
}
END_TEST

START_TEST(brackets_and_words_in_colons_are_marks)
{
	static const struct {
		const char *word;
		bool is_mark;
	} cases[] = { { "[", true }, { "]", true }, { "(", true }, { ")", true }, { ":A:", true },
		{ "::", false }, { ":a", false }, { "a:", false }, { "[a", false },
		{ "a", false } };
	struct sx_rains_words words = words_of(cases[_i].word);

	ck_assert_int_eq(sx_rains_words_at_mark(&words), cases[_i].is_mark);
}
END_TEST

START_TEST(what_was_found_and_expected_is_said_once)
{
	struct sx_rains_words words = words_of("a\nb c");

	sx_rains_words_next(&words);
	sx_rains_words_expect(&words, "[");
	ck_assert_int_eq(words.status, SX_EMALFORMED);
	ck_assert_str_eq(reason.text, "line 2: found \"b\", expected \"[\"");
	ck_assert_uint_eq(words.word.len, 0);
	sx_rains_words_expect(&words, "]");
	ck_assert_str_eq(reason.text, "line 2: found \"b\", expected \"[\"");
	words = words_of("");
	ck_assert_uint_eq(sx_rains_words_take(&words, "a name").len, 0);
	ck_assert_str_eq(reason.text, "line 1: found the end of the file, expected a name");
}
END_TEST

START_TEST(words_that_are_no_text_are_refused)
{
	static const struct {
		const char *text;
		size_t len;
		const char *found;
	} cases[] = {
		{ "a\xff", 2, "\"a\\xff\"" },
		{ "a\0b", 3, "\"a\\x00b\"" },
		{ "\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"" },
		{ ":A:", 3, "\":A:\"" },
		{ "]", 1, "\"]\"" },
	};
	char expected[128];
	struct sx_rains_words words =
		sx_rains_words_of(sx_bytes_of(cases[_i].text, cases[_i].len), &reason);

	(void)sx_rains_words_take(&words, "text");
	(void)snprintf(
		expected, sizeof expected, "line 1: found %s, expected text", cases[_i].found);
	ck_assert_str_eq(reason.text, expected);
}
END_TEST

START_TEST(numbers_are_whole_and_bounded)
{
	static const struct {
		const char *text;
		int64_t value;
		int status;
	} cases[] = {
		{ "0", 0, SX_OK },
		{ "300", 300, SX_OK },
		{ "007", 7, SX_OK },
		{ "301", 0, SX_EMALFORMED },
		{ "-1", 0, SX_EMALFORMED },
		{ "+1", 0, SX_EMALFORMED },
		{ "1.0", 0, SX_EMALFORMED },
		{ "9999999999999999999999", 0, SX_EMALFORMED },
		{ "x", 0, SX_EMALFORMED },
		{ "", 0, SX_EMALFORMED },
	};
	struct sx_rains_words words = words_of(cases[_i].text);

	ck_assert_int_eq(sx_rains_words_take_int(&words, 300, "a number"), cases[_i].value);
	ck_assert_int_eq(words.status, cases[_i].status);
}
END_TEST

START_TEST(hex_digits_come_in_pairs)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = { { "00ff", 2 }, { "ABcd", 2 }, { "abc", 0 }, { "zz", 0 }, { "", 0 },
		{ "01020304", 4 }, { "0102030405", 0 } };
	struct sx_rains_words words = words_of(cases[_i].text);
	uint8_t out[4];

	ck_assert_uint_eq(sx_rains_words_take_hex(&words, out, sizeof out, "hex"), cases[_i].len);
	ck_assert_int_eq(words.status, cases[_i].len > 0 ? SX_OK : SX_EMALFORMED);
}
END_TEST

START_TEST(long_and_strange_bytes_are_quoted_within_bounds)
{
	uint8_t bytes[300];
	char out[SX_RAINS_QUOTE_BYTES];

	for (int byte = 0; byte < 256; byte++) {
		memset(bytes, byte, sizeof bytes);
		for (size_t len = 0; len <= sizeof bytes; len++) {
			sx_rains_quote(sx_bytes_of(bytes, len), out);
			ck_assert_uint_lt(strlen(out), sizeof out);
			ck_assert(out[0] == '"' && out[strlen(out) - 1] == '"');
		}
		ck_assert_ptr_nonnull(strstr(out, "..."));
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rains_words");
	TCase *tc = tcase_create("words");

	tcase_add_test(tc, words_stand_between_blanks_and_know_their_line);
	tcase_add_loop_test(tc, brackets_and_words_in_colons_are_marks, 0, 10);
	tcase_add_test(tc, what_was_found_and_expected_is_said_once);
	tcase_add_loop_test(tc, words_that_are_no_text_are_refused, 0, 5);
	tcase_add_loop_test(tc, numbers_are_whole_and_bounded, 0, 10);
	tcase_add_loop_test(tc, hex_digits_come_in_pairs, 0, 7);
	tcase_add_test(tc, long_and_strange_bytes_are_quoted_within_bounds);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
