/* SPDX-License-Identifier: MIT */
/* rains_vectors: the golden sections in tests/data/rains, made and signed by the Go implementation. */
#pragma once

#include "rains/scan.h"
#include "rains/section.h"
#include "rains/sign.h"
#include "vectors.h"

#define RAINS_VECTORS 6
#define RAINS_SINCE   1700000000
#define RAINS_UNTIL   2000000000

/* The seeds of the two keys. */
#define RAINS_ROOT_SEED    1
#define RAINS_EXAMPLE_SEED 2

struct rains_vector {
	int64_t type;
	struct sx_vector section;
	struct sx_vector tbs; /* the section's part */
	struct sx_vector meta;
	struct sx_vector data;
	struct sx_vector key;
};

static inline struct sx_bytes rains_seed(uint8_t byte)
{
	static uint8_t seed[SX_RAINS_SEED_BYTES];

	memset(seed, byte, sizeof seed);
	return sx_bytes_of(seed, sizeof seed);
}

static inline void rains_vector_load(size_t index, struct rains_vector *out)
{
	static const int64_t types[RAINS_VECTORS] = { SX_RAINS_ASSERTION, SX_RAINS_ASSERTION,
		SX_RAINS_ASSERTION, SX_RAINS_ASSERTION, SX_RAINS_ZONE, SX_RAINS_PSHARD };
	json_t *root = sx_vectors_load("rains/vectors.json");
	const json_t *vector = json_array_get(json_object_get(root, "vectors"), index);

	out->type = types[index];
	ck_assert(sx_vector_get(vector, "section", &out->section));
	ck_assert(sx_vector_get(vector, "tbs", &out->tbs));
	ck_assert(sx_vector_get(vector, "sigmeta", &out->meta));
	ck_assert(sx_vector_get(vector, "sig", &out->data));
	ck_assert(sx_vector_get(vector, "pubkey", &out->key));
	json_decref(root);
}

static inline struct sx_rains_section rains_section_of(int64_t type, struct sx_bytes map)
{
	struct sx_rains_section section;

	ck_assert_int_eq(sx_cbor_check(map, 65536), SX_OK);
	ck_assert_int_eq(sx_rains_section_parse(&section, type, map), SX_OK);
	return section;
}
