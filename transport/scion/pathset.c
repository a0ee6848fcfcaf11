/* SPDX-License-Identifier: MIT */
#include "scion/pathset.h"

#include <stdlib.h>

static uint64_t known_latency(const struct sx_known_path *path)
{
	return path->latency_us > 0 ? path->latency_us : UINT64_MAX;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* The fingerprint last, so that the order does not change from one reading to the next. */
static int compare(const void *left, const void *right)
{
	const struct sx_known_path *a = *(const struct sx_known_path *const *)left;
	const struct sx_known_path *b = *(const struct sx_known_path *const *)right;

	if (a->interface_count != b->interface_count) {
		return order(a->interface_count, b->interface_count);
	}
	if (known_latency(a) != known_latency(b)) {
		return order(known_latency(a), known_latency(b));
	}
	return memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
}

static bool is_same_way(const struct sx_known_path *a, const struct sx_known_path *b)
{
	return memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint) == 0;
}

static bool has_ids(const struct sx_known_path *path, const uint16_t *ids, size_t count)
{
	if (path->interface_count != count) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (path->interfaces[i].id != ids[i]) {
			return false;
		}
	}
	return true;
}

void sx_pathset_of(
	struct sx_pathset *set, const struct sx_pathsrc *source, uint64_t destination, uint64_t now)
{
	const struct sx_known_path *const *paths;
	size_t count = source->ops->find(source, destination, &paths);

	set->count = 0;
	for (size_t i = 0; i < count && set->count < SX_PATHSRC_PATHS_MAX; i++) {
		if (paths[i]->expiry > now) {
			set->paths[set->count++] = paths[i];
		}
	}
	qsort(set->paths, set->count, sizeof *set->paths, compare);
}

const struct sx_known_path *sx_pathset_find(
	const struct sx_pathset *set, const uint8_t fingerprint[SX_PATH_FINGERPRINT_BYTES])
{
	for (size_t i = 0; i < set->count; i++) {
		if (memcmp(set->paths[i]->fingerprint, fingerprint, SX_PATH_FINGERPRINT_BYTES) ==
			0) {
			return set->paths[i];
		}
	}
	return NULL;
}

const struct sx_known_path *sx_pathset_find_ids(
	const struct sx_pathset *set, const uint16_t *ids, size_t count)
{
	for (size_t i = 0; i < set->count; i++) {
		if (has_ids(set->paths[i], ids, count)) {
			return set->paths[i];
		}
	}
	return NULL;
}

const struct sx_known_path *sx_pathset_alternative(const struct sx_pathset *set,
	const struct sx_known_path *current, struct sx_pathset_doubts doubts)
{
	const struct sx_known_path *best = NULL;
	uint64_t best_doubt = 0;
	size_t best_shared = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct sx_known_path *path = set->paths[i];
		uint64_t doubt = doubts.doubted_at(doubts.arg, path);
		size_t shared = current ? sx_known_path_shared_links(path, current) : 0;

		if (current && is_same_way(path, current)) {
			continue;
		}
		if (!best || doubt < best_doubt || (doubt == best_doubt && shared < best_shared)) {
			best = path;
			best_doubt = doubt;
			best_shared = shared;
		}
	}
	return best;
}
