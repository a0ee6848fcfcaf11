/* SPDX-License-Identifier: MIT */
/* What a search makes of a server that answers without end or in circles: it ends, having asked little, and says why. */
#include <stdio.h>

#include "clock.h"
#include "rains/name.h"
#include "rains/roster.h"
#include "rains/scan.h"
#include "rains/tls_link.h"
#include "rains_maker.h"
#include "rains_source.h"
#include "tap.h"

#define ROOT       1
#define EXAMPLE    2
#define ROOT_TEXT  "ed25519 1 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
#define SERVICE    "_xmpp-server._udpscion.b.example."
#define ASKED_MOST 256
#define LIMITS     "sent a message over the limits"

/* A question that the server has yet to answer. */
struct question {
	uint8_t token[SX_RAINS_TOKEN_BYTES];
	struct sx_rains_name name;
	int64_t type;
	int64_t phase;
};

static struct {
	struct sx_rains_link link;
	struct sx_rains_link_events events;
	size_t asked;
	size_t answered;
	struct question questions[ASKED_MOST];
} fake;

static struct sx_loop *loop;
static struct sx_source *source;
static struct sx_query query;
static unsigned done;

static int fake_send(struct sx_rains_link *link, struct sx_bytes message, uint64_t now_ns)
{
	struct question *question = &fake.questions[fake.asked++];
	struct sx_rains_section section;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	(void)link;
	(void)now_ns;
	ck_assert_uint_le(fake.asked, ASKED_MOST);
	ck_assert_int_eq(sx_rains_msg_parse(&msg, message, message.len), SX_OK);
	walk = sx_reader_of(msg.content.items);
	ck_assert(sx_rains_next_section(&walk, &section));
	memcpy(question->token, msg.token.data, sizeof question->token);
	memcpy(question->name.data, section.name.data, section.name.len);
	question->name.len = section.name.len;
	walk = sx_reader_of(section.types.items);
	question->type = sx_cbor_read_int(&walk);
	walk = sx_reader_of(section.phases.items);
	question->phase = sx_cbor_read_int(&walk);
	return SX_OK;
}

static void fake_suspect(struct sx_rains_link *link)
{
	(void)link;
}

static void fake_free(struct sx_rains_link *link)
{
	(void)link;
}

/* In place of the real one. */
int sx_rains_tls_link_new(struct sx_rains_link **out, struct sx_loop *in_loop,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events,
	struct sx_rains_reason *reason)
{
	static const struct sx_rains_link_ops ops = { fake_send, fake_suspect, fake_free };

	(void)in_loop;
	(void)server;
	(void)reason;
	fake.link.ops = &ops;
	fake.events = *events;
	*out = &fake.link;
	return SX_OK;
}

static void on_done(struct sx_query *answered)
{
	(void)answered;
	done++;
}

static void start(void)
{
	const struct sx_rains_config config = { .roots = ROOT_TEXT, .servers = "127.0.0.1:1" };
	struct sx_rains_reason reason;

	rains_make_begin();
	memset(&fake, 0, sizeof fake);
	done = 0;
	ck_assert_int_eq(sx_loop_new(&loop), SX_OK);
	ck_assert_int_eq(sx_rains_source_new(&source, loop, &config, &reason), SX_OK);
}

static void stop(void)
{
	sx_finding_fini(&query.finding);
	source->ops->free(source);
	sx_loop_free(loop);
}

static bool is_about(const struct question *question, const char *name, int64_t type)
{
	return question->type == type &&
	       sx_bytes_equal(sx_rains_name_bytes(&question->name), sx_bytes_text(name));
}

/* As the link itself does it. */
static void reply(
	const struct question *question, const struct sx_rains_section *sections, size_t count)
{
	size_t start = rains_writer.at;
	struct sx_bytes message;

	sx_rains_msg_begin(&rains_writer, sx_bytes_of(question->token, sizeof question->token),
		(struct sx_cbor_list){ .count = 0 }, count);
	for (size_t i = 0; i < count; i++) {
		sx_rains_msg_add(&rains_writer, &sections[i]);
	}
	message = rains_made(start);
	if (sx_cbor_check(message, SX_RAINS_MSG_MOST) == SX_OK) {
		fake.events.received(fake.events.arg, message);
	} else {
		fake.events.broken(fake.events.arg, SX_ELIMIT, LIMITS);
	}
}

static struct sx_rains_section sign(struct sx_rains_section section, uint8_t seed, int64_t phase)
{
	int64_t now = (int64_t)sx_loop_unix_time();
	const struct rains_signer signer = { seed, phase, now - 1000, now + 1000, false };

	return rains_signed(section, &signer, 1);
}

