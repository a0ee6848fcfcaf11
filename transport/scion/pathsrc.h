/* SPDX-License-Identifier: MIT */
/*
 * pathsrc: where paths come from, behind one interface: a file today, a SCION daemon or control service another day.
 * A source also tells about our own AS.
 */
#pragma once

#include "scion/addr.h"
#include "scion/path.h"

#define SX_PATHSRC_ROUTERS_MAX 64
#define SX_PATHSRC_PATHS_MAX   100 /* a destination */
#define SX_INTERFACES_MAX      (2 * SX_PATH_HOPS_MAX)
#define SX_WAY_TEXT_BYTES      1024 /* room for the text of all but absurdly long ways */

/* A path that a source knows. */
struct sx_known_path {
	uint64_t destination;
	uint64_t expiry;     /* Unix seconds; never later than its hop fields' */
	uint64_t latency_us; /* the sum of what is announced; 0: unknown */
	struct sx_ip_port next_hop;
	uint32_t mtu; /* of the whole SCION packet; 0: unknown */
	uint8_t fingerprint[SX_PATH_FINGERPRINT_BYTES];
	struct sx_bytes raw; /* type 1, at its first hop, ready to send */
	size_t interface_count;
	/* In order of travel: one of the first AS, two of each next, one of the last. */
	const struct sx_interface *interfaces;
};

struct sx_local_as {
	uint64_t ia;
	uint32_t mtu; /* of a packet inside the AS; 0: unknown */
	size_t router_count;
	struct sx_ip_port
		routers[SX_PATHSRC_ROUTERS_MAX]; /* who may bring us packets from other ASes */
};

struct sx_pathsrc;

struct sx_pathsrc_ops {
	/* Takes notice of changes; cheap when called often. Time is monotonic. */
	void (*refresh)(struct sx_pathsrc *source, uint64_t now_ns);

	/* Our own AS. Lends it until the next refresh. */
	const struct sx_local_as *(*local)(const struct sx_pathsrc *source);

	/* The paths to an AS, at most SX_PATHSRC_PATHS_MAX, expired ones among them. Lends them until the next refresh. */
	size_t (*find)(const struct sx_pathsrc *source, uint64_t destination,
		const struct sx_known_path *const **out);

	/* How many paths there are in all. */
	size_t (*count)(const struct sx_pathsrc *source);

	void (*free)(struct sx_pathsrc *source);
};

/* What every source begins with. */
struct sx_pathsrc {
	const struct sx_pathsrc_ops *ops;
	uint64_t generation; /* grows whenever what the source tells has changed */
};

/* A copy, interfaces and bytes included, in one block: free() it. */
SX_MUST_CHECK int sx_known_path_copy(const struct sx_known_path *like, struct sx_known_path **out);

/* Links that both ways have; 0 is what an alternative should have. */
size_t sx_known_path_shared_links(const struct sx_known_path *a, const struct sx_known_path *b);

/*
 * Writes a way for people, hop by hop: "1-ff00:0:111#1 > 1-ff00:0:110#3,2 > 2-ff00:0:211#1"; an AS that is not known
 * (ia 0) only by its interfaces. NUL-terminated, cut at `cap`.
 */
void sx_way_write(const struct sx_interface *interfaces, size_t count, char *out, size_t cap);
