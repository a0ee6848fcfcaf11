/* SPDX-License-Identifier: MIT */
#include "scion/scmp.h"

#define HEADER_BYTES 4 /* type, code, checksum */

/* The fields between checksum and data, by type; spec words of 0 are skipped. */
static void read_body(struct sx_reader *reader, struct sx_scmp *scmp)
{
	switch (scmp->type) {
	case SX_SCMP_DESTINATION_UNREACHABLE:
		sx_read_skip(reader, 4);
		return;
	case SX_SCMP_PACKET_TOO_BIG:
		sx_read_skip(reader, 2);
		scmp->mtu = sx_read_u16(reader);
		return;
	case SX_SCMP_PARAMETER_PROBLEM:
		sx_read_skip(reader, 2);
		scmp->pointer = sx_read_u16(reader);
		return;
	case SX_SCMP_EXTERNAL_INTERFACE_DOWN:
		scmp->ia = sx_read_u64(reader);
		scmp->interface = sx_read_u64(reader);
		return;
	case SX_SCMP_INTERNAL_CONNECTIVITY_DOWN:
		scmp->ia = sx_read_u64(reader);
		scmp->interface = sx_read_u64(reader);
		scmp->egress = sx_read_u64(reader);
		return;
	case SX_SCMP_ECHO_REQUEST:
	case SX_SCMP_ECHO_REPLY:
		scmp->id = sx_read_u16(reader);
		scmp->sequence = sx_read_u16(reader);
		return;
	case SX_SCMP_TRACEROUTE_REQUEST:
	case SX_SCMP_TRACEROUTE_REPLY:
		scmp->id = sx_read_u16(reader);
		scmp->sequence = sx_read_u16(reader);
		scmp->ia = sx_read_u64(reader);
		scmp->interface = sx_read_u64(reader);
		return;
	default:
		return;
	}
}

static void write_body(struct sx_writer *writer, const struct sx_scmp *scmp)
{
	switch (scmp->type) {
	case SX_SCMP_DESTINATION_UNREACHABLE:
		sx_write_u32(writer, 0);
		return;
	case SX_SCMP_PACKET_TOO_BIG:
		sx_write_u32(writer, scmp->mtu);
		return;
	case SX_SCMP_PARAMETER_PROBLEM:
		sx_write_u32(writer, scmp->pointer);
		return;
	case SX_SCMP_EXTERNAL_INTERFACE_DOWN:
		sx_write_u64(writer, scmp->ia);
		sx_write_u64(writer, scmp->interface);
		return;
	case SX_SCMP_INTERNAL_CONNECTIVITY_DOWN:
		sx_write_u64(writer, scmp->ia);
		sx_write_u64(writer, scmp->interface);
		sx_write_u64(writer, scmp->egress);
		return;
	case SX_SCMP_ECHO_REQUEST:
	case SX_SCMP_ECHO_REPLY:
		sx_write_u16(writer, scmp->id);
		sx_write_u16(writer, scmp->sequence);
		return;
	case SX_SCMP_TRACEROUTE_REQUEST:
	case SX_SCMP_TRACEROUTE_REPLY:
		sx_write_u16(writer, scmp->id);
		sx_write_u16(writer, scmp->sequence);
		sx_write_u64(writer, scmp->ia);
		sx_write_u64(writer, scmp->interface);
		return;
	default:
		return;
	}
}

/* What of `data` still fits behind a header of `header_len` bytes and a message head of `head_len`. */
static struct sx_bytes quote_of(const struct sx_scmp *scmp, size_t header_len, size_t head_len)
{
	size_t used = header_len + head_len;
	size_t room = used < SX_SCMP_PACKET_MAX ? SX_SCMP_PACKET_MAX - used : 0;

	if (!sx_scmp_is_error(scmp) || scmp->data.len <= room) {
		return scmp->data;
	}
	return sx_bytes_of(scmp->data.data, room);
}

int sx_scmp_parse(struct sx_scmp *scmp, const struct sx_packet *packet)
{
	struct sx_reader reader = sx_reader_of(packet->payload);
	struct sx_scmp found = { 0 };
	uint64_t sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_SCMP, packet->payload.len);

	found.type = sx_read_u8(&reader);
	found.code = sx_read_u8(&reader);
	sx_read_skip(&reader, 2);
	read_body(&reader, &found);
	found.data = sx_read_rest(&reader);
	if (packet->protocol != SX_PROTOCOL_SCMP || !sx_reader_ok(&reader)) {
		return SX_EMALFORMED;
	}
	if (sx_checksum_finish(sx_checksum_add(sum, packet->payload)) != 0) {
		return SX_EPROTO;
	}
	*scmp = found;
	return SX_OK;
}

int sx_scmp_write(
	struct sx_writer *writer, const struct sx_packet *packet, const struct sx_scmp *scmp)
{
	uint8_t head[32]; /* the longest body is 24 bytes */
	struct sx_writer body = sx_writer_of(head, sizeof head);
	struct sx_packet bare = *packet;
	struct sx_bytes quote;
	uint64_t sum;
	int rc;

	write_body(&body, scmp);
	quote = quote_of(scmp, sx_packet_header_len(packet), HEADER_BYTES + body.at);
	bare.next_header = SX_PROTOCOL_SCMP;
	rc = sx_packet_write_header(writer, &bare, HEADER_BYTES + body.at + quote.len);
	if (rc < 0) {
		return rc;
	}
	sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_SCMP, HEADER_BYTES + body.at + quote.len);
	sum += (uint64_t)scmp->type << 8 | scmp->code;
	sum = sx_checksum_add(sum, sx_writer_bytes(&body));
	sx_write_u8(writer, scmp->type);
	sx_write_u8(writer, scmp->code);
	sx_write_u16(writer, sx_checksum_finish(sx_checksum_add(sum, quote)));
	sx_write_bytes(writer, sx_writer_bytes(&body));
	sx_write_bytes(writer, quote);
	return sx_writer_ok(writer) ? SX_OK : SX_ELIMIT;
}
