/* SPDX-License-Identifier: MIT */
#include "alloc_fail.h"
#include "rains/trust.h"
#include "rains_maker.h"
#include "tap.h"

#define NOW   1800000000
#define SINCE (NOW - 1000)
#define UNTIL (NOW + 1000)
#define DAY   86400
#define ROOT  RAINS_ROOT_SEED
#define CHILD RAINS_EXAMPLE_SEED

static const uint8_t map_seed[16] = { 1 };
static struct sx_rains_anchors anchors;
static struct sx_rains_trust *trust;
static struct sx_rains_budget budget;
static struct sx_rains_verdict verdict;

static void add_anchor(const char *zone, int64_t phase)
{
	struct sx_rains_anchor *anchor = &anchors.items[anchors.count++];

	*anchor = (struct sx_rains_anchor){ .phase = phase, .until = SX_CBOR_TIME_MOST };
	anchor->zone.len = strlen(zone);
	memcpy(anchor->zone.data, zone, anchor->zone.len);
	anchor->context.len = 1;
	anchor->context.data[0] = '.';
	ck_assert_int_eq(sx_rains_public_key(rains_seed(ROOT).data, anchor->key), SX_OK);
}

static struct sx_rains_trust_config config_of(bool unsigned_ok)
{
	return (struct sx_rains_trust_config){ .anchors = &anchors,
		.unsigned_ok = unsigned_ok,
		.keys_most = 100,
		.validity_most = DAY,
		.seed = map_seed };
}

static void open_trust(bool unsigned_ok)
{
	struct sx_rains_trust_config config = config_of(unsigned_ok);

	sx_rains_trust_free(trust);
	ck_assert_int_eq(sx_rains_trust_new(&trust, &config), SX_OK);
}

static void begin(void)
{
	rains_make_begin();
	anchors.count = 0;
	add_anchor(".", 1);
	budget = (struct sx_rains_budget){ SX_RAINS_ANSWER_CHECKS, SX_RAINS_RESOLUTION_CHECKS };
	open_trust(false);
}

static void end(void)
{
	sx_rains_trust_free(trust);
	trust = NULL;
}

static int judge_at(const struct sx_rains_section *section, int64_t now)
{
	memset(&verdict, 0, sizeof verdict);
	return sx_rains_trust_judge(trust, section, now, &budget, &verdict);
}

static struct sx_rains_section signed_by(
	struct sx_rains_section section, uint8_t seed, int64_t phase)
{
	const struct rains_signer signer = { seed, phase, SINCE, UNTIL, false };

	return rains_signed(section, &signer, 1);
}

static void learn(const struct sx_rains_section *section)
{
	ck_assert_int_eq(judge_at(section, NOW), SX_OK);
	ck_assert_int_eq(sx_rains_trust_learn(trust, section, &verdict, NOW), SX_OK);
}

static void expect_need(const char *zone, int64_t phase)
{
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&verdict.need.zone), sx_bytes_text(zone)));
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&verdict.need.context), sx_bytes_text(".")));
	ck_assert_int_eq(verdict.need.phase, phase);
}

static void expect_reason(const char *text)
{
	ck_assert_msg(strstr(verdict.reason.text, text), "%s", verdict.reason.text);
}

START_TEST(golden_sections_are_believed_down_from_the_root)
{
	struct rains_vector vectors[RAINS_VECTORS];
	struct sx_rains_section sections[RAINS_VECTORS];

	for (size_t i = 0; i < RAINS_VECTORS; i++) {
		rains_vector_load(i, &vectors[i]);
		sections[i] =
			rains_section_of(vectors[i].type, sx_vector_bytes(&vectors[i].section));
	}
	ck_assert_int_eq(judge_at(&sections[2], NOW), SX_EAGAIN);
	expect_need("example.", 1);
	learn(&sections[0]);
	ck_assert_int_eq(judge_at(&sections[2], NOW), SX_EAGAIN);
	learn(&sections[1]);
	ck_assert_int_eq(judge_at(&sections[2], NOW), SX_OK);
	ck_assert_int_eq(verdict.since, RAINS_SINCE);
	ck_assert_int_eq(verdict.until, NOW + DAY);
	ck_assert_int_eq(judge_at(&sections[3], NOW), SX_EREFUSED); /* a label of 255 bytes */
	expect_reason("whose name, zone or context is none");
	ck_assert_int_eq(judge_at(&sections[4], NOW), SX_OK);
	ck_assert_int_eq(judge_at(&sections[5], NOW), SX_OK);
}
END_TEST

