/* SPDX-License-Identifier: MIT */
#include "rains/chain.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "rains/object.h"

/* Signatures that glue may use up of an answer's; the rest is for what was asked. */
#define GLUE_CHECKS (SX_RAINS_ANSWER_CHECKS / 2)

/* A delegation whose signer's key is not known yet. */
struct kept {
	struct sx_list node;
	struct sx_rains_section section; /* into `map` */
	size_t len;
	uint8_t map[];
};

struct asked {
	struct sx_rains_need need;
	bool is_settled;
};

struct sx_rains_chain {
	struct sx_rains_trust *trust;
	struct sx_rains_budget budget;
	struct sx_list kept;
	size_t kept_count;
	size_t kept_bytes;
	size_t asked_count;
	struct asked asked[SX_RAINS_CHAIN_NEEDS];
	const struct asked *
		refused; /* of whose answers the last was not believed, for this reason; NULL: of none */
	struct sx_rains_reason why;
};

static bool is_same_name(const struct sx_rains_name *a, const struct sx_rains_name *b)
{
	return sx_bytes_equal(sx_rains_name_bytes(a), sx_rains_name_bytes(b));
}

static struct asked *find_asked(struct sx_rains_chain *chain, const struct sx_rains_need *need)
{
	for (size_t i = 0; i < chain->asked_count; i++) {
		struct asked *asked = &chain->asked[i];

		if (asked->need.phase == need->phase &&
			is_same_name(&asked->need.zone, &need->zone) &&
			is_same_name(&asked->need.context, &need->context)) {
			return asked;
		}
	}
	return NULL;
}

/* Whether the assertion delegates, and, if there is a need, the key it is about. */
static bool delegates(const struct sx_rains_section *assertion, const struct sx_rains_need *need)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	struct sx_rains_name zone;

	if (sx_rains_name_join(&zone, assertion->subject, assertion->zone) < 0 ||
		!sx_rains_name_is_below(sx_rains_name_bytes(&zone), assertion->zone)) {
		return false;
	}
	if (need &&
		(!is_same_name(&zone, &need->zone) ||
			!sx_bytes_equal(assertion->context, sx_rains_name_bytes(&need->context)))) {
		return false;
	}
	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_DELEG && (!need || object.key.phase == need->phase)) {
			return true;
		}
	}
	return false;
}

/* The same for any section that may have assertions in it. */
static bool has_delegation(const struct sx_rains_section *section, const struct sx_rains_need *need)
{
	struct sx_reader walk = sx_reader_of(section->content.items);
	struct sx_rains_section assertion;

	if (section->type == SX_RAINS_ASSERTION) {
		return delegates(section, need);
	}
	while (sx_rains_next_contained(&walk, section, &assertion)) {
		if (delegates(&assertion, need)) {
			return true;
		}
	}
	return false;
}

static bool is_kept(const struct sx_rains_chain *chain, struct sx_bytes map)
{
	sx_list_each (node, following, &chain->kept) {
		const struct kept *kept = sx_container_of(node, struct kept, node);

		if (sx_bytes_equal(sx_bytes_of(kept->map, kept->len), map)) {
			return true;
		}
	}
	return false;
}

static int keep(struct sx_rains_chain *chain, const struct sx_rains_section *section)
{
	struct sx_bytes map = section->map;
	struct kept *kept;
	int rc;

	if (chain->kept_count == SX_RAINS_CHAIN_KEPT ||
		map.len > SX_RAINS_CHAIN_BYTES - chain->kept_bytes || is_kept(chain, map)) {
		return SX_OK;
	}
	kept = malloc(sizeof *kept + map.len);
	if (!kept) {
		return SX_ENOMEM;
	}
	memcpy(kept->map, map.data, map.len);
	kept->len = map.len;
	rc = sx_rains_section_parse(
		&kept->section, section->type, sx_bytes_of(kept->map, kept->len));
	assert(rc == SX_OK); /* as it did where it came from */
	sx_list_init(&kept->node);
	sx_list_append(&chain->kept, &kept->node);
	chain->kept_count++;
	chain->kept_bytes += kept->len;
	return SX_OK;
}

static void drop(struct sx_rains_chain *chain, struct kept *kept)
{
	sx_list_remove(&kept->node);
	chain->kept_count--;
	chain->kept_bytes -= kept->len;
	free(kept);
}

static struct kept *find_kept(const struct sx_rains_chain *chain, const struct sx_rains_need *need)
{
	sx_list_each (node, following, &chain->kept) {
		struct kept *kept = sx_container_of(node, struct kept, node);

		if (has_delegation(&kept->section, need)) {
			return kept;
		}
	}
	return NULL;
}

/* A delegation is not believed: if it was asked for, the operator will want to know why. */
static void note_refusal(struct sx_rains_chain *chain, const struct sx_rains_section *section,
	const struct sx_rains_reason *why)
{
	for (size_t i = 0; i < chain->asked_count; i++) {
		if (has_delegation(section, &chain->asked[i].need)) {
			chain->refused = &chain->asked[i];
			chain->why = *why;
		}
	}
}

/* A delegation is remembered, kept or forgotten. */
static int consider(
	struct sx_rains_chain *chain, const struct sx_rains_section *section, int64_t now)
{
	struct sx_rains_verdict verdict;
	int rc = sx_rains_trust_judge(chain->trust, section, now, &chain->budget, &verdict);

