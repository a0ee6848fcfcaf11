/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "dns/answer.h"
#include "tap.h"

/* A message as text with explicit length: literals hold NULs. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): two initializers */
#define MESSAGE(text) text, sizeof(text) - 1

#define HEADER(flags, answers, authorities) \
	"\x12\x34" flags "\0\1\0" answers "\0" authorities "\0\0"
#define OK_ONE      HEADER("\x81\x80", "\1", "\0")
#define QUESTION(t) "\1a\7example\3org\0\0" t "\0\1" /* at 12; "example" at 14 */
#define TO_NAME     "\xc0\x0c"
#define RECORD(t)   TO_NAME "\0" t "\0\1\0\0\1\x2c" /* class IN, 300 s */
#define SOA \
	"\xc0\x0e\0\6\0\1\0\0\x0e\x10\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x3c" /* 60 s */
#define SOA_LONG \
	"\xc0\x0e\0\6\0\1\0\0\x0e\x10\0\x16\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\x0e\x10"

static const char a_label[] = "a.example.org";
static struct sx_dns_answer answer;

static void parse(const char *message, size_t len, enum sx_dns_type type)
{
	struct sx_dns_name name;
	uint8_t *exact = malloc(len); /* so that sanitizers see its end */

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, message, len);
	ck_assert_int_eq(sx_dns_name_parse(&name, a_label), SX_OK);
	memset(&answer, 0xee, sizeof answer);
	sx_dns_answer_parse(&answer, sx_bytes_of(exact, len), &name, type);
	free(exact);
}

static size_t put(char *message, size_t at, const char *bytes, size_t len)
{
	memcpy(message + at, bytes, len);
	return at + len;
}

static const struct {
	const char *message;
	size_t len;
	enum sx_dns_type type;
	unsigned data_len;
	const char *data; /* of the first record */
	unsigned count;
	unsigned dropped;
	uint32_t ttl_s;
} found[] = {
	{ MESSAGE(OK_ONE QUESTION("\1") RECORD("\1") "\0\4\x0a\0\0\1"), SX_DNS_A, 4, "\x0a\0\0\1",
		1, 0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x1c")
			  RECORD("\x1c") "\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
		SX_DNS_AAAA, 16, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 1, 0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\0\6\5hello"), SX_DNS_TXT, 5, "hello", 1,
		0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\0\x0b\3hel\0\2lo\2\0."), SX_DNS_TXT, 7,
		"hello\0.", 1, 0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\0\1\0"), SX_DNS_TXT, 0, "", 1, 0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x21") RECORD("\x21") "\0\x0a\0\1\0\2\x14\x66\1X\xc0\x0e"),
		SX_DNS_SRV, 13, "x.example.org", 1, 0, 300 },
	{ MESSAGE(OK_ONE QUESTION("\x21") RECORD("\x21") "\0\7\0\1\0\2\x14\x66\0"), SX_DNS_SRV, 0,
		"", 1, 0, 300 },
	/* owners compare without case */
	{ MESSAGE(OK_ONE QUESTION("\1") "\1A\7EXAMPLE\3oRg\0\0\1\0\1\0\0\1\x2c\0\4\x0a\0\0\1"),
		SX_DNS_A, 4, "\x0a\0\0\1", 1, 0, 300 },
	/* a broken record, one of another name, type and class, and a good one; the smallest TTL of those kept */
	{ MESSAGE(HEADER("\x81\x80", "\6", "\0") QUESTION("\1") RECORD("\1") "\0\3\x0a\0\0" RECORD(
		  "\1") "\0\4\x0a\0\0\1" TO_NAME "\0\1\0\1\0\0\0\x0a\0\4\x0a\0\0\2"
			"\xc0\x0e\0\1\0\1\0\0\0\1\0\4\x0a\0\0\3" RECORD(
				"\x1c") "\0\4\x0a\0\0\4" TO_NAME "\0\1\0\3\0\0\0\1\0\4\x0a\0\0\5"),
		SX_DNS_A, 4, "\x0a\0\0\1", 2, 1, 10 },
	/* aliases, in any order; their TTL counts */
	{ MESSAGE(HEADER("\x81\x80", "\3", "\0")
			  QUESTION("\1") "\1c\xc0\x0e\0\1\0\1\0\0\1\x2c\0\4\x0a\0\0\1"
					 "\1b\xc0\x0e\0\5\0\1\0\0\0\7\0\4\1c\xc0\x0e" RECORD(
						 "\5") "\0\4\1b\xc0\x0e"),
		SX_DNS_A, 4, "\x0a\0\0\1", 1, 0, 7 },
	/* a TTL with its top bit set is 0 */
	{ MESSAGE(OK_ONE QUESTION("\1") TO_NAME "\0\1\0\1\x80\0\0\1\0\4\x0a\0\0\1"), SX_DNS_A, 4,
		"\x0a\0\0\1", 1, 0, 0 },
	/* bytes behind the records it promises do not matter */
	{ MESSAGE(OK_ONE QUESTION("\1") RECORD("\1") "\0\4\x0a\0\0\1\xff\xff"), SX_DNS_A, 4,
		"\x0a\0\0\1", 1, 0, 300 },
};

