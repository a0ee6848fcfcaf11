/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "combine.h"

/* A piece of a segment: entries from `from` to the last one, walked with or against construction. */
struct piece {
	const struct sx_segment *segment;
	size_t from;
	const struct sx_segment_peer *peer; /* of entry `from`; NULL: its own hop is used */
	bool cons_dir;
};

struct combining {
	struct sx_combined_list *out;
	const struct sx_topology *topology;
	const struct sx_beacons *beacons;
	size_t src;
	size_t dst;
	int status; /* sticky */
};

static const struct sx_segment_entry *last_entry(const struct sx_segment *segment)
{
	return &segment->entries[segment->count - 1];
}

/* The SegID to send, by the table of scion.md 1.4. */
static uint16_t initial_seg_id(const struct piece *piece)
{
	bool peering_at_end = piece->peer && piece->from == piece->segment->count - 1;

	if (piece->cons_dir) {
		return sx_segment_beta(piece->segment, piece->from + (piece->peer ? 1 : 0));
	}
	return sx_segment_beta(piece->segment, piece->segment->count - (peering_at_end ? 0 : 1));
}

static void lower(uint16_t *mtu, uint16_t bound)
{
	if (bound > 0 && bound < *mtu) {
		*mtu = bound;
	}
}

static void add_interface(struct sx_combined *combined, uint64_t ia, uint16_t id)
{
	if (id != 0) {
		combined->interfaces[combined->interface_count++] = (struct sx_interface){ ia, id };
	}
}

/* The sides of a hop that are used: at the boundary of a piece ConsIngress leads out of the path, unless to a peer. */
static void add_hop(struct combining *combining, struct sx_combined *combined,
	const struct piece *piece, size_t index)
{
	const struct sx_segment_entry *entry = &piece->segment->entries[index];
	const struct sx_segment_peer *peer = index == piece->from ? piece->peer : NULL;
	const struct sx_hop_field *hop = peer ? &peer->hop : &entry->hop;
	const struct sx_topology_as *as = &combining->topology->ases[entry->as];
	uint16_t ingress = index > piece->from || peer ? hop->cons_ingress : 0;
	struct sx_path *path = &combined->path;

	path->hops[path->hop_count++] = *hop;
	path->seg_len[path->info_count]++;
	add_interface(combined, as->ia, piece->cons_dir ? ingress : hop->cons_egress);
	add_interface(combined, as->ia, piece->cons_dir ? hop->cons_egress : ingress);
	lower(&combined->mtu, as->mtu);
	if (index > piece->from) {
		lower(&combined->mtu, entry->ingress_mtu);
	}
	if (peer) {
		lower(&combined->mtu, peer->mtu);
	}
}

static void add_piece(
	struct combining *combining, struct sx_combined *combined, const struct piece *piece)
{
	size_t count = piece->segment->count - piece->from;
	struct sx_info_field *info = &combined->path.infos[combined->path.info_count];

	info->flags = (uint8_t)((piece->cons_dir ? SX_INFO_CONS_DIR : 0) |
				(piece->peer ? SX_INFO_PEERING : 0));
	info->seg_id = initial_seg_id(piece);
	info->timestamp = piece->segment->timestamp;
	for (size_t i = 0; i < count; i++) {
		add_hop(combining, combined, piece,
			piece->cons_dir ? piece->from + i : piece->segment->count - 1 - i);
	}
	combined->path.info_count++;
}

/* An AS whose interfaces appear more than twice is passed twice. */
static bool has_loop(const struct sx_combined *combined)
{
	for (size_t i = 0; i < combined->interface_count; i++) {
		size_t seen = 0;

		for (size_t j = 0; j < combined->interface_count; j++) {
			seen += combined->interfaces[j].ia == combined->interfaces[i].ia;
		}
		if (seen > 2) {
			return true;
		}
	}
	return false;
}

static bool is_known(const struct sx_combined_list *list, const struct sx_combined *combined)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct sx_combined *other = &list->items[i];

		if (other->interface_count == combined->interface_count &&
			memcmp(other->interfaces, combined->interfaces,
				combined->interface_count * sizeof *combined->interfaces) == 0) {
			return true;
		}
	}
	return false;
}

static int grow(struct sx_combined_list *list)
{
	size_t cap = list->cap ? 2 * list->cap : 16;
	struct sx_combined *items;

	if (list->count < list->cap) {
		return SX_OK;
	}
	items = realloc(list->items, cap * sizeof *items);
	if (!items) {
		return SX_ENOMEM;
	}
	list->items = items;
	list->cap = cap;
	return SX_OK;
}

/* Puts the path behind those of its length, and drops the last when there are too many. */
static int insert(struct sx_combined_list *list, const struct sx_combined *combined)
{
	size_t at = list->count;

	while (at > 0 && list->items[at - 1].interface_count > combined->interface_count) {
		at--;
	}
	if (at == SX_COMBINE_PATHS_MAX) {
		return SX_OK;
	}
	if (list->count == SX_COMBINE_PATHS_MAX) {
		list->count--;
	} else if (grow(list) < 0) {
		return SX_ENOMEM;
	}
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof *list->items);
	list->items[at] = *combined;
	list->count++;
	return SX_OK;
}

static void offer(struct combining *combining, const struct piece *pieces, size_t count)
{
	struct sx_combined combined = { .mtu = UINT16_MAX };

	for (size_t i = 0; i < count; i++) {
		add_piece(combining, &combined, &pieces[i]);
	}
	if (combining->status == SX_OK && !has_loop(&combined) &&
		!is_known(combining->out, &combined)) {
		combining->status = insert(combining->out, &combined);
	}
}

