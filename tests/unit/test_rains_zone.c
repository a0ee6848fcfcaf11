/* SPDX-License-Identifier: MIT */
#include "rains/zone.h"

#include <stdio.h>

#include "alloc_fail.h"
#include "rains/zone_object.h"
#include "tap.h"
#include "vectors.h"

#define KEY "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"

static struct sx_rains_reason reason;

static struct sx_rains_zone *zone_of(const char *text)
{
	struct sx_rains_zone *zone = NULL;

	ck_assert_msg(
		sx_rains_zone_new(&zone, sx_bytes_text(text), &reason) == SX_OK, "%s", reason.text);
	return zone;
}

START_TEST(a_zone_is_read_and_sorted)
{
	static const char *const subjects[] = { "_xmpp-server._udpscion.xmpp", "alias", "xmpp" };
	struct sx_rains_zone *zone = zone_of("; ours\n"
					     ":Z: example. . [\n"
					     "\t:A: xmpp [ :scion: 1-ff00:0:110,[192.0.2.11]\n"
					     "\t\t:ip6: 2001:db8::1 ]\n"
					     "\t:A: alias [ :name: xmpp.example. [ :ip6: ] ]\n"
					     "\t:A: _xmpp-server._udpscion.xmpp [\n"
					     "\t\t:srv: xmpp.example. 31467 0 ]\n"
					     "] ( :sig: :ed25519: :rains: 3 100 200 )\n");
	const struct sx_rains_zone_item *main = sx_rains_zone_main(zone);
	struct sx_reader walk;
	struct sx_rains_object object;

	ck_assert(sx_bytes_equal(main->section.zone, sx_bytes_text("example.")));
	ck_assert(sx_bytes_equal(main->section.context, sx_bytes_text(".")));
	ck_assert_uint_eq(main->count, SX_COUNT(subjects));
	ck_assert(main->is_dated && main->phase == 3 && main->since == 100 && main->until == 200);
	for (size_t i = 0; i < SX_COUNT(subjects); i++) {
		ck_assert(sx_bytes_equal(
			zone->assertions.items[i].section.subject, sx_bytes_text(subjects[i])));
	}
	ck_assert_uint_eq(zone->assertions.items[2].line, 3);
	walk = sx_reader_of(zone->assertions.items[2].section.objects.items);
	ck_assert(sx_rains_next_object(&walk, &object) && object.type == SX_RAINS_IP6);
	ck_assert(sx_rains_next_object(&walk, &object) && object.type == SX_RAINS_SCION);
	sx_rains_zone_free(zone);
}
END_TEST

START_TEST(shards_and_pshards_are_read)
{
	struct sx_rains_zone *zone = zone_of(
		":Z: example. . [ :A: a [ :ip4: 192.0.2.1 ] :A: b [ :ip4: 192.0.2.2 ] ]\n"
		":S: example. . < b [ :A: a [ :ip4: 192.0.2.1 ] ]\n"
		":S: example. . a > [ :A: b [ :ip4: 192.0.2.2 ] ] ( :sig: :ed25519: :rains: 1 1 2 "
		"abcd )\n"
		":P: example. . c d :bloomKM16: :fnv128: 00ff\n");

	ck_assert_uint_eq(zone->sections.count, 4);
	ck_assert_uint_eq(zone->sections.items[1].section.from.len, 0);
	ck_assert(sx_bytes_equal(zone->sections.items[1].section.to, sx_bytes_text("b")));
	ck_assert(sx_bytes_equal(zone->sections.items[2].section.from, sx_bytes_text("a")));
	ck_assert_uint_eq(zone->sections.items[2].section.to.len, 0);
	ck_assert_uint_eq(zone->sections.items[2].first, 3);
	ck_assert_int_eq(zone->sections.items[3].section.bloom_alg, 2);
	ck_assert_int_eq(zone->sections.items[3].section.bloom_hash, SX_RAINS_FNV128);
	ck_assert_uint_eq(zone->sections.items[3].section.bloom_bits.len, 2);
	sx_rains_zone_free(zone);
}
END_TEST

