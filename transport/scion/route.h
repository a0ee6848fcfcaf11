/* SPDX-License-Identifier: MIT */
/*
 * route: the way to one peer: which path is used now, why, and what is next when it fails. Does no I/O; the socket
 * sends.
 */
#pragma once

#include "base/port.h"
#include "scion/pathset.h"
#include "scion/template.h"

#define SX_ROUTE_BUDGET_MIN 1200 /* QUIC's least (RFC 9000, section 14) */
#define SX_ROUTE_BUDGET_MAX 1452
#define SX_ROUTE_DOUBTS     16
#define SX_ROUTE_HEARD_MAX  (SX_PATH_MAX + 16) /* EPIC's prefix */

/* What all routes of a socket share. */
struct sx_route_context {
	struct sx_addr local;
	uint16_t port;
	struct sx_pathsrc *paths; /* borrowed */
	uint64_t now;             /* Unix seconds */
	uint64_t switches;        /* how often a route has left a path for another */
	uint8_t flow_key[16];
};

/* A packet that has arrived for us. */
struct sx_arrival {
	struct sx_packet packet;
	struct sx_udp udp;
	struct sx_ip_port from; /* who brought it */
};

/* A path that has failed us, and when, in failures of this route. */
struct sx_route_doubt {
	uint64_t fingerprint; /* its first 8 bytes */
	uint64_t at;          /* from 1 */
};

struct sx_route {
	struct sx_route_context *context;
	struct sx_addr peer;
	uint16_t port;
	bool follows; /* goes back the way the peer's datagrams come: accepted, or dialled and out of candidates */
	bool accepted;
	uint64_t flow_id;
	uint64_t generation; /* of the source, when it was looked at last */

	/* The way in use. */
	struct sx_template header;
	struct sx_ip_port next_hop;
	/* A copy; NULL inside our AS, and for a way back that the source does not know. */
	struct sx_known_path *known;
	uint64_t expiry;
	uint32_t mtu; /* 0: unknown */
	bool narrow; /* the system has refused a datagram as too large, whatever the path may carry */

	/* The path that was followed last, as it came. */
	struct sx_ip_port heard_from;
	uint8_t heard_type;
	uint16_t heard_len;
	uint8_t heard[SX_ROUTE_HEARD_MAX];

	uint64_t failures;
	struct sx_route_doubt doubts[SX_ROUTE_DOUBTS];
};

/* A route by the best path that is known. SX_EUNREACH: there is none. */
SX_MUST_CHECK int sx_route_dial(struct sx_route **out, struct sx_route_context *context,
	const struct sx_addr *peer, uint16_t port);

/* A route back the way a packet came. SX_EMALFORMED, SX_EPROTO: its path cannot be turned round. */
SX_MUST_CHECK int sx_route_answer(
	struct sx_route **out, struct sx_route_context *context, const struct sx_arrival *arrival);
void sx_route_free(struct sx_route *route);

/* Makes the headers of an answer to a single packet. Statuses as above. */
SX_MUST_CHECK int sx_route_answer_once(const struct sx_route_context *context,
	const struct sx_arrival *arrival, struct sx_template *out);

/* Takes fresh hop fields, or another path when this one has expired. SX_EUNREACH: expired, and there is no other. */
SX_MUST_CHECK int sx_route_renew(struct sx_route *route);

/* The system has refused a datagram as too large: the budget is the least from now on. */
void sx_route_narrow(struct sx_route *route);

/* As learn, suspect, budget and describe of port.h. */
void sx_route_learn(struct sx_route *route, const struct sx_arrival *arrival);
void sx_route_suspect(struct sx_route *route);
size_t sx_route_budget(const struct sx_route *route);
void sx_route_describe_way(const struct sx_route *route, char *out, size_t cap);
