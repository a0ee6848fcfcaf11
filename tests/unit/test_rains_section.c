/* SPDX-License-Identifier: MIT */
#include "rains/name.h"
#include "rains/object.h"
#include "rains/scan.h"
#include "rains/section.h"
#include "tap.h"
#include "vectors.h"

static const int64_t vector_types[] = { SX_RAINS_ASSERTION, SX_RAINS_ASSERTION, SX_RAINS_ASSERTION,
	SX_RAINS_ASSERTION, SX_RAINS_ZONE, SX_RAINS_PSHARD };

static struct sx_rains_section parse(int64_t type, struct sx_bytes map)
{
	struct sx_rains_section section;

	ck_assert_int_eq(sx_cbor_check(map, 65536), SX_OK);
	ck_assert_int_eq(sx_rains_section_parse(&section, type, map), SX_OK);
	return section;
}

static struct sx_vector vector_of(size_t index)
{
	json_t *root = sx_vectors_load("rains/vectors.json");
	const json_t *vectors = json_object_get(root, "vectors");
	struct sx_vector out;

	ck_assert(sx_vector_get(json_array_get(vectors, index), "section", &out));
	json_decref(root);
	return out;
}

static void expect_text(struct sx_bytes text, const char *expected)
{
	ck_assert(sx_bytes_equal(text, sx_bytes_text(expected)));
}

static void expect_written(const struct sx_rains_section *section, struct sx_bytes expected)
{
	static uint8_t out[65536];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	sx_rains_section_write(&writer, section);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), expected));
}

START_TEST(golden_sections_are_read_and_written)
{
	struct sx_vector in = vector_of((size_t)_i);
	struct sx_rains_section section = parse(vector_types[_i], sx_vector_bytes(&in));
	struct sx_reader walk = sx_reader_of(section.signatures.items);
	struct sx_rains_signature signature;
	uint8_t out[128];
	struct sx_writer writer = sx_writer_of(out, sizeof out);

	ck_assert(sx_rains_next_signature(&walk, &signature));
	ck_assert_int_eq(signature.alg, SX_RAINS_ED25519);
	ck_assert_int_eq(signature.phase, 1);
	ck_assert_int_eq(signature.since, 1700000000);
	ck_assert_uint_eq(signature.data.len, 64);
	sx_rains_signature_write(&writer, &signature);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), section.signatures.items));
	ck_assert(!sx_rains_next_signature(&walk, &signature));
	expect_written(&section, sx_vector_bytes(&in));
}
END_TEST

START_TEST(an_assertion_has_its_objects)
{
	struct sx_vector in = vector_of(2);
	struct sx_rains_section section = parse(SX_RAINS_ASSERTION, sx_vector_bytes(&in));
	struct sx_reader walk = sx_reader_of(section.objects.items);
	struct sx_rains_object object;

	expect_text(section.subject, "xmpp");
	expect_text(section.zone, "example.");
	expect_text(section.context, ".");
	ck_assert(sx_rains_next_object(&walk, &object));
	ck_assert_int_eq(object.type, SX_RAINS_CERT);
	ck_assert(sx_rains_next_object(&walk, &object));
	ck_assert_int_eq(object.type, SX_RAINS_SCION);
	ck_assert(!sx_rains_next_object(&walk, &object));
}
END_TEST

START_TEST(a_zone_has_its_assertions)
{
	struct sx_vector in = vector_of(4);
	struct sx_rains_section zone = parse(SX_RAINS_ZONE, sx_vector_bytes(&in));
	struct sx_reader walk = sx_reader_of(zone.content.items);
	struct sx_rains_section assertion;

	ck_assert(sx_rains_next_contained(&walk, &zone, &assertion));
	expect_text(assertion.subject, "a");
	ck_assert(assertion.is_contained);
	ck_assert_uint_eq(assertion.signatures.count, 0);
	ck_assert(sx_rains_next_contained(&walk, &zone, &assertion));
	expect_text(assertion.subject, "b");
	expect_text(assertion.zone, "example.");
	expect_text(assertion.context, ".");
	ck_assert_uint_eq(assertion.signatures.count, 1);
	expect_written(&assertion, assertion.map);
	ck_assert(!sx_rains_next_contained(&walk, &zone, &assertion));
}
END_TEST

#define SCOPE "04612e06612e"       /* zone ".", context "." */
#define SIG   "86010001c10ac11440" /* with the tags of the draft */

