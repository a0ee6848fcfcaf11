/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "cache.h"

/* What one entry costs beside its own bytes: its places in map and heap, and what malloc adds to two blocks. */
#define OVERHEAD (8 * sizeof(void *))

struct entry {
	struct sx_map_node node;
	struct sx_list order;    /* in `used` */
	struct sx_heap_node due; /* out when it has been told, or nobody asked for it by then */
	struct sx_cache_answer answer;
	size_t bytes;
	bool is_used;
	bool is_told;
	size_t key_len;
	uint8_t key[]; /* kind and name */
};

struct sx_cache {
	struct sx_map entries;
	struct sx_list used; /* the longest unused first */
	struct sx_heap due;
	size_t bytes_most;
	uint64_t generation;
	struct sx_cache_stats stats;
};

struct key {
	uint8_t bytes[1 + SX_CACHE_NAME_MOST];
	size_t len;
};

static bool join(struct key *out, struct sx_cache_key key)
{
	if (key.name.len > SX_CACHE_NAME_MOST) {
		return false;
	}
	out->bytes[0] = key.kind;
	if (key.name.len > 0) {
		memcpy(out->bytes + 1, key.name.data, key.name.len);
	}
	out->len = 1 + key.name.len;
	return true;
}

static struct entry *entry_find(const struct sx_cache *cache, const struct key *key)
{
	struct sx_map_node *node = sx_map_find(&cache->entries, sx_bytes_of(key->bytes, key->len));

	return node ? sx_container_of(node, struct entry, node) : NULL;
}

static void entry_remove(struct sx_cache *cache, struct entry *entry)
{
	sx_map_remove(&cache->entries, &entry->node);
	sx_list_remove(&entry->order);
	sx_heap_remove(&cache->due, &entry->due);
	cache->stats.entries--;
	cache->stats.bytes -= entry->bytes;
	sx_buf_unref(entry->answer.value);
	free(entry);
}

static void make_room(struct sx_cache *cache, size_t bytes)
{
	while (cache->stats.bytes + bytes > cache->bytes_most) {
		entry_remove(cache, sx_container_of(cache->used.next, struct entry, order));
		cache->stats.evictions++;
	}
}

static bool is_valid(const struct entry *entry, uint64_t now_ns)
{
	return entry && now_ns < entry->answer.expires_ns;
}

static uint64_t due_at(const struct sx_cache_answer *answer)
{
	uint64_t life_ns = answer->expires_ns - answer->stored_ns;

	return answer->stored_ns + life_ns / 5 * 4;
}

static size_t bytes_of(const struct key *key, const struct sx_buf *value)
{
	return sizeof(struct entry) + key->len + (value ? sizeof *value + value->cap : 0) +
	       OVERHEAD;
}

static struct entry *entry_new(const struct key *key, const struct sx_cache_answer *answer)
{
	struct entry *entry = calloc(1, sizeof *entry + key->len);

	if (!entry) {
		return NULL;
	}
	entry->answer = *answer;
	if (answer->value) {
		(void)sx_buf_ref(answer->value);
	}
	entry->bytes = bytes_of(key, answer->value);
	entry->key_len = key->len;
	memcpy(entry->key, key->bytes, key->len);
	return entry;
}

static void entry_insert(struct sx_cache *cache, struct entry *entry)
{
	make_room(cache, entry->bytes);
	sx_map_insert(&cache->entries, &entry->node, sx_bytes_of(entry->key, entry->key_len));
	sx_list_append(&cache->used, &entry->order);
	if (entry->answer.status == SX_OK) {
		sx_heap_set(&cache->due, &entry->due, due_at(&entry->answer));
	}
	cache->stats.entries++;
	cache->stats.bytes += entry->bytes;
}

int sx_cache_new(struct sx_cache **out, size_t bytes_most)
{
	struct sx_cache *cache = calloc(1, sizeof *cache);
	uint8_t seed[16];

	if (!cache) {
		return SX_ENOMEM;
	}
	sx_random_bytes(seed, sizeof seed);
	if (sx_map_init(&cache->entries, seed) < 0) {
		free(cache);
		return SX_ENOMEM;
	}
	sx_list_init(&cache->used);
	cache->bytes_most = bytes_most;
	*out = cache;
	return SX_OK;
}

