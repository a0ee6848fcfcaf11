/* SPDX-License-Identifier: MIT */
/* keys: the zone keys that verified delegations gave us, bounded: the one used least recently goes first. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "rains/sign.h"

struct sx_rains_key_id {
	struct sx_bytes zone; /* at most 255 bytes, as is the context */
	struct sx_bytes context;
	int64_t alg;
	int64_t phase;
};

struct sx_rains_key {
	int64_t since; /* UNIX seconds */
	int64_t until;
	uint8_t data[SX_RAINS_KEY_BYTES];
};

/* Zeroed memory can be given to sx_rains_keys_fini. */
struct sx_rains_keys {
	struct sx_map map;
	struct sx_list used; /* the least recently used first */
	size_t most;
};

/* At most `most` keys; `seed` is 16 random bytes, copied. */
SX_MUST_CHECK int sx_rains_keys_init(struct sx_rains_keys *keys, size_t most, const uint8_t *seed);
void sx_rains_keys_fini(struct sx_rains_keys *keys);

/* Forgets all keys. */
void sx_rains_keys_clear(struct sx_rains_keys *keys);

/* Copies a key. One with the same id stays while it is valid, if it begins later. SX_ENOMEM: nothing changed. */
SX_MUST_CHECK int sx_rains_keys_put(struct sx_rains_keys *keys, const struct sx_rains_key_id *id,
	const struct sx_rains_key *key, int64_t now);

/* The key of this id, or NULL. Lends it until the next put. */
const struct sx_rains_key *sx_rains_keys_find(
	struct sx_rains_keys *keys, const struct sx_rains_key_id *id);
