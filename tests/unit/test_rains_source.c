/* SPDX-License-Identifier: MIT */
/* What a domain's addresses and certificates are by RAINS. */
#include "alloc_fail.h"
#include "rains_records.h"
#include "rains_source.h"
#include "tap.h"

#define SERVICE "_xmpp-server._udpscion.b.example."
#define LABEL   "_xmpp-server._udpscion.b"

static struct sx_source *source;
static struct sx_query query;
static unsigned done;

static void on_done(struct sx_query *answered)
{
	ck_assert_ptr_eq(answered, &query);
	done++;
}

static void start(void)
{
	struct sx_rains_config config = {
		.roots = ROOT_TEXT, .servers = net.lines, .scion = &net.scion
	};
	struct sx_rains_reason reason;

	done = 0;
	records_begin();
	ck_assert_int_eq(sx_rains_source_new(&source, net.loop, &config, &reason), SX_OK);
}

static void stop(void)
{
	sx_finding_fini(&query.finding);
	source->ops->free(source);
	net_end();
}

static void begin(enum sx_want want)
{
	query = (struct sx_query){ .name = "b.example",
		.want = want,
		.deadline_ns = sx_loop_now_ns() + 2000 * MS,
		.done = on_done };
	sx_finding_init(&query.finding);
	source->ops->ask(source, &query, sx_loop_now_ns());
}

/* Asks, and waits as long as something happens, then lets `more_ms` pass. */
static const struct sx_finding *find(enum sx_want want, unsigned more_ms)
{
	begin(want);
	net_settle();
	clock_advance(more_ms * MS);
	net_settle();
	ck_assert_uint_eq(done, 1);
	return &query.finding;
}

static struct sx_cbor_list service_at(const char *target, uint16_t port, uint16_t priority)
{
	struct sx_rains_object object = { .type = SX_RAINS_SRV,
		.text = sx_bytes_text(target),
		.port = port,
		.priority = priority };

	return rains_object(&object);
}

static struct sx_cbor_list ip(const char *text)
{
	struct sx_rains_object object = { .type = SX_RAINS_IP4 };

	ck_assert_int_eq(sx_host_parse(sx_bytes_text(text), &object.addr.host), SX_OK);
	if (object.addr.host.type == SX_HOST_IPV6) {
		object.type = SX_RAINS_IP6;
	}
	return rains_object(&object);
}

/* Two lists made one behind the other. */
static struct sx_cbor_list joined(struct sx_cbor_list a, struct sx_cbor_list b)
{
	return (struct sx_cbor_list){ sx_bytes_of(a.items.data, a.items.len + b.items.len),
		a.count + b.count };
}

static void say_address(void)
{
	records_say("b.example.", SX_RAINS_SCION, "b", rains_scion("1-ff00:0:110,192.0.2.1"), 7200);
}

START_TEST(a_service_goes_before_the_name_itself)
{
	struct sx_cbor_list services, addresses;
	const struct sx_finding *finding;

	start();
	say_address();
	services = service_at("y.example.", 2222, 20);
	services = joined(services, service_at("x.example.", 1111, 10));
	records_say(SERVICE, SX_RAINS_SRV, LABEL, services, 3600);
	addresses = rains_scion("1-ff00:0:110,192.0.2.2");
	addresses = joined(addresses, ip("192.0.2.3"));
	records_say("x.example.", SX_RAINS_SCION, "x", addresses, 600);
	records_say("y.example.", SX_RAINS_SCION, "y", rains_scion("1-ff00:0:110,192.0.2.4"), 900);
	finding = find(SX_WANT_ADDRESSES, 0);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->target_count, 2); /* the service is one on SCION */
	ck_assert_uint_eq(finding->targets[0].port, 1111);
	ck_assert_uint_eq(finding->targets[1].port, 2222);
	ck_assert_uint_le(finding->ttl, 600);
	ck_assert_uint_gt(finding->ttl, 500);
	stop();
}
END_TEST

START_TEST(an_ip_address_without_a_service_is_none)
{
	struct sx_cbor_list addresses;
	const struct sx_finding *finding;

	start();
	addresses = rains_scion("1-ff00:0:110,192.0.2.2");
	addresses = joined(addresses, ip("192.0.2.3"));
	records_say("b.example.", SX_RAINS_SCION, "b", addresses, 600);
	finding = find(SX_WANT_ADDRESSES, 150);
	ck_assert_uint_eq(finding->target_count, 1);
	ck_assert_uint_ne(finding->targets[0].addr.ia, 0);
	stop();
}
END_TEST

START_TEST(a_silent_service_does_not_hold_an_address_up)
{
	const struct sx_finding *finding;

	start();
	say_address();
	finding = find(SX_WANT_ADDRESSES, 150);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->target_count, 1);
	ck_assert_uint_eq(finding->ttl, 60); /* the service may only have been slow */
	stop();
}
END_TEST

