/* SPDX-License-Identifier: MIT */
#include "ns_answer.h"

#include <stdio.h>
#include <unistd.h>

#include "rains/object.h"
#include "rains/sign.h"
#include "tap.h"

#define NOW   1800000000
#define VALID 1000
#define HUGE  70000

static const uint8_t token_bytes[SX_RAINS_TOKEN_BYTES] = { 9, 8, 7 };
static const struct sx_bytes token = { token_bytes, sizeof token_bytes };

static char folder[] = "/tmp/sx-ns-XXXXXX";
static struct sx_rains_reason reason;
static struct sx_ns *ns;
static uint8_t answer[SX_NS_ANSWER_MOST];
static struct sx_rains_section sections[SX_RAINS_TYPES_MOST];
static size_t section_count;

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static int add(const char *zone, const char *key)
{
	char key_path[128];

	(void)snprintf(key_path, sizeof key_path, "%s", path_of(key));
	return sx_ns_zones_add(&ns->zones, path_of(zone), key_path, NOW, &reason);
}

static const char example[] = ":Z: example. . [\n"
			      ":A: xmpp [ :scion: 1-ff00:0:110,[192.0.2.11] :regr: text ]\n"
			      ":A: many [ :ip4: 192.0.2.1 ]\n"
			      ":A: many [ :ip6: 2001:db8::1 ]\n"
			      ":A: _xmpp-server._udpscion.xmpp [ :srv: xmpp.example. 31467 0 ]\n"
			      "]\n"
			      ":S: example. . a c [ ]\n"
			      ":P: example. . y > :bloomKM12: :shake256: 0000\n";

static void set_up(void)
{
	char root[1024];
	struct sx_rains_keyfile key;
	char delegation[SX_RAINS_DELEGATION_TEXT_BYTES];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ns = calloc(1, sizeof *ns);
	ck_assert_ptr_nonnull(ns);
	ns->zones.valid = VALID;
	ck_assert_int_eq(sx_rains_keyfile_create(&key, path_of("example.key"), 1, &reason), SX_OK);
	sx_rains_keyfile_delegation(&key, sx_bytes_text("example."), delegation);
	(void)snprintf(root, sizeof root,
		":Z: . . [\n%s\n:A: example [ :redir: _rains._tcp.ns.example. ]\n"
		":A: _rains._tcp.ns.example [ :srv: ns1.example. 55553 0 ]\n"
		":A: ns1.example [ :ip4: 127.0.0.1 ]\n:A: lost [ :redir: ns.lost. ] ]\n",
		delegation);
	write_file("root.zone", root);
	write_file("example.zone", example);
}

static void tear_down(void)
{
	static const char *const names[] = { "root.zone", "example.zone", "root.key", "example.key",
		"other.zone" };

	for (size_t i = 0; i < SX_COUNT(names); i++) {
		(void)unlink(path_of(names[i]));
	}
	ck_assert_int_eq(rmdir(folder), 0);
	(void)strcpy(folder, "/tmp/sx-ns-XXXXXX");
	sx_ns_zones_fini(&ns->zones);
	free(ns);
}

static void add_both(void)
{
	ck_assert_msg(add("root.zone", "root.key") == SX_OK, "%s", reason.text);
	ck_assert_msg(add("example.zone", "example.key") == SX_OK, "%s", reason.text);
}

/* Asks for one or two types; the answer is in `answer`. */
static enum sx_ns_reaction ask_raw(
	const char *name, int64_t type, int64_t other, struct sx_writer *out)
{
	const int64_t types[] = { type, other };
	const struct sx_rains_question question = {
		.name = sx_bytes_text(name),
		.context = sx_bytes_text("."),
		.types = types,
		.type_count = other ? 2 : 1,
	};
	uint8_t query[512];
	struct sx_writer writer = sx_writer_of(query, sizeof query);

	sx_rains_query_write(&writer, token, &question, NOW + 10);
	*out = sx_writer_of(answer, sizeof answer);
	return sx_ns_answer(ns, sx_writer_bytes(&writer), NOW, HUGE, out);
}

