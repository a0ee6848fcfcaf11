/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "rains/object.h"
#include "rains/scan.h"
#include "tap.h"
#include "vectors.h"

#define KEY "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"

/* What the Go implementation writes, and other forms; what we make of them. */
static const struct {
	const char *hex;
	int type; /* 0: passed over */
	const char *text;
	const char *written; /* NULL: as it came */
} objects[] = {
	{ "83016d786d70702e6578616d706c652e82030e", SX_RAINS_NAME, "xmpp.example. [3 14]", NULL },
	{ "82025020010db8000000000000000000000001", SX_RAINS_IP6, "0-0,2001:db8::1", NULL },
	{ "82035000000000000000000000ffffc0000201", SX_RAINS_IP4, "0-0,192.0.2.1", NULL },
	{ "820344c0000201", SX_RAINS_IP4, "0-0,192.0.2.1",
		"82035000000000000000000000ffffc0000201" },
	{ "8204775f7261696e732e5f7463702e6e732e6578616d706c652e", SX_RAINS_REDIR,
		"_rains._tcp.ns.example.", NULL },
	{ "840501015820" KEY, SX_RAINS_DELEG, "1 1 32 0 0", NULL },
	{ "8206665b612d7a5d2b", SX_RAINS_NAMESET, "[a-z]+", NULL },
	{ "85070103015820" KEY, SX_RAINS_CERT, "1 3 1 32", NULL },
	{ "84086d786d70702e6578616d706c652e19149500", SX_RAINS_SRV, "xmpp.example. 5269 0", NULL },
	{ "82096172", SX_RAINS_REGR, "r", NULL },
	{ "820a6174", SX_RAINS_REGT, "t", NULL },
	{ "840b01015820" KEY, SX_RAINS_INFRA, "1 1 32 0 0", NULL },
	{ "840c01005820" KEY, SX_RAINS_EXTRA, "1 0 32 0 0", NULL },
	{ "860d01025820" KEY "0a14", SX_RAINS_NEXT, "1 2 32 10 20", NULL },
	{ "860d01025820" KEY "c10ac114", SX_RAINS_NEXT, "1 2 32 10 20", "860d01025820" KEY "0a14" },
	{ "820e58180001ff000000011000000000000000000000ffffc000020b", SX_RAINS_SCION,
		"1-ff00:0:110,192.0.2.11", NULL },
	{ "820e4c0001ff0000000110c000020b", SX_RAINS_SCION, "1-ff00:0:110,192.0.2.11",
		"820e58180001ff000000011000000000000000000000ffffc000020b" },
	{ "820e58180001ff000000011020010db8000000000000000000000011", SX_RAINS_SCION,
		"1-ff00:0:110,2001:db8::11", NULL },
	/* 14 and 15 as text, 22 and 23 of the draft */
	{ "820e78192d666630303a303a3131302c5b323030313a6462383a3a315d", 0, NULL, NULL },
	{ "820e7819312d666630303a303a3131302c5b323030313a6462383a3a5d", SX_RAINS_SCION,
		"1-ff00:0:110,2001:db8::",
		"820e58180001ff000000011020010db8000000000000000000000000" },
	{ "820f7818312d666630303a303a3131302c5b3139322e302e322e315d", SX_RAINS_SCION,
		"1-ff00:0:110,192.0.2.1",
		"820e58180001ff000000011000000000000000000000ffffc0000201" },
	{ "8416011b0000ff000000011044c000020b", SX_RAINS_SCION, "1-ff00:0:110,192.0.2.11",
		"820e58180001ff000000011000000000000000000000ffffc000020b" },
	{ "8417011b0000ff00000001105020010db8000000000000000000000011", SX_RAINS_SCION,
		"1-ff00:0:110,2001:db8::11",
		"820e58180001ff000000011020010db8000000000000000000000011" },
	{ "8416011b0001ff000000011044c000020b", 0, NULL, NULL }, /* an AS of more than 48 bits */
	{ "84161a000100000044c000020b", 0, NULL, NULL },
	{ "820340", 0, NULL, NULL }, /* addresses of the wrong length */
	{ "82035020010db8000000000000000000000001", 0, NULL, NULL },
	{ "820244c0000201", 0, NULL, NULL },
	{ "820e480001ff0000000110", 0, NULL, NULL },
	{ "820e450001ff0000", 0, NULL, NULL },
	{ "820440", 0, NULL, NULL },
	{ "8204676578616d706c65", 0, NULL, NULL },         /* a name without its dot */
	{ "8401686578616d706c652e810e00", 0, NULL, NULL }, /* more than there should be */
	{ "8301686578616d706c652e81616e", 0, NULL, NULL }, /* a type that is no integer */
	{ "84086d786d70702e6578616d706c652e1a0001000000", 0, NULL, NULL }, /* port 65536 */
	{ "84086d786d70702e6578616d706c652e2000", 0, NULL, NULL },
	{ "8305015820" KEY, 0, NULL, NULL },
	{ "8218186161", 0, NULL, NULL }, /* types unknown here */
	{ "82206161", 0, NULL, NULL },
	{ "82006161", 0, NULL, NULL },
	{ "00", 0, NULL, NULL },
	{ "80", 0, NULL, NULL },
};

