/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

#define FIRST_BUCKETS 16

static uint64_t little_u64(const uint8_t *in, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		value |= (uint64_t)in[i] << 8 * i;
	}
	return value;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	for (int i = 0; i < rounds; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

uint64_t sx_siphash(const uint8_t *key, struct sx_bytes in)
{
	uint64_t k0 = little_u64(key, 8), k1 = little_u64(key + 8, 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU,
		k0 ^ 0x6c7967656e657261U, k1 ^ 0x7465646279746573U };
	size_t whole = in.len / 8 * 8;
	uint64_t last = (uint64_t)in.len << 56;

	for (size_t i = 0; i < whole; i += 8) {
		uint64_t word = little_u64(in.data + i, 8);

		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	if (in.len > whole) {
		last |= little_u64(in.data + whole, in.len - whole);
	}
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct sx_map_node **bucket_of(const struct sx_map *map, uint64_t hash)
{
	return &map->buckets[hash & (map->bucket_count - 1)];
}

static void link_node(struct sx_map *map, struct sx_map_node *node)
{
	struct sx_map_node **bucket = bucket_of(map, node->hash);

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct sx_map *map)
{
	struct sx_map old = *map;
	struct sx_map_node **buckets = calloc(old.bucket_count * 2, sizeof *buckets);

	if (!buckets) {
		return;
	}
	map->buckets = buckets;
	map->bucket_count = old.bucket_count * 2;
	for (size_t i = 0; i < old.bucket_count; i++) {
		for (struct sx_map_node *node = old.buckets[i], *next; node; node = next) {
			next = node->next;
			link_node(map, node);
		}
	}
	free(old.buckets);
}

int sx_map_init(struct sx_map *map, const uint8_t *seed)
{
	struct sx_map_node **buckets = calloc(FIRST_BUCKETS, sizeof *buckets);

	if (!buckets) {
		return SX_ENOMEM;
	}
	*map = (struct sx_map){ .buckets = buckets, .bucket_count = FIRST_BUCKETS };
	memcpy(map->seed, seed, sizeof map->seed);
	return SX_OK;
}

void sx_map_fini(struct sx_map *map)
{
	free(map->buckets);
	*map = (struct sx_map){ 0 };
}

void sx_map_insert(struct sx_map *map, struct sx_map_node *node, struct sx_bytes key)
{
	assert(!sx_map_find(map, key));
	if (map->count >= map->bucket_count) {
		grow(map);
	}
	node->key = key;
	node->hash = sx_siphash(map->seed, key);
	link_node(map, node);
	map->count++;
}

struct sx_map_node *sx_map_find(const struct sx_map *map, struct sx_bytes key)
{
	uint64_t hash;

	if (map->count == 0) {
		return NULL;
	}
	hash = sx_siphash(map->seed, key);
	for (struct sx_map_node *node = *bucket_of(map, hash); node; node = node->next) {
		if (node->hash == hash && sx_bytes_equal(node->key, key)) {
			return node;
		}
	}
	return NULL;
}

void sx_map_remove(struct sx_map *map, struct sx_map_node *node)
{
	struct sx_map_node **link = bucket_of(map, node->hash);

	while (*link != node) {
		assert(*link);
		link = &(*link)->next;
	}
	*link = node->next;
	map->count--;
}
