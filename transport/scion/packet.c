/* SPDX-License-Identifier: MIT */
/* draft-dekater-scion-dataplane sections 2.1 (common header), 2.2 (address header), 2.3 and 2.5 (extensions, UDP) */
#include "scion/packet.h"

#include "scion/path.h"

#define VERSION      0
#define UNIT         4 /* of HdrLen and ExtLen */
#define FLOW_ID_MASK 0xfffffU

/* Protocols that may follow the path or the extensions; routers deliver no other. */
static bool is_known_protocol(uint8_t protocol)
{
	switch (protocol) {
	case SX_PROTOCOL_TCP:
	case SX_PROTOCOL_UDP:
	case SX_PROTOCOL_HBH:
	case SX_PROTOCOL_E2E:
	case SX_PROTOCOL_SCMP:
	case SX_PROTOCOL_BFD:
	case 253: /* 253, 254: for experiments */
	case 254:
		return true;
	default:
		return false;
	}
}

static void read_host(struct sx_reader *reader, struct sx_host *host)
{
	struct sx_bytes bytes = sx_read_bytes(reader, sx_host_len(host->type));

	if (bytes.len > 0) {
		memcpy(host->bytes, bytes.data, bytes.len);
	}
}

/* The options of one extension header fill it exactly; what they mean is not our business. */
static bool options_fit(struct sx_bytes options)
{
	struct sx_reader reader = sx_reader_of(options);

	while (sx_reader_left(&reader) > 0 && sx_reader_ok(&reader)) {
		if (sx_read_u8(&reader) != 0) { /* Pad1 alone has no length */
			sx_read_skip(&reader, sx_read_u8(&reader));
		}
	}
	return sx_reader_ok(&reader);
}

/* Skips one extension header, if `*next` says that one is there, and moves `*next` to what follows it. */
static void skip_extension(struct sx_reader *reader, uint8_t *next, uint8_t which)
{
	uint8_t following;
	size_t len;

	if (*next != which) {
		return;
	}
	following = sx_read_u8(reader);
	len = UNIT * ((size_t)sx_read_u8(reader) + 1);
	if (!options_fit(sx_read_bytes(reader, len - 2))) {
		reader->failed = true;
	}
	*next = following;
}

int sx_packet_parse_header(struct sx_packet *packet, struct sx_bytes datagram)
{
	struct sx_reader reader = sx_reader_of(datagram);
	struct sx_packet found = { 0 };
	uint32_t first = sx_read_u32(&reader);
	size_t header_len;
	uint8_t types;

	found.traffic_class = (uint8_t)(first >> 20);
	found.flow_id = first & FLOW_ID_MASK;
	found.next_header = sx_read_u8(&reader);
	header_len = UNIT * (size_t)sx_read_u8(&reader);
	found.payload_len = sx_read_u16(&reader);
	found.path_type = sx_read_u8(&reader);
	types = sx_read_u8(&reader);
	found.dst.host.type = types >> 4;
	found.src.host.type = types & 0xf;
	sx_read_skip(&reader, 2); /* reserved */
	found.dst.ia = sx_read_u64(&reader);
	found.src.ia = sx_read_u64(&reader);
	read_host(&reader, &found.dst.host);
	read_host(&reader, &found.src.host);
	if (!sx_reader_ok(&reader) || first >> 28 != VERSION || header_len < reader.at ||
		!is_known_protocol(found.next_header)) {
		return SX_EMALFORMED;
	}
	found.path = sx_read_bytes(&reader, header_len - reader.at);
	found.header = sx_bytes_of(datagram.data, reader.at);
	found.rest = sx_read_rest(&reader);
	if (!sx_reader_ok(&reader) || (found.path_type == SX_PATH_EMPTY && found.path.len > 0)) {
		return SX_EMALFORMED;
	}
	*packet = found;
	return SX_OK;
}

int sx_packet_parse_rest(struct sx_packet *packet)
{
	struct sx_reader reader = sx_reader_of(packet->rest);
	uint8_t next = packet->next_header;

	/* Each at most once and in this order: what is still an extension after both is malformed. */
	skip_extension(&reader, &next, SX_PROTOCOL_HBH);
	skip_extension(&reader, &next, SX_PROTOCOL_E2E);
	if (!sx_reader_ok(&reader) || next == SX_PROTOCOL_HBH || next == SX_PROTOCOL_E2E ||
		!is_known_protocol(next)) {
		return SX_EMALFORMED;
	}
	packet->extensions = sx_bytes_of(packet->rest.data, reader.at);
	packet->payload = sx_read_rest(&reader);
	packet->protocol = next;
	return SX_OK;
}