static void describe_types(struct sx_cbor_list types, char *out, size_t cap)
{
	struct sx_reader walk = sx_reader_of(types.items);

	for (size_t i = 0; i < types.count; i++) {
		(void)snprintf(out + strlen(out), cap - strlen(out), "%s%lld", i ? " " : " [",
			(long long)sx_cbor_read_int(&walk));
	}
	(void)snprintf(out + strlen(out), cap - strlen(out), "]");
}

static void describe(const struct sx_rains_object *object, char *out, size_t cap)
{
	const struct sx_rains_object_key *key = &object->key;
	const struct sx_rains_object_cert *cert = &object->cert;

	(void)snprintf(out, cap, "%.*s", (int)object->text.len, (const char *)object->text.data);
	switch (object->type) {
	case SX_RAINS_NAME:
		describe_types(object->types, out, cap);
		break;
	case SX_RAINS_IP4:
	case SX_RAINS_IP6:
	case SX_RAINS_SCION:
		sx_addr_write(&object->addr, out, cap);
		break;
	case SX_RAINS_DELEG:
	case SX_RAINS_INFRA:
	case SX_RAINS_EXTRA:
	case SX_RAINS_NEXT:
		(void)snprintf(out, cap, "%lld %lld %zu %lld %lld", (long long)key->alg,
			(long long)key->phase, key->data.len, (long long)key->since,
			(long long)key->until);
		break;
	case SX_RAINS_CERT:
		(void)snprintf(out, cap, "%lld %lld %lld %zu", (long long)cert->protocol,
			(long long)cert->usage, (long long)cert->hash, cert->data.len);
		break;
	case SX_RAINS_SRV:
		(void)snprintf(out + strlen(out), cap - strlen(out), " %u %u", object->port,
			object->priority);
		break;
	default:
		break;
	}
}

static void expect_written(const struct sx_rains_object *object, const char *hex)
{
	uint8_t out[128];
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_vector expected;

	sx_vector_unhex(hex, &expected);
	sx_rains_object_write(&writer, object);
	ck_assert(sx_bytes_equal(sx_writer_bytes(&writer), sx_vector_bytes(&expected)));
}

START_TEST(an_object_is_read_and_written_or_passed_over)
{
	struct sx_rains_object object;
	struct sx_vector in;
	struct sx_reader walk;
	char text[128];

	sx_vector_unhex(objects[_i].hex, &in);
	walk = sx_reader_of(sx_vector_bytes(&in));
	ck_assert_int_eq(sx_rains_next_object(&walk, &object), objects[_i].type != 0);
	if (objects[_i].type == 0) {
		return;
	}
	ck_assert_int_eq(object.type, objects[_i].type);
	describe(&object, text, sizeof text);
	ck_assert_str_eq(text, objects[_i].text);
	expect_written(&object, objects[_i].written ? objects[_i].written : objects[_i].hex);
	ck_assert(!sx_rains_next_object(&walk, &object));
}
END_TEST

START_TEST(what_cannot_be_used_does_not_hide_the_rest)
{
	struct sx_rains_object object;
	struct sx_vector in;
	struct sx_reader walk;

	sx_vector_unhex("820340"
			"8218186161"
			"820344c0000201"
			"820e40"
			"820a6174",
		&in);
	walk = sx_reader_of(sx_vector_bytes(&in));
	ck_assert(sx_rains_next_object(&walk, &object));
	ck_assert_int_eq(object.type, SX_RAINS_IP4);
	ck_assert(sx_rains_next_object(&walk, &object));
	ck_assert_int_eq(object.type, SX_RAINS_REGT);
	ck_assert(!sx_rains_next_object(&walk, &object));
}
END_TEST

static void walk_mutant(struct sx_bytes mutant)
{
	struct sx_reader walk = sx_reader_of(mutant);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
	}
	ck_assert_uint_le(walk.at, mutant.len);
}

START_TEST(mutations_never_leave_the_input)
{
	for (size_t i = 0; i < 20; i++) {
		struct sx_vector in;

		sx_vector_unhex(objects[i].hex, &in);
		sx_each_mutation(sx_vector_bytes(&in), walk_mutant);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_object");
	TCase *tcase = tcase_create("objects");

	tcase_add_loop_test(
		tcase, an_object_is_read_and_written_or_passed_over, 0, (int)SX_COUNT(objects));
	tcase_add_test(tcase, what_cannot_be_used_does_not_hide_the_rest);
	tcase_add_test(tcase, mutations_never_leave_the_input);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
