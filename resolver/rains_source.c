/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "rains/lookup.h"
#include "rains/object.h"
#include "rains/roots.h"
#include "rains_source.h"

#define LOOKUPS_MOST 8 /* of one query */
#define PLAIN_MOST \
	5 /* and of these for plain QUIC: a service, and two addresses of its targets each */
#define KEYS_MOST     1024
#define VALIDITY_MOST 10800               /* seconds that anything is believed for at most */
#define NOTHING_MOST  300                 /* the same for a proof that there is nothing */
#define SILENCE_TTL   60                  /* the same where a part was asked for in vain */
#define CERT_MOST     8192                /* bytes of a certificate object */
#define HURRY_NS      UINT64_C(150000000) /* how long name and services wait for each other */
#define SERVICE       "_xmpp-server._udpscion"
#define PLAIN_SERVICE "_xmpp-server._quic"

struct rains_source {
	struct sx_source source;
	struct sx_rains_client *client;
	struct sx_rains_trust *trust;
	struct sx_log log;
};

/* One question of a query. */
struct part {
	struct quest *quest;
	struct sx_rains_lookup *lookup; /* NULL: done */
	enum sx_rains_object_type type;
	bool is_plain; /* about QUIC without SCION */
	uint16_t port; /* of a service; 0: the default */
	uint16_t priority;
};

/* One query and its questions. */
struct quest {
	struct rains_source *self;
	struct sx_query *query;
	bool is_answered; /* about the name itself, be it that there is nothing */
	bool seeks_plain; /* there was nothing on SCION */
	int failure;      /* of the first part that failed; 0: none did */
	size_t count;
	size_t left;
	struct part parts[LOOKUPS_MOST + PLAIN_MOST];
};

static struct rains_source *of(struct sx_source *source)
{
	return sx_container_of(source, struct rains_source, source);
}

static void on_done(
	void *arg, int status, const struct sx_rains_answer *answer, const char *reason);

static void fail(struct quest *quest, int status, const char *reason)
{
	struct sx_finding *finding = &quest->query->finding;

	if (!quest->failure) {
		quest->failure = status;
		(void)snprintf(finding->reason, sizeof finding->reason, "%.*s", SX_REASON_BYTES - 1,
			reason);
	}
}

static void on_trace(void *arg, enum sx_log_level level, const char *text)
{
	struct quest *quest = arg;

	(void)level;
	sx_finding_trace(&quest->query->finding, "%s", text);
}

/* Looks one more name up; beyond the bound nothing is asked. */
static void look_up(struct quest *quest, const struct part *part, const char *name, uint64_t now_ns)
{
	struct part *slot = &quest->parts[quest->count];
	struct sx_rains_wish wish = { .client = quest->self->client,
		.trust = quest->self->trust,
		.name = name,
		.type = part->type,
		.scion_only = quest->query->scion_only,
		.deadline_ns = quest->query->deadline_ns,
		.trace = { on_trace, quest },
		.done = on_done,
		.arg = slot };
	struct sx_rains_reason reason;
	int rc;

	if (quest->count == LOOKUPS_MOST + (part->is_plain ? PLAIN_MOST : 0)) {
		return;
	}
	*slot = *part;
	slot->quest = quest;
	rc = sx_rains_lookup_new(&slot->lookup, &wish, now_ns, &reason);
	if (rc < 0) {
		fail(quest, rc, reason.text);
		return;
	}
	quest->count++;
	quest->left++;
}

static void end(struct quest *quest)
{
	struct sx_query *query = quest->query;
	struct sx_finding *finding = &query->finding;

	sx_finding_prefer_ports(finding);
	if (finding->target_count > 0 || finding->cert_count > 0) {
		finding->status = SX_OK;
		finding->reason[0] = '\0';
		sx_finding_limit(finding, quest->failure ? SILENCE_TTL : UINT32_MAX);
	} else if (quest->failure) {
		finding->status = quest->failure;
	} else {
		sx_finding_fail(finding, SX_ENOTFOUND, "proven that there is none");
	}
	free(quest);
	query->done(query);
}

static void take_service(const struct part *part, const struct sx_rains_object *object)
{
	struct part target = {
		.is_plain = part->is_plain, .port = object->port, .priority = object->priority
	};
	char name[SX_RAINS_NAME_MOST];

	if (object->text.len < 2 || object->text.len > sizeof name ||
		(part->is_plain && object->port == 0)) {
		return;
	}
	memcpy(name, object->text.data, object->text.len - 1);
	name[object->text.len - 1] = '\0'; /* in place of its dot */
	target.type = part->is_plain ? SX_RAINS_IP4 : SX_RAINS_SCION;
	look_up(part->quest, &target, name, sx_loop_now_ns());
	if (part->is_plain) {
		target.type = SX_RAINS_IP6;
		look_up(part->quest, &target, name, sx_loop_now_ns());
	}
}

