/* SPDX-License-Identifier: MIT */
/*
 * beacon: what beaconing and registration would have found: all path segments of a topology, signed with the hop keys.
 * Core segments join core ASes over core links; the others run from a core AS down along child links.
 */
#pragma once

#include "dice.h"
#include "topology.h"

#define SX_SEGMENT_ENTRIES_MAX 12
#define SX_SEGMENT_PEERS_MAX   8 /* of one AS; further peer links are not announced */
#define SX_BEACONS_MAX         8192
#define SX_BEACON_EXP_TIME     63 /* 6 hours, what scionproto's control service gives a hop */

/* A peering link that an AS announces in its entry. */
struct sx_segment_peer {
	size_t as;          /* on the far side */
	uint16_t remote_id; /* its interface there */
	uint16_t mtu;
	struct sx_hop_field hop; /* its ConsIngress is the peering interface here */
};

struct sx_segment_entry {
	size_t as;
	uint16_t ingress_mtu; /* of the link that leads here; 0 in the first entry */
	struct sx_hop_field hop;
	size_t peer_count;
	struct sx_segment_peer peers[SX_SEGMENT_PEERS_MAX];
};

struct sx_segment {
	bool core;
	uint16_t seg_id; /* beta before the first entry */
	uint32_t timestamp;
	size_t count;
	struct sx_segment_entry entries[SX_SEGMENT_ENTRIES_MAX];
};

struct sx_beacons {
	struct sx_segment *segments; /* shorter ones first */
	size_t count;
	bool cut; /* there would have been more than SX_BEACONS_MAX */
};

/* Computes all segments as originated at `timestamp`; `dice` gives the SegIDs. Fills `out` on success. */
SX_MUST_CHECK int sx_beacons_compute(struct sx_beacons *out, const struct sx_topology *topology,
	uint32_t timestamp, struct sx_dice *dice);
void sx_beacons_fini(struct sx_beacons *beacons);

/* beta at an entry: SegID XOR the first two MAC bytes of all entries before it. */
uint16_t sx_segment_beta(const struct sx_segment *segment, size_t entry);
