/* SPDX-License-Identifier: MIT */
/*
 * template: the SCION and UDP headers towards one peer by one path, built once, with lengths, ECN and checksum filled in
 * for each datagram.
 */
#pragma once

#include "scion/packet.h"
#include "scion/udp.h"

struct sx_template {
	uint64_t sum; /* of all that the checksum covers, but lengths and payload */
	size_t len;
	uint8_t bytes[SX_PACKET_HEADER_MAX + SX_UDP_HEADER_BYTES];
};

/*
 * Builds the headers from flow_id, dst, src and path of `packet` and the ports of `udp`. SX_EINVAL: a path that does not
 * fit a header.
 */
SX_MUST_CHECK int sx_template_init(
	struct sx_template *template, const struct sx_packet *packet, const struct sx_udp *udp);

/* Writes one datagram. The writer fails when there is no room, or when the payload is beyond what UDP can say. */
void sx_template_write(const struct sx_template *template, struct sx_writer *writer,
	struct sx_bytes payload, uint8_t ecn);
