/* SPDX-License-Identifier: MIT */
/*
 * path: the path in a SCION header. Type 1 is decoded, changed and written back; one-hop and EPIC paths are only turned
 * round. A router parses a path, updates SegID and position in the struct and writes it over the bytes it came from.
 */
#pragma once

#include "base/status.h"
#include "base/wire.h"

#define SX_PATH_HOPS_MAX   64
#define SX_PATH_INFOS_MAX  3
#define SX_PATH_META_BYTES 4
#define SX_PATH_INFO_BYTES 8
#define SX_PATH_HOP_BYTES  12
#define SX_PATH_MAC_BYTES  6
#define SX_PATH_MAX                                                    \
	(SX_PATH_META_BYTES + SX_PATH_INFOS_MAX * SX_PATH_INFO_BYTES + \
		SX_PATH_HOPS_MAX * SX_PATH_HOP_BYTES)
#define SX_PATH_FINGERPRINT_BYTES 32

enum sx_path_type {
	SX_PATH_EMPTY = 0,
	SX_PATH_SCION = 1,
	SX_PATH_ONE_HOP = 2,
	SX_PATH_EPIC = 3,
};

enum sx_info_flag {
	SX_INFO_CONS_DIR = 1, /* C: traversed in the direction of construction */
	SX_INFO_PEERING = 2,  /* P */
};

enum sx_hop_flag {
	SX_HOP_EGRESS_ALERT = 1,  /* E: the router at ConsEgress is to answer a traceroute */
	SX_HOP_INGRESS_ALERT = 2, /* I: the one at ConsIngress is */
};

struct sx_info_field {
	uint8_t flags;    /* enum sx_info_flag and bits that are carried unread */
	uint8_t reserved; /* carried unread */
	uint16_t seg_id;  /* the accumulator beta */
	uint32_t timestamp;
};

struct sx_hop_field {
	uint8_t flags; /* enum sx_hop_flag and bits that are carried unread */
	uint8_t exp_time;
	uint16_t cons_ingress;
	uint16_t cons_egress;
	uint8_t mac[SX_PATH_MAC_BYTES];
};

struct sx_path {
	uint8_t curr_inf; /* always the segment that curr_hf lies in */
	uint8_t curr_hf;  /* below hop_count */
	uint8_t reserved; /* 6 bits, carried unread */
	uint8_t seg_len[SX_PATH_INFOS_MAX];
	uint8_t info_count; /* 1 to 3 */
	uint8_t hop_count;  /* 1 to 64, the sum of seg_len */
	struct sx_info_field infos[SX_PATH_INFOS_MAX];
	struct sx_hop_field hops[SX_PATH_HOPS_MAX];
};

/* A path as it is in a header. Owns its bytes. */
struct sx_path_raw {
	uint8_t type;
	uint16_t len;
	uint8_t bytes[SX_PATH_MAX];
};

/* An interface on the way of a path. */
struct sx_interface {
	uint64_t ia;
	uint64_t id;
};

/*
 * Reads a path of type 1 that fills `in`. SX_EMALFORMED: also when CurrINF is not the segment of CurrHF, or a segment
 * without the peering flag has a single hop.
 */
SX_MUST_CHECK int sx_path_parse(struct sx_path *path, struct sx_bytes in);

/* Writes a path as sx_path_parse reads it. The writer fails when there is no room. */
void sx_path_write(const struct sx_path *path, struct sx_writer *writer);

/* Bytes that sx_path_write writes. */
size_t sx_path_len(const struct sx_path *path);

/* The segment that a hop lies in. */
uint8_t sx_path_info_index(const struct sx_path *path, uint8_t hop);

/* Where a field begins, from the first byte of the path: what SCMP pointers are made of. */
size_t sx_path_info_offset(uint8_t info);
size_t sx_path_hop_offset(const struct sx_path *path, uint8_t hop);

/* Moves to the next hop, and segment. SX_EINVAL: this is the last. */
SX_MUST_CHECK int sx_path_increment(struct sx_path *path);

/* Whether a hop is one of the two that meet at the peering link; they never change the SegID. */
bool sx_path_is_peering_hop(const struct sx_path *path, uint8_t hop);

/* beta XOR the first two bytes of the MAC: what a hop does to the SegID. */
void sx_info_chain(struct sx_info_field *info, const struct sx_hop_field *hop);

/* The 16 bytes whose AES-CMAC, cut to 6 bytes, is the MAC of a hop under its AS's key. */
void sx_hop_mac_input(
	const struct sx_info_field *info, const struct sx_hop_field *hop, uint8_t out[16]);

/* Unix seconds from which a hop is expired. */
uint64_t sx_hop_expiry(const struct sx_info_field *info, const struct sx_hop_field *hop);

/* The least expiry of all hops. */
uint64_t sx_path_expiry(const struct sx_path *path);

/* Turns a path round where it stands, at any hop, and clears the router alerts. SegIDs stay. */
void sx_path_reverse(struct sx_path *path);

/*
 * The way back of a packet that has arrived: types 0, 1, 2 (becomes 1) and 3 (becomes 1). SX_EPROTO: the packet cannot
 * be at its last hop. SX_EMALFORMED: does not parse, or a type that nobody knows.
 */
SX_MUST_CHECK int sx_path_reply(uint8_t type, struct sx_bytes path, struct sx_path_raw *out);

/*
 * Whether two paths are the same way: those of type 1 when they are equal but for position and SegIDs, which routers
 * change, others when they are equal. Cheap: nothing is decoded. Malformed paths of type 1 are never the same.
 */
bool sx_path_is_same_way(uint8_t type, struct sx_bytes a, struct sx_bytes b);

/*
 * The ids of the interfaces that a path really uses, in order: out of the first AS, into and out of each next, into the
 * last. `out` has room for two a hop; returns how many. The fields of a crossing that lead off the path are left out.
 */
size_t sx_path_interface_ids(const struct sx_path *path, uint16_t out[2 * SX_PATH_HOPS_MAX]);

/* SHA-256 over the interfaces in order: what a path is known by, over refreshes. */
void sx_path_fingerprint(const struct sx_interface *interfaces, size_t count,
	uint8_t out[SX_PATH_FINGERPRINT_BYTES]);
