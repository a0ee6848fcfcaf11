/* SPDX-License-Identifier: MIT */
/*
 * topology: the ASes of a sandbox, their keys and routers, and the links between them, read from a Lua file. The file
 * is evaluated with bounded time and memory and sees nothing of the machine but files beside it (`include`).
 */
#pragma once

#include "hopkey.h"
#include "scion/addr.h"

#define SX_TOPOLOGY_ASES_MAX       256
#define SX_TOPOLOGY_INTERFACES_MAX 32 /* of one AS */
#define SX_TOPOLOGY_LINKS_MAX      1024
#define SX_TOPOLOGY_NAME_BYTES \
	(SX_IA_TEXT_BYTES + 24) /* "1-ff00:0:110#65535", or a 64-bit number */

enum sx_link_kind {
	SX_LINK_CORE,
	SX_LINK_CHILD, /* end 0 is the parent */
	SX_LINK_PEER,
};

/* What one end of a link is to the AS that looks along it; scionproto's link_to. */
enum sx_link_to {
	SX_LINK_TO_CORE,
	SX_LINK_TO_PARENT,
	SX_LINK_TO_CHILD,
	SX_LINK_TO_PEER,
};

struct sx_topology_end {
	size_t as;   /* index into ases */
	uint16_t id; /* of the interface there; never 0 */
};

struct sx_topology_link {
	enum sx_link_kind kind;
	struct sx_topology_end ends[2];
	uint16_t mtu;
	double delay_ms;
};

struct sx_topology_interface {
	uint16_t id;
	uint8_t end; /* which end of the link is ours */
	size_t link; /* index into links */
};

struct sx_topology_as {
	uint64_t ia;
	bool core;
	uint16_t mtu;
	uint8_t master_key[SX_HOP_KEY_BYTES];
	uint8_t hop_key[SX_HOP_KEY_BYTES];
	struct sx_host router; /* where hosts reach the border router; a loopback address */
	uint16_t router_port;
	size_t interface_count;
	struct sx_topology_interface interfaces[SX_TOPOLOGY_INTERFACES_MAX];
};

struct sx_topology {
	struct sx_topology_as *ases; /* in the order of their ISD-AS */
	size_t as_count;
	struct sx_topology_link *links;
	size_t link_count;
};

struct sx_topology_error {
	char text[512]; /* file, then AS or link, then field: what is wrong there */
};

/* Reads the file. SX_EINVAL: `error` says what is wrong. */
SX_MUST_CHECK int sx_topology_load(
	struct sx_topology **out, const char *file, struct sx_topology_error *error);
void sx_topology_free(struct sx_topology *topology);

/* The AS with this ISD-AS, or NULL. Lends it. */
const struct sx_topology_as *sx_topology_find_as(const struct sx_topology *topology, uint64_t ia);
size_t sx_topology_as_index(const struct sx_topology *topology, const struct sx_topology_as *as);

/* The interface of an AS, or NULL. Lends it. */
const struct sx_topology_interface *sx_topology_find_interface(
	const struct sx_topology_as *as, uint16_t id);

/* What the far end of a link is to the AS at `end`. */
enum sx_link_to sx_topology_link_to(const struct sx_topology_link *link, uint8_t end);

/* The far end of a link, seen from `end`. Lends it. */
static inline const struct sx_topology_end *sx_topology_far(
	const struct sx_topology_link *link, uint8_t end)
{
	return &link->ends[1 - end];
}

/* Writes "1-ff00:0:110#3", NUL-terminated. */
void sx_topology_name(uint64_t ia, uint64_t id, char out[SX_TOPOLOGY_NAME_BYTES]);

/* Reads "1-ff00:0:110#3". SX_EMALFORMED: anything else. */
SX_MUST_CHECK int sx_topology_parse_name(struct sx_bytes text, uint64_t *ia, uint16_t *id);
