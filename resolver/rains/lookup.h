/* SPDX-License-Identifier: MIT */
/*
 * lookup: one name and one type of object at RAINS servers, verified up to an anchor: aliases and referrals to other
 * servers are followed, delegations asked for as they are needed.
 */
#pragma once

#include "rains/answer.h"
#include "rains/client.h"
#include "rains/object.h"

#define SX_RAINS_ALIASES_MOST 8

struct sx_rains_lookup;

struct sx_rains_wish {
	struct sx_rains_client *client; /* borrowed for the lookup's life, as is the trust */
	struct sx_rains_trust *trust;
	const char *name; /* without a dot at its end; copied */
	enum sx_rains_object_type type;
	bool scion_only;
	bool follows_none; /* servers that only refer to others are of no use */
	uint64_t deadline_ns;
	struct sx_log trace; /* hears of each question, and what proves its answer */
	/*
	 * Called once, from the loop. SX_OK: the hits of `answer`, lent until it returns, have what was asked for.
	 * SX_ENOTFOUND: proven that there is none, until answer->until. Otherwise `reason` says why it failed. May free
	 * the lookup.
	 */
	void (*done)(
		void *arg, int status, const struct sx_rains_answer *answer, const char *reason);
	void *arg;
};

/* Begins. SX_EUNREACH: there is nobody to ask; `reason` says why, and nothing follows. */
SX_MUST_CHECK int sx_rains_lookup_new(struct sx_rains_lookup **out,
	const struct sx_rains_wish *wish, uint64_t now_ns, struct sx_rains_reason *reason);

/* Ends by `deadline_ns` if it would have taken longer. */
void sx_rains_lookup_hurry(struct sx_rains_lookup *lookup, uint64_t deadline_ns);

/* Cancels what is under way. Accepts NULL. */
void sx_rains_lookup_free(struct sx_rains_lookup *lookup);
