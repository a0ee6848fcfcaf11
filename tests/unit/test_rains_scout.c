/* SPDX-License-Identifier: MIT */
/* Lookups whose servers only know who knows. The first server is the only one configured; it speaks for the root alone. */
#include "alloc_fail.h"
#include "rains/scout.h"
#include "rains_lookups.h"
#include "tap.h"

#define NS_SERVICE "_rains._udpscion.ns.example."

static struct sx_rains_section glue[16];
static size_t glue_count;

/* An assertion that the root server sends along with each referral. */
static void add_glue(const char *subject, struct sx_cbor_list objects)
{
	glue[glue_count++] = records_sign(rains_assertion(subject, ".", objects), ROOT, 600);
}

static struct sx_cbor_list redirection_to(const char *target)
{
	struct sx_rains_object object = { .type = SX_RAINS_REDIR, .text = sx_bytes_text(target) };

	return rains_object(&object);
}

static struct sx_cbor_list service_at(const char *host, size_t server)
{
	struct sx_rains_object object = { .type = SX_RAINS_SRV,
		.text = sx_bytes_text(host),
		.port = sx_socket_port_number(net.servers[server].host.socket) };

	return rains_object(&object);
}

static struct sx_cbor_list address_of(size_t server)
{
	char text[SX_ADDR_TEXT_BYTES];

	sx_addr_write(&net.servers[server].host.addr, text, sizeof text);
	return rains_scion(text);
}

static void refer(struct name_server *server, const struct sx_rains_section *query)
{
	(void)query;
	reply(server, glue, glue_count);
}

/* The root server knows what is in the records about names of its own, and refers for all else. */
static void root(struct name_server *server, const struct sx_rains_section *query)
{
	bool is_own = sx_bytes_equal(query->name, sx_bytes_text(NS_SERVICE)) ||
		      sx_bytes_equal(query->name, sx_bytes_text("ns.example."));

	(is_own ? records_answer : refer)(server, query);
}

/* "b.example." is known to the second server, which the root refers to. */
static void start_referring(void)
{
	start_with(1);
	glue_count = 0;
	scion_only = false;
	net.servers[0].answer = root;
	add_glue("example", rains_deleg(EXAMPLE, 1));
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 300);
}

/* All that leads there comes along. */
static void add_way(void)
{
	add_glue("example", redirection_to(NS_SERVICE));
	add_glue("_rains._udpscion.ns.example", service_at("ns.example.", 1));
	add_glue("ns.example", address_of(1));
}

static void expect_asked(unsigned first, unsigned second)
{
	ck_assert_uint_eq(net.servers[0].asked, first);
	ck_assert_uint_eq(net.servers[1].asked, second);
}

START_TEST(a_referral_is_followed)
{
	start_referring();
	add_way();
	scion_only = _i > 0; /* over SCION it may be even then */
	find("b.example");
	expect(SX_OK, "");
	ck_assert_uint_eq(heard.count, 1);
	expect_asked(1, 1); /* the key has come along */
	ck_assert_ptr_nonnull(strstr(heard.trace, "refers to the servers of zone example."));
	ck_assert_ptr_nonnull(strstr(heard.trace, "key of example., phase 1: ed25519 "));
	heard.done = 0;
	find("b.example");
	expect_asked(2, 2);
	stop();
}
END_TEST

/* Neither the service nor its address, or not the address. */
START_TEST(what_is_missing_of_the_way_is_asked_for)
{
	start_referring();
	if (_i > 0) {
		add_way();
		glue_count--;
	} else {
		add_glue("example", redirection_to(NS_SERVICE));
	}
	records_add(NS_SERVICE, SX_RAINS_SRV,
		records_sign(rains_assertion("_rains._udpscion.ns.example", ".",
				     service_at("ns.example.", 1)),
			ROOT, 600));
	records_add("ns.example.", SX_RAINS_SCION,
		records_sign(rains_assertion("ns.example", ".", address_of(1)), ROOT, 600));
	find("b.example");
	expect(SX_OK, "");
	expect_asked(3, 1);
	stop();
}
END_TEST

START_TEST(a_server_without_an_address_is_no_server)
{
	start_referring();
	add_glue("example", redirection_to(_i > 0 ? "b.example." : NS_SERVICE));
	find("b.example");
	ck_assert_int_ne(heard.status, SX_OK);
	ck_assert_str_ne(heard.reason, "");
	expect_asked(net.servers[0].asked, 0);
	stop();
}
END_TEST

START_TEST(under_scion_only_nobody_is_asked_over_ip)
{
	struct sx_rains_object object = { .type = SX_RAINS_IP4 };

	start_referring();
	add_glue("example", redirection_to("ns.example."));
	ck_assert_int_eq(sx_host_parse(sx_bytes_text("127.0.0.1"), &object.addr.host), SX_OK);
	add_glue("ns.example", rains_object(&object));
	scion_only = true;
	find("b.example");
	expect(SX_EUNREACH, "refers to servers of zone example. that cannot be asked over SCION");
	stop();
}
END_TEST

