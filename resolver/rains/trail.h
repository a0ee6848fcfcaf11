/* SPDX-License-Identifier: MIT */
/*
 * trail: the zones to whose servers a lookup has been referred, from the top down, each below the one before. Uses the
 * servers until its end. Bounded in redirections, over all aliases.
 */
#pragma once

#include "rains/client.h"
#include "rains/referral.h"

#define SX_RAINS_REDIRECTIONS_MOST 8

/* Zeroed: at the beginning. */
struct sx_rains_trail {
	unsigned followed; /* redirections */
	size_t count;
	struct sx_rains_stage {
		struct sx_rains_name zone;
		uint32_t servers;
	} stages[SX_RAINS_REDIRECTIONS_MOST];
};

/* The zone that it has come to, "." at the beginning. Lent until it changes. */
struct sx_bytes sx_rains_trail_zone(const struct sx_rains_trail *trail);

/* The servers of the lowest zone that a name lies below; none: those configured. */
uint32_t sx_rains_trail_servers(const struct sx_rains_trail *trail, struct sx_bytes name);

/*
 * Goes on to the zone of a referral. SX_ELIMIT: that is one too many. SX_EUNREACH: none of its servers can be asked;
 * `scion_only` leaves those on SCION. `reason` says so.
 */
SX_MUST_CHECK int sx_rains_trail_follow(struct sx_rains_trail *trail,
	struct sx_rains_client *client, const struct sx_rains_referral *referral, bool scion_only,
	struct sx_rains_reason *reason);

/* Goes back to the beginning, for another name; what was followed still counts. No call to its servers is under way. */
void sx_rains_trail_restart(
	struct sx_rains_trail *trail, struct sx_rains_client *client, uint64_t now_ns);
