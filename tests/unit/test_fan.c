/* SPDX-License-Identifier: MIT */
/* What goes to many: written once, in order, in one batch for each sink. */
#include <string.h>

#include "alloc_fail.h"
#include "base/live.h"
#include "sx.h"
#include "tap.h"

static struct sx_fan *fan;

static void start(void)
{
	ck_assert_int_eq(sx_fan_new(&fan), SX_OK);
}

static void stop(void)
{
	sx_fan_free(fan);
	ck_assert_uint_eq(sx_live_count(), 0);
}

static sx_handle form_of(const char *head, const char *tail, uint32_t marks)
{
	const struct sx_fan_form form = { sizeof form, marks, head, strlen(head), tail,
		strlen(tail) };
	sx_handle handle;

	ck_assert_int_eq(sx_fan_form_new(fan, &form, &handle), SX_OK);
	return handle;
}

static sx_handle address_of(const char *to, sx_handle beside)
{
	sx_handle handle;

	ck_assert_int_eq(sx_fan_address_new(fan, to, strlen(to), beside, &handle), SX_OK);
	return handle;
}

static void put(sx_handle form, sx_handle address)
{
	ck_assert_int_eq(sx_fan_put(fan, form, address, 0), SX_OK);
}

/* What a batch writes, in pieces of at most `most` bytes, with "|" between. */
static const char *written(const struct sx_fan_batch *batch, uint64_t most)
{
	static char out[1024];
	struct sx_fan_piece piece = { .first = 0 };
	size_t len = 0;

	while (sx_fan_measure(fan, batch->batch, most, &piece) == SX_OK) {
		ck_assert_uint_lt(len + piece.bytes + 2, sizeof out);
		if (len > 0) {
			out[len++] = '|';
		}
		ck_assert_int_eq(sx_fan_write(fan, batch->batch, &piece, out + len), SX_OK);
		len += piece.bytes;
		piece.first += piece.count;
	}
	out[len] = '\0';
	return out;
}

static const char *next(void)
{
	struct sx_fan_batch batch;
	const char *text;

	if (sx_fan_next(fan, &batch) < 0) {
		return "";
	}
	text = written(&batch, UINT64_MAX);
	ck_assert_uint_eq(batch.bytes, strlen(text));
	ck_assert_int_eq(sx_fan_done(fan, batch.batch), SX_OK);
	return text;
}

START_TEST(what_waits_for_a_sink_leaves_together_in_the_order_of_first_mention)
{
	sx_handle hello = form_of("<m to='", "'>hello</m>", 0), bye = form_of("<p to='", "'/>", 0);
	sx_handle romeo = address_of("romeo", 0), juliet = address_of("juliet", 0);

	put(hello, romeo);
	put(hello, juliet);
	put(bye, romeo);
	ck_assert_str_eq(next(), "<m to='romeo'>hello</m><p to='romeo'/>");
	ck_assert_str_eq(next(), "<m to='juliet'>hello</m>");
	ck_assert_str_eq(next(), "");
}
END_TEST

START_TEST(addresses_beside_each_other_share_a_sink)
{
	sx_handle form = form_of("<", ">", 0), server = address_of("b.example", 0);
	sx_handle one = address_of("u1@b.example", server), two = address_of("u2@b.example", one);

	put(form, two);
	put(form, one);
	ck_assert_str_eq(next(), "<u2@b.example><u1@b.example>");
	ck_assert_int_eq(sx_fan_address_free(fan, server), SX_EAGAIN);
	ck_assert_int_eq(sx_fan_address_free(fan, one), SX_OK);
	ck_assert_int_eq(sx_fan_address_free(fan, two), SX_OK);
	ck_assert_int_eq(sx_fan_address_free(fan, server), SX_OK);
	ck_assert_int_eq(sx_fan_address_free(fan, server), SX_ESTALE);
	ck_assert_int_eq(sx_fan_put(fan, form, one, 0), SX_ESTALE);
}
END_TEST

START_TEST(bulk_leaves_after_the_rest_unless_something_else_joins_it)
{
	sx_handle form = form_of("", " ", 0);
	sx_handle a = address_of("a", 0), b = address_of("b", 0), c = address_of("c", 0);

	ck_assert_int_eq(sx_fan_put(fan, form, a, 1), SX_OK);
	ck_assert_int_eq(sx_fan_put(fan, form, b, 1), SX_OK);
	put(form, c);
	put(form, b);
	ck_assert_str_eq(next(), "c ");
	ck_assert_str_eq(next(), "b b ");
	ck_assert_str_eq(next(), "a ");
}
END_TEST

START_TEST(a_held_sink_has_no_turn_until_it_is_let_go)
{
	sx_handle form = form_of("", " ", 0), a = address_of("a", 0), b = address_of("b", 0);
	struct sx_fan_batch batch;

	put(form, a);
	ck_assert_int_eq(sx_fan_hold(fan, a, 1), SX_OK);
	put(form, a);
	put(form, b);
	ck_assert_int_eq(sx_fan_look(fan, a, &batch), SX_OK);
	ck_assert_uint_eq(batch.count, 2);
	ck_assert_uint_eq(batch.bytes, 4);
	ck_assert_str_eq(next(), "b ");
	ck_assert_str_eq(next(), "");
	ck_assert_int_eq(sx_fan_hold(fan, a, 0), SX_OK);
	ck_assert_str_eq(next(), "a a ");
	ck_assert_int_eq(sx_fan_look(fan, a, &batch), SX_EAGAIN);
}
END_TEST