	if (rc == SX_OK) {
		return sx_rains_trust_learn(chain->trust, section, &verdict, now);
	}
	if (rc == SX_EAGAIN || rc == SX_ELIMIT) {
		return keep(chain, section);
	}
	if (rc == SX_ENOMEM) {
		return rc;
	}
	note_refusal(chain, section, &verdict.reason);
	return SX_OK;
}

int sx_rains_chain_new(struct sx_rains_chain **out, struct sx_rains_trust *trust)
{
	struct sx_rains_chain *chain = calloc(1, sizeof *chain);

	if (!chain) {
		return SX_ENOMEM;
	}
	chain->trust = trust;
	chain->budget.answer = SX_RAINS_ANSWER_CHECKS;
	chain->budget.resolution = SX_RAINS_RESOLUTION_CHECKS;
	sx_list_init(&chain->kept);
	*out = chain;
	return SX_OK;
}

void sx_rains_chain_free(struct sx_rains_chain *chain)
{
	if (!chain) {
		return;
	}
	sx_list_each (node, following, &chain->kept) {
		drop(chain, sx_container_of(node, struct kept, node));
	}
	free(chain);
}

int sx_rains_chain_learn(struct sx_rains_chain *chain, const struct sx_rains_msg *msg, int64_t now)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;
	int rc = SX_OK;

	chain->budget.answer = GLUE_CHECKS;
	while (rc == SX_OK && sx_rains_next_section(&walk, &section)) {
		if (has_delegation(&section, NULL)) {
			rc = consider(chain, &section, now);
		}
	}
	chain->budget.answer += SX_RAINS_ANSWER_CHECKS - GLUE_CHECKS;
	return rc;
}

/* Goes up from a section to the first that can be judged. SX_EAGAIN: `*top` waits for what the verdict says. */
static int climb(struct sx_rains_chain *chain, const struct sx_rains_section *section, int64_t now,
	struct sx_rains_verdict *verdict, struct kept **top)
{
	const struct sx_rains_section *current = section;

	*top = NULL;
	for (unsigned depth = 0; depth < SX_RAINS_CHAIN_DEPTH; depth++) {
		struct kept *above;
		int rc = sx_rains_trust_judge(chain->trust, current, now, &chain->budget, verdict);

		if (rc != SX_EAGAIN) {
			return rc;
		}
		above = find_kept(chain, &verdict->need);
		if (!above) {
			return SX_EAGAIN;
		}
		*top = above;
		current = &above->section;
	}
	sx_rains_reason_set(&verdict->reason, "more than %d delegations above each other",
		SX_RAINS_CHAIN_DEPTH);
	*top = NULL;
	return SX_ELIMIT;
}

static void explain(const struct sx_rains_chain *chain, const struct asked *asked,
	struct sx_rains_reason *reason)
{
	struct sx_bytes zone = sx_rains_name_bytes(&asked->need.zone);

	if (chain->refused == asked) {
		sx_rains_reason_set(reason, "%.*s; it delegates zone %.*s",
			SX_RAINS_REASON_BYTES / 2, chain->why.text, (int)zone.len,
			(const char *)zone.data);
		return;
	}
	sx_rains_reason_set(reason,
		"no delegation of zone %.*s with key phase %" PRId64 " was to be had",
		(int)zone.len, (const char *)zone.data, asked->need.phase);
}

/* What the verdict needs becomes a question, unless it was one before or is one too many. */
static int ask(struct sx_rains_chain *chain, struct sx_rains_verdict *verdict)
{
	const struct sx_rains_need *need = &verdict->need;
	const struct asked *asked = find_asked(chain, need);

	if (asked && !asked->is_settled) {
		return SX_EAGAIN;
	}
	if (asked) {
		explain(chain, asked, &verdict->reason);
		return SX_EREFUSED;
	}
	if (chain->asked_count == SX_RAINS_CHAIN_NEEDS) {
		sx_rains_reason_set(&verdict->reason, "more than %d delegations to ask for",
			SX_RAINS_CHAIN_NEEDS);
		return SX_ELIMIT;
	}
	chain->asked[chain->asked_count++] = (struct asked){ .need = *need };
	return SX_EAGAIN;
}

int sx_rains_chain_judge(struct sx_rains_chain *chain, const struct sx_rains_section *section,
	int64_t now, struct sx_rains_verdict *out)
{
	/* Every turn but the last takes one away from what is kept. */
	for (;;) {
		struct kept *top;
		int rc = climb(chain, section, now, out, &top);

		if (rc == SX_EAGAIN) {
			return ask(chain, out);
		}
		if (!top || rc == SX_ELIMIT || rc == SX_ENOMEM) {
			return rc;
		}
		if (rc == SX_OK) {
			rc = sx_rains_trust_learn(chain->trust, &top->section, out, now);
		} else {
			note_refusal(chain, &top->section, &out->reason);
		}
		drop(chain, top);
		if (rc == SX_ENOMEM) {
			return rc;
		}
	}
}

void sx_rains_chain_settle(struct sx_rains_chain *chain, const struct sx_rains_need *need)
{
	struct asked *asked = find_asked(chain, need);

	if (asked) {
		asked->is_settled = true;
	}
}
