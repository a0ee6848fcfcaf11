/* SPDX-License-Identifier: MIT */
/*
 * zone: the zone of a zone file, in the grammar of the Go implementation, with the shards and pshards that the file has;
 * and the message, signed, by which it is published. Ed25519 only.
 */
#pragma once

#include "rains/reason.h"
#include "rains/section.h"

#define SX_RAINS_ZONE_FILE_MOST (1 << 20)

struct sx_rains_zone_item {
	struct sx_rains_section section; /* without map and signatures */
	unsigned line;
	bool is_dated; /* the file says from when to when it is valid, and by which key */
	int64_t phase;
	int64_t since; /* UNIX seconds */
	int64_t until;
	size_t first; /* of a zone or shard: its assertions */
	size_t count;
};

struct sx_rains_zone_items {
	struct sx_rains_zone_item *items;
	size_t count;
	size_t cap;
};

struct sx_rains_zone {
	struct sx_rains_zone_items assertions; /* of each section a run, in Go's order */
	struct sx_rains_zone_items sections;   /* the zone, then shards and pshards */
	struct sx_writer pool;                 /* the objects, and the filters of pshards */
	uint8_t *text;                         /* what names are views of */
	uint8_t bytes[];
};

struct sx_rains_signing {
	const uint8_t *seed;
	int64_t phase;
	int64_t since; /* UNIX seconds, where the file says nothing else */
	int64_t until;
	struct sx_bytes token; /* of the message */
};

/*
 * Reads a zone file: exactly one zone. SX_EMALFORMED, SX_ELIMIT: `reason` says on which line what was found and what
 * is expected; also for what servers cannot read, or would answer with one half of.
 */
SX_MUST_CHECK int sx_rains_zone_new(
	struct sx_rains_zone **out, struct sx_bytes text, struct sx_rains_reason *reason);
void sx_rains_zone_free(struct sx_rains_zone *zone);

/* The zone itself: its name, its context, and the run of its assertions. Lends it. */
const struct sx_rains_zone_item *sx_rains_zone_main(const struct sx_rains_zone *zone);

/* Room for the message of any zone. */
#define SX_RAINS_ZONE_MSG_MOST 65536

/*
 * Writes the message that publishes the zone: each assertion is signed, and so is each section. SX_ELIMIT: larger than
 * what resolvers accept. SX_EINVAL: the file wants another key phase; `reason` says more.
 */
SX_MUST_CHECK int sx_rains_zone_sign(const struct sx_rains_zone *zone,
	const struct sx_rains_signing *signing, struct sx_writer *out,
	struct sx_rains_reason *reason);

/* The parts of sx_rains_zone_new: contradictions within a zone that has been read. */
SX_MUST_CHECK int sx_rains_zone_check(
	const struct sx_rains_zone *zone, struct sx_rains_reason *reason);
