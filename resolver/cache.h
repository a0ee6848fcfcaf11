/* SPDX-License-Identifier: MIT */
/*
 * cache: answers by kind and name, until they expire or room is needed. Bounded by bytes, bookkeeping included; what
 * was used least recently goes first. Time is a parameter.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"

#define SX_CACHE_NAME_MOST 255

struct sx_cache;

/* What is asked for: two keys are the same when kind and all bytes of the name are. */
struct sx_cache_key {
	uint8_t kind; /* the user's own numbers */
	struct sx_bytes name;
};

struct sx_cache_answer {
	int status; /* SX_OK: there is one; SX_ENOTFOUND: there is none; others: the question failed */
	struct sx_buf *value; /* may be NULL; what it holds is the user's business */
	uint64_t stored_ns;
	uint64_t expires_ns;
};

struct sx_cache_stats {
	size_t entries; /* expired ones that are still there included */
	size_t bytes;
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions; /* for want of room */
};

/* A cache of at most `bytes_most` bytes. */
SX_MUST_CHECK int sx_cache_new(struct sx_cache **out, size_t bytes_most);
void sx_cache_free(struct sx_cache *cache);

/* Changes with every flush: whoever asks remembers it and puts the answer under it. */
uint64_t sx_cache_generation(const struct sx_cache *cache);

/*
 * Stores an answer in place of the one before; refs its value. A failure does not replace an answer that is still
 * valid. SX_ESTALE: the cache was flushed since `generation`. SX_EINVAL: a longer name than SX_CACHE_NAME_MOST.
 * SX_ELIMIT: larger than the whole cache. In each case what was there stays.
 */
SX_MUST_CHECK int sx_cache_put(struct sx_cache *cache, struct sx_cache_key key,
	const struct sx_cache_answer *answer, uint64_t generation);

/* The answer, or NULL when there is none or it has expired. Lends it until the next call but sx_cache_stats. */
const struct sx_cache_answer *sx_cache_find(
	struct sx_cache *cache, struct sx_cache_key key, uint64_t now_ns);

/*
 * An answer (SX_OK) that was used since it was stored and whose life is over to 80 % should be asked for again. Each
 * is told once. SX_EAGAIN: none now. Lends the name until the next call but sx_cache_stats.
 */
SX_MUST_CHECK int sx_cache_due(struct sx_cache *cache, uint64_t now_ns, struct sx_cache_key *out);

/* When sx_cache_due may have one, SX_NEVER: not before another put or find. */
uint64_t sx_cache_due_ns(const struct sx_cache *cache);

/* Forgets everything and begins a new generation. */
void sx_cache_flush(struct sx_cache *cache);

void sx_cache_stats(const struct sx_cache *cache, struct sx_cache_stats *out);
