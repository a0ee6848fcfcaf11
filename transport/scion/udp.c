/* SPDX-License-Identifier: MIT */
#include "scion/udp.h"

int sx_udp_parse(struct sx_udp *udp, const struct sx_packet *packet)
{
	struct sx_reader reader = sx_reader_of(packet->payload);
	struct sx_udp found;
	uint16_t len;
	uint16_t checksum;
	uint64_t sum;

	found.src_port = sx_read_u16(&reader);
	found.dst_port = sx_read_u16(&reader);
	len = sx_read_u16(&reader);
	checksum = sx_read_u16(&reader);
	found.payload = sx_read_rest(&reader);
	if (packet->protocol != SX_PROTOCOL_UDP || !sx_reader_ok(&reader) || len != reader.at) {
		return SX_EMALFORMED;
	}
	if (checksum != 0) {
		sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_UDP, len);
		if (sx_checksum_finish(sx_checksum_add(sum, packet->payload)) != 0) {
			return SX_EPROTO;
		}
	}
	*udp = found;
	return SX_OK;
}

int sx_udp_write(struct sx_writer *writer, const struct sx_packet *packet, const struct sx_udp *udp)
{
	struct sx_packet bare = *packet;
	size_t len = SX_UDP_HEADER_BYTES + udp->payload.len;
	uint64_t sum;
	uint16_t checksum;
	int rc;

	bare.next_header = SX_PROTOCOL_UDP;
	rc = sx_packet_write_header(writer, &bare, len);
	if (rc < 0) {
		return rc;
	}
	sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_UDP, len);
	sum += (uint64_t)udp->src_port + udp->dst_port + len;
	checksum = sx_checksum_finish(sx_checksum_add(sum, udp->payload));
	sx_write_u16(writer, udp->src_port);
	sx_write_u16(writer, udp->dst_port);
	sx_write_u16(writer, (uint16_t)len);
	sx_write_u16(writer, checksum == 0 ? UINT16_MAX : checksum);
	sx_write_bytes(writer, udp->payload);
	return sx_writer_ok(writer) ? SX_OK : SX_ELIMIT;
}
