/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "dns/dns.h"
#include "dns_source.h"
#include "scion_txt.h"

#define QUESTIONS_MOST 24 /* of one query */
#define TTL_UNKNOWN    60
#define TTL_PART       60 /* of an answer when a question of the query had none */

struct dns_source {
	struct sx_source source;
	struct sx_dns *dns;
};

/* What an answer is good for. */
enum use {
	USE_SCION,   /* TXT: SCION addresses at a port */
	USE_PLAIN,   /* A, AAAA: QUIC over UDP at a port */
	USE_SERVICE, /* SRV */
};

struct question {
	struct lookup *lookup;
	struct sx_dns_question *asked; /* NULL: done */
	enum use use;
	const struct service *service; /* SRV */
	uint16_t port;                 /* 0: the default */
	uint16_t priority;
	char name[SX_DNS_TEXT_BYTES];
};

/* One query and its questions. */
struct lookup {
	struct dns_source *self;
	struct sx_query *query;
	size_t count;
	size_t left; /* not answered yet */
	bool failed; /* one had no answer */
	struct question questions[QUESTIONS_MOST];
};

/* Service labels, and what their targets are asked for. */
static const struct service {
	const char *label;
	bool has_port; /* the record's port is one for QUIC */
	bool is_scion;
	bool is_plain;
} services[] = {
	{ "_xmpp-server._udpscion", true, true, false },
	{ "_xmpp-server._quic", true, false, true },
	{ "_xmpp-server._tcp", false, true, false },
};

static struct dns_source *of(struct sx_source *source)
{
	return sx_container_of(source, struct dns_source, source);
}

static const char *type_name(enum sx_dns_type type)
{
	return type == SX_DNS_TXT   ? "TXT"
	       : type == SX_DNS_SRV ? "SRV"
	       : type == SX_DNS_A   ? "A"
				    : "AAAA";
}

static void on_answer(void *arg, const struct sx_dns_answer *answer);

/* Asks one more question; beyond the bound nothing is asked. `question` says what for. */
static void ask(struct lookup *lookup, const struct question *question, enum sx_dns_type type)
{
	struct question *slot = &lookup->questions[lookup->count];
	struct sx_dns_request request = { .type = type,
		.deadline_ns = lookup->query->deadline_ns,
		.done = on_answer,
		.arg = slot };

	if (lookup->count == QUESTIONS_MOST) {
		return;
	}
	*slot = *question;
	slot->lookup = lookup;
	request.name = slot->name;
	if (sx_dns_ask(lookup->self->dns, &request, &slot->asked) < 0) {
		lookup->failed = true;
		sx_finding_trace(&lookup->query->finding, "dns: %s %s: cannot be asked", slot->name,
			type_name(type));
		return;
	}
	lookup->count++;
	lookup->left++;
}

static void add_scion(const struct question *question, const struct sx_dns_answer *answer)
{
	struct sx_scion_txt txt = { .count = 0 };

	for (size_t i = 0; i < answer->count; i++) {
		sx_scion_txt_add(&txt, answer->records[i].data);
	}
	for (size_t i = 0; i < txt.count; i++) {
		struct sx_found_target target = { txt.addrs[i], question->port,
			question->priority };

		sx_finding_add_target(&question->lookup->query->finding, &target);
	}
}

static void add_plain(const struct question *question, const struct sx_dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		struct sx_found_target target = { .port = question->port,
			.priority = question->priority };

		if (sx_host_of_ip(answer->records[i].data, &target.addr.host) == SX_OK) {
			sx_finding_add_target(&question->lookup->query->finding, &target);
		}
	}
}

static void ask_target(
	struct lookup *lookup, const struct service *service, const struct sx_dns_record *record)
{
	struct question question = { .port = service->has_port ? record->port : 0,
		.priority = record->priority };

	if (record->data.len == 0 || record->data.len >= sizeof question.name) {
		return; /* "." says that there is no such service */
	}
	memcpy(question.name, record->data.data, record->data.len);
	if (service->is_scion) {
		question.use = USE_SCION;
		ask(lookup, &question, SX_DNS_TXT);
	}
	if (service->is_plain) {
		question.use = USE_PLAIN;
		ask(lookup, &question, SX_DNS_A);
		ask(lookup, &question, SX_DNS_AAAA);
	}
}

