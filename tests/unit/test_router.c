/* SPDX-License-Identifier: MIT */
#include "combine.h"
#include "harness.h"
#include "scion/scmp.h"
#include "scion/udp.h"
#include "tap.h"
#include "vectors.h"

static uint64_t recorded_at(void)
{
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	uint64_t created = (uint64_t)json_integer_value(json_object_get(root, "created"));

	json_decref(root);
	ck_assert_uint_gt(created, 0);
	return created;
}

/* The AS whose router is at "127.3.0.3:31002". */
static size_t as_at(const struct sx_harness *harness, const char *next_hop)
{
	for (size_t i = 0; i < harness->topology->as_count; i++) {
		char host[SX_HOST_TEXT_BYTES];

		sx_host_write(&harness->topology->ases[i].router, host, sizeof host);
		if (strncmp(host, next_hop, strlen(host)) == 0 && next_hop[strlen(host)] == ':') {
			return i;
		}
	}
	ck_abort_msg("no router at %s", next_hop);
	return 0;
}

START_TEST(recorded_packets_are_delivered_byte_for_byte)
{
	struct sx_harness *harness = sx_harness_new("lab8as.lua", recorded_at());
	json_t *root = sx_vectors_load("scion/lab8as-v0.14.0.json");
	json_t *packets = json_object_get(root, "packets");
	json_t *recorded;
	size_t index;

	ck_assert_uint_eq(json_array_size(packets), 152);
	json_array_foreach(packets, index, recorded)
	{
		struct sx_vector sent, delivered;

		ck_assert(sx_vector_get(recorded, "sent", &sent));
		ck_assert(sx_vector_get(recorded, "delivered", &delivered));
		sx_harness_exchange(harness,
			as_at(harness, json_string_value(json_object_get(recorded, "next_hop"))),
			sx_vector_bytes(&sent));
		ck_assert_uint_eq(harness->count, 1);
		ck_assert_uint_eq(harness->packets[0].len, delivered.len);
		ck_assert_mem_eq(harness->packets[0].data, delivered.data, delivered.len);
		ck_assert_uint_eq(harness->packets[0].as,
			as_at(harness, json_string_value(json_object_get(recorded, "from_"))));
	}
	json_decref(root);
	sx_harness_free(harness);
}
END_TEST

/* An answer must equal the recorded one; where none was recorded, nothing may come back to the sender. */
static void check_answer(
	struct sx_harness *harness, size_t as, const json_t *recorded, size_t *silences)
{
	const char *name = json_string_value(json_object_get(recorded, "name"));
	struct sx_vector reply;

	if (!sx_vector_get(recorded, "reply", &reply)) {
		for (size_t i = 0; i < harness->count; i++) {
			ck_assert_msg(harness->packets[i].as != as, "%s: answered", name);
		}
		(*silences)++;
		return;
	}
	ck_assert_msg(harness->count == 1, "%s: %zu packets", name, harness->count);
	ck_assert_msg(harness->packets[0].as == as, "%s: went elsewhere", name);
	ck_assert_msg(harness->packets[0].len == reply.len &&
			      memcmp(harness->packets[0].data, reply.data, reply.len) == 0,
		"%s: another answer", name);
}

START_TEST(recorded_scmp_answers_are_given_byte_for_byte)
{
	struct sx_harness *harness = sx_harness_new("lab8as.lua", recorded_at());
	json_t *root = sx_vectors_load("scion/lab8as-scmp-v0.14.0.json");
	json_t *recorded;
	size_t index, silences = 0;

	ck_assert_uint_eq(json_array_size(root), 31);
	json_array_foreach(root, index, recorded)
	{
		size_t as =
			as_at(harness, json_string_value(json_object_get(recorded, "next_hop")));
		struct sx_vector sent;

		ck_assert(sx_vector_get(recorded, "sent", &sent));
		sx_harness_exchange(harness, as, sx_vector_bytes(&sent));
		check_answer(harness, as, recorded, &silences);
	}
	ck_assert_uint_eq(silences, 7);
	json_decref(root);
	sx_harness_free(harness);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("router");
	TCase *tc = tcase_create("recordings");

	tcase_add_test(tc, recorded_packets_are_delivered_byte_for_byte);
	tcase_add_test(tc, recorded_scmp_answers_are_given_byte_for_byte);
	suite_add_tcase(s, tc);
	return s;
}

SX_TAP_MAIN(suite)
