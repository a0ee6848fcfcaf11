/* SPDX-License-Identifier: MIT */
/* pathset: the candidates for one destination, best first. */
#pragma once

#include "scion/pathsrc.h"

struct sx_pathset {
	size_t count;
	const struct sx_known_path
		*paths[SX_PATHSRC_PATHS_MAX]; /* lent by the source, until its next refresh */
};

/* What an alternative is ranked by, beyond the path itself: when it last failed, 0 for never. */
struct sx_pathset_doubts {
	uint64_t (*doubted_at)(const void *arg, const struct sx_known_path *path);
	const void *arg;
};

/* The paths to an AS that are valid at `now`, Unix seconds: fewest hops first, then by announced latency. */
void sx_pathset_of(struct sx_pathset *set, const struct sx_pathsrc *source, uint64_t destination,
	uint64_t now);

/* The path with this fingerprint, or NULL. */
const struct sx_known_path *sx_pathset_find(
	const struct sx_pathset *set, const uint8_t fingerprint[SX_PATH_FINGERPRINT_BYTES]);

/* The path that uses these interfaces in this order, whichever way it was learned; or NULL. */
const struct sx_known_path *sx_pathset_find_ids(
	const struct sx_pathset *set, const uint16_t *ids, size_t count);

/*
 * Where to go when `current` fails: never itself; those never doubted first, then those doubted longest ago; among them
 * the one that shares the fewest links with `current` (NULL: unknown), then the best. NULL: there is no other.
 */
const struct sx_known_path *sx_pathset_alternative(const struct sx_pathset *set,
	const struct sx_known_path *current, struct sx_pathset_doubts doubts);
