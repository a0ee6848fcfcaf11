/* SPDX-License-Identifier: MIT */
/* What is read of an answer that only says who knows. */
#include "rains/referral.h"
#include "rains_maker.h"
#include "rains_world.h"
#include "tap.h"

#define NAME    "a.b.example."
#define SERVICE "_rains._tcp.ns.example."

static struct sx_rains_referral referral;
static struct sx_rains_section sections[40];
static size_t count;

static void say(const char *subject, struct sx_cbor_list objects)
{
	sections[count++] =
		world_signed(rains_assertion(subject, ".", objects), RAINS_ROOT_SEED, 1);
}

static struct sx_cbor_list named(enum sx_rains_object_type type, const char *text, uint16_t port)
{
	struct sx_rains_object object = { .type = type, .text = sx_bytes_text(text), .port = port };

	return rains_object(&object);
}

static struct sx_cbor_list ip(const char *text)
{
	struct sx_rains_object object = { .type = SX_RAINS_IP4 };

	ck_assert_int_eq(sx_host_parse(sx_bytes_text(text), &object.addr.host), SX_OK);
	object.type = object.addr.host.type == SX_HOST_IPV6 ? SX_RAINS_IP6 : SX_RAINS_IP4;
	return rains_object(&object);
}

static int read_below(const char *above)
{
	static const int64_t type = SX_RAINS_SCION;
	const struct sx_rains_question question = { sx_bytes_text(NAME), sx_bytes_text("."), &type,
		1, 0 };
	const struct sx_rains_section *pointers[SX_COUNT(sections)];
	struct sx_rains_msg msg;

	for (size_t i = 0; i < count; i++) {
		pointers[i] = &sections[i];
	}
	msg = rains_msg(pointers, count);
	referral.above = sx_bytes_text(above);
	return sx_rains_referral_read(&referral, world.chain, &msg, &question, NOW);
}

static void start(void)
{
	world_begin();
	count = 0;
}

static void expect_place(size_t index, const char *text, uint16_t port)
{
	char host[SX_HOST_TEXT_BYTES];

	ck_assert_uint_lt(index, referral.count);
	sx_host_write(&referral.places[index].addr.host, host, sizeof host);
	ck_assert_str_eq(host, text);
	ck_assert_uint_eq(referral.places[index].port, port);
}

/* As the Go server sends it. */
START_TEST(a_service_leads_to_address_and_port)
{
	start();
	say("example", rains_deleg(RAINS_EXAMPLE_SEED, 1));
	say("example", named(SX_RAINS_REDIR, SERVICE, 0));
	say("_rains._tcp.ns.example", named(SX_RAINS_SRV, "ns1.example.", 55002));
	say("ns1.example", ip("192.0.2.5"));
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&referral.zone), sx_bytes_text("example.")));
	ck_assert_uint_eq(referral.count, 1);
	expect_place(0, "192.0.2.5", 55002);
	world_end();
}
END_TEST

START_TEST(a_host_has_the_usual_port)
{
	start();
	say("example", named(SX_RAINS_REDIR, "ns1.example.", 0));
	say("ns1.example", ip("2001:db8::5"));
	say("ns1.example", ip("192.0.2.5"));
	say("ns1.example", rains_scion("1-ff00:0:110,192.0.2.6"));
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, 3);
	expect_place(0, "192.0.2.6", 55553); /* the one on SCION */
	ck_assert_uint_ne(referral.places[0].addr.ia, 0);
	expect_place(1, "192.0.2.5", 55553);
	expect_place(2, "2001:db8::5", 55553);
	world_end();
}
END_TEST

START_TEST(without_an_address_there_is_its_name)
{
	start();
	say("example", named(SX_RAINS_REDIR, SERVICE, 0));
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, 0);
	ck_assert(sx_bytes_equal(sx_rains_name_bytes(&referral.target), sx_bytes_text(SERVICE)));
	world_end();
}
END_TEST

START_TEST(the_zone_nearest_to_the_name_counts)
{
	start();
	say("example", named(SX_RAINS_REDIR, "ns1.example.", 0));
	say("b.example", named(SX_RAINS_REDIR, "ns2.example.", 0));
	say("a.b.example", named(SX_RAINS_REDIR, "ns3.example.", 0)); /* the name itself */
	say("c.example", named(SX_RAINS_REDIR, "ns4.example.", 0));
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert(sx_bytes_equal(
		sx_rains_name_bytes(&referral.target), sx_bytes_text("ns2.example.")));
	ck_assert_int_eq(read_below("example."), SX_OK);
	ck_assert_int_eq(read_below("b.example."), SX_EPROTO); /* where it came from */
	ck_assert_str_eq(
		referral.reason.text, "refers back to the servers of zone b.example. or above it");
	world_end();
}
END_TEST