static const struct {
	int64_t since;
	int64_t until;
	int status;
	const char *reason;
} dates[] = {
	{ NOW - 10, NOW + 10, SX_OK, "" },
	{ NOW - 10, NOW + 1, SX_OK, "" },
	{ NOW - 10, NOW, SX_EEXPIRED, "expired 0 s ago" },
	{ NOW - 10, NOW - 5, SX_EEXPIRED,
		"assertion in zone .: the signature of key phase 1 expired 5 s ago" },
	{ NOW + 120, NOW + 500, SX_OK, "" },
	{ NOW + 121, NOW + 500, SX_EEXPIRED, "begins in 121 s only" },
	{ NOW + 10, NOW + 10, SX_EREFUSED, "ends before it begins" },
	{ NOW + 20, NOW + 10, SX_EREFUSED, "ends before it begins" },
};

START_TEST(a_signature_has_its_dates)
{
	const struct rains_signer signer = { ROOT, 1, dates[_i].since, dates[_i].until, false };
	struct sx_rains_section section =
		rains_signed(rains_assertion("a", ".", rains_text("t")), &signer, 1);

	ck_assert_int_eq(judge_at(&section, NOW), dates[_i].status);
	expect_reason(dates[_i].reason);
}
END_TEST

/* Up to three signatures; what comes of them together. */
static const struct {
	struct rains_signer signers[3];
	size_t count;
	int status;
	int64_t since;
	int64_t until;
	const char *reason;
} several[] = {
	{ { { .seed = 0 } }, 0, SX_EREFUSED, 0, 0, "it has no signature that could be checked" },
	{ { { ROOT, 1, NOW - 9, NOW - 1, false }, { ROOT, 1, NOW - 5, NOW + 5, false } }, 2, SX_OK,
		NOW - 5, NOW + 5, "" },
	{ { { ROOT, 1, NOW - 9, NOW + 1, false }, { ROOT, 1, NOW - 5, NOW + 5, false } }, 2, SX_OK,
		NOW - 9, NOW + 5, "" },
	{ { { ROOT, 1, NOW - 9, NOW + 1, false }, { ROOT, 1, NOW - 5, NOW + 5, true } }, 2,
		SX_EREFUSED, 0, 0, "signed by no root key that is trusted (rains.roots, --root)" },
	{ { { ROOT, 7, NOW - 9, NOW + 1, false } }, 1, SX_EREFUSED, 0, 0,
		"signed by no root key that is trusted (rains.roots, --root)" },
	{ { { ROOT, 7, NOW - 9, NOW + 1, false }, { ROOT, 1, NOW - 5, NOW + 5, false } }, 2, SX_OK,
		NOW - 5, NOW + 5, "" },
	{ { { CHILD, 1, NOW - 9, NOW + 1, false } }, 1, SX_EREFUSED, 0, 0,
		"signed by no root key that is trusted (rains.roots, --root)" },
	{ { { ROOT, 1, NOW - 9, NOW - 1, true }, { ROOT, 1, NOW - 5, NOW + 5, false } }, 2, SX_OK,
		NOW - 5, NOW + 5, "" },
};

START_TEST(several_signatures_are_judged_together)
{
	struct sx_rains_section section = rains_signed(
		rains_assertion("a", ".", rains_text("t")), several[_i].signers, several[_i].count);

	ck_assert_int_eq(judge_at(&section, NOW), several[_i].status);
	ck_assert_int_eq(verdict.since, several[_i].since);
	ck_assert_int_eq(verdict.until, several[_i].until);
	expect_reason(several[_i].reason);
}
END_TEST