/* A domain that has nothing but a service: servers are silent about the name itself. */
START_TEST(a_silent_name_does_not_hold_its_service_up)
{
	const struct sx_finding *finding;

	start();
	records_say(SERVICE, SX_RAINS_SRV, LABEL, service_at("x.example.", 1111, 0), 3600);
	records_say("x.example.", SX_RAINS_SCION, "x", rains_scion("1-ff00:0:110,192.0.2.2"), 600);
	finding = find(SX_WANT_ADDRESSES, 150);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->targets[0].port, 1111);
	stop();
}
END_TEST

/* What was announced is worth the wait; what then is used instead is not used for long. */
START_TEST(a_service_without_its_address_is_looked_up_again_soon)
{
	const struct sx_finding *finding;

	start();
	say_address();
	records_say(SERVICE, SX_RAINS_SRV, LABEL, service_at("x.example.", 1111, 0), 3600);
	finding = find(SX_WANT_ADDRESSES, 2000);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->target_count, 1);
	ck_assert_uint_le(finding->ttl, 60);
	stop();
}
END_TEST

#define PLAIN_SERVICE "_xmpp-server._quic.b.example."

/* The name and its service on SCION are denied. */
static void deny_scion(void)
{
	records_add("b.example.", SX_RAINS_SCION,
		records_sign(rains_container(SX_RAINS_SHARD, "example.", NULL, 0), EXAMPLE, 600));
	records_add(SERVICE, SX_RAINS_SRV,
		records_sign(rains_container(SX_RAINS_SHARD, "example.", NULL, 0), EXAMPLE, 600));
}

static void say_plain(void)
{
	struct sx_cbor_list services;

	services = service_at("y.example.", 2222, 20);
	services = joined(services, service_at("x.example.", 1111, 10));
	services = joined(services, service_at("z.example.", 0, 1)); /* no port, no service */
	records_say(PLAIN_SERVICE, SX_RAINS_SRV, "_xmpp-server._quic.b", services, 3600);
	records_say("x.example.", SX_RAINS_IP4, "x", ip("192.0.2.3"), 600);
	records_say("y.example.", SX_RAINS_IP6, "y", ip("2001:db8::4"), 600);
}

START_TEST(plain_quic_is_looked_for_where_nothing_is_on_scion)
{
	const struct sx_finding *finding;

	start();
	deny_scion();
	say_plain();
	finding = find(SX_WANT_ADDRESSES, 2000); /* the others of the pairs are silent */
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->target_count, 2);
	ck_assert_uint_eq(finding->targets[0].port, 1111);
	ck_assert_uint_eq(finding->targets[0].addr.ia, 0);
	ck_assert_uint_eq(finding->targets[1].port, 2222);
	ck_assert_uint_le(finding->ttl, 600);
	stop();
}
END_TEST

/* It is not asked for when SCION is all that may be used, when something is there, or fails, and for certificates. */
START_TEST(plain_quic_is_not_looked_for)
{
	start();
	if (_i == 1) {
		say_address();
	} else {
		deny_scion();
	}
	say_plain();
	if (_i == 2) {
		records[1].section =
			records_sign(rains_container(SX_RAINS_SHARD, "example.", NULL, 0), 9, 600);
	}
	begin(_i == 3 ? SX_WANT_CERTIFICATES : SX_WANT_ADDRESSES);
	if (_i == 0) {
		source->ops->cancel(source, &query);
		query.scion_only = true;
		source->ops->ask(source, &query, sx_loop_now_ns());
	}
	net_settle();
	clock_advance(2000 * MS);
	net_settle();
	ck_assert_uint_eq(done, 1);
	for (size_t i = 0; i < query.finding.target_count; i++) {
		ck_assert_uint_ne(query.finding.targets[i].addr.ia, 0);
	}
	ck_assert_ptr_null(strstr(query.finding.trace, "_quic"));
	stop();
}
END_TEST

START_TEST(silence_about_plain_quic_is_short)
{
	const struct sx_finding *finding;

	start();
	deny_scion();
	finding = find(SX_WANT_ADDRESSES, 150);
	ck_assert_int_eq(finding->status, SX_ENOTFOUND);
	ck_assert_str_eq(finding->reason, "proven that there is none");
	ck_assert_uint_eq(finding->ttl, 300);
	stop();
}
END_TEST

/* The key of the zone is missing for the name and for its service: one question, and each of the names one. */
START_TEST(a_key_is_asked_for_once_in_a_search)
{
	const struct sx_finding *finding;

	start();
	say_address();
	records_say(SERVICE, SX_RAINS_SRV, LABEL, service_at("x.example.", 1111, 0), 3600);
	records_say("x.example.", SX_RAINS_SCION, "x", rains_scion("1-ff00:0:110,192.0.2.2"), 600);
	finding = find(SX_WANT_ADDRESSES, 0);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(net.servers[0].asked, 4);
	stop();
}
END_TEST