START_TEST(records_are_found)
{
	parse(found[_i].message, found[_i].len, found[_i].type);
	ck_assert_int_eq(answer.status, SX_OK);
	ck_assert_uint_eq(answer.count, found[_i].count);
	ck_assert_uint_eq(answer.dropped, found[_i].dropped);
	ck_assert_uint_eq(answer.ttl_s, found[_i].ttl_s);
	ck_assert(sx_bytes_equal(
		answer.records[0].data, sx_bytes_of(found[_i].data, found[_i].data_len)));
	if (found[_i].type == SX_DNS_SRV) {
		ck_assert_uint_eq(answer.records[0].priority, 1);
		ck_assert_uint_eq(answer.records[0].weight, 2);
		ck_assert_uint_eq(answer.records[0].port, 5222);
	}
}
END_TEST

static const struct {
	const char *message;
	size_t len;
	int status;
	bool name_exists;
	uint32_t ttl_s;
} none[] = {
	{ MESSAGE(HEADER("\x81\x83", "\0", "\1") QUESTION("\x10") SOA), SX_ENOTFOUND, false, 60 },
	{ MESSAGE(HEADER("\x81\x83", "\0", "\1") QUESTION("\x10") SOA_LONG), SX_ENOTFOUND, false,
		300 },
	{ MESSAGE(HEADER("\x81\x80", "\0", "\1") QUESTION("\x10") SOA), SX_ENOTFOUND, true, 60 },
	{ MESSAGE(HEADER("\x81\x80", "\0", "\0") QUESTION("\x10")), SX_ENOTFOUND, true, 0 },
	/* the authority section may lie */
	{ MESSAGE(HEADER("\x81\x80", "\0", "\x9") QUESTION("\x10")), SX_ENOTFOUND, true, 0 },
	/* an alias to nowhere: its TTL counts */
	{ MESSAGE(HEADER("\x81\x80", "\1", "\1") QUESTION("\x10") TO_NAME
		  "\0\5\0\1\0\0\0\5\0\4\1b\xc0\x0e" SOA),
		SX_ENOTFOUND, true, 5 },
	/* an alias of itself */
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\5") "\0\2\xc0\x0c"), SX_ENOTFOUND, true, 0 },
	/* records of another name only */
	{ MESSAGE(OK_ONE QUESTION("\x10") "\xc0\x0e\0\x10\0\1\0\0\1\x2c\0\2\1x"), SX_ENOTFOUND,
		true, 0 },
	/* broken records only: a string longer than its record, none at all */
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\0\3\5he"), SX_EMALFORMED, false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\0\0"), SX_EMALFORMED, false, 0 },
	{ MESSAGE(HEADER("\x81\x82", "\0", "\0") QUESTION("\x10")), SX_EREFUSED, false, 0 },
	{ MESSAGE(HEADER("\x81\x85", "\0", "\0") QUESTION("\x10")), SX_EREFUSED, false, 0 },
	{ MESSAGE(HEADER("\x81\x89", "\0", "\0") QUESTION("\x10")), SX_EPROTO, false, 0 },
	/* a query, another question, another type, another class, no question, two questions */
	{ MESSAGE(HEADER("\x01\x00", "\0", "\0") QUESTION("\x10")), SX_EMALFORMED, false, 0 },
	{ MESSAGE(HEADER("\x81\x80", "\0", "\0") "\1b\7example\3org\0\0\x10\0\1"), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE(HEADER("\x81\x80", "\0", "\0") QUESTION("\1")), SX_EMALFORMED, false, 0 },
	{ MESSAGE(HEADER("\x81\x80", "\0", "\0") "\1a\7example\3org\0\0\x10\0\3"), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"), SX_EMALFORMED, false, 0 },
	{ MESSAGE("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION("\x10") QUESTION("\x10")),
		SX_EMALFORMED, false, 0 },
	/* counts that lie, a record cut off, a record longer than the message, nothing */
	{ MESSAGE(HEADER("\x81\x80", "\2", "\0") QUESTION("\x10") RECORD("\x10") "\0\2\1x"),
		SX_EMALFORMED, false, 0 },
	{ MESSAGE("\x12\x34\x81\x80\0\1\xff\xff\xff\xff\xff\xff" QUESTION("\x10")), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") RECORD("\x10") "\xff\xff\1x"), SX_EMALFORMED, false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") TO_NAME "\0\x10"), SX_EMALFORMED, false, 0 },
	{ MESSAGE(""), SX_EMALFORMED, false, 0 },
	{ MESSAGE("\x12\x34\x81"), SX_EMALFORMED, false, 0 },
	/* owners: a pointer to itself, one forward, one beyond the end, a label of 64 */
	{ MESSAGE(OK_ONE QUESTION("\x10") "\xc0\x1f\0\x10\0\1\0\0\1\x2c\0\2\1x"), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") "\xc0\x2a\0\x10\0\1\0\0\1\x2c\0\2\1x"), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") "\xff\xff\0\x10\0\1\0\0\1\x2c\0\2\1x"), SX_EMALFORMED,
		false, 0 },
	{ MESSAGE(OK_ONE QUESTION("\x10") "\x40\0\x10\0\1\0\0\1\x2c\0\2\1x"), SX_EMALFORMED, false,
		0 },
};