static void take_cert(const struct part *part, const struct sx_rains_object *object)
{
	uint8_t bytes[CERT_MOST];
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);

	sx_rains_object_write(&writer, object);
	if (!sx_writer_ok(&writer)) {
		fail(part->quest, SX_ELIMIT, "a certificate object is too large");
	} else if (sx_finding_add_cert(&part->quest->query->finding, sx_writer_bytes(&writer)) <
		   0) {
		fail(part->quest, SX_ENOMEM, "out of memory");
	}
}

static void take_address(const struct part *part, const struct sx_rains_object *object)
{
	struct sx_found_target target = { object->addr, part->port, part->priority };

	sx_finding_add_target(&part->quest->query->finding, &target);
}

/* With an address of one IP version that of the other may come along. */
static bool is_wanted(const struct part *part, const struct sx_rains_object *object)
{
	bool is_ip = object->type == SX_RAINS_IP4 || object->type == SX_RAINS_IP6;

	return part->type == object->type ||
	       (is_ip && (part->type == SX_RAINS_IP4 || part->type == SX_RAINS_IP6));
}

static void take(const struct part *part, const struct sx_rains_object *object)
{
	if (!is_wanted(part, object)) {
		return;
	}
	if (object->type == SX_RAINS_SRV) {
		take_service(part, object);
	} else if (object->type == SX_RAINS_CERT) {
		take_cert(part, object);
	} else {
		take_address(part, object);
	}
}

static void take_hit(const struct part *part, const struct sx_rains_hit *hit)
{
	struct sx_reader walk = sx_reader_of(hit->assertion.objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		take(part, &object);
	}
}

/* The question for addresses of the name itself; without it services are all there is. */
static bool is_name(const struct part *part)
{
	return part == part->quest->parts && part->type == SX_RAINS_SCION;
}

/* Whether what others have answered leaves the part little time. */
static bool is_late(const struct part *part)
{
	const struct quest *quest = part->quest;
	bool has_service = quest->query->finding.target_count > 0;

	if (is_name(part)) {
		return has_service; /* which goes before it */
	}
	return part->type == SX_RAINS_SRV && quest->is_answered;
}

/* Many servers answer "no" by silence, be it about the name, be it about its services. */
static void hurry(struct quest *quest)
{
	uint64_t deadline_ns = sx_loop_now_ns() + HURRY_NS;

	for (size_t i = 0; i < quest->count; i++) {
		if (quest->parts[i].lookup && is_late(&quest->parts[i])) {
			sx_rains_lookup_hurry(quest->parts[i].lookup, deadline_ns);
		}
	}
}

static uint32_t seconds_left(const struct sx_rains_answer *answer, uint32_t most)
{
	int64_t left = answer->until - (int64_t)sx_loop_unix_time();

	return left <= 0 ? 0 : left < most ? (uint32_t)left : most;
}

/* Looks for a service of the name; without room for its label there is none. */
static void look_up_service(
	struct quest *quest, const char *label, const struct part *part, uint64_t now_ns)
{
	char service[2 * SX_RAINS_NAME_MOST];

	if (snprintf(service, sizeof service, "%s.%s", label, quest->query->name) <
		SX_RAINS_NAME_MOST) {
		look_up(quest, part, service, now_ns);
	}
}

/* Nothing is on SCION: perhaps there is plain QUIC, about which silence is short. True: it is asked for. */
static bool seek_plain(struct quest *quest)
{
	const struct sx_query *query = quest->query;
	const struct part part = { .type = SX_RAINS_SRV, .is_plain = true };
	uint64_t now_ns = sx_loop_now_ns();

	if (quest->seeks_plain || quest->failure || query->scion_only ||
		query->want != SX_WANT_ADDRESSES || query->finding.target_count > 0) {
		return false;
	}
	quest->seeks_plain = true;
	look_up_service(quest, PLAIN_SERVICE, &part, now_ns);
	if (quest->left > 0) {
		sx_rains_lookup_hurry(quest->parts[quest->count - 1].lookup, now_ns + HURRY_NS);
	}
	return quest->left > 0;
}

/* What comes of a part that found nothing. Plain QUIC is not missed. */
static void take_failure(struct part *part, int status, const char *reason)
{
	struct quest *quest = part->quest;

	if (part->is_plain) {
		return;
	}
	if (status != SX_ETIMEDOUT || !is_late(part)) {
		fail(quest, status, reason);
	} else if (!is_name(part)) {
		sx_finding_limit(&quest->query->finding, SILENCE_TTL);
	}
}

static void take_answer(
	struct part *part, int status, const struct sx_rains_answer *answer, const char *reason)
{
	struct quest *quest = part->quest;

	if (status == SX_OK) {
		for (size_t i = 0; i < answer->count; i++) {
			take_hit(part, &answer->hits[i]);
		}
		sx_finding_limit(&quest->query->finding, seconds_left(answer, VALIDITY_MOST));
	} else if (status == SX_ENOTFOUND) {
		sx_finding_limit(&quest->query->finding, seconds_left(answer, NOTHING_MOST));
	} else {
		take_failure(part, status, reason);
	}
	quest->is_answered |= is_name(part) && (status == SX_OK || status == SX_ENOTFOUND);
	if (status == SX_EREFUSED || status == SX_EEXPIRED) {
		sx_log(&quest->self->log, SX_LOG_WARN, "RAINS data about %s is not believed: %s",
			quest->query->name, reason);
	}
}

