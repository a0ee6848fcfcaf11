/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/heap.h"
#include "base/list.h"
#include "search.h"

/* How long an answer waits for sources that are preferred. */
#define GRACE_NS UINT64_C(150000000)

/* An answer that holds for lack of a better one is looked at again after this time. */
#define MAKESHIFT_SECONDS 30

/* How long nothing is taken for granted: when nobody could be asked, and at the most. */
#define FAILURE_SECONDS 5
#define NOTHING_SECONDS 300

#define SECOND_NS UINT64_C(1000000000)

#define TRACE_BYTES (SX_SOURCES_MOST * (size_t)SX_FINDING_TRACE_BYTES)
#define NAME_BYTES  256

struct rung {
	struct sx_search *search;
	struct sx_source *source;
	bool asked;
	uint64_t found_ns; /* when its finding was first seen; 0: not yet */
	struct sx_query query;
};

struct sx_search {
	char name[NAME_BYTES];
	enum sx_want want;
	bool scion_only;
	uint64_t deadline_ns;
	bool begun;
	void (*changed)(void *arg);
	void *arg;
	size_t count;
	struct rung rungs[SX_SOURCES_MOST];
};

static bool is_done(const struct rung *rung)
{
	return rung->asked && rung->query.finding.status != SX_EAGAIN;
}

static bool is_found(const struct rung *rung)
{
	return rung->asked && rung->query.finding.status == SX_OK;
}

/* Plain QUIC alone is a makeshift: whoever comes after may know the way over SCION. */
static bool is_enough(const struct rung *rung)
{
	const struct sx_finding *finding = &rung->query.finding;

	for (size_t i = 0; i < finding->target_count; i++) {
		if (finding->targets[i].addr.ia) {
			return true;
		}
	}
	return finding->cert_count > 0;
}

static void on_done(struct sx_query *query)
{
	struct rung *rung = sx_container_of(query, struct rung, query);
	struct sx_search *search = rung->search;

	if (search->begun) {
		search->changed(search->arg);
	}
}

static void ask(struct sx_search *search, struct rung *rung, uint64_t now_ns)
{
	rung->asked = true;
	rung->query.name = search->name;
	rung->query.want = search->want;
	rung->query.scion_only = search->scion_only;
	rung->query.deadline_ns = search->deadline_ns;
	rung->query.done = on_done;
	sx_finding_init(&rung->query.finding);
	rung->source->ops->ask(rung->source, &rung->query, now_ns);
}

static void begin(struct sx_search *search, uint64_t now_ns)
{
	for (size_t i = 0; i < search->count; i++) {
		ask(search, &search->rungs[i], now_ns);
		if (is_found(&search->rungs[i]) && is_enough(&search->rungs[i])) {
			break; /* whoever comes after is not needed */
		}
	}
	search->begun = true;
}

int sx_search_new(struct sx_search **out, const struct sx_search_plan *plan, uint64_t now_ns)
{
	struct sx_search *search = calloc(1, sizeof *search);

	if (!search) {
		return SX_ENOMEM;
	}
	(void)snprintf(search->name, sizeof search->name, "%s", plan->name);
	search->deadline_ns = plan->deadline_ns;
	search->want = plan->want;
	search->scion_only = plan->scion_only;
	search->changed = plan->changed;
	search->arg = plan->arg;
	search->count = plan->count;
	for (size_t i = 0; i < plan->count; i++) {
		search->rungs[i].search = search;
		search->rungs[i].source = plan->sources[i];
	}
	begin(search, now_ns);
	*out = search;
	return SX_OK;
}

void sx_search_free(struct sx_search *search)
{
	if (!search) {
		return;
	}
	for (size_t i = 0; i < search->count; i++) {
		struct rung *rung = &search->rungs[i];

		if (rung->asked && !is_done(rung)) {
			rung->source->ops->cancel(rung->source, &rung->query);
		}
		if (rung->asked) {
			sx_finding_fini(&rung->query.finding);
		}
	}
	free(search);
}

/* The preferred one of those that found something, or NULL. */
static struct rung *best_of(struct sx_search *search, uint64_t now_ns)
{
	struct rung *best = NULL;

	for (size_t i = 0; i < search->count; i++) {
		struct rung *rung = &search->rungs[i];

		if (!is_found(rung)) {
			continue;
		}
		rung->found_ns = rung->found_ns ? rung->found_ns : now_ns;
		if (is_enough(rung)) {
			return rung;
		}
		best = best ? best : rung;
	}
	return best;
}