START_TEST(a_sink_is_taken_out_of_turn_and_queues_anew_meanwhile)
{
	sx_handle form = form_of("", " ", 0), a = address_of("a", 0);
	struct sx_fan_batch batch;

	put(form, a);
	ck_assert_int_eq(sx_fan_take(fan, a, &batch), SX_OK);
	ck_assert_int_eq(sx_fan_take(fan, a, &batch), SX_EAGAIN);
	put(form, a);
	put(form, a);
	ck_assert_str_eq(written(&batch, UINT64_MAX), "a ");
	ck_assert_int_eq(sx_fan_address_free(fan, a), SX_EAGAIN);
	ck_assert_int_eq(sx_fan_done(fan, batch.batch), SX_OK);
	ck_assert_int_eq(sx_fan_done(fan, batch.batch), SX_ESTALE);
	ck_assert_str_eq(next(), "a a ");
}
END_TEST

START_TEST(what_a_batch_has_left_comes_back_to_the_front)
{
	sx_handle form = form_of("", " ", 0), a = address_of("a", 0), b = address_of("b", 0);
	struct sx_fan_batch batch;

	put(form, a);
	put(form, a);
	put(form, a);
	ck_assert_int_eq(sx_fan_next(fan, &batch), SX_OK);
	ck_assert_int_eq(sx_fan_give_back(fan, batch.batch, 3), SX_ENOTFOUND);
	put(form, b);
	ck_assert_int_eq(sx_fan_hold(fan, a, 1), SX_OK);
	ck_assert_int_eq(sx_fan_give_back(fan, batch.batch, 1), SX_OK);
	ck_assert_int_eq(sx_fan_give_back(fan, batch.batch, 1), SX_ESTALE);
	ck_assert_str_eq(next(), "b ");
	ck_assert_str_eq(next(), "");
	ck_assert_int_eq(sx_fan_hold(fan, a, 0), SX_OK);
	ck_assert_str_eq(next(), "a a ");
}
END_TEST

START_TEST(a_batch_says_what_is_in_it_and_is_written_in_pieces)
{
	sx_handle small = form_of("", "12", 1), large = form_of("", "123456789", 4);
	sx_handle a = address_of("a", 0), form, address;
	struct sx_fan_batch batch;

	put(small, a);
	put(small, a);
	put(large, a);
	put(small, a);
	ck_assert_int_eq(sx_fan_next(fan, &batch), SX_OK);
	ck_assert_uint_eq(batch.sink, a);
	ck_assert_uint_eq(batch.count, 4);
	ck_assert_uint_eq(batch.marks, 5);
	ck_assert_uint_eq(batch.largest, 10);
	ck_assert_str_eq(written(&batch, 7), "a12a12|a123456789|a12");
	ck_assert_int_eq(sx_fan_entry(fan, batch.batch, 2, &form, &address), SX_OK);
	ck_assert_uint_eq(form, large);
	ck_assert_uint_eq(address, a);
	ck_assert_int_eq(sx_fan_entry(fan, batch.batch, 4, &form, &address), SX_ENOTFOUND);
}
END_TEST

START_TEST(forms_live_as_long_as_they_are_needed)
{
	sx_handle one = form_of("one", "", 0), two = form_of("two", "", 0), a = address_of("a", 0);
	struct sx_fan_state state;
	sx_handle gone;

	put(one, a);
	ck_assert_int_eq(sx_fan_reap(fan, 3, &gone), SX_EAGAIN);
	ck_assert_int_eq(sx_fan_reap(fan, 0, &gone), SX_OK);
	ck_assert_uint_eq(gone, two);
	ck_assert_int_eq(sx_fan_put(fan, two, a, 0), SX_ESTALE);
	ck_assert_int_eq(sx_fan_reap(fan, 0, &gone), SX_EAGAIN);
	ck_assert_str_eq(next(), "onea");
	ck_assert_int_eq(sx_fan_reap(fan, 0, &gone), SX_OK);
	ck_assert_uint_eq(gone, one);
	ck_assert_int_eq(sx_fan_state(fan, &state), SX_OK);
	ck_assert_uint_eq(state.bytes + state.entries + state.batches + state.forms, 0);
	ck_assert_uint_eq(state.addresses, 1);
}
END_TEST