/* One signature with these numbers in front of 64 bytes. */
static const struct {
	int64_t alg;
	int64_t space;
	size_t len;
	const char *reason;
} strange[] = {
	{ 2, 0, 64, "no signature that could be checked" },
	{ 99, 0, 64, "no signature that could be checked" },
	{ -1, 0, 64, "no signature that could be checked" },
	{ 1, 1, 64, "no signature that could be checked" },
	{ 1, 0, 63, "signed by no root key" },
	{ 1, 0, 0, "signed by no root key" },
	{ 1, 0, 64, "signed by no root key" },
};

START_TEST(a_strange_signature_does_not_help)
{
	static const uint8_t data[64] = { 0 };
	struct sx_rains_signature signature = { strange[_i].alg, strange[_i].space, 1, SINCE, UNTIL,
		sx_bytes_of(data, strange[_i].len) };
	struct sx_rains_section section = rains_assertion("a", ".", rains_text("t"));
	size_t start = rains_writer.at;

	sx_rains_signature_write(&rains_writer, &signature);
	section.signatures = (struct sx_cbor_list){ rains_made(start), 1 };
	section = rains_received(&section);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EREFUSED);
	expect_reason(strange[_i].reason);
}
END_TEST

START_TEST(a_key_is_good_while_its_delegation_is)
{
	const struct rains_signer early = { ROOT, 1, SINCE, NOW + 50, false };
	struct sx_rains_section delegation =
		rains_signed(rains_assertion("example", ".", rains_deleg(CHILD, 3)), &early, 1);
	struct sx_rains_section section =
		signed_by(rains_assertion("a", "example.", rains_text("t")), CHILD, 3);

	ck_assert_int_eq(judge_at(&section, NOW), SX_EAGAIN);
	expect_need("example.", 3);
	learn(&delegation);
	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
	ck_assert_int_eq(verdict.until, NOW + 50);
	ck_assert_int_eq(judge_at(&section, NOW + 49), SX_OK);
	ck_assert_int_eq(judge_at(&section, NOW + 50), SX_EAGAIN);
}
END_TEST

START_TEST(a_new_phase_is_asked_for_beside_the_old)
{
	struct sx_rains_section old =
		signed_by(rains_assertion("example", ".", rains_deleg(CHILD, 1)), ROOT, 1);
	struct sx_rains_section new =
		signed_by(rains_assertion("example", ".", rains_deleg(9, 2)), ROOT, 1);
	const struct rains_signer both[] = { { CHILD, 1, SINCE, UNTIL, false },
		{ 9, 2, SINCE, UNTIL, false } };
	struct sx_rains_section section =
		rains_signed(rains_assertion("a", "example.", rains_text("t")), both, 2);
	struct sx_rains_section only_new =
		rains_signed(rains_assertion("a", "example.", rains_text("t")), both + 1, 1);

	learn(&old);
	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
	ck_assert_int_eq(judge_at(&only_new, NOW), SX_EAGAIN);
	expect_need("example.", 2);
	learn(&new);
	ck_assert_int_eq(judge_at(&only_new, NOW), SX_OK);
}
END_TEST

START_TEST(the_parents_delegation_is_the_only_one)
{
	struct sx_rains_section parents =
		signed_by(rains_assertion("example", ".", rains_deleg(CHILD, 1)), ROOT, 1);
	struct sx_rains_section own =
		signed_by(rains_assertion("@", "example.", rains_deleg(9, 1)), CHILD, 1);
	struct sx_rains_section new_own =
		signed_by(rains_assertion("@", "example.", rains_deleg(9, 2)), CHILD, 1);
	struct sx_rains_section section =
		signed_by(rains_assertion("a", "example.", rains_text("t")), 9, 1);

	learn(&parents);
	learn(&own);
	learn(&new_own);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EREFUSED);
	section = signed_by(rains_assertion("a", "example.", rains_text("t")), 9, 2);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EAGAIN);
}
END_TEST

START_TEST(a_zone_with_an_anchor_is_an_island)
{
	struct sx_rains_section delegation =
		signed_by(rains_assertion("lab", ".", rains_deleg(9, 1)), ROOT, 1);
	struct sx_rains_section by_anchor =
		signed_by(rains_assertion("a", "lab.", rains_text("t")), ROOT, 1);
	struct sx_rains_section by_delegated =
		signed_by(rains_assertion("a", "lab.", rains_text("t")), 9, 1);

	add_anchor("lab.", 1);
	open_trust(false);
	learn(&delegation);
	ck_assert_int_eq(judge_at(&by_anchor, NOW), SX_OK);
	ck_assert_int_eq(judge_at(&by_delegated, NOW), SX_EREFUSED);
}
END_TEST