START_TEST(an_answer_without_records_says_why)
{
	parse(none[_i].message, none[_i].len, SX_DNS_TXT);
	ck_assert_int_eq(answer.status, none[_i].status);
	ck_assert_uint_eq(answer.count, 0);
	ck_assert_int_eq(answer.name_exists, none[_i].name_exists);
	ck_assert_uint_eq(answer.ttl_s, none[_i].ttl_s);
	ck_assert_ptr_nonnull(answer.reason);
}
END_TEST

static const struct {
	const char *rdata; /* of the only SRV record */
	size_t len;
} bad_targets[] = {
	{ MESSAGE("\0\x0a\0\1\0\2\x14\x66\1\n\xc0\x0e") }, /* a line feed in a name */
	{ MESSAGE("\0\x0a\0\1\0\2\x14\x66\1.\xc0\x0e") },
	{ MESSAGE("\0\x0b\0\1\0\2\x14\x66\1x\xc0\x0e!") }, /* something behind the target */
	{ MESSAGE("\0\x09\0\1\0\2\x14\x66\1x\xc0") }, { MESSAGE("\0\6\0\1\0\2\x14\x66") },
	{ MESSAGE("\0\x08\0\1\0\2\x14\x66\xc0\x31") }, /* a pointer to itself */
};

START_TEST(a_broken_service_is_dropped)
{
	char message[128] = OK_ONE QUESTION("\x21") RECORD("\x21");
	size_t at = sizeof(OK_ONE QUESTION("\x21") RECORD("\x21")) - 1;

	memcpy(message + at, bad_targets[_i].rdata, bad_targets[_i].len);
	parse(message, at + bad_targets[_i].len, SX_DNS_SRV);
	ck_assert_int_eq(answer.status, SX_EMALFORMED);
	ck_assert_uint_eq(answer.count, 0);
}
END_TEST

START_TEST(ten_thousand_records_are_bounded)
{
	static char message[65535] = "\x12\x34\x81\x80\0\1\x27\x10\0\0\0\0" QUESTION("\x10");
	static const char record[] = RECORD("\x10") "\0\2\1x";
	size_t at = sizeof(OK_ONE QUESTION("\x10")) - 1;

	while (at + sizeof record <= sizeof message) {
		at = put(message, at, record, sizeof record - 1);
	}
	parse(message, at, SX_DNS_TXT);
	ck_assert_int_eq(answer.status, SX_OK);
	ck_assert_uint_eq(answer.count, SX_DNS_RECORDS_MOST);
	ck_assert_uint_gt(answer.dropped, 0);
}
END_TEST

