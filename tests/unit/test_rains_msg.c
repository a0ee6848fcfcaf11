/* SPDX-License-Identifier: MIT */
#include "rains/msg.h"
#include "rains/name.h"
#include "rains/object.h"
#include "rains/scan.h"
#include "tap.h"
#include "vectors.h"

#define TOKEN "50000102030405060708090a0b0c0d0e0f"
#define QUERY                                                                             \
	"da00e99ba8a202" TOKEN "17818205a706612e086d786d70702e6578616d706c652e0a810e0c1a" \
	"6553f22c0d800e001100"
#define NOTE                                                                                  \
	"da00e99ba8a301817275726e3a782d7261696e733a746c7373727602" TOKEN "17818217a302" TOKEN \
	"15190194166178"

static const uint8_t token_bytes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const struct sx_bytes token = { token_bytes, sizeof token_bytes };

static struct sx_rains_msg parse(const struct sx_vector *in)
{
	struct sx_rains_msg msg;

	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_vector_bytes(in), SX_RAINS_MSG_MOST), SX_OK);
	return msg;
}

/* Writes what was read anew; it must come out as it came in. */
static void expect_same_again(const struct sx_rains_msg *msg, struct sx_bytes in)
{
	static uint8_t out[SX_RAINS_MSG_MOST];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	sx_rains_msg_begin(&writer, msg->token, msg->capabilities, msg->content.count);
	while (sx_rains_next_section(&walk, &section)) {
		sx_rains_msg_add(&writer, &section);
	}
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), in));
}

START_TEST(a_query_is_written_as_go_does)
{
	static const int64_t types[] = { SX_RAINS_SCION };
	const struct sx_rains_question question = {
		.name = sx_bytes_text("xmpp.example."),
		.context = sx_bytes_text("."),
		.types = types,
		.type_count = 1,
	};
	struct sx_vector expected;
	uint8_t out[128];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	sx_vector_unhex(QUERY, &expected);
	sx_rains_query_write(&writer, token, &question, 1700000300);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(&expected)));
}
END_TEST

START_TEST(the_longest_query_fits)
{
	static char name[SX_RAINS_NAME_MOST];
	int64_t types[SX_RAINS_TYPES_MOST];
	struct sx_rains_question question = { .name = sx_bytes_of(name, sizeof name),
		.context = sx_bytes_of(name, sizeof name),
		.types = types,
		.type_count = SX_COUNT(types),
		.phase = INT64_MAX };
	uint8_t out[SX_RAINS_QUERY_MOST];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	memset(name, 'a', sizeof name);
	for (size_t i = 0; i < SX_COUNT(types); i++) {
		types[i] = INT64_MAX;
	}
	sx_rains_query_write(&writer, token, &question, INT64_MAX);
	ck_assert(sx_writer_ok(&writer));
}
END_TEST

START_TEST(a_query_is_read)
{
	struct sx_vector in;
	struct sx_rains_msg msg;
	struct sx_rains_section query;
	struct sx_reader walk;

	sx_vector_unhex(QUERY, &in);
	msg = parse(&in);
	ck_assert(sx_bytes_equal(msg.token, token));
	walk = sx_reader_of(msg.content.items);
	ck_assert(sx_rains_next_section(&walk, &query));
	ck_assert_int_eq(query.type, SX_RAINS_QUERY);
	ck_assert(sx_bytes_equal(query.name, sx_bytes_text("xmpp.example.")));
	ck_assert(sx_cbor_list_has(query.types, SX_RAINS_SCION));
	ck_assert_int_eq(query.expires, 1700000300);
	ck_assert(sx_cbor_list_has(query.phases, 0));
	ck_assert(!sx_rains_next_section(&walk, &query));
	expect_same_again(&msg, sx_vector_bytes(&in));
}
END_TEST

START_TEST(a_notification_is_read)
{
	struct sx_vector in;
	struct sx_rains_msg msg;
	struct sx_rains_section note;
	struct sx_reader walk;

	sx_vector_unhex(NOTE, &in);
	msg = parse(&in);
	ck_assert_uint_eq(msg.capabilities.count, 1);
	walk = sx_reader_of(msg.content.items);
	ck_assert(sx_rains_next_section(&walk, &note));
	ck_assert_int_eq(note.type, SX_RAINS_NOTIFICATION);
	ck_assert_int_eq(note.code, SX_RAINS_NOTE_NO_ASSERTION);
	ck_assert(sx_bytes_equal(note.token, token));
	ck_assert(sx_bytes_equal(note.text, sx_bytes_text("x")));
	expect_same_again(&msg, sx_vector_bytes(&in));
}
END_TEST

