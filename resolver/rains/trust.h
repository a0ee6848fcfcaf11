/* SPDX-License-Identifier: MIT */
/*
 * trust: what of RAINS is believed. A section is judged by its signatures with the keys of its zone, which are anchors
 * or came by delegations from them; whatever cannot be verified does not exist. No I/O: when a key is missing the
 * verdict says which delegation to ask for.
 */
#pragma once

#include "rains/anchor.h"
#include "rains/keys.h"
#include "rains/msg.h"

/* Signatures checked for one answer and for one resolution at most. */
#define SX_RAINS_ANSWER_CHECKS     64
#define SX_RAINS_RESOLUTION_CHECKS 256

struct sx_rains_trust_config {
	const struct sx_rains_anchors *anchors; /* copied */
	bool unsigned_ok; /* for labs: sections without signatures, and all without an anchor, are believed */
	size_t keys_most;      /* keys to remember */
	int64_t validity_most; /* seconds from now that anything is believed for at most */
	const uint8_t *seed;   /* 16 random bytes, copied */
};

/* Signatures that may still be checked. */
struct sx_rains_budget {
	unsigned answer;
	unsigned resolution;
};

/* A delegation that would help: type 5 of `zone`, with key phase `phase`. */
struct sx_rains_need {
	struct sx_rains_name zone;
	struct sx_rains_name context;
	int64_t phase;
};

struct sx_rains_verdict {
	int64_t since; /* SX_OK: valid from and until, UNIX seconds */
	int64_t until;
	struct sx_rains_need need;     /* SX_EAGAIN */
	struct sx_rains_reason reason; /* any other failure */
};

struct sx_rains_trust;

SX_MUST_CHECK int sx_rains_trust_new(
	struct sx_rains_trust **out, const struct sx_rains_trust_config *config);
void sx_rains_trust_free(struct sx_rains_trust *trust);

/* Forgets all keys but the anchors. */
void sx_rains_trust_flush(struct sx_rains_trust *trust);

/*
 * Judges an assertion, shard, pshard or zone of a message of at most SX_RAINS_MSG_MOST bytes. SX_OK: believed within
 * the verdict's dates, which are those of key and signature in common, and the span of several. SX_EAGAIN: the verdict
 * says what is needed. SX_EEXPIRED: only outside its dates. SX_EREFUSED: any other reason. SX_ELIMIT: the budget is
 * spent.
 */
SX_MUST_CHECK int sx_rains_trust_judge(struct sx_rains_trust *trust,
	const struct sx_rains_section *section, int64_t now, struct sx_rains_budget *budget,
	struct sx_rains_verdict *out);

/*
 * Remembers the keys to which a section delegates, once judged SX_OK with `verdict`. Only keys of zones below the
 * section's own count, and never those of a zone with an anchor. SX_ENOMEM: some may be missing.
 */
SX_MUST_CHECK int sx_rains_trust_learn(struct sx_rains_trust *trust,
	const struct sx_rains_section *section, const struct sx_rains_verdict *verdict,
	int64_t now);