/* The sections of a good answer are in `sections`. */
static enum sx_ns_reaction ask(const char *name, int64_t type)
{
	struct sx_rains_msg msg;
	struct sx_writer out;
	struct sx_reader walk;
	enum sx_ns_reaction reaction = ask_raw(name, type, 0, &out);

	section_count = 0;
	if (reaction != SX_NS_SEND) {
		return reaction;
	}
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_OK);
	ck_assert(sx_bytes_equal(msg.token, token));
	walk = sx_reader_of(msg.content.items);
	while (sx_rains_next_section(&walk, &sections[section_count])) {
		section_count++;
	}
	ck_assert_uint_eq(section_count, msg.content.count);
	return reaction;
}

static int verify(const struct sx_rains_section *section, size_t zone, int64_t *until)
{
	static uint8_t bytes[SX_RAINS_TBS_MOST(SX_RAINS_MSG_MOST)];
	struct sx_writer tbs = sx_writer_of(bytes, sizeof bytes);
	struct sx_reader walk = sx_reader_of(section->signatures.items);
	struct sx_rains_signature signature;

	if (!sx_rains_next_signature(&walk, &signature)) {
		return SX_ENOTFOUND;
	}
	*until = signature.until;
	sx_rains_tbs_write(&tbs, section);
	sx_rains_tbs_add(&tbs, &signature);
	return sx_rains_verify(sx_bytes_of(ns->zones.items[zone]->key.key, SX_RAINS_KEY_BYTES),
		sx_writer_bytes(&tbs), signature.data);
}

START_TEST(a_name_is_answered_with_its_assertion)
{
	int64_t until;

	add_both();
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
	ck_assert_uint_eq(section_count, 1);
	ck_assert_int_eq(sections[0].type, SX_RAINS_ASSERTION);
	ck_assert(sx_bytes_equal(sections[0].zone, sx_bytes_text("example.")));
	ck_assert_int_eq(verify(&sections[0], 1, &until), SX_OK);
	ck_assert_int_eq(until, NOW + VALID);
	ck_assert_int_eq(ask("_xmpp-server._udpscion.xmpp.example.", SX_RAINS_SRV), SX_NS_SEND);
	ck_assert_uint_eq(section_count, 1);
	ck_assert_int_eq(ask("example.", SX_RAINS_DELEG), SX_NS_SEND);
	ck_assert_int_eq(verify(&sections[0], 0, &until), SX_OK);
	ck_assert_uint_eq(ns->counters.queries, 3);
	ck_assert_uint_eq(ns->counters.answers, 3);
	ck_assert_uint_eq(ns->counters.asked_count, 3);
	ck_assert_int_eq(ns->counters.asked[0].type, SX_RAINS_SCION);
}
END_TEST

START_TEST(of_two_assertions_one_is_given)
{
	struct sx_writer out;
	struct sx_rains_msg msg;

	add_both();
	ck_assert_int_eq(ask_raw("many.example.", SX_RAINS_IP4, SX_RAINS_IP6, &out), SX_NS_SEND);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_OK);
	ck_assert_uint_eq(msg.content.count, 1);
}
END_TEST

START_TEST(what_does_not_exist_is_denied)
{
	static const struct {
		const char *name;
		size_t count;
		enum sx_rains_section_type last;
	} cases[] = {
		{ "nope.example.", 1, SX_RAINS_ZONE },
		{ "b.example.", 2, SX_RAINS_SHARD },
		{ "z.example.", 2, SX_RAINS_PSHARD },
	};
	int64_t until;

	add_both();
	for (size_t i = 0; i < SX_COUNT(cases); i++) {
		ck_assert_int_eq(ask(cases[i].name, SX_RAINS_SCION), SX_NS_SEND);
		ck_assert_uint_eq(section_count, cases[i].count);
		ck_assert_int_eq(sections[0].type, SX_RAINS_ZONE);
		ck_assert_int_eq(sections[section_count - 1].type, cases[i].last);
		ck_assert_int_eq(verify(&sections[section_count - 1], 1, &until), SX_OK);
	}
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_IP4), SX_NS_SEND);
	ck_assert_int_eq(sections[0].type, SX_RAINS_ZONE);
}
END_TEST

