/* SPDX-License-Identifier: MIT */
/* ns_zone: a zone that the name server of the tests serves: read from a zone file, or pushed, and signed. */
#pragma once

#include "rains/keyfile.h"
#include "rains/msg.h"
#include "rains/name.h"
#include "rains/zone.h"

#define SX_NS_ZONES_MOST 8

/* A signed message, and how it parses. */
struct sx_ns_copy {
	struct sx_rains_msg msg;
	uint8_t bytes[SX_RAINS_ZONE_MSG_MOST];
};

struct sx_ns_zone {
	struct sx_rains_keyfile key;
	struct sx_rains_name name;
	struct sx_rains_name context;
	struct sx_ns_copy fresh;
	struct sx_ns_copy expired; /* the same, but its signatures ended an hour ago */
};

struct sx_ns_zones {
	size_t count;
	int64_t valid; /* seconds */
	struct sx_ns_zone *items[SX_NS_ZONES_MOST];
};

/* Reads a zone file and signs it at `now`, with a key that is made when there is none. */
SX_MUST_CHECK int sx_ns_zones_add(struct sx_ns_zones *zones, const char *file, const char *key,
	int64_t now, struct sx_rains_reason *reason);

/* Reads a zone file in place of what is served under its zone's name. SX_ENOTFOUND: nothing is. */
SX_MUST_CHECK int sx_ns_zones_reload(
	struct sx_ns_zones *zones, const char *file, int64_t now, struct sx_rains_reason *reason);

/* Takes a pushed message in place of what is served. SX_EREFUSED: not of our zones, or not signed by their key. */
SX_MUST_CHECK int sx_ns_zones_push(struct sx_ns_zones *zones, struct sx_bytes message);
void sx_ns_zones_fini(struct sx_ns_zones *zones);
