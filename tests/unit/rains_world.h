/* SPDX-License-Identifier: MIT */
/* rains_world: a root key, what trusts it, and one resolution. */
#pragma once

#include "rains/chain.h"
#include "rains_maker.h"

#define NOW   1800000000
#define SINCE (NOW - 1000)
#define UNTIL (NOW + 1000)

static struct {
	struct sx_rains_anchors anchors;
	struct sx_rains_trust *trust;
	struct sx_rains_chain *chain;
} world;

static inline void world_begin(void)
{
	static const uint8_t seed[16] = { 1 };
	const struct sx_rains_trust_config config = {
		.anchors = &world.anchors,
		.keys_most = 100,
		.validity_most = 86400,
		.seed = seed,
	};
	struct sx_rains_reason reason;
	struct rains_vector root;

	rains_make_begin();
	rains_vector_load(0, &root);
	world.anchors.count = 0;
	ck_assert_int_eq(sx_rains_anchors_add(&world.anchors, sx_bytes_text(""),
				 sx_vector_bytes(&root.section), NOW, &reason),
		SX_OK);
	ck_assert_int_eq(sx_rains_trust_new(&world.trust, &config), SX_OK);
	ck_assert_int_eq(sx_rains_chain_new(&world.chain, world.trust), SX_OK);
}

static inline void world_end(void)
{
	sx_rains_chain_free(world.chain);
	sx_rains_trust_free(world.trust);
}

static inline void world_next_resolution(void)
{
	sx_rains_chain_free(world.chain);
	ck_assert_int_eq(sx_rains_chain_new(&world.chain, world.trust), SX_OK);
}

/* The section signed with a key, within the usual dates. */
static inline struct sx_rains_section world_signed(
	struct sx_rains_section section, uint8_t seed, int64_t phase)
{
	const struct rains_signer signer = { seed, phase, SINCE, UNTIL, false };

	return rains_signed(section, &signer, 1);
}

/* A message with this section alone has come. */
static inline void world_learn(const struct sx_rains_section *section)
{
	struct sx_rains_msg msg = rains_msg(&section, 1);

	ck_assert_int_eq(sx_rains_chain_learn(world.chain, &msg, NOW), SX_OK);
}
