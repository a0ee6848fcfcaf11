/* SPDX-License-Identifier: MIT */
/* answer: what a message says, believed, to a question. */
#pragma once

#include "rains/chain.h"

#define SX_RAINS_HITS_MOST 8

enum sx_rains_answer_kind {
	SX_RAINS_ANSWER_DATA,   /* the hits have objects of a type asked for */
	SX_RAINS_ANSWER_ALIAS,  /* the hits have another name for a type asked for */
	SX_RAINS_ANSWER_DENIED, /* there is nothing: proven by a zone, shard or pshard */
};

struct sx_rains_hit {
	struct sx_rains_section assertion; /* a view into the message */
	int64_t since;                     /* UNIX seconds */
	int64_t until;
};

struct sx_rains_answer {
	enum sx_rains_answer_kind kind;
	size_t count;
	struct sx_rains_hit hits[SX_RAINS_HITS_MOST];
	int64_t until;             /* of the whole: of the hit that ends first, or of the proof */
	struct sx_rains_need need; /* SX_EAGAIN */
	struct sx_rains_reason reason; /* any other failure */
};

/*
 * Learns a message's keys and reads what answers the question. SX_OK: believed. SX_EAGAIN: a delegation is needed
 * first; ask for it, learn and settle that, then read the same message again. SX_ENOTFOUND: nothing in it is about the
 * question. Other failures: something is, and none of it is believed; the reason is of the first.
 */
SX_MUST_CHECK int sx_rains_answer_read(struct sx_rains_answer *out, struct sx_rains_chain *chain,
	const struct sx_rains_msg *msg, const struct sx_rains_question *question, int64_t now);

/* The name that stands for the one asked for, of an SX_RAINS_ANSWER_ALIAS. SX_ENOTFOUND: none that is a name. */
SX_MUST_CHECK int sx_rains_answer_alias(
	const struct sx_rains_answer *answer, int64_t type, struct sx_rains_name *out);