/* True when a source that would be preferred to the best one (NULL: any) may still answer. */
static bool is_pending(const struct sx_search *search, const struct rung *best)
{
	const struct rung *end = best && is_enough(best) ? best : NULL;

	for (size_t i = 0; i < search->count && &search->rungs[i] != end; i++) {
		if (search->rungs[i].asked && !is_done(&search->rungs[i])) {
			return true;
		}
	}
	return false;
}

/* True when a source before `end` has not said for certain what it knows. */
static bool is_makeshift(const struct sx_search *search, const struct rung *end)
{
	for (size_t i = 0; i < search->count && &search->rungs[i] != end; i++) {
		int status = search->rungs[i].query.finding.status;

		if (status != SX_ENOTFOUND && status != SX_OK) {
			return true;
		}
	}
	return false;
}

static uint64_t patience(const struct sx_search *search, const struct rung *best)
{
	uint64_t grace_ns = best ? best->found_ns + GRACE_NS : SX_NEVER;

	return grace_ns < search->deadline_ns ? grace_ns : search->deadline_ns;
}

static size_t join_traces(const struct sx_search *search, char *out, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < search->count; i++) {
		const struct rung *rung = &search->rungs[i];

		if (rung->asked && rung->query.finding.trace_len < cap - len) {
			memcpy(out + len, rung->query.finding.trace, rung->query.finding.trace_len);
			len += rung->query.finding.trace_len;
		}
	}
	out[len] = '\0';
	return len;
}

static int freeze(const struct sx_search *search, const struct sx_finding *finding,
	const char *source, uint64_t now_ns, struct sx_buf **out)
{
	char *trace = malloc(TRACE_BYTES + 1);
	int rc = SX_ENOMEM;

	if (trace) {
		(void)join_traces(search, trace, TRACE_BYTES + 1);
		rc = sx_answer_new(out, finding, source, trace);
		free(trace);
	}
	if (rc == SX_OK) {
		sx_answer_of(*out)->expiry_ns = now_ns + finding->ttl * SECOND_NS;
	}
	return rc;
}

static int freeze_found(
	struct sx_search *search, struct rung *best, uint64_t now_ns, struct sx_buf **out)
{
	struct sx_finding *finding = &best->query.finding;

	if (is_makeshift(search, best)) {
		sx_finding_limit(finding, MAKESHIFT_SECONDS);
	}
	return freeze(search, finding, best->source->ops->name, now_ns, out);
}

/* One source's part in the reason why there is nothing. */
static void add_reason(struct sx_finding *all, const struct rung *rung)
{
	const struct sx_finding *finding = &rung->query.finding;
	bool late = finding->status == SX_EAGAIN;
	size_t len = strlen(all->reason);

	(void)snprintf(all->reason + len, sizeof all->reason - len, "%s%s: %s", len > 0 ? "; " : "",
		rung->source->ops->name, late ? "no answer in time" : finding->reason);
	if (finding->status != SX_ENOTFOUND && all->status == SX_ENOTFOUND) {
		all->status = late ? SX_ETIMEDOUT : finding->status;
	}
	sx_finding_limit(all, finding->status == SX_ENOTFOUND ? finding->ttl : FAILURE_SECONDS);
}

static int freeze_nothing(const struct sx_search *search, uint64_t now_ns, struct sx_buf **out)
{
	struct sx_finding *all = calloc(1, sizeof *all);
	int rc;

	if (!all) {
		return SX_ENOMEM;
	}
	sx_finding_init(all);
	sx_finding_limit(all, NOTHING_SECONDS);
	all->status = SX_ENOTFOUND;
	for (size_t i = 0; i < search->count; i++) {
		add_reason(all, &search->rungs[i]);
	}
	rc = freeze(search, all, "", now_ns, out);
	free(all);
	return rc;
}

int sx_search_decide(struct sx_search *search, uint64_t now_ns, struct sx_buf **out)
{
	struct rung *best = best_of(search, now_ns);

	if (is_pending(search, best) && now_ns < patience(search, best)) {
		return SX_EAGAIN;
	}
	return best ? freeze_found(search, best, now_ns, out) : freeze_nothing(search, now_ns, out);
}

uint64_t sx_search_deadline(struct sx_search *search, uint64_t now_ns)
{
	const struct rung *best = best_of(search, now_ns);
	uint64_t first = patience(search, best);

	return first > now_ns ? first : search->deadline_ns;
}

bool sx_search_is_over(struct sx_search *search, uint64_t now_ns)
{
	return now_ns >= search->deadline_ns || !is_pending(search, best_of(search, now_ns));
}