static void on_done(void *arg, int status, const struct sx_rains_answer *answer, const char *reason)
{
	struct part *part = arg;
	struct quest *quest = part->quest;
	struct sx_rains_lookup *lookup = part->lookup;

	take_answer(part, status, answer, reason);
	part->lookup = NULL;
	sx_rains_lookup_free(lookup);
	if (--quest->left > 0) {
		hurry(quest);
	} else if (!seek_plain(quest)) {
		end(quest);
	}
}

static void ask_all(struct quest *quest, uint64_t now_ns)
{
	const char *name = quest->query->name;

	if (quest->query->want == SX_WANT_CERTIFICATES) {
		look_up(quest, &(struct part){ .type = SX_RAINS_CERT }, name, now_ns);
		return;
	}
	look_up(quest, &(struct part){ .type = SX_RAINS_SCION }, name, now_ns);
	if (quest->left > 0) {
		look_up_service(quest, SERVICE, &(struct part){ .type = SX_RAINS_SRV }, now_ns);
	}
}

static void rains_ask(struct sx_source *source, struct sx_query *query, uint64_t now_ns)
{
	struct quest *quest = calloc(1, sizeof *quest);

	if (!quest) {
		sx_finding_fail(&query->finding, SX_ENOMEM, "out of memory");
		query->done(query);
		return;
	}
	quest->self = of(source);
	quest->query = query;
	query->state = quest;
	ask_all(quest, now_ns);
	if (quest->left == 0) {
		end(quest);
	}
}

static void rains_cancel(struct sx_source *source, struct sx_query *query)
{
	struct quest *quest = query->state;

	(void)source;
	for (size_t i = 0; i < quest->count; i++) {
		sx_rains_lookup_free(quest->parts[i].lookup);
	}
	free(quest);
}

static void rains_flush(struct sx_source *source)
{
	sx_rains_client_flush(of(source)->client);
	sx_rains_trust_flush(of(source)->trust);
}

static void rains_free(struct sx_source *source)
{
	struct rains_source *self = of(source);

	sx_rains_client_free(self->client);
	sx_rains_trust_free(self->trust);
	free(self);
}

static const struct sx_source_ops ops = { .name = "rains",
	.ask = rains_ask,
	.cancel = rains_cancel,
	.flush = rains_flush,
	.free = rains_free };

static int open_trust(struct rains_source *self, const struct sx_rains_config *config,
	struct sx_rains_reason *reason)
{
	struct sx_rains_anchors *anchors = calloc(1, sizeof *anchors);
	struct sx_rains_trust_config trust = { .anchors = anchors,
		.unsigned_ok = config->unsigned_too,
		.keys_most = KEYS_MOST,
		.validity_most = VALIDITY_MOST };
	uint8_t seed[16];
	int rc = anchors ? sx_rains_roots_read(anchors, config->roots, reason) : SX_ENOMEM;

	sx_random_bytes(seed, sizeof seed);
	trust.seed = seed;
	if (rc == SX_OK && anchors->count == 0 && !config->unsigned_too) {
		sx_rains_reason_set(reason, "roots: found none, expected the root key of RAINS, as "
					    "\"ed25519 1 HEX\" or in a file");
		rc = SX_EINVAL;
	}
	if (rc == SX_OK) {
		rc = sx_rains_trust_new(&self->trust, &trust);
	}
	free(anchors);
	return rc;
}

static int open_client(struct rains_source *self, struct sx_loop *loop,
	const struct sx_rains_config *config, struct sx_rains_reason *reason)
{
	struct sx_rains_client_config client = { .servers = config->servers ? config->servers : "",
		.scion = config->scion,
		.log = config->log };
	struct sx_rains_reason why;
	int rc = sx_rains_client_new(&self->client, loop, &client, &why);

	if (rc < 0) {
		sx_rains_reason_set(reason, "servers: %s", why.text);
	}
	return rc;
}

int sx_rains_source_new(struct sx_source **out, struct sx_loop *loop,
	const struct sx_rains_config *config, struct sx_rains_reason *reason)
{
	struct rains_source *self = calloc(1, sizeof *self);
	int rc;

	sx_rains_reason_set(reason, "out of memory");
	if (!self) {
		return SX_ENOMEM;
	}
	self->source.ops = &ops;
	self->log = config->log;
	rc = open_trust(self, config, reason);
	if (rc == SX_OK) {
		rc = open_client(self, loop, config, reason);
	}
	if (rc < 0) {
		rains_free(&self->source);
		return rc;
	}
	if (config->unsigned_too) {
		sx_log(&self->log, SX_LOG_WARN,
			"RAINS data is believed without signatures (rains.trust is \"unsigned\"): "
			"for laboratories only");
	}
	*out = &self->source;
	return SX_OK;
}
