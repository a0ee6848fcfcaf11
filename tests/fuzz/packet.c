/* SPDX-License-Identifier: MIT */
#include "scion/packet.h"
#include "scion/udp.h"
#include "target.h"

static uint8_t first[70000];
static uint8_t second[70000];

static struct sx_bytes write_into(uint8_t *out, size_t cap, const struct sx_packet *packet)
{
	struct sx_writer writer = sx_writer_of(out, cap);

	assert(sx_packet_write(&writer, packet) == SX_OK);
	return sx_writer_bytes(&writer);
}

static void check_udp(const struct sx_packet *packet)
{
	struct sx_writer writer = sx_writer_of(second, sizeof second);
	struct sx_packet again;
	struct sx_udp udp;
	struct sx_udp udp_again;

	if (sx_udp_parse(&udp, packet) < 0) {
		return;
	}
	assert(sx_udp_write(&writer, packet, &udp) == SX_OK);
	assert(sx_packet_parse(&again, sx_writer_bytes(&writer)) == SX_OK);
	assert(sx_udp_parse(&udp_again, &again) == SX_OK);
	assert(udp.src_port == udp_again.src_port && udp.dst_port == udp_again.dst_port);
	assert(sx_bytes_equal(udp.payload, udp_again.payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_packet packet;
	struct sx_packet again;
	struct sx_bytes written;

	if (sx_packet_parse(&packet, sx_bytes_of(data, size)) < 0) {
		return 0;
	}
	written = write_into(first, sizeof first, &packet);
	assert(written.len == size);
	assert(sx_packet_parse(&again, written) == SX_OK);
	assert(sx_bytes_equal(write_into(second, sizeof second, &again), written));
	check_udp(&packet);
	return 0;
}
