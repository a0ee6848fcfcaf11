/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "base/random.h"
#include "quic/cids.h"

struct entry {
	struct sx_map_node node;
	struct sx_list link;
	struct sx_conn *conn;
	uint8_t key[SX_CID_MAX_BYTES];
};

int sx_cids_init(struct sx_cids *cids)
{
	uint8_t seed[16];

	sx_random_bytes(seed, sizeof seed);
	return sx_map_init(&cids->map, seed);
}

void sx_cids_fini(struct sx_cids *cids)
{
	assert(cids->map.count == 0);
	sx_map_fini(&cids->map);
}

static struct entry *find(const struct sx_cids *cids, struct sx_bytes key)
{
	struct sx_map_node *node = sx_map_find(&cids->map, key);

	return node ? sx_container_of(node, struct entry, node) : NULL;
}

struct sx_conn *sx_cids_find(const struct sx_cids *cids, struct sx_bytes key)
{
	const struct entry *entry = find(cids, key);

	return entry ? entry->conn : NULL;
}

int sx_cids_add(
	struct sx_cids *cids, struct sx_list *owned, struct sx_conn *conn, struct sx_bytes key)
{
	struct entry *entry;

	assert(key.len > 0 && key.len <= SX_CID_MAX_BYTES);
	if (find(cids, key)) {
		return SX_OK;
	}
	entry = calloc(1, sizeof *entry);
	if (!entry) {
		return SX_ENOMEM;
	}
	entry->conn = conn;
	memcpy(entry->key, key.data, key.len);
	sx_list_append(owned, &entry->link);
	sx_map_insert(&cids->map, &entry->node, sx_bytes_of(entry->key, key.len));
	return SX_OK;
}

static void drop(struct sx_cids *cids, struct entry *entry)
{
	sx_map_remove(&cids->map, &entry->node);
	sx_list_remove(&entry->link);
	free(entry);
}

void sx_cids_remove(struct sx_cids *cids, const struct sx_conn *conn, struct sx_bytes key)
{
	struct entry *entry = find(cids, key);

	if (entry && entry->conn == conn) {
		drop(cids, entry);
	}
}

void sx_cids_clear(struct sx_cids *cids, struct sx_list *owned)
{
	sx_list_each (link, following, owned) {
		drop(cids, sx_container_of(link, struct entry, link));
	}
}
