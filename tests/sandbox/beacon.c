/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "beacon.h"

/* The interfaces of a way, before anybody signs it. */
struct draft {
	bool core;
	size_t count;
	size_t ases[SX_SEGMENT_ENTRIES_MAX];
	uint16_t ingress[SX_SEGMENT_ENTRIES_MAX]; /* 0 in the first */
	uint16_t egress[SX_SEGMENT_ENTRIES_MAX];  /* 0 in the last */
};

struct drafts {
	struct draft *items; /* SX_BEACONS_MAX of them */
	size_t count;
	bool cut;
};

static void add(struct drafts *drafts, const struct draft *draft)
{
	if (drafts->count == SX_BEACONS_MAX) {
		drafts->cut = true;
		return;
	}
	drafts->items[drafts->count++] = *draft;
}

static bool visits(const struct draft *draft, size_t as)
{
	for (size_t i = 0; i < draft->count; i++) {
		if (draft->ases[i] == as) {
			return true;
		}
	}
	return false;
}

/* Adds `draft` continued over each of its last AS's links that lead on. */
static void extend(
	struct drafts *drafts, const struct sx_topology *topology, const struct draft *draft)
{
	const struct sx_topology_as *last = &topology->ases[draft->ases[draft->count - 1]];
	enum sx_link_to wanted = draft->core ? SX_LINK_TO_CORE : SX_LINK_TO_CHILD;

	for (size_t i = 0; i < last->interface_count; i++) {
		const struct sx_topology_interface *interface = &last->interfaces[i];
		const struct sx_topology_link *link = &topology->links[interface->link];
		const struct sx_topology_end *far = sx_topology_far(link, interface->end);
		struct draft next = *draft;

		if (sx_topology_link_to(link, interface->end) != wanted || visits(draft, far->as)) {
			continue;
		}
		next.egress[next.count - 1] = interface->id;
		next.ases[next.count] = far->as;
		next.ingress[next.count++] = far->id;
		add(drafts, &next);
	}
}

/* Breadth first, so that what is cut off by the bounds is what is longest. */
static void draft_all(struct drafts *drafts, const struct sx_topology *topology)
{
	for (size_t i = 0; i < topology->as_count; i++) {
		struct draft origin = { .count = 1, .ases = { i } };

		if (topology->ases[i].core) {
			add(drafts, &origin);
			origin.core = true;
			add(drafts, &origin);
		}
	}
	for (size_t i = 0; i < drafts->count; i++) {
		if (drafts->items[i].count < SX_SEGMENT_ENTRIES_MAX) {
			extend(drafts, topology, &drafts->items[i]);
		}
	}
}

/* The hops over which traffic may enter from a peer; their MACs chain to the entry's own. scion.md 1.4. */
static void announce_peers(struct sx_segment_entry *entry, const struct sx_topology *topology,
	const struct sx_info_field *chained)
{
	const struct sx_topology_as *as = &topology->ases[entry->as];

	for (size_t i = 0; i < as->interface_count; i++) {
		const struct sx_topology_interface *interface = &as->interfaces[i];
		const struct sx_topology_link *link = &topology->links[interface->link];
		const struct sx_topology_end *far = sx_topology_far(link, interface->end);
		struct sx_segment_peer *peer = &entry->peers[entry->peer_count];

		if (link->kind != SX_LINK_PEER || entry->peer_count == SX_SEGMENT_PEERS_MAX) {
			continue;
		}
		*peer = (struct sx_segment_peer){ far->as, far->id, link->mtu, entry->hop };
		peer->hop.cons_ingress = interface->id;
		sx_hop_key_sign(as->hop_key, chained, &peer->hop);
		entry->peer_count++;
	}
}

static void sign(
	struct sx_segment *segment, const struct sx_topology *topology, const struct draft *draft)
{
	struct sx_info_field info = { .seg_id = segment->seg_id, .timestamp = segment->timestamp };

	segment->core = draft->core;
	segment->count = draft->count;
	for (size_t i = 0; i < draft->count; i++) {
		struct sx_segment_entry *entry = &segment->entries[i];
		const struct sx_topology_as *as = &topology->ases[draft->ases[i]];

		entry->as = draft->ases[i];
		entry->hop.exp_time = SX_BEACON_EXP_TIME;
		entry->hop.cons_ingress = draft->ingress[i];
		entry->hop.cons_egress = draft->egress[i];
		if (i > 0) {
			entry->ingress_mtu =
				topology->links[sx_topology_find_interface(as, draft->ingress[i])
							->link]
					.mtu;
		}
		sx_hop_key_sign(as->hop_key, &info, &entry->hop);
		sx_info_chain(&info, &entry->hop);
		if (!draft->core) {
			announce_peers(entry, topology, &info);
		}
	}
}

int sx_beacons_compute(struct sx_beacons *out, const struct sx_topology *topology,
	uint32_t timestamp, struct sx_dice *dice)
{
	struct drafts drafts = { .items = calloc(SX_BEACONS_MAX, sizeof *drafts.items) };
	struct sx_segment *segments;
	size_t count = 0;

	if (!drafts.items) {
		return SX_ENOMEM;
	}
	draft_all(&drafts, topology);
	segments = calloc(drafts.count + 1, sizeof *segments);
	if (!segments) {
		free(drafts.items);
		return SX_ENOMEM;
	}
	for (size_t i = 0; i < drafts.count; i++) {
		if (drafts.items[i].count > 1) {
			segments[count].timestamp = timestamp;
			segments[count].seg_id = (uint16_t)sx_dice_next(dice);
			sign(&segments[count++], topology, &drafts.items[i]);
		}
	}
	free(drafts.items);
	*out = (struct sx_beacons){ segments, count, drafts.cut };
	return SX_OK;
}

void sx_beacons_fini(struct sx_beacons *beacons)
{
	free(beacons->segments);
	*beacons = (struct sx_beacons){ 0 };
}

uint16_t sx_segment_beta(const struct sx_segment *segment, size_t entry)
{
	struct sx_info_field info = { .seg_id = segment->seg_id };

	for (size_t i = 0; i < entry; i++) {
		sx_info_chain(&info, &segment->entries[i].hop);
	}
	return info.seg_id;
}
