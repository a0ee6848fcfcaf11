/* SPDX-License-Identifier: MIT */
#include "scion/scmp.h"
#include "scion/path.h"
#include "target.h"

static uint8_t message[65536];
static uint8_t written[70000];

/* Puts the checksum right, or nothing would get past it. */
static void mend(const struct sx_packet *packet)
{
	uint64_t sum = sx_packet_pseudo_sum(packet, SX_PROTOCOL_SCMP, packet->payload.len);
	uint16_t checksum;

	message[2] = 0;
	message[3] = 0;
	checksum = sx_checksum_finish(sx_checksum_add(sum, packet->payload));
	message[2] = (uint8_t)(checksum >> 8);
	message[3] = (uint8_t)checksum;
}

static void check_quote(const struct sx_scmp *scmp)
{
	struct sx_packet quoted = { 0 };
	struct sx_path path;

	if (sx_packet_parse_header(&quoted, scmp->data) == SX_OK &&
		sx_packet_parse_rest(&quoted) == SX_OK) {
		assert(quoted.extensions.len + quoted.payload.len == quoted.rest.len);
	}
	if (sx_path_parse(&path, quoted.path) == SX_OK) {
		assert(path.curr_hf < path.hop_count);
	}
}

static void check_again(const struct sx_packet *packet, const struct sx_scmp *scmp)
{
	struct sx_writer writer = sx_writer_of(written, sizeof written);
	struct sx_packet again;
	struct sx_scmp found;

	assert(sx_scmp_write(&writer, packet, scmp) == SX_OK);
	assert(sx_packet_parse(&again, sx_writer_bytes(&writer)) == SX_OK);
	assert(sx_scmp_parse(&found, &again) == SX_OK);
	assert(found.type == scmp->type && found.code == scmp->code && found.id == scmp->id);
	assert(found.ia == scmp->ia && found.interface == scmp->interface);
	assert(found.data.len == scmp->data.len || writer.at == SX_SCMP_PACKET_MAX);
}

/* The message alone, in a packet of our own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_packet packet = { .protocol = SX_PROTOCOL_SCMP, .src.ia = 1, .dst.ia = 2 };
	struct sx_scmp scmp;

	if (size > sizeof message - 1) {
		return 0;
	}
	for (size_t i = 0; i < size; i++) {
		message[i] = data[i];
	}
	packet.payload = sx_bytes_of(message, size);
	if (size >= 4) {
		mend(&packet);
	}
	if (sx_scmp_parse(&scmp, &packet) == SX_OK) {
		check_quote(&scmp);
		check_again(&packet, &scmp);
	}
	return 0;
}