/* rainsd's silences: its own apex, names two labels down, other contexts, names without a dot at their end. */
START_TEST(rainsd_is_silent_about_much)
{
	static const char *const names[] = { "example.", "a.b.example.", "elsewhere.",
		"xmpp.example", "", "." };

	ck_assert_int_eq(add("example.zone", "example.key"), SX_OK);
	for (size_t i = 0; i < SX_COUNT(names); i++) {
		ck_assert_int_eq(ask(names[i], SX_RAINS_SCION), SX_NS_NOTHING);
	}
	ck_assert_uint_eq(ns->counters.silences, SX_COUNT(names));
}
END_TEST

START_TEST(the_way_to_the_child_is_told)
{
	static const char *const subjects[] = { "ns1.example", "_rains._tcp.ns.example", "example",
		"example" };

	ck_assert_int_eq(add("root.zone", "root.key"), SX_OK);
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
	ck_assert_uint_eq(section_count, SX_COUNT(subjects));
	for (size_t i = 0; i < SX_COUNT(subjects); i++) {
		int64_t until;

		ck_assert(sx_bytes_equal(sections[i].subject, sx_bytes_text(subjects[i])));
		ck_assert_int_eq(verify(&sections[i], 0, &until), SX_OK);
	}
	ck_assert_int_eq(ask("a.lost.", SX_RAINS_SCION), SX_NS_NOTHING);
}
END_TEST

START_TEST(a_chain_comes_on_request)
{
	int64_t until;

	add_both();
	ns->gives_chain = true;
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
	ck_assert_uint_eq(section_count, 2);
	ck_assert(sx_bytes_equal(sections[1].subject, sx_bytes_text("example")));
	ck_assert_int_eq(verify(&sections[1], 0, &until), SX_OK);
}
END_TEST

START_TEST(signatures_break_on_command)
{
	static const char *const names[] = { "xmpp.example.", "nope.example." };
	int64_t until = 0;

	add_both();
	for (size_t i = 0; i < SX_COUNT(names); i++) {
		ns->fault = SX_NS_FORGED;
		ck_assert_int_eq(ask(names[i], SX_RAINS_SCION), SX_NS_SEND);
		ck_assert_int_eq(verify(&sections[0], 1, &until), SX_EREFUSED);
		ns->fault = SX_NS_EXPIRED;
		ck_assert_int_eq(ask(names[i], SX_RAINS_SCION), SX_NS_SEND);
		ck_assert_int_eq(verify(&sections[0], 1, &until), SX_OK);
		ck_assert_int_eq(until, NOW - 3600);
		ns->fault = SX_NS_UNSIGNED;
		ck_assert_int_eq(ask(names[i], SX_RAINS_SCION), SX_NS_SEND);
		ck_assert_int_eq(verify(&sections[0], 1, &until), SX_ENOTFOUND);
	}
}
END_TEST

/* In a zone that is given as a denial, the assertions break, too. */
START_TEST(contained_signatures_break_with_the_zone)
{
	struct sx_rains_section assertion;
	struct sx_reader walk;
	int64_t until;

	add_both();
	ns->fault = SX_NS_UNSIGNED;
	ck_assert_int_eq(ask("nope.example.", SX_RAINS_SCION), SX_NS_SEND);
	walk = sx_reader_of(sections[0].content.items);
	while (sx_rains_next_contained(&walk, &sections[0], &assertion)) {
		ck_assert_uint_eq(assertion.signatures.count, 0);
	}
	ns->fault = SX_NS_FORGED;
	ck_assert_int_eq(ask("nope.example.", SX_RAINS_SCION), SX_NS_SEND);
	walk = sx_reader_of(sections[0].content.items);
	while (sx_rains_next_contained(&walk, &sections[0], &assertion)) {
		ck_assert_int_eq(verify(&assertion, 1, &until), SX_EREFUSED);
	}
}
END_TEST

