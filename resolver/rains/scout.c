/* SPDX-License-Identifier: MIT */
#include "rains/scout.h"

#include <stdlib.h>

#include "base/loop.h"

struct sx_rains_scout {
	struct sx_rains_wish wish; /* of the question under way */
	struct sx_rains_referral *referral;
	void (*done)(void *arg, int status, const char *reason);
	void *arg;
	struct sx_rains_lookup *lookup;
	size_t step;
	struct sx_rains_name host;
	uint16_t port;
};

/* What is asked for, in this order. */
static const struct {
	enum sx_rains_object_type type;
	bool is_on_scion;
} steps[] = {
	{ SX_RAINS_SRV, true }, /* which does not tell yet */
	{ SX_RAINS_SCION, true },
	{ SX_RAINS_IP4, false },
	{ SX_RAINS_IP6, false },
};

static void finish(struct sx_rains_scout *scout, int status, const char *reason)
{
	scout->done(scout->arg, status, reason);
}

/* A service has no address, and a host behind it may not have been found. */
static bool is_of_use(const struct sx_rains_scout *scout)
{
	bool is_service = sx_rains_name_is_service(sx_rains_name_bytes(&scout->host));

	return is_service == (steps[scout->step].type == SX_RAINS_SRV) &&
	       (steps[scout->step].is_on_scion || !scout->wish.scion_only);
}

/* Asks what the step says, or the next one that is allowed. SX_ENOTFOUND: there is none any more. */
static int ask(struct sx_rains_scout *scout, uint64_t now_ns, struct sx_rains_reason *reason)
{
	char name[SX_RAINS_NAME_MOST];

	while (scout->step < SX_COUNT(steps) && !is_of_use(scout)) {
		scout->step++;
	}
	if (scout->step == SX_COUNT(steps)) {
		sx_rains_reason_set(reason, "no address of the server %.*s was to be had",
			(int)scout->referral->target.len,
			(const char *)scout->referral->target.data);
		return SX_ENOTFOUND;
	}
	memcpy(name, scout->host.data, scout->host.len - 1);
	name[scout->host.len - 1] = '\0'; /* in place of its dot */
	scout->wish.name = name;
	scout->wish.type = steps[scout->step].type;
	return sx_rains_lookup_new(&scout->lookup, &scout->wish, now_ns, reason);
}

/* The service first in order becomes the host to look for. */
static void take_service(
	struct sx_rains_scout *scout, const struct sx_rains_object *object, uint16_t *priority)
{
	if (object->priority < *priority && sx_rains_name_check(object->text) == SX_OK) {
		*priority = object->priority;
		memcpy(scout->host.data, object->text.data, object->text.len);
		scout->host.len = object->text.len;
		scout->port = object->port;
	}
}

static void take(struct sx_rains_scout *scout, const struct sx_rains_section *assertion)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	uint16_t priority = UINT16_MAX;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type != scout->wish.type) {
			continue;
		}
		if (object.type == SX_RAINS_SRV) {
			take_service(scout, &object, &priority);
		} else {
			sx_rains_referral_add(scout->referral, &object.addr, scout->port);
		}
	}
}

/* The question has its answer: on to the next, unless that was enough, or time is over. */
static void go_on(struct sx_rains_scout *scout, int status)
{
	struct sx_rains_reason reason;
	int rc;

	if (scout->referral->count > 0) {
		finish(scout, SX_OK, "");
		return;
	}
	if (status == SX_ETIMEDOUT) {
		finish(scout, status, "no answer in time about the server it refers to");
		return;
	}
	scout->step++;
	rc = ask(scout, sx_loop_now_ns(), &reason);
	if (rc < 0) {
		finish(scout, rc, reason.text);
	}
}

static void on_done(void *arg, int status, const struct sx_rains_answer *answer, const char *reason)
{
	struct sx_rains_scout *scout = arg;
	struct sx_rains_lookup *lookup = scout->lookup;

	(void)reason; /* which the trace has */
	for (size_t i = 0; status == SX_OK && i < answer->count; i++) {
		take(scout, &answer->hits[i].assertion);
	}
	scout->lookup = NULL;
	sx_rains_lookup_free(lookup);
	go_on(scout, status);
}

int sx_rains_scout_new(struct sx_rains_scout **out, const struct sx_rains_wish *wish,
	struct sx_rains_referral *referral, void (*done)(void *arg, int status, const char *reason),
	uint64_t now_ns)
{
	struct sx_rains_scout *scout = calloc(1, sizeof *scout);
	struct sx_rains_reason reason;
	int rc;

	if (!scout) {
		return SX_ENOMEM;
	}
	scout->wish = *wish;
	scout->wish.follows_none = true;
	scout->wish.done = on_done;
	scout->wish.arg = scout;
	scout->referral = referral;
	scout->done = done;
	scout->arg = wish->arg;
	scout->host = referral->target;
	scout->port = SX_RAINS_SERVER_PORT;
	rc = ask(scout, now_ns, &reason);
	if (rc < 0) {
		free(scout);
		return rc;
	}
	*out = scout;
	return SX_OK;
}

void sx_rains_scout_hurry(struct sx_rains_scout *scout, uint64_t deadline_ns)
{
	if (deadline_ns < scout->wish.deadline_ns) {
		scout->wish.deadline_ns = deadline_ns;
		sx_rains_lookup_hurry(scout->lookup, deadline_ns);
	}
}

void sx_rains_scout_free(struct sx_rains_scout *scout)
{
	if (scout) {
		sx_rains_lookup_free(scout->lookup);
		free(scout);
	}
}
