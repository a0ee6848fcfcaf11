/* SPDX-License-Identifier: MIT */
/*
 * dns_source: DNS as a source of addresses: TXT records with SCION addresses at the domain and at the targets of its
 * service records, and IP addresses for plain QUIC where a service record names a port for it. The ports of TCP services
 * are not used. DNS proves nothing: it knows no certificates.
 */
#pragma once

#include "base/loop.h"
#include "source.h"

/* In `loop`, which outlives it. `servers` as in dns/dns.h. SX_EINVAL: they are no list of servers. */
SX_MUST_CHECK int sx_dns_source_new(
	struct sx_source **out, struct sx_loop *loop, const char *servers);
