/* SPDX-License-Identifier: MIT */
#include "hostport.h"
#include "scion/scmp.h"

/* The host's port that an SCMP error is for: the source of what it quotes. 0: there is none. */
static uint16_t quoted_port(struct sx_bytes quote)
{
	struct sx_packet packet;
	struct sx_reader reader;
	uint8_t type;

	if (sx_packet_parse_header(&packet, quote) < 0 || sx_packet_parse_rest(&packet) < 0) {
		return 0;
	}
	reader = sx_reader_of(packet.payload);
	if (packet.protocol == SX_PROTOCOL_UDP || packet.protocol == SX_PROTOCOL_TCP) {
		return sx_read_u16(&reader);
	}
	type = sx_read_u8(&reader);
	sx_read_skip(&reader, 3);
	return packet.protocol == SX_PROTOCOL_SCMP &&
			       (type == SX_SCMP_ECHO_REQUEST || type == SX_SCMP_TRACEROUTE_REQUEST)
		       ? sx_read_u16(&reader)
		       : 0;
}

uint16_t sx_hostport_of(const struct sx_packet *packet)
{
	struct sx_reader reader = sx_reader_of(packet->payload);
	struct sx_scmp scmp;

	if (packet->protocol == SX_PROTOCOL_UDP || packet->protocol == SX_PROTOCOL_TCP) {
		sx_read_skip(&reader, 2);
		return sx_read_u16(&reader);
	}
	if (packet->protocol != SX_PROTOCOL_SCMP) {
		return SX_ENDHOST_PORT;
	}
	if (sx_scmp_parse(&scmp, packet) < 0) {
		return 0;
	}
	switch (scmp.type) {
	case SX_SCMP_ECHO_REQUEST:
	case SX_SCMP_TRACEROUTE_REQUEST:
		return SX_ENDHOST_PORT;
	case SX_SCMP_ECHO_REPLY:
	case SX_SCMP_TRACEROUTE_REPLY:
		return scmp.id;
	default:
		return sx_scmp_is_error(&scmp) ? quoted_port(scmp.data) : 0;
	}
}