static const struct {
	const char *hex;
	int status;
} messages[] = {
	{ "da00e99ba8a202" TOKEN "1780", SX_OK },
	{ "da00e99ba8a300800250"
	  "000102030405060708090a0b0c0d0e0f"
	  "1780",
		SX_OK },
	{ "da00e99ba8a302" TOKEN "1780"
	  "1864f6",
		SX_OK },
	{ "a202" TOKEN "1780", SX_EMALFORMED }, /* no tag, another tag, no map */
	{ "da00e99ba9a202" TOKEN "1780", SX_EMALFORMED }, { "da00e99ba880", SX_EMALFORMED },
	{ "da00e99ba8a11780", SX_EMALFORMED }, /* no token, no content */
	{ "da00e99ba8a102" TOKEN, SX_EMALFORMED },
	{ "da00e99ba8a2024f000102030405060708090a0b0c0d0e1780", SX_EMALFORMED },
	{ "da00e99ba8a202" TOKEN "17a0", SX_EMALFORMED },
	{ "da00e99ba8a202" TOKEN "178000", SX_EMALFORMED },
	{ "da00e99ba8a202" TOKEN "179f00ff", SX_EMALFORMED },
	{ "da00e99ba8a1025b4000000000000000", SX_ELIMIT }, /* kills rainsd */
};

START_TEST(a_message_has_its_fields_or_is_refused)
{
	struct sx_vector in;
	struct sx_rains_msg msg;
	uint8_t *exact;

	sx_vector_unhex(messages[_i].hex, &in);
	exact = sx_exact_copy(sx_vector_bytes(&in));
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_bytes_of(exact, in.len), SX_RAINS_MSG_MOST),
		messages[_i].status);
	free(exact);
}
END_TEST

START_TEST(unknown_and_malformed_sections_are_passed_over)
{
	struct sx_vector in;
	struct sx_rains_msg msg;
	struct sx_rains_section section;
	struct sx_reader walk;

	sx_vector_unhex("da00e99ba8a202" TOKEN "1787" /* seven elements */
			"821863a0"                    /* an unknown type */
			"8220a0"
			"8201a0" /* an assertion with nothing in it */
			"00"     /* not even an array */
			"8305a108612e00"
			"8205a108612e" /* a query */
			"8101",
		&in);
	msg = parse(&in);
	walk = sx_reader_of(msg.content.items);
	ck_assert(sx_rains_next_section(&walk, &section));
	ck_assert_int_eq(section.type, SX_RAINS_QUERY);
	ck_assert(!sx_rains_next_section(&walk, &section));
}
END_TEST

START_TEST(ten_thousand_answers_are_too_many)
{
	static uint8_t out[1U << 20];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_rains_section assertion = {
		.type = SX_RAINS_ASSERTION,
		.subject = sx_bytes_text("a"),
		.zone = sx_bytes_text("."),
		.context = sx_bytes_text("."),
	};
	struct sx_rains_msg msg;

	sx_rains_msg_begin(&writer, token, (struct sx_cbor_list){ .count = 0 }, 10000);
	for (int i = 0; i < 10000; i++) {
		sx_rains_msg_add(&writer, &assertion);
	}
	ck_assert(sx_writer_ok(&writer));
	ck_assert_int_eq(
		sx_rains_msg_parse(&msg, sx_writer_bytes(&writer), SX_RAINS_MSG_MOST), SX_ELIMIT);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&writer), sizeof out), SX_ELIMIT);
}
END_TEST

static void walk_mutant(struct sx_bytes mutant)
{
	struct sx_rains_msg msg;
	struct sx_rains_section section;
	struct sx_reader walk;

	if (sx_rains_msg_parse(&msg, mutant, SX_RAINS_MSG_MOST) < 0) {
		return;
	}
	walk = sx_reader_of(msg.content.items);
	while (sx_rains_next_section(&walk, &section)) {
	}
	ck_assert_uint_le(walk.at, mutant.len);
}

START_TEST(mutations_never_leave_the_input)
{
	struct sx_vector in;

	sx_vector_unhex(QUERY, &in);
	sx_each_mutation(sx_vector_bytes(&in), walk_mutant);
	sx_vector_unhex(NOTE, &in);
	sx_each_mutation(sx_vector_bytes(&in), walk_mutant);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_msg");
	TCase *tcase = tcase_create("messages");

	tcase_add_test(tcase, a_query_is_written_as_go_does);
	tcase_add_test(tcase, the_longest_query_fits);
	tcase_add_test(tcase, a_query_is_read);
	tcase_add_test(tcase, a_notification_is_read);
	tcase_add_loop_test(
		tcase, a_message_has_its_fields_or_is_refused, 0, (int)SX_COUNT(messages));
	tcase_add_test(tcase, unknown_and_malformed_sections_are_passed_over);
	tcase_add_test(tcase, ten_thousand_answers_are_too_many);
	tcase_add_test(tcase, mutations_never_leave_the_input);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
