/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "alloc_fail.h"
#include "base/heap.h"
#include "cache.h"
#include "tap.h"

#define SECOND 1000000000ULL
#define ROOMY  1000000

static struct sx_cache *cache;

static void open_roomy(void)
{
	ck_assert_int_eq(sx_cache_new(&cache, ROOMY), SX_OK);
}

static void close_it(void)
{
	sx_cache_free(cache);
}

static struct sx_cache_key key_of(uint8_t kind, const char *name)
{
	return (struct sx_cache_key){ kind, sx_bytes_text(name) };
}

/* An answer of 10 s from `now_ns` on, its value being `text`. */
static int put(const char *name, int status, const char *text, uint64_t now_ns)
{
	struct sx_cache_answer answer = {
		.status = status,
		.stored_ns = now_ns,
		.expires_ns = now_ns + 10 * SECOND,
	};
	int rc;

	ck_assert_int_eq(sx_buf_new(&answer.value, strlen(text)), SX_OK);
	(void)sx_buf_append(answer.value, sx_bytes_text(text));
	rc = sx_cache_put(cache, key_of(1, name), &answer, sx_cache_generation(cache));
	sx_buf_unref(answer.value);
	return rc;
}

static void expect(const char *name, uint64_t now_ns, const char *text)
{
	const struct sx_cache_answer *found = sx_cache_find(cache, key_of(1, name), now_ns);

	if (!text) {
		ck_assert_ptr_null(found);
		return;
	}
	ck_assert_ptr_nonnull(found);
	ck_assert(sx_bytes_equal(
		sx_bytes_of(found->value->data, found->value->len), sx_bytes_text(text)));
}

static struct sx_cache_stats stats(void)
{
	struct sx_cache_stats out;

	sx_cache_stats(cache, &out);
	return out;
}

START_TEST(an_answer_is_found_until_it_expires)
{
	struct sx_cache_answer none = { .status = SX_ENOTFOUND, .expires_ns = SECOND };

	ck_assert_int_eq(put("a.example.org", SX_OK, "first", 0), SX_OK);
	ck_assert_int_eq(sx_cache_put(cache, key_of(2, "a.example.org"), &none, 0), SX_OK);
	expect("a.example.org", 0, "first");
	expect("a.example.org", 10 * SECOND - 1, "first");
	expect("a.example.org", 10 * SECOND, NULL);
	expect("A.example.org", 0, NULL);
	expect("", 0, NULL);
	ck_assert_int_eq(put("a.example.org", SX_OK, "second", 10 * SECOND), SX_OK);
	expect("a.example.org", 11 * SECOND, "second");
	ck_assert_int_eq(sx_cache_find(cache, key_of(2, "a.example.org"), 0)->status, SX_ENOTFOUND);
	ck_assert_uint_eq(stats().entries, 2);
	ck_assert_uint_eq(stats().hits, 4);
	ck_assert_uint_eq(stats().misses, 3);
	ck_assert_uint_eq(stats().evictions, 0);
}
END_TEST

START_TEST(a_failure_replaces_no_valid_answer)
{
	ck_assert_int_eq(put("a", SX_OK, "good", 0), SX_OK);
	ck_assert_int_eq(put("a", SX_ETIMEDOUT, "bad", SECOND), SX_OK);
	expect("a", 2 * SECOND, "good");
	ck_assert_int_eq(put("a", SX_ETIMEDOUT, "bad", 10 * SECOND), SX_OK);
	expect("a", 11 * SECOND, "bad");
	ck_assert_int_eq(put("a", SX_EREFUSED, "worse", 11 * SECOND), SX_OK);
	expect("a", 11 * SECOND, "worse");
	ck_assert_int_eq(put("a", SX_ENOTFOUND, "none", 12 * SECOND), SX_OK);
	ck_assert_int_eq(put("a", SX_ETIMEDOUT, "bad", 12 * SECOND), SX_OK);
	expect("a", 12 * SECOND, "none");
	ck_assert_int_eq(put("a", SX_OK, "good", 13 * SECOND), SX_OK);
	expect("a", 13 * SECOND, "good");
}
END_TEST

