/* SPDX-License-Identifier: MIT */
/*
 * packet: the SCION header around an upper layer, as views into one datagram. Nothing here looks inside the path
 * (path.h) or the upper layer (udp.h, scmp.h).
 */
#pragma once

#include "base/wire.h"
#include "scion/addr.h"

#define SX_PACKET_COMMON_BYTES 12
#define SX_PACKET_HEADER_MAX   1020 /* HdrLen is one byte, in units of 4 */

enum sx_protocol {
	SX_PROTOCOL_TCP = 6,
	SX_PROTOCOL_UDP = 17,
	SX_PROTOCOL_HBH = 200,
	SX_PROTOCOL_E2E = 201,
	SX_PROTOCOL_SCMP = 202,
	SX_PROTOCOL_BFD = 203,
};

struct sx_packet {
	uint8_t traffic_class; /* the two low bits are ECN, as in IP */
	uint8_t path_type;
	uint8_t next_header;  /* what follows the path: an extension or `protocol` itself */
	uint8_t protocol;     /* of the upper layer, behind all extensions */
	uint16_t payload_len; /* as the header states it */
	uint32_t flow_id;     /* 20 bits */
	struct sx_addr dst;
	struct sx_addr src;
	struct sx_bytes header;     /* common and address header and path */
	struct sx_bytes path;       /* not validated */
	struct sx_bytes rest;       /* all that follows the header: extensions and payload */
	struct sx_bytes extensions; /* hop-by-hop, then end-to-end; may be empty */
	struct sx_bytes payload;    /* the upper layer, header included */
};

/*
 * Reads the common and address headers and bounds the path; `rest` is all that follows, whatever its stated length.
 * This is what a router needs, and enough for the truncated packet in an SCMP error. Views borrow `datagram`.
 */
SX_MUST_CHECK int sx_packet_parse_header(struct sx_packet *packet, struct sx_bytes datagram);

/* Walks the extensions in `rest`: fills `extensions`, `protocol` and `payload` of a packet whose header is parsed. */
SX_MUST_CHECK int sx_packet_parse_rest(struct sx_packet *packet);

/* Reads a whole packet: header, stated length equal to what is there, extensions. Views borrow `datagram`. */
SX_MUST_CHECK int sx_packet_parse(struct sx_packet *packet, struct sx_bytes datagram);

/* Bytes of the header that sx_packet_write_header writes. */
size_t sx_packet_header_len(const struct sx_packet *packet);

/*
 * Writes common and address headers and path for `rest_len` bytes of extensions and payload to follow, from the fields
 * traffic_class, flow_id, next_header, path_type, dst, src and path; `header`, `rest` and `payload_len` are not read.
 * SX_EINVAL: a path or payload that the length fields cannot express. SX_ELIMIT: no room.
 */
SX_MUST_CHECK int sx_packet_write_header(
	struct sx_writer *writer, const struct sx_packet *packet, size_t rest_len);

/* Writes header, `extensions` and `payload`. next_header must fit the extensions. Statuses as above. */
SX_MUST_CHECK int sx_packet_write(struct sx_writer *writer, const struct sx_packet *packet);

/*
 * The one's complement sum of RFC 1071 in parts: start with the pseudo header, add the upper layer (only the last part
 * may have an odd length), finish. With the checksum field zero the result is what belongs there; with the field
 * filled in, 0 means that it is right.
 */
uint64_t sx_packet_pseudo_sum(const struct sx_packet *packet, uint8_t protocol, size_t upper_len);
uint64_t sx_checksum_add(uint64_t sum, struct sx_bytes bytes);
uint16_t sx_checksum_finish(uint64_t sum);
