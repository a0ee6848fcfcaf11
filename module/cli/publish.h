/* SPDX-License-Identifier: MIT */
/*
 * publish: pushes a signed zone to an authoritative server and asks it for each name. Servers answer nothing to a push,
 * and take a while, so asking is the only way to know.
 */
#pragma once

#include <stdio.h>

#include "rains/msg.h"
#include "rains/name.h"
#include "rains/reason.h"

/* One name of the zone, and what has become of it. Servers do not answer for "@", which is left out. */
struct sx_cli_published {
	struct sx_rains_section assertion;
	struct sx_rains_name name;
	int64_t type;        /* what it is asked for: the first of its objects */
	bool is_seen;        /* with our signature */
	int64_t older_until; /* an older version is served, too, until then; 0: none was seen */
};

struct sx_cli_publication {
	struct sx_cli_published *names;
	size_t count;
	size_t seen;
	uint64_t took_ns;
};

/*
 * Pushes `message`, of which the names are views, to the server and asks for each name for `seconds`; says on `progress`
 * what was seen. SX_ETIMEDOUT: some were not. Other failures: `reason` says what to do. Call fini in any case.
 */
SX_MUST_CHECK int sx_cli_publish(struct sx_cli_publication *out, const char *server,
	struct sx_bytes message, FILE *progress, struct sx_rains_reason *reason);
void sx_cli_publication_fini(struct sx_cli_publication *publication);