START_TEST(messages_break_on_command)
{
	struct sx_writer out;
	struct sx_rains_msg msg;
	size_t whole;

	add_both();
	(void)ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out);
	whole = out.at;
	ns->fault = SX_NS_SILENCE;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_NOTHING);
	ns->fault = SX_NS_CLOSE;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_HANG_UP);
	ns->fault = SX_NS_GARBAGE;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_SEND);
	ck_assert_int_eq(
		sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_EMALFORMED);
	ns->fault = SX_NS_TRUNCATED;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_SEND);
	ck_assert_uint_eq(out.at, whole / 2);
	ns->fault = SX_NS_WRONG_TOKEN;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_SEND);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_OK);
	ck_assert(!sx_bytes_equal(msg.token, token));
	ns->fault = SX_NS_HUGE;
	ck_assert_int_eq(ask_raw("xmpp.example.", SX_RAINS_SCION, 0, &out), SX_NS_SEND);
	ck_assert_uint_ge(out.at, HUGE - 8);
	ck_assert_int_eq(
		sx_rains_msg_parse(&msg, sx_writer_bytes(&out), SX_RAINS_MSG_MOST), SX_ELIMIT);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_OK);
}
END_TEST

/* A query in the given context, without its last field, or late. */
static enum sx_ns_reaction ask_odd(const char *context, bool is_short, int64_t expires)
{
	struct sx_rains_section query = {
		.type = SX_RAINS_QUERY,
		.name = sx_bytes_text("xmpp.example."),
		.context = sx_bytes_text(context),
		.expires = expires,
	};
	uint8_t bytes[512], types[] = { 14 }, phase[] = { 0 };
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);
	struct sx_writer out = sx_writer_of(answer, sizeof answer);
	enum sx_ns_reaction reaction;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	query.types = (struct sx_cbor_list){ sx_bytes_of(types, 1), 1 };
	query.phases = (struct sx_cbor_list){ sx_bytes_of(phase, 1), is_short ? 2 : 1 };
	sx_rains_msg_begin(&writer, token, (struct sx_cbor_list){ .count = 0 }, 1);
	sx_rains_msg_add(&writer, &query);
	sx_cbor_write_int(&writer, 0); /* the second phase of a list */
	reaction = sx_ns_answer(ns, sx_bytes_of(bytes, writer.at - !is_short), NOW, HUGE, &out);
	if (reaction == SX_NS_SEND) {
		ck_assert_int_eq(
			sx_rains_msg_parse(&msg, sx_writer_bytes(&out), sizeof answer), SX_OK);
		walk = sx_reader_of(msg.content.items);
		section_count = sx_rains_next_section(&walk, &sections[0]);
	}
	return reaction;
}

START_TEST(odd_queries_are_treated_as_rainsd_does)
{
	uint8_t junk[] = { 0xda, 0, 0xe9, 0x9b, 0xa8, 0x5b, 0x40 };
	struct sx_writer out = sx_writer_of(answer, sizeof answer);

	add_both();
	ck_assert_int_eq(ask_odd(".", false, NOW + 1), SX_NS_SEND);
	ck_assert_uint_eq(section_count, 1);
	ck_assert_int_eq(ask_odd(".", false, NOW - 1), SX_NS_SEND);
	ck_assert_uint_eq(section_count, 0);
	ck_assert_int_eq(ask_odd(".", true, NOW + 1), SX_NS_HANG_UP);
	ck_assert_int_eq(ask_odd("any", false, NOW + 1), SX_NS_SEND);
	ck_assert_int_eq(sections[0].type, SX_RAINS_NOTIFICATION);
	ck_assert_int_eq(sections[0].code, SX_RAINS_NOTE_INCONSISTENT);
	ck_assert(sx_bytes_equal(sections[0].token, token));
	ck_assert_int_eq(
		sx_ns_answer(ns, sx_bytes_of(junk, sizeof junk), NOW, HUGE, &out), SX_NS_HANG_UP);
	ck_assert_uint_eq(ns->counters.malformed, 2);
}
END_TEST