START_TEST(a_flush_forgets_and_refuses_what_was_asked_before)
{
	struct sx_cache_answer answer = { .status = SX_OK, .expires_ns = 10 * SECOND };
	uint64_t before = sx_cache_generation(cache);

	ck_assert_int_eq(put("a", SX_OK, "x", 0), SX_OK);
	sx_cache_flush(cache);
	expect("a", 0, NULL);
	ck_assert_uint_eq(stats().entries, 0);
	ck_assert_uint_eq(stats().bytes, 0);
	ck_assert_uint_eq(sx_cache_due_ns(cache), SX_NEVER);
	ck_assert_int_eq(sx_cache_put(cache, key_of(1, "a"), &answer, before), SX_ESTALE);
	ck_assert_int_eq(put("a", SX_OK, "y", 0), SX_OK);
	expect("a", 0, "y");
}
END_TEST

START_TEST(a_value_outlives_its_entry_by_a_reference)
{
	struct sx_buf *value;

	ck_assert_int_eq(put("a", SX_OK, "kept", 0), SX_OK);
	value = sx_buf_ref(sx_cache_find(cache, key_of(1, "a"), 0)->value);
	sx_cache_flush(cache);
	ck_assert(sx_bytes_equal(sx_bytes_of(value->data, value->len), sx_bytes_text("kept")));
	sx_buf_unref(value);
}
END_TEST

