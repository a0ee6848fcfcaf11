/* SPDX-License-Identifier: MIT */
/* udp: UDP/SCION. */
#pragma once

#include "scion/packet.h"

#define SX_UDP_HEADER_BYTES 8

struct sx_udp {
	uint16_t src_port;
	uint16_t dst_port;
	struct sx_bytes payload;
};

/*
 * Reads the UDP segment in `packet->payload`. A checksum of 0 means "not computed" (jpan sends it); any other must be
 * right, SX_EPROTO when it is not. SX_EMALFORMED: another protocol, or a length that lies.
 */
SX_MUST_CHECK int sx_udp_parse(struct sx_udp *udp, const struct sx_packet *packet);

/*
 * Writes a whole packet: the header of `packet` (extensions are left out, next_header is UDP), and the segment with its
 * checksum, 0 sent as 0xffff. Statuses as sx_packet_write_header.
 */
SX_MUST_CHECK int sx_udp_write(
	struct sx_writer *writer, const struct sx_packet *packet, const struct sx_udp *udp);
