/* SPDX-License-Identifier: MIT */
/* ns_lookup: which sections answer a question, found as rainsd does (rains.md 3.5). */
#pragma once

#include "ns_zone.h"

#define SX_NS_SECTIONS_MOST 64

struct sx_ns_found {
	const struct sx_ns_zones *zones;
	bool use_expired; /* copies whose signatures have ended */
	size_t count;
	struct sx_rains_section sections[SX_NS_SECTIONS_MOST];
};

/*
 * Adds what answers a query: one assertion for each name, or the sections that deny it, or the way to those who know.
 * SX_ENOTFOUND: nothing does, and rainsd stays silent.
 */
SX_MUST_CHECK int sx_ns_lookup(struct sx_ns_found *found, const struct sx_rains_section *query);

/* Adds the delegations of all zones, as far as they are served here, that a name lies in. */
void sx_ns_lookup_chain(struct sx_ns_found *found, const struct sx_rains_section *query);