START_TEST(large_texts_are_bounded)
{
	static char message[65535] = HEADER("\x81\x80", "\3", "\0") QUESTION("\x10");
	size_t at = sizeof(OK_ONE QUESTION("\x10")) - 1;

	for (int record = 0; record < 3; record++) {
		at = put(message, at, RECORD("\x10") "\x27\x10", 12);
		for (int i = 0; i < 10000; i++) { /* strings of 99 bytes */
			message[at++] = (char)(i % 100 ? 't' : 99);
		}
	}
	parse(message, at, SX_DNS_TXT);
	ck_assert_int_eq(answer.status, SX_OK);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_uint_eq(answer.records[0].data.len, 9900);
	ck_assert_uint_eq(answer.dropped, 2);
}
END_TEST

/* Each owner is a pointer to the one before; then one name made of many labels of one letter. */
START_TEST(compression_cannot_be_made_a_bomb)
{
	static char message[65535] = HEADER("\x81\x80", "\xff", "\0") QUESTION("\x10");
	size_t at = sizeof(OK_ONE QUESTION("\x10")) - 1;
	size_t owner = 12;

	for (int i = 0; i < 255; i++) {
		size_t next = at;

		message[at++] = (char)(0xc0 | owner >> 8);
		message[at++] = (char)(owner & 0xff);
		at = put(message, at, "\0\x10\0\1\0\0\1\x2c\0\2\1x", 12);
		owner = next;
	}
	parse(message, at, SX_DNS_TXT);
	ck_assert_int_eq(answer.status, SX_EMALFORMED); /* more than 32 pointers */

	at = sizeof(OK_ONE QUESTION("\x10")) - 1;
	for (int i = 0; i < 130; i++) {
		message[at++] = 1;
		message[at++] = 'x';
	}
	at = put(message, at, "\0\0\x10\0\1\0\0\1\x2c\0\2\1x", 13);
	parse(message, at, SX_DNS_TXT);
	ck_assert_int_eq(answer.status, SX_EMALFORMED); /* more than 255 bytes */
}
END_TEST

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwxy"

static const struct {
	const char *text;
	int status;
	const char *again;
} names[] = {
	{ "a.example.org", SX_OK, "a.example.org" },
	{ "_xmpp-server._tcp.EXAMPLE.org.", SX_OK, "_xmpp-server._tcp.example.org" },
	{ "localhost", SX_OK, "localhost" },
	{ LABEL_63, SX_OK, LABEL_63 },
	{ LABEL_63 "." LABEL_63 "." LABEL_63
		   ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
		SX_OK,
		LABEL_63 "." LABEL_63 "." LABEL_63
			 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi" },
	{ LABEL_63 "." LABEL_63 "." LABEL_63
		   ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
		SX_EINVAL, NULL },
	{ LABEL_63 "x", SX_EINVAL, NULL },
	{ "", SX_EINVAL, NULL },
	{ ".", SX_EINVAL, NULL },
	{ "a..b", SX_EINVAL, NULL },
	{ ".a", SX_EINVAL, NULL },
	{ "a.b..", SX_EINVAL, NULL },
	{ "b\xc3\xbc"
	  "cher.example.org",
		SX_EINVAL, NULL },
	{ "a\\046b", SX_EINVAL, NULL },
	{ "a b", SX_EINVAL, NULL },
	{ "a\nb", SX_EINVAL, NULL },
};

START_TEST(names_are_read_and_written_or_refused)
{
	struct sx_dns_name name;
	char text[SX_DNS_TEXT_BYTES];

	ck_assert_int_eq(sx_dns_name_parse(&name, names[_i].text), names[_i].status);
	if (names[_i].status == SX_OK) {
		ck_assert_int_eq(sx_dns_name_write(&name, text), SX_OK);
		ck_assert_str_eq(text, names[_i].again);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("dns_answer");
	TCase *tcase = tcase_create("messages");

	tcase_add_loop_test(tcase, records_are_found, 0, SX_COUNT(found));
	tcase_add_loop_test(tcase, an_answer_without_records_says_why, 0, SX_COUNT(none));
	tcase_add_loop_test(tcase, a_broken_service_is_dropped, 0, SX_COUNT(bad_targets));
	tcase_add_test(tcase, ten_thousand_records_are_bounded);
	tcase_add_test(tcase, large_texts_are_bounded);
	tcase_add_test(tcase, compression_cannot_be_made_a_bomb);
	tcase_add_loop_test(tcase, names_are_read_and_written_or_refused, 0, SX_COUNT(names));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