int sx_packet_parse(struct sx_packet *packet, struct sx_bytes datagram)
{
	struct sx_packet found;

	if (sx_packet_parse_header(&found, datagram) < 0 || found.payload_len != found.rest.len ||
		sx_packet_parse_rest(&found) < 0) {
		return SX_EMALFORMED;
	}
	*packet = found;
	return SX_OK;
}

size_t sx_packet_header_len(const struct sx_packet *packet)
{
	return SX_PACKET_COMMON_BYTES + 16 + sx_host_len(packet->dst.host.type) +
	       sx_host_len(packet->src.host.type) + packet->path.len;
}

int sx_packet_write_header(
	struct sx_writer *writer, const struct sx_packet *packet, size_t rest_len)
{
	size_t header_len = sx_packet_header_len(packet);

	if (header_len % UNIT != 0 || header_len > SX_PACKET_HEADER_MAX || rest_len > UINT16_MAX) {
		return SX_EINVAL;
	}
	sx_write_u32(writer, (uint32_t)VERSION << 28 | (uint32_t)packet->traffic_class << 20 |
				     (packet->flow_id & FLOW_ID_MASK));
	sx_write_u8(writer, packet->next_header);
	sx_write_u8(writer, (uint8_t)(header_len / UNIT));
	sx_write_u16(writer, (uint16_t)rest_len);
	sx_write_u8(writer, packet->path_type);
	sx_write_u8(writer,
		(uint8_t)((packet->dst.host.type & 0xf) << 4 | (packet->src.host.type & 0xf)));
	sx_write_u16(writer, 0);
	sx_write_u64(writer, packet->dst.ia);
	sx_write_u64(writer, packet->src.ia);
	sx_write_bytes(writer, sx_host_bytes(&packet->dst.host));
	sx_write_bytes(writer, sx_host_bytes(&packet->src.host));
	sx_write_bytes(writer, packet->path);
	return sx_writer_ok(writer) ? SX_OK : SX_ELIMIT;
}

int sx_packet_write(struct sx_writer *writer, const struct sx_packet *packet)
{
	int rc = sx_packet_write_header(
		writer, packet, packet->extensions.len + packet->payload.len);

	if (rc < 0) {
		return rc;
	}
	sx_write_bytes(writer, packet->extensions);
	sx_write_bytes(writer, packet->payload);
	return sx_writer_ok(writer) ? SX_OK : SX_ELIMIT;
}

uint64_t sx_packet_pseudo_sum(const struct sx_packet *packet, uint8_t protocol, size_t upper_len)
{
	uint8_t ias[16];
	struct sx_writer writer = sx_writer_of(ias, sizeof ias);
	uint64_t sum = (uint64_t)upper_len + protocol;

	sx_write_u64(&writer, packet->dst.ia);
	sx_write_u64(&writer, packet->src.ia);
	sum = sx_checksum_add(sum, sx_writer_bytes(&writer));
	sum = sx_checksum_add(sum, sx_host_bytes(&packet->dst.host));
	return sx_checksum_add(sum, sx_host_bytes(&packet->src.host));
}

uint64_t sx_checksum_add(uint64_t sum, struct sx_bytes bytes)
{
	size_t at = 0;

	/* Four bytes a turn: 2^16 = 1 modulo 2^16 - 1, so the halves may be folded at the end. */
	for (; at + 4 <= bytes.len; at += 4) {
		const uint8_t *p = bytes.data + at;

		sum += (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	}
	for (; at < bytes.len; at++) {
		sum += at % 2 == 0 ? (uint64_t)bytes.data[at] << 8 : bytes.data[at];
	}
	return sum;
}

uint16_t sx_checksum_finish(uint64_t sum)
{
	while (sum > UINT16_MAX) {
		sum = (sum & UINT16_MAX) + (sum >> 16);
	}
	return (uint16_t)~sum;
}