START_TEST(a_referral_nobody_signed_is_not_followed)
{
	start_referring();
	add_way();
	glue[1] = records_sign(
		rains_assertion("example", ".", redirection_to(NS_SERVICE)), EXAMPLE, 600);
	find("b.example");
	ck_assert_int_eq(heard.status, SX_EREFUSED);
	expect_asked(1, 0);
	stop();
}
END_TEST

/* The second refers to itself, the third to the second. */
START_TEST(referrals_in_a_circle_end)
{
	start_referring();
	add_way();
	net.servers[1].answer = refer;
	if (_i > 0) {
		add_glue("b.c.example", redirection_to("ns2.example."));
		add_glue("ns2.example", address_of(2));
		net.servers[2].answer = refer;
	}
	find("b.example");
	expect(SX_EPROTO, "refers back to the servers of zone example. or above it");
	expect_asked(1, 1);
	stop();
}
END_TEST

START_TEST(when_whom_it_refers_to_is_silent_the_next_one_configured_is_asked)
{
	start_with(2);
	glue_count = 0;
	net.servers[0].answer = refer;
	add_glue("example", rains_deleg(EXAMPLE, 1));
	add_glue("example", redirection_to("ns.example."));
	add_glue("ns.example", address_of(2)); /* at a port where nobody is */
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion(ADDRESS), 300);
	find("b.example");
	expect(SX_OK, "");
	expect_asked(1, 1);
	ck_assert_uint_eq(net.servers[2].asked, 0);
	stop();
}
END_TEST

START_TEST(a_search_for_a_server_may_be_cancelled_at_any_time)
{
	start_referring();
	add_glue("example", redirection_to(NS_SERVICE));
	records_add(NS_SERVICE, SX_RAINS_SRV,
		records_sign(rains_assertion("_rains._udpscion.ns.example", ".",
				     service_at("ns.example.", 1)),
			ROOT, 600));
	begin("b.example");
	for (int i = 0; i < _i && lookup; i++) {
		(void)net_turn(20);
	}
	if (lookup) {
		sx_rains_lookup_hurry(lookup, sx_loop_now_ns() + 1);
	}
	sx_rains_lookup_free(lookup);
	lookup = NULL;
	heard.done = 0;
	clock_advance(3 * SECONDS);
	net_settle();
	ck_assert_uint_eq(heard.done, 0);
	stop();
}
END_TEST

START_TEST(a_hurried_search_for_a_server_ends_sooner)
{
	start_referring();
	add_glue("example", redirection_to(NS_SERVICE));
	net.servers[0].answer = refer;
	begin("b.example");
	net_until(&net.servers[0].asked, 1);
	net.servers[0].answer = NULL;
	net_until(&net.servers[0].asked, 2);
	sx_rains_lookup_hurry(lookup, sx_loop_now_ns() + 150 * MS);
	clock_advance(150 * MS);
	net_until(&heard.done, 1);
	ck_assert_int_eq(heard.status, SX_ETIMEDOUT);
	stop();
}
END_TEST

static void on_scouted(void *arg, int status, const char *reason)
{
	(void)arg;
	(void)status;
	(void)reason;
}

static int make_scout(void *arg)
{
	struct sx_rains_wish wish = { .client = client, .trust = trust, .deadline_ns = SX_NEVER };
	struct sx_rains_referral referral = { .target = { 3, "ns." } };
	struct sx_rains_scout *made;
	int rc = sx_rains_scout_new(&made, &wish, &referral, on_scouted, sx_loop_now_ns());

	(void)arg;
	if (rc == SX_OK) {
		sx_rains_scout_free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	start_referring();
	ck_assert_uint_ge(sx_each_allocation_fails(make_scout, NULL), 3);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_scout");
	TCase *tcase = tcase_create("referrals");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_referral_is_followed, 0, 2);
	tcase_add_loop_test(tcase, what_is_missing_of_the_way_is_asked_for, 0, 2);
	tcase_add_loop_test(tcase, a_server_without_an_address_is_no_server, 0, 2);
	tcase_add_test(tcase, under_scion_only_nobody_is_asked_over_ip);
	tcase_add_test(tcase, a_referral_nobody_signed_is_not_followed);
	tcase_add_loop_test(tcase, referrals_in_a_circle_end, 0, 2);
	tcase_add_test(tcase, when_whom_it_refers_to_is_silent_the_next_one_configured_is_asked);
	tcase_add_loop_test(tcase, a_search_for_a_server_may_be_cancelled_at_any_time, 0, 12);
	tcase_add_test(tcase, a_hurried_search_for_a_server_ends_sooner);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