static const struct {
	int64_t type;
	const char *hex;
	int status;
} sections[] = {
	{ SX_RAINS_ASSERTION, "a4036161" SCOPE "0780", SX_OK },
	{ SX_RAINS_ASSERTION, "a50080036161" SCOPE "0780", SX_OK },
	{ SX_RAINS_ASSERTION, "a50081" SIG "036161" SCOPE "0780", SX_OK },
	{ SX_RAINS_ASSERTION, "a6036161" SCOPE "0780186401 1865f6", SX_OK }, /* unknown fields */
	{ SX_RAINS_ASSERTION, "a3" SCOPE "0780", SX_EMALFORMED },            /* none is missing */
	{ SX_RAINS_ASSERTION, "a303616104612e0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a303616106612e0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a3036161" SCOPE, SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a4034161" SCOPE "0780", SX_EMALFORMED }, /* nor of another kind */
	{ SX_RAINS_ASSERTION, "a403616104f606612e0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a4036161" SCOPE "07a0", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a50000036161" SCOPE "0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a5008100036161" SCOPE "0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a500818501000a1440036161" SCOPE "0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a5008186010001200a40036161" SCOPE "0780", SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "a50088" SIG SIG SIG SIG SIG SIG SIG SIG "036161" SCOPE "0780",
		SX_OK },
	{ SX_RAINS_ASSERTION, "a50089" SIG SIG SIG SIG SIG SIG SIG SIG SIG "036161" SCOPE "0780",
		SX_EMALFORMED },
	{ SX_RAINS_ASSERTION, "80", SX_EMALFORMED },
	{ SX_RAINS_SHARD, "a40080" SCOPE "0b826060", SX_OK },
	{ SX_RAINS_SHARD, "a3" SCOPE "0b82f6f6", SX_OK },
	{ SX_RAINS_SHARD, "a2" SCOPE, SX_EMALFORMED },
	{ SX_RAINS_SHARD, "a3" SCOPE "0b8160", SX_EMALFORMED },
	{ SX_RAINS_SHARD, "a3" SCOPE "0b824060", SX_EMALFORMED },
	{ SX_RAINS_SHARD, "a4" SCOPE "0b82f6f61781a20361610780", SX_OK },
	{ SX_RAINS_SHARD, "a4" SCOPE "0b82f6f61481a20361610780", SX_OK }, /* as in the draft */
	{ SX_RAINS_SHARD, "a5" SCOPE "0b82f6f614801780", SX_EMALFORMED },
	{ SX_RAINS_ZONE, "a2" SCOPE, SX_OK },
	{ SX_RAINS_ZONE, "a3" SCOPE "1781a1036161", SX_EMALFORMED },
	{ SX_RAINS_ZONE, "a3" SCOPE "1781a303616104612e0780", SX_EMALFORMED }, /* a scope inside */
	{ SX_RAINS_ZONE, "a3" SCOPE "1781a303616106612e0780", SX_EMALFORMED },
	{ SX_RAINS_ZONE, "a3" SCOPE "1781a300810003616107 80", SX_EMALFORMED },
	{ SX_RAINS_PSHARD, "a4" SCOPE "0b826060178301044100", SX_OK },
	{ SX_RAINS_PSHARD, "a3" SCOPE "178301044100", SX_EMALFORMED },
	{ SX_RAINS_PSHARD, "a4" SCOPE "0b82606017820104", SX_EMALFORMED },
	{ SX_RAINS_QUERY, "a108612e", SX_OK },
	{ SX_RAINS_QUERY, "a106612e", SX_EMALFORMED },
	{ SX_RAINS_QUERY, "a208612e0a8161 61", SX_EMALFORMED },
	{ SX_RAINS_QUERY, "a208612e0cc10a", SX_OK },
	{ SX_RAINS_QUERY, "a208612e118101", SX_OK },
	{ SX_RAINS_QUERY, "a208612e1161 61", SX_EMALFORMED },
	{ SX_RAINS_NOTIFICATION, "a202401519 0194", SX_OK },
	{ SX_RAINS_NOTIFICATION, "a1151864", SX_OK },
	{ SX_RAINS_NOTIFICATION, "a10240", SX_EMALFORMED },
	{ -1, "a0", SX_ENOTFOUND },
	{ 6, "a0", SX_ENOTFOUND },
	{ 99, "a0", SX_ENOTFOUND },
};

/* Rows may have blanks in them. */
static void unhex(const char *hex, struct sx_vector *out)
{
	char digits[512];
	size_t len = 0;

	for (; *hex; hex++) {
		if (*hex != ' ') {
			digits[len++] = *hex;
		}
	}
	digits[len] = '\0';
	sx_vector_unhex(digits, out);
}

START_TEST(a_section_has_its_fields_or_is_refused)
{
	struct sx_rains_section section;
	struct sx_vector in;
	uint8_t *exact;

	unhex(sections[_i].hex, &in);
	exact = sx_exact_copy(sx_vector_bytes(&in));
	ck_assert_int_eq(
		sx_rains_section_parse(&section, sections[_i].type, sx_bytes_of(exact, in.len)),
		sections[_i].status);
	free(exact);
}
END_TEST

START_TEST(a_field_of_more_than_255_bytes_is_no_name)
{
	uint8_t in[400];
	struct sx_rains_section section;

	for (size_t len = 255; len <= 256; len++) {
		struct sx_writer writer = sx_writer_of(in, sizeof in);
		uint8_t name[256];

		memset(name, 'a', sizeof name);
		sx_cbor_write_map(&writer, 1);
		sx_cbor_write_int(&writer, SX_RAINS_FIELD_QUERY_NAME);
		sx_cbor_write_text(&writer, sx_bytes_of(name, len));
		ck_assert_int_eq(
			sx_rains_section_parse(&section, SX_RAINS_QUERY, sx_writer_bytes(&writer)),
			len == 255 ? SX_OK : SX_EMALFORMED);
	}
}
END_TEST

static const struct {
	const char *range;
	const char *subject;
	bool covers;
} ranges[] = {
	{ "61616163", "b", true }, /* "a" to "c", both exclusive */
	{ "61616163", "a", false },
	{ "61616163", "c", false },
	{ "61616163", "aa", true },
	{ "61616163", "bzzz", true },
	{ "61616163", "ca", false },
	{ "61616163", "A", false },
	{ "606163", "a", true }, /* open ends: "", null, "<" and ">" */
	{ "616160", "b", true },
	{ "616160", "a", false },
	{ "6060", "anything", true },
	{ "f6f6", "anything", true },
	{ "613c613e", "anything", true },
	{ "613e613c", "anything", false }, /* but not the other way round */
	{ "6161613c", "b", false },
};

START_TEST(a_range_covers_what_lies_between_its_ends)
{
	struct sx_rains_section section;
	struct sx_vector in;
	char hex[64];

	(void)snprintf(hex, sizeof hex, "a3%s0b82%s", SCOPE, ranges[_i].range);
	sx_vector_unhex(hex, &in);
	section = parse(SX_RAINS_SHARD, sx_vector_bytes(&in));
	ck_assert_int_eq(sx_rains_section_covers(&section, sx_bytes_text(ranges[_i].subject)),
		ranges[_i].covers);
}
END_TEST

START_TEST(the_drafts_query_is_read)
{
	struct sx_vector in;
	struct sx_vector expected;
	struct sx_rains_section query;

	unhex("a7 06612e 08686578616d706c652e 0a820e03 0cc11a6553f22c 0d8107 0e00 11820102", &in);
	query = parse(SX_RAINS_QUERY, sx_vector_bytes(&in));
	expect_text(query.name, "example.");
	ck_assert_int_eq(query.expires, 1700000300);
	ck_assert(sx_cbor_list_has(query.types, 3));
	ck_assert(sx_cbor_list_has(query.options, 7));
	ck_assert(sx_cbor_list_has(query.phases, 2));
	unhex("a7 06612e 08686578616d706c652e 0a820e03 0c1a6553f22c 0d8107 0e00 11820102",
		&expected);
	expect_written(&query, sx_vector_bytes(&expected));
}
END_TEST

static int64_t mutant_type;

static void parse_mutant(struct sx_bytes mutant)
{
	struct sx_rains_section section;
	struct sx_rains_section assertion;
	struct sx_reader walk;

	if (sx_rains_section_parse(&section, mutant_type, mutant) < 0) {
		return;
	}
	walk = sx_reader_of(section.content.items);
	while (sx_rains_next_contained(&walk, &section, &assertion)) {
	}
	ck_assert(sx_reader_ok(&walk));
}

START_TEST(mutations_never_leave_the_input)
{
	struct sx_vector in = vector_of((size_t)_i);

	mutant_type = vector_types[_i];
	sx_each_mutation(sx_vector_bytes(&in), parse_mutant);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_section");
	TCase *tcase = tcase_create("sections");

	tcase_add_loop_test(
		tcase, golden_sections_are_read_and_written, 0, (int)SX_COUNT(vector_types));
	tcase_add_test(tcase, an_assertion_has_its_objects);
	tcase_add_test(tcase, a_zone_has_its_assertions);
	tcase_add_loop_test(
		tcase, a_section_has_its_fields_or_is_refused, 0, (int)SX_COUNT(sections));
	tcase_add_test(tcase, a_field_of_more_than_255_bytes_is_no_name);
	tcase_add_loop_test(
		tcase, a_range_covers_what_lies_between_its_ends, 0, (int)SX_COUNT(ranges));
	tcase_add_test(tcase, the_drafts_query_is_read);
	tcase_add_loop_test(tcase, mutations_never_leave_the_input, 0, (int)SX_COUNT(vector_types));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
