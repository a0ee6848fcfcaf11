/* SPDX-License-Identifier: MIT */
/* scmp: SCION's control messages, as hosts and routers exchange them. */
#pragma once

#include "scion/packet.h"

#define SX_SCMP_PACKET_MAX 1232 /* an error, SCION header included, is never longer */

enum sx_scmp_type {
	SX_SCMP_DESTINATION_UNREACHABLE = 1,
	SX_SCMP_PACKET_TOO_BIG = 2,
	SX_SCMP_PARAMETER_PROBLEM = 4,
	SX_SCMP_EXTERNAL_INTERFACE_DOWN = 5,
	SX_SCMP_INTERNAL_CONNECTIVITY_DOWN = 6,
	SX_SCMP_ECHO_REQUEST = 128,
	SX_SCMP_ECHO_REPLY = 129,
	SX_SCMP_TRACEROUTE_REQUEST = 130,
	SX_SCMP_TRACEROUTE_REPLY = 131,
};

enum sx_scmp_parameter_code {
	SX_SCMP_ERRONEOUS_HEADER = 0,
	SX_SCMP_UNKNOWN_NEXT_HEADER = 1,
	SX_SCMP_INVALID_COMMON_HEADER = 16,
	SX_SCMP_UNKNOWN_VERSION = 17,
	SX_SCMP_FLOW_ID_REQUIRED = 18,
	SX_SCMP_INVALID_PACKET_SIZE = 19,
	SX_SCMP_INVALID_ADDRESS_HEADER = 32,
	SX_SCMP_INVALID_SOURCE = 33,
	SX_SCMP_INVALID_DESTINATION = 34,
	SX_SCMP_NON_LOCAL_DELIVERY = 35,
	SX_SCMP_INVALID_PATH = 48,
	SX_SCMP_UNKNOWN_INGRESS = 49, /* ConsIngress */
	SX_SCMP_UNKNOWN_EGRESS = 50,  /* ConsEgress */
	SX_SCMP_INVALID_MAC = 51,
	SX_SCMP_EXPIRED_HOP = 52,
	SX_SCMP_INVALID_SEGMENT_CHANGE = 53,
};

/* One message; fields that its type has not are 0. */
struct sx_scmp {
	uint8_t type;
	uint8_t code;
	uint16_t mtu;     /* packet too big */
	uint16_t pointer; /* parameter problem: offset from the first byte of the SCION header */
	uint16_t id;      /* echo, traceroute: the port of who asked */
	uint16_t sequence;
	uint64_t ia;        /* interface or connectivity down, traceroute */
	uint64_t interface; /* the same; connectivity: where the packet came in */
	uint64_t egress;    /* connectivity down: where it was to leave */
	struct sx_bytes
		data; /* errors: the quoted packet; echo: its data; unknown types: all behind the checksum */
};

static inline bool sx_scmp_is_error(const struct sx_scmp *scmp)
{
	return scmp->type < 128;
}

/* Reads the message in `packet->payload`. SX_EPROTO: wrong checksum. Unknown types parse. Views borrow the packet's. */
SX_MUST_CHECK int sx_scmp_parse(struct sx_scmp *scmp, const struct sx_packet *packet);

/*
 * Writes a whole packet: the header of `packet` (extensions are left out, next_header is SCMP) and the message with its
 * checksum. The quote of an error is cut so that the packet has at most SX_SCMP_PACKET_MAX bytes. Statuses as
 * sx_packet_write_header.
 */
SX_MUST_CHECK int sx_scmp_write(
	struct sx_writer *writer, const struct sx_packet *packet, const struct sx_scmp *scmp);
