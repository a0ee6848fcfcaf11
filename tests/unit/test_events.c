/* SPDX-License-Identifier: MIT */
#include "events.h"
#include "tap.h"

static struct sx_channel channel_of(sx_handle handle)
{
	return (struct sx_channel){ .handle = handle, .udata = handle * 10 };
}

START_TEST(a_stream_tells_bytes_before_fin_before_close)
{
	struct sx_events events;
	struct sx_channel one = channel_of(1), *told;
	struct sx_event event;
	static const uint32_t order[] = { SX_EVENT_ACCEPT, SX_EVENT_READABLE, SX_EVENT_FINISH, SX_EVENT_CLOSE };

	sx_events_init(&events);
	sx_list_init(&one.link);
	sx_events_add(&events, &one, SX_EVENT_CLOSE);
	sx_events_add(&events, &one, SX_EVENT_FINISH);
	sx_events_add(&events, &one, SX_EVENT_READABLE);
	sx_events_add(&events, &one, SX_EVENT_ACCEPT);
	for (size_t i = 0; i < SX_COUNT(order); i++) {
		ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_OK);
		ck_assert_ptr_eq(told, &one);
		ck_assert_uint_eq(event.kind, order[i]);
		ck_assert_uint_eq(event.udata, 10);
	}
	ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_EAGAIN);
}
END_TEST

START_TEST(an_event_is_told_once_however_often_it_is_noted)
{
	struct sx_events events;
	struct sx_channel one = channel_of(1), *told;
	struct sx_event event;

	sx_events_init(&events);
	sx_list_init(&one.link);
	for (int i = 0; i < 1000; i++) {
		sx_events_add(&events, &one, SX_EVENT_READABLE);
	}
	ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_OK);
	ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_EAGAIN);
}
END_TEST

START_TEST(streams_take_turns)
{
	struct sx_events events;
	struct sx_channel channels[] = { channel_of(1), channel_of(2) }, *told;
	struct sx_event event;
	static const sx_handle order[] = { 1, 2, 1, 2 };

	sx_events_init(&events);
	for (size_t i = 0; i < 2; i++) {
		sx_list_init(&channels[i].link);
		sx_events_add(&events, &channels[i], SX_EVENT_READABLE);
		sx_events_add(&events, &channels[i], SX_EVENT_WRITABLE);
	}
	for (size_t i = 0; i < SX_COUNT(order); i++) {
		ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_OK);
		ck_assert_uint_eq(event.handle, order[i]);
	}
}
END_TEST

START_TEST(a_forgotten_stream_tells_nothing)
{
	struct sx_events events;
	struct sx_channel one = channel_of(1), *told;
	struct sx_event event;

	sx_events_init(&events);
	sx_list_init(&one.link);
	sx_events_forget(&one);
	sx_events_add(&events, &one, SX_EVENT_READABLE);
	sx_events_forget(&one);
	ck_assert_int_eq(sx_events_next(&events, &event, &told), SX_EAGAIN);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase = tcase_create("queue");

	tcase_add_test(tcase, a_stream_tells_bytes_before_fin_before_close);
	tcase_add_test(tcase, an_event_is_told_once_however_often_it_is_noted);
	tcase_add_test(tcase, streams_take_turns);
	tcase_add_test(tcase, a_forgotten_stream_tells_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
