/* SPDX-License-Identifier: MIT */
/*
 * map: an intrusive hash map from byte keys to nodes, keyed with SipHash against chosen keys. Nodes belong to the
 * caller, who keeps the key's bytes alive while the node is in the map.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct sx_map_node {
	struct sx_map_node *next;
	uint64_t hash;
	struct sx_bytes key;
};

struct sx_map {
	struct sx_map_node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	uint8_t seed[16];
};

/* SX_ENOMEM: nothing was allocated. `seed` is 16 random bytes, copied. */
SX_MUST_CHECK int sx_map_init(struct sx_map *map, const uint8_t *seed);
void sx_map_fini(struct sx_map *map);

/* Inserts a node under `key`, which must not be in the map yet. Cannot fail: a table that cannot grow gets slower. */
void sx_map_insert(struct sx_map *map, struct sx_map_node *node, struct sx_bytes key);
struct sx_map_node *sx_map_find(const struct sx_map *map, struct sx_bytes key);

/* Removes a node that is in the map. */
void sx_map_remove(struct sx_map *map, struct sx_map_node *node);

/* SipHash-2-4 of `in` under a 16-byte key. */
uint64_t sx_siphash(const uint8_t *key, struct sx_bytes in);
