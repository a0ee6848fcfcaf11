/* SPDX-License-Identifier: MIT */
/*
 * name: names, zones and contexts of RAINS. Names end with the dot of the root zone, which is "." itself, and are
 * compared byte by byte.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define SX_RAINS_NAME_MOST 255

struct sx_rains_name {
	size_t len;
	uint8_t data[SX_RAINS_NAME_MOST];
};

static inline struct sx_bytes sx_rains_name_bytes(const struct sx_rains_name *name)
{
	return sx_bytes_of(name->data, name->len);
}

/*
 * SX_OK for a full name: at most 255 bytes in 128 labels of 1 to 63, no blanks or control characters, a dot behind
 * each.
 */
SX_MUST_CHECK int sx_rains_name_check(struct sx_bytes name);

/* The full name of a subject in a zone: "@" is the zone itself. SX_EMALFORMED: that is no name. */
SX_MUST_CHECK int sx_rains_name_join(
	struct sx_rains_name *out, struct sx_bytes subject, struct sx_bytes zone);

/* Whether the name lies below the zone; the zone itself does not. */
bool sx_rains_name_is_below(struct sx_bytes name, struct sx_bytes zone);

/* What is left of a name below the zone, or "@" for the zone itself. SX_ENOTFOUND: it lies elsewhere. */
SX_MUST_CHECK int sx_rains_name_subject(
	struct sx_bytes name, struct sx_bytes zone, struct sx_bytes *out);

/* SX_OK for the global context, ".", or a local one, which contains "cx-". */
SX_MUST_CHECK int sx_rains_context_check(struct sx_bytes context);

/* Whether it is the name of a service ("_rains._tcp.ns.example."): who serves is said by an object of its own. */
bool sx_rains_name_is_service(struct sx_bytes name);