static void use(const struct question *question, const struct sx_dns_answer *answer)
{
	if (question->use == USE_SCION) {
		add_scion(question, answer);
	} else if (question->use == USE_PLAIN) {
		add_plain(question, answer);
	} else {
		for (size_t i = 0; i < answer->count; i++) {
			ask_target(question->lookup, question->service, &answer->records[i]);
		}
	}
}

static void finish(struct lookup *lookup)
{
	struct sx_query *query = lookup->query;
	struct sx_finding *finding = &query->finding;

	sx_finding_prefer_ports(finding);
	if (finding->target_count > 0) {
		finding->status = SX_OK;
		sx_finding_limit(finding, lookup->failed ? TTL_PART : UINT32_MAX);
	} else if (lookup->failed) {
		sx_finding_fail(finding, SX_ETIMEDOUT, "no answer");
	} else {
		sx_finding_fail(finding, SX_ENOTFOUND, "no SCION address");
	}
	free(lookup);
	query->done(query);
}

static void trace(const struct question *question, const struct sx_dns_answer *answer)
{
	static const char *const uses[] = { "TXT", "A or AAAA", "SRV" };

	sx_finding_trace(&question->lookup->query->finding, "dns: %s %s: %s, %zu records, for %u s",
		question->name, uses[question->use],
		answer->status == SX_OK ? "found" : answer->reason, answer->count, answer->ttl_s);
}

static void on_answer(void *arg, const struct sx_dns_answer *answer)
{
	struct question *question = arg;
	struct lookup *lookup = question->lookup;

	question->asked = NULL;
	trace(question, answer);
	if (answer->status == SX_OK) {
		use(question, answer);
		sx_finding_limit(&lookup->query->finding, answer->ttl_s);
	} else if (answer->status == SX_ENOTFOUND) {
		sx_finding_limit(
			&lookup->query->finding, answer->ttl_s ? answer->ttl_s : TTL_UNKNOWN);
	} else {
		lookup->failed = true;
	}
	if (--lookup->left == 0) {
		finish(lookup);
	}
}

static void ask_all(struct lookup *lookup)
{
	struct question question = { .use = USE_SCION };

	(void)snprintf(question.name, sizeof question.name, "%s", lookup->query->name);
	ask(lookup, &question, SX_DNS_TXT);
	question.use = USE_SERVICE;
	for (size_t i = 0; i < SX_COUNT(services); i++) {
		question.service = &services[i];
		if (snprintf(question.name, sizeof question.name, "%s.%s", services[i].label,
			    lookup->query->name) < (int)sizeof question.name) {
			ask(lookup, &question, SX_DNS_SRV);
		}
	}
}

static void dns_ask(struct sx_source *source, struct sx_query *query, uint64_t now_ns)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);

	(void)now_ns;
	if (!lookup || query->want != SX_WANT_ADDRESSES) {
		free(lookup);
		sx_finding_fail(&query->finding,
			query->want == SX_WANT_ADDRESSES ? SX_ENOMEM : SX_ENOTFOUND,
			query->want == SX_WANT_ADDRESSES ? "out of memory" : "DNS proves nothing");
		query->done(query);
		return;
	}
	lookup->self = of(source);
	lookup->query = query;
	query->state = lookup;
	ask_all(lookup);
	if (lookup->left == 0) {
		finish(lookup);
	}
}

static void dns_cancel(struct sx_source *source, struct sx_query *query)
{
	struct lookup *lookup = query->state;

	(void)source;
	for (size_t i = 0; i < lookup->count; i++) {
		sx_dns_cancel(lookup->questions[i].asked);
	}
	free(lookup);
}

static void dns_flush(struct sx_source *source)
{
	(void)source;
}

static void dns_free(struct sx_source *source)
{
	struct dns_source *self = of(source);

	sx_dns_free(self->dns);
	free(self);
}

static const struct sx_source_ops ops = {
	.name = "dns", .ask = dns_ask, .cancel = dns_cancel, .flush = dns_flush, .free = dns_free
};

int sx_dns_source_new(struct sx_source **out, struct sx_loop *loop, const char *servers)
{
	struct dns_source *self = calloc(1, sizeof *self);
	struct sx_dns_config config = { .servers = servers };
	int rc;

	if (!self) {
		return SX_ENOMEM;
	}
	self->source.ops = &ops;
	rc = sx_dns_new(&self->dns, loop, &config);
	if (rc < 0) {
		free(self);
		return rc;
	}
	*out = &self->source;
	return SX_OK;
}
