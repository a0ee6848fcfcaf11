/* SPDX-License-Identifier: MIT */
#include "rains/keys.h"

#include <assert.h>
#include <stdlib.h>

#include "rains/name.h"

#define ID_MOST (2 * (SX_RAINS_NAME_MOST + 1) + 16)

struct entry {
	struct sx_map_node node;
	struct sx_list used;
	struct sx_rains_key key;
	uint8_t id[];
};

/* Zone and context, each behind its length, then the numbers. */
static struct sx_bytes id_bytes(uint8_t *out, const struct sx_rains_key_id *id)
{
	struct sx_writer writer = sx_writer_of(out, ID_MOST);

	sx_write_u8(&writer, (uint8_t)id->zone.len);
	sx_write_bytes(&writer, id->zone);
	sx_write_u8(&writer, (uint8_t)id->context.len);
	sx_write_bytes(&writer, id->context);
	sx_write_u64(&writer, (uint64_t)id->alg);
	sx_write_u64(&writer, (uint64_t)id->phase);
	assert(sx_writer_ok(&writer));
	return sx_writer_bytes(&writer);
}

static struct entry *find(const struct sx_rains_keys *keys, struct sx_bytes id)
{
	struct sx_map_node *node = sx_map_find(&keys->map, id);

	return node ? sx_container_of(node, struct entry, node) : NULL;
}

static void touch(struct sx_rains_keys *keys, struct entry *entry)
{
	sx_list_remove(&entry->used);
	sx_list_append(&keys->used, &entry->used);
}

static void drop_first(struct sx_rains_keys *keys)
{
	struct entry *entry = sx_container_of(keys->used.next, struct entry, used);

	sx_list_remove(&entry->used);
	sx_map_remove(&keys->map, &entry->node);
	free(entry);
}

static int insert(struct sx_rains_keys *keys, struct sx_bytes id, const struct sx_rains_key *key)
{
	struct entry *entry = malloc(sizeof *entry + id.len);

	if (!entry) {
		return SX_ENOMEM;
	}
	if (keys->map.count == keys->most) {
		drop_first(keys);
	}
	memcpy(entry->id, id.data, id.len);
	entry->key = *key;
	sx_list_init(&entry->used);
	sx_list_append(&keys->used, &entry->used);
	sx_map_insert(&keys->map, &entry->node, sx_bytes_of(entry->id, id.len));
	return SX_OK;
}

int sx_rains_keys_init(struct sx_rains_keys *keys, size_t most, const uint8_t *seed)
{
	assert(most > 0);
	keys->most = most;
	sx_list_init(&keys->used);
	return sx_map_init(&keys->map, seed);
}

void sx_rains_keys_clear(struct sx_rains_keys *keys)
{
	while (keys->map.count > 0) {
		drop_first(keys);
	}
}

void sx_rains_keys_fini(struct sx_rains_keys *keys)
{
	sx_rains_keys_clear(keys);
	sx_map_fini(&keys->map);
}

int sx_rains_keys_put(struct sx_rains_keys *keys, const struct sx_rains_key_id *id,
	const struct sx_rains_key *key, int64_t now)
{
	uint8_t out[ID_MOST];
	struct sx_bytes bytes = id_bytes(out, id);
	struct entry *entry = find(keys, bytes);

	if (!entry) {
		return insert(keys, bytes, key);
	}
	if (key->since >= entry->key.since || now >= entry->key.until) {
		entry->key = *key;
		touch(keys, entry);
	}
	return SX_OK;
}

const struct sx_rains_key *sx_rains_keys_find(
	struct sx_rains_keys *keys, const struct sx_rains_key_id *id)
{
	uint8_t out[ID_MOST];
	struct entry *entry = find(keys, id_bytes(out, id));

	if (!entry) {
		return NULL;
	}
	touch(keys, entry);
	return &entry->key;
}