START_TEST(what_no_anchor_stands_above_is_not_asked_for)
{
	struct sx_rains_section section =
		signed_by(rains_assertion("a", "example.", rains_text("t")), CHILD, 1);

	anchors.count = 0;
	add_anchor("lab.", 1);
	open_trust(false);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EREFUSED);
	expect_reason("no root key stands above it");
}
END_TEST

START_TEST(an_anchor_has_its_dates)
{
	struct sx_rains_section section =
		signed_by(rains_assertion("a", ".", rains_text("t")), ROOT, 1);

	anchors.items[0].since = NOW - 10;
	anchors.items[0].until = NOW + 10;
	open_trust(false);
	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
	ck_assert_int_eq(verdict.until, NOW + 10);
	ck_assert_int_eq(judge_at(&section, NOW + 10), SX_EEXPIRED);
	expect_reason("its root key is outside its dates");
	ck_assert_int_eq(judge_at(&section, NOW - 131), SX_EEXPIRED);
}
END_TEST

START_TEST(a_weak_key_is_not_learned)
{
	static const uint8_t zeros[SX_RAINS_KEY_BYTES] = { 0 };
	struct sx_rains_object object = { .type = SX_RAINS_DELEG,
		.key = { .alg = 1, .phase = 1, .data = sx_bytes_of(zeros, sizeof zeros) } };
	struct sx_rains_section delegation =
		signed_by(rains_assertion("example", ".", rains_object(&object)), ROOT, 1);
	struct sx_rains_section section =
		signed_by(rains_assertion("a", "example.", rains_text("t")), CHILD, 1);

	learn(&delegation);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EAGAIN);
	object.key.alg = 2;
	object.key.data = rains_made_key(CHILD);
	delegation = signed_by(rains_assertion("example", ".", rains_object(&object)), ROOT, 1);
	learn(&delegation);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EAGAIN);
}
END_TEST

START_TEST(checks_are_counted_and_good_ones_remembered)
{
	struct sx_rains_section section =
		signed_by(rains_assertion("a", ".", rains_text("t")), ROOT, 1);
	const struct rains_signer forger = { ROOT, 1, SINCE, UNTIL, true };
	struct sx_rains_section forged =
		rains_signed(rains_assertion("b", ".", rains_text("t")), &forger, 1);

	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
	ck_assert_uint_eq(budget.answer, SX_RAINS_ANSWER_CHECKS - 1);
	ck_assert_uint_eq(budget.resolution, SX_RAINS_RESOLUTION_CHECKS - 1);
	for (unsigned i = 1; i < SX_RAINS_ANSWER_CHECKS; i++) {
		ck_assert_int_eq(judge_at(&forged, NOW), SX_EREFUSED);
	}
	ck_assert_int_eq(judge_at(&forged, NOW), SX_ELIMIT);
	expect_reason("too many signatures to check");
	ck_assert_int_eq(judge_at(&section, NOW), SX_OK);
}
END_TEST

START_TEST(unsigned_sections_are_for_labs)
{
	struct sx_rains_section plain = rains_assertion("a", ".", rains_text("t"));
	struct sx_rains_section foreign =
		signed_by(rains_assertion("a", "example.", rains_text("t")), CHILD, 1);
	const struct rains_signer forger = { ROOT, 1, SINCE, UNTIL, true };
	struct sx_rains_section forged =
		rains_signed(rains_assertion("a", ".", rains_text("t")), &forger, 1);

	plain = rains_received(&plain);
	ck_assert_int_eq(judge_at(&plain, NOW), SX_EREFUSED);
	open_trust(true);
	ck_assert_int_eq(judge_at(&plain, NOW), SX_OK);
	ck_assert_int_eq(verdict.until, NOW + DAY);
	ck_assert_int_eq(judge_at(&forged, NOW), SX_EREFUSED);
	anchors.count = 0;
	open_trust(true);
	ck_assert_int_eq(judge_at(&foreign, NOW), SX_OK);
}
END_TEST