/* Searches for "b.example" while the server answers, until it is over. */
static const struct sx_finding *search(void (*answer)(const struct question *question))
{
	query = (struct sx_query){
		.name = "b.example", .deadline_ns = sx_loop_now_ns() + 2000 * MS, .done = on_done
	};
	sx_finding_init(&query.finding);
	source->ops->ask(source, &query, sx_loop_now_ns());
	while (!done) {
		while (fake.answered < fake.asked) {
			answer(&fake.questions[fake.answered++]);
		}
		if (!done) {
			clock_advance(100 * MS);
			sx_loop_run(loop, 0);
		}
	}
	ck_assert_uint_eq(done, 1);
	return &query.finding;
}

static void answer_delegation(const struct question *question)
{
	struct sx_rains_section section =
		sign(rains_assertion("example", ".", rains_deleg(EXAMPLE, 1)), ROOT, 1);

	if (is_about(question, "example.", SX_RAINS_DELEG)) {
		reply(question, &section, 1);
	}
}

static size_t service_count;

/* So many services, each at a host of its own, of which none has an address. */
static void answer_services(const struct question *question)
{
	struct sx_rains_object object = { .type = SX_RAINS_SRV, .port = 5269 };
	struct sx_cbor_list services = { .count = 0 };
	struct sx_rains_section section;
	size_t start = rains_writer.at;
	char target[32];

	if (!is_about(question, SERVICE, SX_RAINS_SRV)) {
		answer_delegation(question);
		return;
	}
	for (services.count = 0; services.count < service_count; services.count++) {
		(void)snprintf(target, sizeof target, "x%zu.example.", services.count);
		object.text = sx_bytes_text(target);
		sx_rains_object_write(&rains_writer, &object);
	}
	services.items = rains_made(start);
	section = rains_assertion("_xmpp-server._udpscion.b", "example.", services);
	section = service_count > 5000 ? section : sign(section, EXAMPLE, 1);
	reply(question, &section, 1);
}

/* 1,500 are as many as a message may hold; 10,000 are more. */
START_TEST(services_without_end_are_bounded)
{
	const struct sx_finding *finding;

	start();
	service_count = _i == 0 ? 1500 : 10000;
	finding = search(answer_services);
	ck_assert_int_ne(finding->status, SX_OK);
	ck_assert_int_ne(finding->status, SX_ENOTFOUND);
	ck_assert_ptr_nonnull(
		strstr(finding->reason, _i == 0 ? "no answer from 127.0.0.1:1" : LIMITS));
	ck_assert_uint_le(fake.asked, 9); /* eight names, and a key */
	stop();
}
END_TEST

/* A zone speaks for its own key: that is no delegation. */
static void vouch_for_itself(const struct question *question)
{
	struct sx_rains_section section;

	if (is_about(question, "b.example.", SX_RAINS_SCION)) {
		section = sign(
			rains_assertion("b", "example.", rains_scion("1-ff00:0:110,192.0.2.1")),
			EXAMPLE, 1);
	} else if (is_about(question, "example.", SX_RAINS_DELEG)) {
		section =
			sign(rains_assertion("@", "example.", rains_deleg(EXAMPLE, 1)), EXAMPLE, 1);
	} else {
		return;
	}
	reply(question, &section, 1);
}

/* Each key is one that yet another key of the zone above is needed for, which is never the root's. */
static void one_more_phase(const struct question *question)
{
	int64_t next = question->phase + 1;
	struct sx_rains_section section;

	if (is_about(question, "b.example.", SX_RAINS_SCION)) {
		section = sign(
			rains_assertion("@", "b.example.", rains_scion("1-ff00:0:110,192.0.2.1")),
			EXAMPLE, 1);
	} else if (is_about(question, "b.example.", SX_RAINS_DELEG)) {
		section = sign(rains_assertion("b", "example.", rains_deleg(EXAMPLE, next - 1)),
			EXAMPLE, next);
	} else if (is_about(question, "example.", SX_RAINS_DELEG)) {
		section = sign(rains_assertion("b", "example.", rains_deleg(EXAMPLE, next)),
			EXAMPLE, next + 1);
	} else {
		return;
	}
	reply(question, &section, 1);
}

static const struct {
	void (*answer)(const struct question *question);
	const char *reason;
} circles[] = {
	{ vouch_for_itself, "no delegation of zone example. with key phase 1 was to be had" },
	{ one_more_phase, "no delegation of zone example. with key phase 2 was to be had" },
};

START_TEST(delegations_in_a_circle_end)
{
	const struct sx_finding *finding;

	start();
	finding = search(circles[_i].answer);
	ck_assert_int_eq(finding->status, SX_EREFUSED);
	ck_assert_str_eq(finding->reason, circles[_i].reason);
	ck_assert_uint_le(fake.asked, 5);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("rains_hostile");
	TCase *tcase = tcase_create("servers");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, services_without_end_are_bounded, 0, 2);
	tcase_add_loop_test(tcase, delegations_in_a_circle_end, 0, SX_COUNT(circles));
	suite_add_tcase(suite, tcase);
	return suite;
}

SX_TAP_MAIN(suite)