START_TEST(many_services_are_bounded)
{
	struct sx_cbor_list services;
	char target[32];

	start();
	say_address();
	services = service_at("x.example.", 1, 0);
	for (uint16_t i = 1; i < 40; i++) { /* as many as a datagram carries */
		(void)snprintf(target, sizeof target, "x%u.example.", i);
		services = joined(services, service_at(target, i, i));
	}
	records_say(SERVICE, SX_RAINS_SRV, LABEL, services, 3600);
	(void)find(SX_WANT_ADDRESSES, 2000);
	ck_assert_uint_le(net.servers[0].asked, 10);
	stop();
}
END_TEST

START_TEST(certificates_are_collected)
{
	struct sx_rains_object object = { .type = SX_RAINS_CERT,
		.cert = { 1, SX_RAINS_END_ENTITY, SX_RAINS_SHA256,
			sx_bytes_text("12345678901234567890123456789012") } };
	struct sx_cbor_list certs;
	const struct sx_finding *finding;

	start();
	certs = rains_object(&object);
	object.cert.data = sx_bytes_text("other678901234567890123456789012");
	certs = joined(certs, rains_object(&object));
	records_say("b.example.", SX_RAINS_CERT, "b", certs, 600);
	finding = find(SX_WANT_CERTIFICATES, 0);
	ck_assert_int_eq(finding->status, SX_OK);
	ck_assert_uint_eq(finding->cert_count, 2);
	ck_assert_uint_eq(finding->target_count, 0);
	ck_assert_uint_le(finding->ttl, 600);
	ck_assert_ptr_nonnull(strstr(finding->trace, "signed by zone example."));
	ck_assert_ptr_nonnull(strstr(finding->trace, "rains: key of example., phase 1"));
	stop();
}
END_TEST

START_TEST(a_query_may_be_cancelled_at_any_time)
{
	start();
	say_address();
	records_say(SERVICE, SX_RAINS_SRV, LABEL, service_at("x.example.", 1111, 0), 3600);
	begin(SX_WANT_ADDRESSES);
	for (int i = 0; i < _i; i++) {
		(void)net_turn(20);
	}
	ck_assert_uint_eq(done, 0); /* the address of x.example. is missing */
	source->ops->cancel(source, &query);
	clock_advance(3000 * MS);
	net_settle();
	ck_assert_uint_eq(done, 0);
	stop();
}
END_TEST

START_TEST(after_flushing_the_keys_are_asked_for_anew)
{
	unsigned asked;

	start();
	say_address();
	(void)find(SX_WANT_ADDRESSES, 150);
	asked = net.servers[0].asked;
	source->ops->flush(source);
	done = 0;
	sx_finding_fini(&query.finding);
	(void)find(SX_WANT_ADDRESSES, 150);
	ck_assert_uint_eq(net.servers[0].asked, 2 * asked);
	stop();
}
END_TEST

static int open_and_free(void *arg)
{
	struct sx_rains_reason reason;
	struct sx_source *made;
	int rc = sx_rains_source_new(&made, net.loop, arg, &reason);

	if (rc == SX_OK) {
		made->ops->free(made);
	}
	return rc;
}

START_TEST(failing_allocations_leave_nothing_behind)
{
	struct sx_rains_config config = { .scion = &net.scion, .unsigned_too = true };

	net_begin();
	config.servers = net.lines;
	ck_assert_uint_gt(sx_each_allocation_fails(open_and_free, &config), 10);
	net_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_source");
	TCase *tcase = tcase_create("source");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_service_goes_before_the_name_itself);
	tcase_add_test(tcase, an_ip_address_without_a_service_is_none);
	tcase_add_test(tcase, a_silent_service_does_not_hold_an_address_up);
	tcase_add_test(tcase, a_silent_name_does_not_hold_its_service_up);
	tcase_add_test(tcase, a_service_without_its_address_is_looked_up_again_soon);
	tcase_add_test(tcase, plain_quic_is_looked_for_where_nothing_is_on_scion);
	tcase_add_loop_test(tcase, plain_quic_is_not_looked_for, 0, 4);
	tcase_add_test(tcase, silence_about_plain_quic_is_short);
	tcase_add_test(tcase, a_key_is_asked_for_once_in_a_search);
	tcase_add_test(tcase, many_services_are_bounded);
	tcase_add_test(tcase, certificates_are_collected);
	tcase_add_loop_test(tcase, a_query_may_be_cancelled_at_any_time, 0, 12);
	tcase_add_test(tcase, after_flushing_the_keys_are_asked_for_anew);
	tcase_add_test(tcase, failing_allocations_leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
