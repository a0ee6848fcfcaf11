/* SPDX-License-Identifier: MIT */
#include "scion/template.h"

#define PAYLOAD_LEN_AT   6
#define UDP_LEN_FROM_END 4 /* length and checksum end the UDP header */

static void put_u16(uint8_t *out, size_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

int sx_template_init(
	struct sx_template *template, const struct sx_packet *packet, const struct sx_udp *udp)
{
	struct sx_writer writer = sx_writer_of(template->bytes, sizeof template->bytes);
	struct sx_packet bare = *packet;
	int rc;

	bare.traffic_class = 0;
	bare.next_header = SX_PROTOCOL_UDP;
	rc = sx_packet_write_header(&writer, &bare, 0);
	if (rc < 0) {
		return rc;
	}
	sx_write_u16(&writer, udp->src_port);
	sx_write_u16(&writer, udp->dst_port);
	sx_write_u32(&writer, 0);
	template->len = writer.at;
	template->sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_UDP, 0) + udp->src_port +
			(uint64_t)udp->dst_port;
	return SX_OK;
}

void sx_template_write(const struct sx_template *template, struct sx_writer *writer,
	struct sx_bytes payload, uint8_t ecn)
{
	uint8_t *out = writer->out + writer->at;
	size_t udp_len = SX_UDP_HEADER_BYTES + payload.len;
	uint16_t checksum;

	if (udp_len > UINT16_MAX) {
		writer->failed = true;
	}
	sx_write_bytes(writer, sx_bytes_of(template->bytes, template->len));
	sx_write_bytes(writer, payload);
	if (!sx_writer_ok(writer)) {
		return;
	}
	/* The length stands in the pseudo header and in the UDP header. */
	checksum = sx_checksum_finish(sx_checksum_add(template->sum + 2 * udp_len, payload));
	out[1] |= (uint8_t)((ecn & 3) << 4); /* the low bits of the traffic class */
	put_u16(out + PAYLOAD_LEN_AT, udp_len);
	out += template->len - UDP_LEN_FROM_END;
	put_u16(out, udp_len);
	put_u16(out + 2, checksum == 0 ? UINT16_MAX : checksum);
}