static const struct {
	const char *text;
	const char *reason;
} wrong[] = {
	{ "", "line 1: found the end of the file, expected the zone first: \":Z: example. . [\"" },
	{ "\n\n:A: a example. . [ :ip4: 1.2.3.4 ]",
		"line 3: found \":A:\", expected the zone first: \":Z: example. . [\"" },
	{ ":Z: example . [ ]", "line 1: found \"example\", expected the zone's full name in lower "
			       "case, with a dot at its end" },
	{ ":Z: Example. . [ ]", "line 1: found \"Example.\", expected the zone's full name in "
				"lower case, with a dot at its end" },
	{ ":Z: example. [ ]",
		"line 1: found \"[\", expected a context, \".\" or one with \"cx-\" in it" },
	{ ":Z: example. .\n(", "line 2: found \"(\", expected \"[\"" },
	{ ":Z: example. . [ :A: a [ ] ]", "line 1: found \"]\", expected an object such as "
					  "\":scion:\", or \"]\"" },
	{ ":Z: example. . [ :A: a example. . [ :ip4: 1.2.3.4 ] ]",
		"line 1: found \"example.\", expected \"[\"" },
	{ ":Z: example. . [ :A: a [ :ip4: 1.2.3.4 ]",
		"line 1: found the end of the file, expected \"]\"" },
	{ ":Z: example. . [ :A: a. [ :ip4: 1.2.3.4 ] ]",
		"line 1: found \"a.\", expected a name of at most 255 bytes with the zone, in "
		"labels of 1 to 63, no dot at its end" },
	{ ":Z: example. . [ :A: Abc [ :ip4: 1.2.3.4 ] ]",
		"line 1: found \"Abc\", expected lower case, as names are asked for" },
	{ ":Z: a. . [ ] :Z: b. . [ ]", "line 1: found \":Z:\", expected \":S:\", \":P:\" or the "
				       "end: a file has one zone, with all assertions in its "
				       "brackets" },
	{ ":Z: a. . [ ]\n:S: b. . < > [ ]",
		"line 2: found another zone or context than the file begins with" },
	{ ":Z: a. . [ ] ( :sig: :ed25519: :rains: 1 2 2 )",
		"line 1: a signature that ends before it begins" },
	{ ":Z: a. . [ ] ( :sig: :ed448: )", "line 1: found \":ed448:\", expected \":ed25519:\"" },
	{ ":Z: a. . [ ] ( :sig: :ed25519: :rains: 1 2 3 zz )",
		"line 1: found \"zz\", expected \")\" or a signature of 128 hex digits" },
	{ ":Z: a. . [ ] :P: a. . < > :bloomKM12: :sha256: 00", "line 1: found \":sha256:\", "
							       "expected a filter such as "
							       "\":bloomKM12: :shake256:\"" },
	{ ":Z: a. . [ ] :P: a. . [", "line 1: found \"[\", expected a name, or \"<\" and \">\" for "
				     "no bound" },
	{ ":Z: a. . [\n:A: b [ :ip4: 1.2.3.4 :ip4: 1.2.3.4 ] ]",
		"line 2: \"b\" has the same object twice" },
	{ ":Z: a. . [\n:A: b [ :ip4: 1.2.3.4 ]\n:A: b [ :ip4: 1.2.3.5 :ip6: ::1 ] ]",
		"line 3: \"b\" has \":ip4:\" in two assertions, of which servers answer with one; "
		"make one of them" },
	{ ":Z: a. . [\n:A: b [ :ip4: 1.2.3.4 :name: c. [ :ip4: ] ] ]",
		"line 2: \"b\" has \":ip4:\" and an alias for it" },
	{ ":Z: a. . [\n:A: b [ :ip4: 1.2.3.4 ] ]\n:S: a. . < > [ ]",
		"line 2: \"b\" is in the zone, and denied on line 3" },
	{ ":Z: a. . [\n:A: b [ :ip4: 1.2.3.4 ] ]\n:P: a. . < > :bloomKM12: :shake256: 0000",
		"line 2: \"b\" is in the zone, and denied on line 3" },
	{ ":Z: a. . [ ]\n:S: a. . c > [ :A: b [ :ip4: 1.2.3.4 ] ]",
		"line 2: \"b\" is outside of its shard" },
};

START_TEST(what_is_wrong_with_a_zone_is_said)
{
	struct sx_rains_zone *zone = NULL;

	ck_assert_int_eq(
		sx_rains_zone_new(&zone, sx_bytes_text(wrong[_i].text), &reason), SX_EMALFORMED);
	ck_assert_str_eq(reason.text, wrong[_i].reason);
	ck_assert_ptr_null(zone);
}
END_TEST

