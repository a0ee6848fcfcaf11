/* SPDX-License-Identifier: MIT */
#include "scion/addr.h"
#include "target.h"

static void check_addr(struct sx_bytes text)
{
	char written[SX_ADDR_TEXT_BYTES];
	struct sx_addr addr;
	struct sx_addr again;
	uint16_t port = 1;
	uint16_t port_again = 0;

	if (sx_addr_parse(text, &addr) == SX_OK) {
		sx_addr_write(&addr, written, sizeof written);
		assert(sx_addr_parse(sx_bytes_text(written), &again) == SX_OK);
		assert(sx_addr_equal(&addr, &again));
	}
	if (sx_addr_parse_port(text, &addr, &port) == SX_OK) {
		sx_addr_write_port(&addr, port, written, sizeof written);
		assert(sx_addr_parse_port(sx_bytes_text(written), &again, &port_again) == SX_OK);
		assert(sx_addr_equal(&addr, &again) && port == port_again);
	}
}

static void check_parts(struct sx_bytes text)
{
	char written[SX_IA_TEXT_BYTES];
	struct sx_ip_port ip_port;
	uint64_t again;
	uint64_t ia;

	if (sx_ia_parse(text, &ia) == SX_OK) {
		sx_ia_write(ia, written, sizeof written);
		assert(sx_ia_parse(sx_bytes_text(written), &again) == SX_OK && again == ia);
	}
	if (sx_ip_port_parse(text, &ip_port) == SX_OK) {
		assert(ip_port.host.type == SX_HOST_IPV4 || ip_port.host.type == SX_HOST_IPV6);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_bytes text = sx_bytes_of(data, size);

	check_addr(text);
	check_parts(text);
	return 0;
}