START_TEST(invented_handles_are_stale)
{
	static const sx_handle invented[] = { 0, 1, 1ULL << 24, 1ULL << 52, UINT64_MAX };
	sx_handle handle = invented[_i], out;
	struct sx_fan_batch batch;
	struct sx_fan_piece piece = { .first = 0 };
	char text[1];

	ck_assert_int_eq(sx_fan_address_free(fan, handle), SX_ESTALE);
	ck_assert_int_eq(sx_fan_put(fan, handle, handle, 0), SX_ESTALE);
	ck_assert_int_eq(sx_fan_take(fan, handle, &batch), SX_EAGAIN);
	ck_assert_int_eq(sx_fan_look(fan, handle, &batch), SX_EAGAIN);
	ck_assert_int_eq(sx_fan_hold(fan, handle, 1), SX_ESTALE);
	ck_assert_int_eq(sx_fan_entry(fan, handle, 0, &out, &out), SX_ESTALE);
	ck_assert_int_eq(sx_fan_measure(fan, handle, 1, &piece), SX_ESTALE);
	ck_assert_int_eq(sx_fan_write(fan, handle, &piece, text), SX_ESTALE);
	ck_assert_int_eq(sx_fan_done(fan, handle), SX_ESTALE);
	ck_assert_int_eq(sx_fan_send(fan, handle, &piece, NULL, 0), SX_ESTALE);
	ck_assert_int_eq(sx_fan_give_back(fan, handle, 0), SX_ESTALE);
	if (handle != 0) {
		ck_assert_int_eq(sx_fan_address_new(fan, "x", 1, handle, &out), SX_ESTALE);
	}
}
END_TEST

START_TEST(a_piece_beyond_the_batch_is_not_written)
{
	static const struct sx_fan_piece pieces[] = { { 0, 3, 0 }, { 1, 2, 0 }, { 2, 1, 0 },
		{ UINT32_MAX, 1, 0 }, { 1, UINT32_MAX, 0 } };
	sx_handle form = form_of("", " ", 0), a = address_of("a", 0);
	struct sx_fan_batch batch;
	char text[8];

	put(form, a);
	put(form, a);
	ck_assert_int_eq(sx_fan_next(fan, &batch), SX_OK);
	ck_assert_int_eq(sx_fan_write(fan, batch.batch, &pieces[_i], text), SX_ENOTFOUND);
}
END_TEST

/* Everything once; frees what it made. */
static int use(void *arg)
{
	const struct sx_fan_form text = { sizeof text, 0, "<", 1, ">", 1 };
	struct sx_fan *mine = NULL;
	sx_handle form, address, other;
	int rc = sx_fan_new(&mine);

	(void)arg;
	if (rc == SX_OK) {
		rc = sx_fan_form_new(mine, &text, &form);
	}
	if (rc == SX_OK) {
		rc = sx_fan_address_new(mine, "a", 1, 0, &address);
	}
	if (rc == SX_OK) {
		rc = sx_fan_address_new(mine, "b", 1, address, &other);
	}
	for (int i = 0; rc == SX_OK && i < 9; i++) {
		rc = sx_fan_put(mine, form, i % 2 ? address : other, 0);
	}
	sx_fan_free(mine);
	return rc;
}

START_TEST(memory_that_is_short_fails_cleanly)
{
	ck_assert_uint_gt(sx_each_allocation_fails(use, NULL), 7);
}
END_TEST

START_TEST(queues_of_any_length_are_given_back)
{
	sx_handle form = form_of("", " ", 0);
	struct sx_fan_state state;
	sx_handle gone;

	for (int i = 0; i < 1100; i++) {
		sx_handle address = address_of("a", 0);

		for (int k = 0; k <= i % 90; k++) {
			put(form, address);
		}
	}
	ck_assert_int_eq(sx_fan_state(fan, &state), SX_OK);
	ck_assert_uint_eq(state.batches, 1100);
	while (*next()) {
	}
	ck_assert_int_eq(sx_fan_reap(fan, 0, &gone), SX_OK);
	ck_assert_int_eq(sx_fan_state(fan, &state), SX_OK);
	ck_assert_uint_eq(state.bytes + state.entries + state.batches + state.forms, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("fan");
	TCase *tc = tcase_create("fan");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, what_waits_for_a_sink_leaves_together_in_the_order_of_first_mention);
	tcase_add_test(tc, addresses_beside_each_other_share_a_sink);
	tcase_add_test(tc, bulk_leaves_after_the_rest_unless_something_else_joins_it);
	tcase_add_test(tc, a_held_sink_has_no_turn_until_it_is_let_go);
	tcase_add_test(tc, a_sink_is_taken_out_of_turn_and_queues_anew_meanwhile);
	tcase_add_test(tc, what_a_batch_has_left_comes_back_to_the_front);
	tcase_add_test(tc, a_batch_says_what_is_in_it_and_is_written_in_pieces);
	tcase_add_test(tc, forms_live_as_long_as_they_are_needed);
	tcase_add_loop_test(tc, invented_handles_are_stale, 0, 5);
	tcase_add_loop_test(tc, a_piece_beyond_the_batch_is_not_written, 0, 5);
	tcase_add_test(tc, memory_that_is_short_fails_cleanly);
	tcase_add_test(tc, queues_of_any_length_are_given_back);
	suite_add_tcase(suite, tc);
	return suite;
}

SX_TAP_MAIN(suite)