static const struct {
	enum sx_rains_section_type type;
	const char *subject;
	const char *zone;
	const char *context;
} unnamed[] = {
	{ SX_RAINS_ASSERTION, "a", "example", "." },
	{ SX_RAINS_ASSERTION, "a", "", "." },
	{ SX_RAINS_ASSERTION, "a\nb", ".", "." },
	{ SX_RAINS_ASSERTION, "", ".", "." },
	{ SX_RAINS_ASSERTION, "a", ".", "" },
	{ SX_RAINS_ASSERTION, "a", ".", "any" },
	{ SX_RAINS_ZONE, "", "exa mple.", "." },
	{ SX_RAINS_QUERY, "", ".", "." },
};

START_TEST(a_section_without_a_name_is_refused)
{
	struct sx_rains_section section = { .type = unnamed[_i].type,
		.subject = sx_bytes_text(unnamed[_i].subject),
		.zone = sx_bytes_text(unnamed[_i].zone),
		.context = sx_bytes_text(unnamed[_i].context) };

	open_trust(true);
	ck_assert_int_eq(judge_at(&section, NOW), SX_EREFUSED);
	expect_reason("none");
}
END_TEST

static struct rains_vector mutated;

static void expect_unbelieved(struct sx_bytes mutant)
{
	struct sx_rains_section section;

	if (sx_bytes_equal(mutant, sx_vector_bytes(&mutated.section)) ||
		sx_cbor_check(mutant, 65536) < 0 ||
		sx_rains_section_parse(&section, mutated.type, mutant) < 0) {
		return;
	}
	budget.answer = SX_RAINS_ANSWER_CHECKS;
	budget.resolution = SX_RAINS_RESOLUTION_CHECKS;
	ck_assert_int_lt(judge_at(&section, NOW), 0);
}

START_TEST(no_mutation_of_a_delegation_is_believed)
{
	rains_vector_load((size_t)_i, &mutated);
	sx_each_mutation(sx_vector_bytes(&mutated.section), expect_unbelieved);
}
END_TEST

static int make_trust(void *arg)
{
	const struct sx_rains_trust_config *config = arg;
	struct sx_rains_trust *made;
	int rc = sx_rains_trust_new(&made, config);

	if (rc == SX_OK) {
		sx_rains_trust_free(made);
	}
	return rc;
}

START_TEST(trust_without_memory_is_refused)
{
	struct sx_rains_trust_config config = config_of(false);

	ck_assert_uint_gt(sx_each_allocation_fails(make_trust, &config), 0);
	sx_rains_trust_free(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_trust");
	TCase *tcase = tcase_create("trust");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, golden_sections_are_believed_down_from_the_root);
	tcase_add_loop_test(tcase, a_signature_has_its_dates, 0, (int)SX_COUNT(dates));
	tcase_add_loop_test(
		tcase, several_signatures_are_judged_together, 0, (int)SX_COUNT(several));
	tcase_add_loop_test(tcase, a_strange_signature_does_not_help, 0, (int)SX_COUNT(strange));
	tcase_add_test(tcase, a_key_is_good_while_its_delegation_is);
	tcase_add_test(tcase, a_new_phase_is_asked_for_beside_the_old);
	tcase_add_test(tcase, the_parents_delegation_is_the_only_one);
	tcase_add_test(tcase, a_zone_with_an_anchor_is_an_island);
	tcase_add_test(tcase, what_no_anchor_stands_above_is_not_asked_for);
	tcase_add_test(tcase, an_anchor_has_its_dates);
	tcase_add_test(tcase, a_weak_key_is_not_learned);
	tcase_add_test(tcase, checks_are_counted_and_good_ones_remembered);
	tcase_add_test(tcase, unsigned_sections_are_for_labs);
	tcase_add_loop_test(tcase, a_section_without_a_name_is_refused, 0, (int)SX_COUNT(unnamed));
	tcase_add_loop_test(tcase, no_mutation_of_a_delegation_is_believed, 0, 2);
	tcase_add_test(tcase, trust_without_memory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