START_TEST(others_are_no_referral)
{
	start();
	say("b.example", rains_deleg(RAINS_EXAMPLE_SEED, 1));
	say("other", named(SX_RAINS_REDIR, "ns1.example.", 0));
	ck_assert_int_eq(read_below("."), SX_ENOTFOUND);
	count = 0;
	ck_assert_int_eq(read_below("."), SX_ENOTFOUND);
	world_end();
}
END_TEST

START_TEST(nothing_is_believed_without_its_signature)
{
	start();
	sections[count++] = world_signed(
		rains_assertion("example", ".", named(SX_RAINS_REDIR, "ns1.example.", 0)), 9, 1);
	say("ns1.example", ip("192.0.2.5"));
	ck_assert_int_eq(read_below("."), SX_EREFUSED);
	ck_assert_str_ne(referral.reason.text, "");
	count = 0;
	say("example", named(SX_RAINS_REDIR, "ns1.example.", 0));
	sections[count++] =
		world_signed(rains_assertion("ns1.example", ".", ip("192.0.2.5")), 9, 1);
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, 0); /* to be asked for */
	world_end();
}
END_TEST

START_TEST(a_key_may_be_needed_first)
{
	start();
	sections[count++] = world_signed(
		rains_assertion("b", "example.", named(SX_RAINS_REDIR, "ns1.example.", 0)),
		RAINS_EXAMPLE_SEED, 1);
	ck_assert_int_eq(read_below("example."), SX_EAGAIN);
	ck_assert(sx_bytes_equal(
		sx_rains_name_bytes(&referral.need.zone), sx_bytes_text("example.")));
	world_end();
}
END_TEST

/* Places where nobody can be, and more of them than are kept. */
START_TEST(places_are_bounded_and_real)
{
	static const char *const none[] = { "0.0.0.0", "::", "224.0.0.1", "255.255.255.255",
		"ff02::1" };
	char text[16];

	start();
	say("example", named(SX_RAINS_REDIR, SERVICE, 0));
	say("_rains._tcp.ns.example", named(SX_RAINS_SRV, "ns0.example.", 0));
	say("ns0.example", ip("192.0.2.5"));
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, 0); /* port 0 */
	count = 1;
	say("_rains._tcp.ns.example", named(SX_RAINS_SRV, "ns1.example.", 1));
	for (size_t i = 0; i < SX_COUNT(none); i++) {
		say("ns1.example", ip(none[i]));
	}
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, 0);
	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(text, sizeof text, "192.0.2.%u", i + 1);
		say("ns1.example", ip(text));
	}
	ck_assert_int_eq(read_below("."), SX_OK);
	ck_assert_uint_eq(referral.count, SX_RAINS_REFERRAL_PLACES);
	world_end();
}
END_TEST

START_TEST(what_is_judged_is_bounded)
{
	start();
	for (size_t i = 0; i < 17; i++) {
		sections[count++] =
			world_signed(rains_assertion("example", ".",
					     named(SX_RAINS_REDIR, "ns.example.", (uint16_t)i)),
				9, 1);
	}
	say("example", named(SX_RAINS_REDIR, "ns1.example.", 0));
	ck_assert_int_eq(read_below("."), SX_EREFUSED);
	ck_assert_uint_eq(referral.target.len, 0);
	world_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_referral");
	TCase *tcase = tcase_create("referrals");

	tcase_add_test(tcase, a_service_leads_to_address_and_port);
	tcase_add_test(tcase, a_host_has_the_usual_port);
	tcase_add_test(tcase, without_an_address_there_is_its_name);
	tcase_add_test(tcase, the_zone_nearest_to_the_name_counts);
	tcase_add_test(tcase, others_are_no_referral);
	tcase_add_test(tcase, nothing_is_believed_without_its_signature);
	tcase_add_test(tcase, a_key_may_be_needed_first);
	tcase_add_test(tcase, places_are_bounded_and_real);
	tcase_add_test(tcase, what_is_judged_is_bounded);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
