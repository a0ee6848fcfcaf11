/* SPDX-License-Identifier: MIT */
/*
 * pathtable: what a path file says, read from its JSON text:
 *
 *   { "isd_as": "1-ff00:0:111", "mtu": 1472, "routers": [ "10.0.0.1:30042" ],
 *     "paths": [ { "destination": "2-ff00:0:211", "raw": "0000...", "next_hop": "10.0.0.1:30042", "mtu": 1472,
 *                  "expiry": 1795425570, "interfaces": [ { "isd_as": "1-ff00:0:111", "id": 1 }, ... ],
 *                  "latency_ms": [ 10, 0, 5 ] } ] }
 *
 * mtu and latency_ms may be missing; members that are not known are left for later versions.
 */
#pragma once

#include "scion/pathsrc.h"

#define SX_PATHTABLE_PATHS_MAX     10000
#define SX_PATHTABLE_PROBLEM_BYTES 256

struct sx_pathtable {
	struct sx_local_as local;
	struct sx_known_path **paths; /* by destination, then fewest hops first */
	size_t count;
};

/* Reads a table. SX_EMALFORMED: `problem` names the line or field and what is expected there. */
SX_MUST_CHECK int sx_pathtable_parse(
	struct sx_pathtable **out, struct sx_bytes text, char problem[SX_PATHTABLE_PROBLEM_BYTES]);

/* Accepts NULL. */
void sx_pathtable_free(struct sx_pathtable *table);