/* The same name in two assertions is fine as long as the types are not. */
START_TEST(a_name_may_have_several_assertions)
{
	sx_rains_zone_free(zone_of(":Z: . . [\n"
				   ":A: example [ :redir: _rains._tcp.ns.example. ]\n"
				   ":A: example [ :deleg: :ed25519: 1 " KEY " ]\n"
				   ":A: ns1.example [ :ip4: 127.0.0.1 ] ]"));
}
END_TEST

START_TEST(large_files_are_refused)
{
	static char text[SX_RAINS_ZONE_FILE_MOST + 2];
	size_t at = (size_t)sprintf(text, ":Z: a. . [\n");
	struct sx_rains_zone *zone;

	for (int i = 0; at < SX_RAINS_ZONE_FILE_MOST - 64; i++) {
		at += (size_t)sprintf(text + at, ":A: b%d [ :ip4: 1.2.3.4 ]\n", i);
	}
	(void)sprintf(text + at, "]");
	ck_assert_int_eq(sx_rains_zone_new(&zone, sx_bytes_text(text), &reason), SX_ELIMIT);
	ck_assert_ptr_nonnull(strstr(
		reason.text, ": the zone does not fit a message of 65536 bytes; make two of it"));
	memset(text, ' ', sizeof text);
	ck_assert_int_eq(
		sx_rains_zone_new(&zone, sx_bytes_of(text, sizeof text), &reason), SX_ELIMIT);
	ck_assert_str_eq(reason.text, "more than 1048576 bytes");
}
END_TEST

static const char sample[] =
	":Z: example. . [\n:A: a [ :ip4: 192.0.2.1 :regr: free text ] ( :sig: :ed25519: :rains: 1 "
	"2 3 )\n:A: b [ :name: a.example. [ :ip4: :ip6: ] ] ]\n:S: example. . b > [ ]\n"
	":P: example. . c d :bloomKM12: :fnv64: ff\n";

static void read_mutant(struct sx_bytes text)
{
	struct sx_rains_zone *zone = NULL;
	int rc = sx_rains_zone_new(&zone, text, &reason);

	ck_assert_int_eq(rc == SX_OK, zone != NULL);
	ck_assert(rc == SX_OK || strncmp(reason.text, "line ", 5) == 0);
	sx_rains_zone_free(zone);
}

START_TEST(garbage_is_refused_with_its_line)
{
	sx_each_mutation(sx_bytes_text(sample), read_mutant);
}
END_TEST

/* Every line of the sample replaced by each kind of garbage. */
START_TEST(garbage_lines_are_refused_with_their_number)
{
	static const char *const garbage[] = { "]\n", "[ [ [\n", "\x01\xff\n", ":A:\n", ":sig:\n" };
	struct sx_rains_zone *zone;
	unsigned line = 2;

	for (const char *at = strchr(sample, '\n'); at[1]; at = strchr(at + 1, '\n'), line++) {
		for (size_t i = 0; i < SX_COUNT(garbage); i++) {
			char text[2 * sizeof sample + 16];
			char expected[32];

			(void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sample) + 1,
				sample, garbage[i], at + 1);
			(void)snprintf(expected, sizeof expected, "line %u: ", line);
			ck_assert_int_eq(sx_rains_zone_new(&zone, sx_bytes_text(text), &reason),
				SX_EMALFORMED);
			ck_assert_msg(strncmp(reason.text, expected, strlen(expected)) == 0 ||
					      garbage[i][0] == ']' || garbage[i][1] == 'A',
				"%s: %s", garbage[i], reason.text);
		}
	}
}
END_TEST

static int construct(void *arg)
{
	struct sx_rains_zone *zone = NULL;
	int rc = sx_rains_zone_new(&zone, sx_bytes_text(arg), &reason);

	sx_rains_zone_free(zone);
	return rc;
}

START_TEST(failing_allocations_leave_nothing)
{
	char text[sizeof sample];

	memcpy(text, sample, sizeof text);
	ck_assert_uint_ge(sx_each_allocation_fails(construct, text), 5);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rains_zone");
	TCase *tc = tcase_create("zone");

	tcase_add_test(tc, a_zone_is_read_and_sorted);
	tcase_add_test(tc, shards_and_pshards_are_read);
	tcase_add_loop_test(tc, what_is_wrong_with_a_zone_is_said, 0, SX_COUNT(wrong));
	tcase_add_test(tc, a_name_may_have_several_assertions);
	tcase_add_test(tc, large_files_are_refused);
	tcase_add_test(tc, garbage_is_refused_with_its_line);
	tcase_add_test(tc, garbage_lines_are_refused_with_their_number);
	tcase_add_test(tc, failing_allocations_leave_nothing);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