void sx_cache_free(struct sx_cache *cache)
{
	if (!cache) {
		return;
	}
	sx_cache_flush(cache);
	sx_map_fini(&cache->entries);
	sx_heap_fini(&cache->due);
	free(cache);
}

uint64_t sx_cache_generation(const struct sx_cache *cache)
{
	return cache->generation;
}

/* SX_EAGAIN: what is there is better. */
static int may_put(const struct sx_cache *cache, const struct key *key, const struct entry *before,
	const struct sx_cache_answer *answer)
{
	bool is_failure = answer->status != SX_OK && answer->status != SX_ENOTFOUND;

	if (bytes_of(key, answer->value) > cache->bytes_most) {
		return SX_ELIMIT;
	}
	if (is_failure && is_valid(before, answer->stored_ns) &&
		(before->answer.status == SX_OK || before->answer.status == SX_ENOTFOUND)) {
		return SX_EAGAIN;
	}
	return SX_OK;
}

int sx_cache_put(struct sx_cache *cache, struct sx_cache_key key,
	const struct sx_cache_answer *answer, uint64_t generation)
{
	struct entry *before, *entry;
	struct key joined;
	int rc;

	if (generation != cache->generation) {
		return SX_ESTALE;
	}
	if (!join(&joined, key)) {
		return SX_EINVAL;
	}
	before = entry_find(cache, &joined);
	rc = may_put(cache, &joined, before, answer);
	if (rc < 0) {
		return rc == SX_EAGAIN ? SX_OK : rc;
	}
	rc = sx_heap_reserve(&cache->due, cache->stats.entries + 1);
	if (rc < 0) {
		return rc;
	}
	entry = entry_new(&joined, answer);
	if (!entry) {
		return SX_ENOMEM;
	}
	if (before) {
		entry_remove(cache, before);
	}
	entry_insert(cache, entry);
	return SX_OK;
}

/* Whoever comes late, when the heap has let go of the entry, puts it back. */
static void use(struct sx_cache *cache, struct entry *entry, uint64_t now_ns)
{
	entry->is_used = true;
	sx_list_remove(&entry->order);
	sx_list_append(&cache->used, &entry->order);
	if (entry->answer.status == SX_OK && !entry->is_told && entry->due.place == 0) {
		sx_heap_set(&cache->due, &entry->due, now_ns);
	}
}

const struct sx_cache_answer *sx_cache_find(
	struct sx_cache *cache, struct sx_cache_key key, uint64_t now_ns)
{
	struct key joined;
	struct entry *entry = join(&joined, key) ? entry_find(cache, &joined) : NULL;

	if (!is_valid(entry, now_ns)) {
		cache->stats.misses++;
		return NULL;
	}
	cache->stats.hits++;
	use(cache, entry, now_ns);
	return &entry->answer;
}

int sx_cache_due(struct sx_cache *cache, uint64_t now_ns, struct sx_cache_key *out)
{
	struct sx_heap_node *node;

	while ((node = sx_heap_first(&cache->due)) && node->deadline_ns <= now_ns) {
		struct entry *entry = sx_container_of(node, struct entry, due);

		sx_heap_remove(&cache->due, node);
		if (entry->is_used && is_valid(entry, now_ns)) {
			entry->is_told = true;
			out->kind = entry->key[0];
			out->name = sx_bytes_of(entry->key + 1, entry->key_len - 1);
			return SX_OK;
		}
	}
	return SX_EAGAIN;
}

uint64_t sx_cache_due_ns(const struct sx_cache *cache)
{
	const struct sx_heap_node *node = sx_heap_first(&cache->due);

	return node ? node->deadline_ns : SX_NEVER;
}

void sx_cache_flush(struct sx_cache *cache)
{
	while (!sx_list_is_empty(&cache->used)) {
		entry_remove(cache, sx_container_of(cache->used.next, struct entry, order));
	}
	cache->generation++;
}

void sx_cache_stats(const struct sx_cache *cache, struct sx_cache_stats *out)
{
	*out = cache->stats;
}
