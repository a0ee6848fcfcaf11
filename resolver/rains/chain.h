/* SPDX-License-Identifier: MIT */
/*
 * chain: one resolution's way from its answers up to an anchor. Delegations that cannot be judged yet are kept until
 * the key above them is known, so that each is asked for once. Bounded in questions, depth, bytes and signatures
 * checked.
 */
#pragma once

#include "rains/trust.h"

#define SX_RAINS_CHAIN_NEEDS 32 /* delegations asked for in one resolution */
#define SX_RAINS_CHAIN_DEPTH 16
#define SX_RAINS_CHAIN_KEPT  64 /* delegations kept, and their bytes */
#define SX_RAINS_CHAIN_BYTES 65536

struct sx_rains_chain;

/* Borrows `trust` until it is freed. */
SX_MUST_CHECK int sx_rains_chain_new(struct sx_rains_chain **out, struct sx_rains_trust *trust);
void sx_rains_chain_free(struct sx_rains_chain *chain);

/*
 * A message has come: the keys in it that verify are remembered, other delegations kept, as far as there is room. What
 * may be checked for one answer begins anew. Copies what it keeps. SX_ENOMEM: not all was looked at.
 */
SX_MUST_CHECK int sx_rains_chain_learn(
	struct sx_rains_chain *chain, const struct sx_rains_msg *msg, int64_t now);

/*
 * Judges a section as sx_rains_trust_judge, helping itself to what was learned. SX_EAGAIN: the verdict says what to ask
 * for now. SX_ELIMIT, SX_EREFUSED: also when that was asked for and settled, or is one question too many.
 */
SX_MUST_CHECK int sx_rains_chain_judge(struct sx_rains_chain *chain,
	const struct sx_rains_section *section, int64_t now, struct sx_rains_verdict *out);

/* A question for a delegation has its answer, learned already, or will have none: it is not asked again. */
void sx_rains_chain_settle(struct sx_rains_chain *chain, const struct sx_rains_need *need);
