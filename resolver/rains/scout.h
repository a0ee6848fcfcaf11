/* SPDX-License-Identifier: MIT */
/*
 * scout: looks up where the server is that a referral names without an address: first its service, if the name is that
 * of one, then the addresses of the host, over SCION, IPv6, IPv4, as far as there are any. Its questions go to the
 * servers configured and follow no referral themselves.
 */
#pragma once

#include "rains/lookup.h"
#include "rains/referral.h"

struct sx_rains_scout;

/*
 * Begins on behalf of a lookup: `wish` is that of the lookup, but for the name, the type and `done`. Adds to the places
 * of `referral`, borrowed. `done` is called once, from the loop, and may free the scout; `reason` says why nothing was
 * found. On failure nothing follows.
 */
SX_MUST_CHECK int sx_rains_scout_new(struct sx_rains_scout **out, const struct sx_rains_wish *wish,
	struct sx_rains_referral *referral, void (*done)(void *arg, int status, const char *reason),
	uint64_t now_ns);

/* As of a lookup. */
void sx_rains_scout_hurry(struct sx_rains_scout *scout, uint64_t deadline_ns);
void sx_rains_scout_free(struct sx_rains_scout *scout);