START_TEST(what_is_used_and_old_is_due_once)
{
	struct sx_cache_key due;

	ck_assert_int_eq(put("used", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("unused", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("late", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("none", SX_ENOTFOUND, "", 0), SX_OK);
	expect("used", SECOND, "x");
	expect("none", SECOND, "");
	ck_assert_uint_eq(sx_cache_due_ns(cache), 8 * SECOND);
	ck_assert_int_eq(sx_cache_due(cache, 8 * SECOND - 1, &due), SX_EAGAIN);
	ck_assert_int_eq(sx_cache_due(cache, 8 * SECOND, &due), SX_OK);
	ck_assert_uint_eq(due.kind, 1);
	ck_assert(sx_bytes_equal(due.name, sx_bytes_text("used")));
	ck_assert_int_eq(sx_cache_due(cache, 8 * SECOND, &due), SX_EAGAIN);
	ck_assert_uint_eq(sx_cache_due_ns(cache), SX_NEVER);
	expect("used", 9 * SECOND, "x");
	expect("late", 9 * SECOND, "x");
	ck_assert_uint_eq(sx_cache_due_ns(cache), 9 * SECOND);
	ck_assert_int_eq(sx_cache_due(cache, 9 * SECOND, &due), SX_OK);
	ck_assert(sx_bytes_equal(due.name, sx_bytes_text("late")));
	ck_assert_int_eq(sx_cache_due(cache, 9 * SECOND, &due), SX_EAGAIN);
	ck_assert_int_eq(put("used", SX_OK, "y", 9 * SECOND), SX_OK); /* unused again */
	ck_assert_int_eq(sx_cache_due(cache, 18 * SECOND, &due), SX_EAGAIN);
}
END_TEST

START_TEST(what_is_due_too_late_is_not_told)
{
	struct sx_cache_key due;

	ck_assert_int_eq(put("a", SX_OK, "x", 0), SX_OK);
	expect("a", 0, "x");
	ck_assert_int_eq(sx_cache_due(cache, 10 * SECOND, &due), SX_EAGAIN);
}
END_TEST

START_TEST(the_longest_unused_goes_when_room_is_needed)
{
	size_t one;

	ck_assert_int_eq(put("a", SX_OK, "x", 0), SX_OK);
	one = stats().bytes;
	ck_assert_uint_gt(one, 100); /* bookkeeping counts */
	sx_cache_free(cache);
	ck_assert_int_eq(sx_cache_new(&cache, 3 * one), SX_OK);
	ck_assert_int_eq(put("a", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("b", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("c", SX_OK, "x", 0), SX_OK);
	expect("a", 0, "x");
	ck_assert_int_eq(put("d", SX_OK, "x", 0), SX_OK);
	expect("b", 0, NULL);
	expect("a", 0, "x");
	expect("c", 0, "x");
	expect("d", 0, "x");
	ck_assert_int_eq(put("e", SX_OK, "a value that is a little larger", 0), SX_OK);
	ck_assert_uint_eq(stats().entries, 2);
	ck_assert_uint_eq(stats().evictions, 3);
	ck_assert_uint_le(stats().bytes, 3 * one);
	expect("a", 0, NULL);
	expect("e", 0, "a value that is a little larger");
}
END_TEST

START_TEST(what_cannot_be_kept_is_refused_and_harms_nothing)
{
	static char large[ROOMY];
	struct sx_cache_answer answer = { .status = SX_OK, .expires_ns = SECOND };
	uint8_t name[SX_CACHE_NAME_MOST + 1] = { 0 };
	struct sx_cache_key key = { 1, sx_bytes_of(name, sizeof name) };

	memset(large, 'x', sizeof large - 1);
	ck_assert_int_eq(put("a", SX_OK, "x", 0), SX_OK);
	ck_assert_int_eq(put("a", SX_OK, large, 0), SX_ELIMIT);
	ck_assert_int_eq(sx_cache_put(cache, key, &answer, 0), SX_EINVAL);
	ck_assert_ptr_null(sx_cache_find(cache, key, 0));
	key.name.len--;
	ck_assert_int_eq(sx_cache_put(cache, key, &answer, 0), SX_OK);
	ck_assert_ptr_nonnull(sx_cache_find(cache, key, 0));
	expect("a", 0, "x");
	sx_cache_free(NULL);
}
END_TEST

static int put_one(void *arg)
{
	struct sx_cache_answer answer = { .status = SX_OK, .expires_ns = SECOND };

	(void)arg;
	return sx_cache_put(cache, key_of(1, "one"), &answer, sx_cache_generation(cache));
}

static int make_cache(void *arg)
{
	struct sx_cache *made;
	int rc = sx_cache_new(&made, ROOMY);

	(void)arg;
	if (rc == SX_OK) {
		sx_cache_free(made);
	}
	return rc;
}

START_TEST(without_memory_nothing_changes)
{
	ck_assert_uint_gt(sx_each_allocation_fails(make_cache, NULL), 0);
	ck_assert_uint_gt(sx_each_allocation_fails(put_one, NULL), 0);
	ck_assert_uint_eq(stats().entries, 1);
}
END_TEST

/* A flood of names that are never asked for again stays within the bound. */
START_TEST(a_flood_is_bounded)
{
	char name[64];

	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof name, "host-%u.example.org", i);
		ck_assert_int_eq(put(name, SX_ENOTFOUND, "", i), SX_OK);
	}
	ck_assert_uint_le(stats().bytes, ROOMY);
	ck_assert_uint_eq(stats().entries + stats().evictions, 20000);
	expect("host-19999.example.org", 20000, "");
	expect("host-0.example.org", 20000, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache");
	TCase *tcase = tcase_create("answers");

	tcase_add_checked_fixture(tcase, open_roomy, close_it);
	tcase_add_test(tcase, an_answer_is_found_until_it_expires);
	tcase_add_test(tcase, a_failure_replaces_no_valid_answer);
	tcase_add_test(tcase, a_flush_forgets_and_refuses_what_was_asked_before);
	tcase_add_test(tcase, a_value_outlives_its_entry_by_a_reference);
	tcase_add_test(tcase, what_is_used_and_old_is_due_once);
	tcase_add_test(tcase, what_is_due_too_late_is_not_told);
	tcase_add_test(tcase, the_longest_unused_goes_when_room_is_needed);
	tcase_add_test(tcase, what_cannot_be_kept_is_refused_and_harms_nothing);
	tcase_add_test(tcase, without_memory_nothing_changes);
	tcase_add_test(tcase, a_flood_is_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