START_TEST(a_reloaded_zone_is_served)
{
	struct sx_rains_object object;
	struct sx_reader walk;

	add_both();
	write_file("other.zone", ":Z: example. . [ :A: xmpp [ :scion: 2-1,192.0.2.99 ] ]");
	ck_assert_int_eq(
		sx_ns_zones_reload(&ns->zones, path_of("other.zone"), NOW, &reason), SX_OK);
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
	walk = sx_reader_of(sections[0].objects.items);
	ck_assert(sx_rains_next_object(&walk, &object));
	ck_assert_uint_eq(object.addr.ia >> 48, 2);
	write_file("other.zone", ":Z: example.org. . [ ]");
	ck_assert_int_eq(
		sx_ns_zones_reload(&ns->zones, path_of("other.zone"), NOW, &reason), SX_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(reason.text, "its zone is none of ours"));
	write_file("other.zone", ":Z: example. . [");
	ck_assert_int_eq(
		sx_ns_zones_reload(&ns->zones, path_of("other.zone"), NOW, &reason), SX_EMALFORMED);
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
}
END_TEST

START_TEST(a_push_is_taken_from_those_who_have_the_key)
{
	static uint8_t message[SX_RAINS_ZONE_MSG_MOST];
	struct sx_writer writer = sx_writer_of(message, sizeof message);
	struct sx_writer out = sx_writer_of(answer, sizeof answer);
	struct sx_rains_zone *zone = NULL;
	struct sx_rains_signing signing;

	add_both();
	ck_assert_int_eq(sx_rains_zone_new(&zone,
				 sx_bytes_text(":Z: example. . [ :A: new [ :regr: x ] ]"), &reason),
		SX_OK);
	signing = (struct sx_rains_signing){ ns->zones.items[0]->key.seed, 1, NOW, NOW + 5, token };
	ck_assert_int_eq(sx_rains_zone_sign(zone, &signing, &writer, &reason), SX_OK);
	ck_assert_int_eq(
		sx_ns_answer(ns, sx_writer_bytes(&writer), NOW, HUGE, &out), SX_NS_NOTHING);
	ck_assert_uint_eq(ns->counters.refused, 1);
	ck_assert_int_eq(ask("xmpp.example.", SX_RAINS_SCION), SX_NS_SEND);
	signing.seed = ns->zones.items[1]->key.seed;
	writer.at = 0;
	ck_assert_int_eq(sx_rains_zone_sign(zone, &signing, &writer, &reason), SX_OK);
	ck_assert_int_eq(
		sx_ns_answer(ns, sx_writer_bytes(&writer), NOW, HUGE, &out), SX_NS_NOTHING);
	ck_assert_uint_eq(ns->counters.pushes, 1);
	ck_assert_int_eq(ask("new.example.", SX_RAINS_REGR), SX_NS_SEND);
	ck_assert_int_eq(sections[0].type, SX_RAINS_ASSERTION);
	sx_rains_zone_free(zone);
}
END_TEST

START_TEST(zones_that_do_not_work_are_told)
{
	write_file("other.zone", "nonsense");
	ck_assert_int_eq(add("other.zone", "root.key"), SX_EMALFORMED);
	ck_assert_ptr_nonnull(strstr(reason.text, "other.zone: line 1: found \"nonsense\""));
	ck_assert_int_eq(add("missing.zone", "root.key"), SX_ENOTFOUND);
	ck_assert_int_eq(add("root.zone", "example.zone"), SX_EREFUSED);
	ck_assert_uint_eq(ns->zones.count, 0);
	for (size_t i = 0; i < SX_NS_ZONES_MOST; i++) {
		ck_assert_int_eq(add("root.zone", "root.key"), SX_OK);
	}
	ck_assert_int_eq(add("root.zone", "root.key"), SX_ELIMIT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("ns_answer");
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_name_is_answered_with_its_assertion);
	tcase_add_test(tc, of_two_assertions_one_is_given);
	tcase_add_test(tc, what_does_not_exist_is_denied);
	tcase_add_test(tc, rainsd_is_silent_about_much);
	tcase_add_test(tc, the_way_to_the_child_is_told);
	tcase_add_test(tc, a_chain_comes_on_request);
	tcase_add_test(tc, signatures_break_on_command);
	tcase_add_test(tc, contained_signatures_break_with_the_zone);
	tcase_add_test(tc, messages_break_on_command);
	tcase_add_test(tc, odd_queries_are_treated_as_rainsd_does);
	tcase_add_test(tc, a_reloaded_zone_is_served);
	tcase_add_test(tc, a_push_is_taken_from_those_who_have_the_key);
	tcase_add_test(tc, zones_that_do_not_work_are_told);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
