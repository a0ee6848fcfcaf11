/* SPDX-License-Identifier: MIT */
/*
 * router: what one border router does with one packet, in the order of scionproto's. A function of packet, clock and
 * the state of its links: no sockets, no time of its own. It differs from scionproto's where that falls short: it
 * enforces the MTU of a link (Packet Too Big), and does not send back packets whose router alert nobody asked for.
 */
#pragma once

#include "scion/packet.h"
#include "topology.h"

#define SX_ROUTER_PACKET_MAX 9216
#define SX_ENDHOST_PORT      30041 /* where hosts take what names no port */

/* Why a packet goes no further. All but the first group are answered by SCMP, unless it is an SCMP error itself. */
enum sx_drop {
	SX_DROP_NONE,
	SX_DROP_MALFORMED,
	SX_DROP_PATH_TYPE, /* empty, EPIC and unknown types are not for a router; nor is one-hop without beacons */
	SX_DROP_TRANSIT, /* came from inside, but not at its first hop */
	SX_DROP_ALERT,   /* the alert does not sit on a traceroute request */
	SX_DROP_ANSWER,  /* an SCMP error that cannot be answered by another one */
	SX_DROP_EXPIRED,
	SX_DROP_INGRESS,
	SX_DROP_SIZE,
	SX_DROP_SOURCE,
	SX_DROP_DESTINATION,
	SX_DROP_MAC,
	SX_DROP_SERVICE,
	SX_DROP_EGRESS,
	SX_DROP_SEGMENT,
	SX_DROP_LINK_DOWN,
	SX_DROP_TOO_BIG,
	SX_DROP_LOSS,  /* on a link: its loss */
	SX_DROP_QUEUE, /* on a link: its queue is full */
	SX_DROP_HOST,  /* at the host's socket */
	SX_DROP_COUNT,
};

enum sx_action {
	SX_ACTION_DROP,
	SX_ACTION_FORWARD, /* over the interface `egress` */
	SX_ACTION_DELIVER, /* to `host` and `port` in this AS */
	SX_ACTION_ANSWER,  /* an SCMP message, back to where the packet came from */
};

struct sx_verdict {
	enum sx_action action;
	enum sx_drop drop; /* of DROP, and what an ANSWER is about; NONE for traceroute */
	uint16_t egress;
	struct sx_host host;
	uint16_t port;
	struct sx_bytes packet; /* what to send; lent until the router's next packet */
};

struct sx_router {
	const struct sx_topology *topology;
	const struct sx_topology_as *as;
	bool down[SX_TOPOLOGY_INTERFACES_MAX]; /* by position in as->interfaces */
	uint8_t packet[SX_ROUTER_PACKET_MAX];
	uint8_t answer[SX_ROUTER_PACKET_MAX];
};

/* Processes a datagram from the link at interface `ingress`, or from inside the AS (0), at `unix_time`. */
void sx_router_process(struct sx_router *router, struct sx_bytes datagram, uint16_t ingress,
	uint64_t unix_time, struct sx_verdict *out);

/* The name of a reason in the counters, such as "mac". Lends a static string. */
const char *sx_drop_name(enum sx_drop drop);
