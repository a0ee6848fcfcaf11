/* SPDX-License-Identifier: MIT */
#include "rains/referral.h"

#include "rains/object.h"
#include "rains/server.h"

#define JUDGED_MOST 16 /* assertions: a hostile answer has no end of them */

struct reading {
	struct sx_rains_referral *out;
	struct sx_rains_chain *chain;
	const struct sx_rains_msg *msg;
	struct sx_bytes context;
	int64_t now;
	uint16_t port;   /* of the server whose addresses are read */
	bool is_service; /* its name stands for another, which was there */
	bool is_needy;   /* and `out` says for what */
	unsigned judged;
	int failure; /* the first */
};

typedef void taker(struct reading *reading, const struct sx_rains_object *object);

static void set_name(struct sx_rains_name *name, struct sx_bytes bytes)
{
	name->len = bytes.len;
	memcpy(name->data, bytes.data, bytes.len);
}

static bool has_type(const struct sx_rains_section *assertion, enum sx_rains_object_type type)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == type) {
			return true;
		}
	}
	return false;
}

/* The next assertion with objects of a type, and its full name. */
static bool next_with(struct sx_reader *walk, const struct reading *reading,
	enum sx_rains_object_type type, struct sx_rains_section *assertion,
	struct sx_rains_name *name)
{
	while (sx_rains_next_section(walk, assertion)) {
		if (assertion->type == SX_RAINS_ASSERTION &&
			sx_bytes_equal(assertion->context, reading->context) &&
			sx_rains_name_join(name, assertion->subject, assertion->zone) == SX_OK &&
			has_type(assertion, type)) {
			return true;
		}
	}
	return false;
}

static bool is_believed(struct reading *reading, const struct sx_rains_section *assertion)
{
	struct sx_rains_verdict verdict;
	int rc = SX_ELIMIT;

	if (reading->judged < JUDGED_MOST) {
		reading->judged++;
		rc = sx_rains_chain_judge(reading->chain, assertion, reading->now, &verdict);
	} else {
		sx_rains_reason_set(
			&verdict.reason, "more than %d assertions in a referral", JUDGED_MOST);
	}
	if (rc == SX_EAGAIN && !reading->is_needy) {
		reading->is_needy = true;
		reading->out->need = verdict.need;
	}
	if (rc < 0 && rc != SX_EAGAIN && reading->failure == SX_OK) {
		reading->failure = rc;
		reading->out->reason = verdict.reason;
	}
	return rc == SX_OK;
}

static void take_objects(struct reading *reading, const struct sx_rains_section *assertion,
	enum sx_rains_object_type type, taker *take)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == type) {
			take(reading, &object);
		}
	}
}

/* Takes all that is believed of a type about a name. */
static void take_all(
	struct reading *reading, struct sx_bytes name, enum sx_rains_object_type type, taker *take)
{
	struct sx_reader walk = sx_reader_of(reading->msg->content.items);
	struct sx_rains_section assertion;
	struct sx_rains_name full;

	while (next_with(&walk, reading, type, &assertion, &full)) {
		if (sx_bytes_equal(sx_rains_name_bytes(&full), name) &&
			is_believed(reading, &assertion)) {
			take_objects(reading, &assertion, type, take);
		}
	}
}

static void take_address(struct reading *reading, const struct sx_rains_object *object)
{
	sx_rains_referral_add(reading->out, &object->addr, reading->port);
}

static void take_addresses(struct reading *reading, struct sx_bytes host)
{
	static const enum sx_rains_object_type types[] = { SX_RAINS_SCION, SX_RAINS_IP4,
		SX_RAINS_IP6 };

	for (size_t i = 0; i < SX_COUNT(types); i++) {
		take_all(reading, host, types[i], take_address);
	}
}

static void take_service(struct reading *reading, const struct sx_rains_object *object)
{
	reading->is_service = true;
	reading->port = object->port;
	take_addresses(reading, object->text);
}

static void take_redirection(struct reading *reading, const struct sx_rains_object *object)
{
	if (sx_rains_name_check(object->text) < 0) {
		return;
	}
	if (reading->out->target.len == 0) {
		set_name(&reading->out->target, object->text);
	}
	reading->is_service = false;
	take_all(reading, object->text, SX_RAINS_SRV, take_service);
	if (!reading->is_service) {
		reading->port = SX_RAINS_SERVER_PORT;
		take_addresses(reading, object->text);
	}
}

/* The zone nearest to the name that is redirected. False: there is none but, perhaps, one that leads back. */
static bool find_zone(struct reading *reading, struct sx_bytes name, bool *leads_back)
{
	struct sx_reader walk = sx_reader_of(reading->msg->content.items);
	struct sx_rains_name *nearest = &reading->out->zone;
	struct sx_rains_section assertion;
	struct sx_rains_name zone;

	nearest->len = 0;
	*leads_back = false;
	while (next_with(&walk, reading, SX_RAINS_REDIR, &assertion, &zone)) {
		if (!sx_rains_name_is_below(name, sx_rains_name_bytes(&zone))) {
			continue;
		}
		if (!sx_rains_name_is_below(sx_rains_name_bytes(&zone), reading->out->above)) {
			*leads_back = true;
		} else if (zone.len > nearest->len) {
			*nearest = zone;
		}
	}
	return nearest->len > 0;
}

static int conclude(struct reading *reading)
{
	if (reading->out->count > 0) {
		return SX_OK;
	}
	if (reading->is_needy) {
		return SX_EAGAIN;
	}
	return reading->out->target.len > 0 ? SX_OK : reading->failure;
}

int sx_rains_referral_read(struct sx_rains_referral *out, struct sx_rains_chain *chain,
	const struct sx_rains_msg *msg, const struct sx_rains_question *question, int64_t now)
{
	struct reading reading = {
		.out = out, .chain = chain, .msg = msg, .context = question->context, .now = now
	};
	bool leads_back;

	out->count = 0;
	out->target.len = 0;
	if (find_zone(&reading, question->name, &leads_back)) {
		take_all(&reading, sx_rains_name_bytes(&out->zone), SX_RAINS_REDIR,
			take_redirection);
		return conclude(&reading);
	}
	if (!leads_back) {
		return SX_ENOTFOUND;
	}
	sx_rains_reason_set(&out->reason, "refers back to the servers of zone %.*s or above it",
		(int)out->above.len, (const char *)out->above.data);
	return SX_EPROTO;
}

static bool is_host(const struct sx_host *host)
{
	static const uint8_t zeros[sizeof host->bytes];
	uint8_t first = host->bytes[0];

	if (host->type != SX_HOST_IPV4 && host->type != SX_HOST_IPV6) {
		return false;
	}
	return memcmp(host->bytes, zeros, sizeof zeros) != 0 &&
	       (host->type == SX_HOST_IPV4 ? first < 224 : first != 0xff); /* no multicast */
}

void sx_rains_referral_add(
	struct sx_rains_referral *referral, const struct sx_addr *addr, uint16_t port)
{
	if (port > 0 && is_host(&addr->host) && referral->count < SX_RAINS_REFERRAL_PLACES) {
		referral->places[referral->count++] = (struct sx_rains_place){ *addr, port };
	}
}
