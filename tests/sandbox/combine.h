/* SPDX-License-Identifier: MIT */
/* combine: segments into end-to-end paths: through the core, by shortcut, over a peering link, or along one segment. */
#pragma once

#include "beacon.h"

#define SX_COMBINE_PATHS_MAX 256 /* for one pair of ASes; the shortest stay */
#define SX_COMBINED_HOPS_MAX (3 * SX_SEGMENT_ENTRIES_MAX)

struct sx_combined {
	struct sx_path path; /* as a host sends it */
	size_t interface_count;
	struct sx_interface interfaces[2 * SX_COMBINED_HOPS_MAX]; /* in the order of travel */
	uint16_t mtu; /* the largest SCION packet, by what the ASes announce */
};

struct sx_combined_list {
	struct sx_combined *items; /* fewest hops first */
	size_t count;
	size_t cap;
};

/* All paths between two different ASes, given by their index. Adds to a zeroed or cleared `out`. */
SX_MUST_CHECK int sx_combine(struct sx_combined_list *out, const struct sx_topology *topology,
	const struct sx_beacons *beacons, size_t src, size_t dst);
void sx_combined_list_fini(struct sx_combined_list *list);

/* Writes "1-ff00:0:110 1>2 2-ff00:0:210 3>1 2-ff00:0:211", cut to `cap`, NUL-terminated. */
void sx_hops_write(const struct sx_interface *interfaces, size_t count, char *out, size_t cap);