/* `up` and `down` may be missing: then that end is a core AS itself. */
static void join_by_core(
	struct combining *combining, const struct sx_segment *up, const struct sx_segment *down)
{
	size_t near = up ? up->entries[0].as : combining->src;
	size_t far = down ? down->entries[0].as : combining->dst;
	struct piece pieces[3] = { 0 };
	size_t count = 0;

	if (up) {
		pieces[count++] = (struct piece){ .segment = up };
	}
	if (near == far) {
		if (down) {
			pieces[count++] = (struct piece){ .segment = down, .cons_dir = true };
		}
		offer(combining, pieces, count);
		return;
	}
	for (size_t i = 0; i < combining->beacons->count; i++) {
		const struct sx_segment *core = &combining->beacons->segments[i];
		size_t used = count;

		if (!core->core || core->entries[0].as != far || last_entry(core)->as != near) {
			continue;
		}
		pieces[used++] = (struct piece){ .segment = core };
		if (down) {
			pieces[used++] = (struct piece){ .segment = down, .cons_dir = true };
		}
		offer(combining, pieces, used);
	}
}

/* The same AS on both segments, below the core: a piece of one hop vanishes, as the other one ends there. */
static void join_by_shortcut(struct combining *combining, const struct sx_segment *up, size_t k,
	const struct sx_segment *down, size_t l)
{
	struct piece pieces[2];
	size_t count = 0;

	if (up->entries[k].as != down->entries[l].as) {
		return;
	}
	if (k < up->count - 1) {
		pieces[count++] = (struct piece){ .segment = up, .from = k };
	}
	if (l < down->count - 1) {
		pieces[count++] = (struct piece){ .segment = down, .from = l, .cons_dir = true };
	}
	if (count > 0) {
		offer(combining, pieces, count);
	}
}

static void join_by_peering(struct combining *combining, const struct sx_segment *up, size_t k,
	const struct sx_segment *down, size_t l)
{
	const struct sx_segment_entry *near = &up->entries[k];
	const struct sx_segment_entry *far = &down->entries[l];

	for (size_t i = 0; i < near->peer_count; i++) {
		for (size_t j = 0; j < far->peer_count; j++) {
			const struct sx_segment_peer *out = &near->peers[i];
			const struct sx_segment_peer *in = &far->peers[j];
			struct piece pieces[2] = { { up, k, out, false }, { down, l, in, true } };

			if (out->as == far->as && in->as == near->as &&
				out->remote_id == in->hop.cons_ingress &&
				in->remote_id == out->hop.cons_ingress) {
				offer(combining, pieces, 2);
			}
		}
	}
}

static void join(
	struct combining *combining, const struct sx_segment *up, const struct sx_segment *down)
{
	join_by_core(combining, up, down);
	for (size_t k = 1; up && down && k < up->count; k++) {
		for (size_t l = 1; l < down->count; l++) {
			join_by_shortcut(combining, up, k, down, l);
			join_by_peering(combining, up, k, down, l);
		}
	}
}

/* The next segment from a core AS down to `as`, from position `at`; NULL when there is none. */
static const struct sx_segment *next_to(const struct sx_beacons *beacons, size_t as, size_t *at)
{
	while (*at < beacons->count) {
		const struct sx_segment *segment = &beacons->segments[(*at)++];

		if (!segment->core && last_entry(segment)->as == as) {
			return segment;
		}
	}
	return NULL;
}

static void join_with_each_down(struct combining *combining, const struct sx_segment *up)
{
	const struct sx_segment *down;

	if (combining->topology->ases[combining->dst].core) {
		join(combining, up, NULL);
		return;
	}
	for (size_t at = 0; (down = next_to(combining->beacons, combining->dst, &at));) {
		join(combining, up, down);
	}
}

int sx_combine(struct sx_combined_list *out, const struct sx_topology *topology,
	const struct sx_beacons *beacons, size_t src, size_t dst)
{
	struct combining combining = { out, topology, beacons, src, dst, SX_OK };
	const struct sx_segment *up;

	if (topology->ases[src].core) {
		join_with_each_down(&combining, NULL);
		return combining.status;
	}
	for (size_t at = 0; (up = next_to(beacons, src, &at));) {
		join_with_each_down(&combining, up);
	}
	return combining.status;
}

void sx_combined_list_fini(struct sx_combined_list *list)
{
	free(list->items);
	*list = (struct sx_combined_list){ 0 };
}

void sx_hops_write(const struct sx_interface *interfaces, size_t count, char *out, size_t cap)
{
	char ia[SX_IA_TEXT_BYTES];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && at < cap; i += 2) {
		const struct sx_interface *from = &interfaces[i];

		sx_ia_write(from->ia, ia, sizeof ia);
		at += (size_t)snprintf(
			out + at, cap - at, "%s %llu>", ia, (unsigned long long)from->id);
		if (i + 1 < count && at < cap) {
			at += (size_t)snprintf(
				out + at, cap - at, "%llu ", (unsigned long long)from[1].id);
		}
	}
	if (count > 0 && count % 2 == 0 && at < cap) {
		sx_ia_write(interfaces[count - 1].ia, ia, sizeof ia);
		(void)snprintf(out + at, cap - at, "%s", ia);
	}
}
