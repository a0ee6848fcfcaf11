/* SPDX-License-Identifier: MIT */
/* ns_scion: the name server as a SCION host: UDP, one message to a datagram, answers the way the question came. */
#pragma once

#include "ns_process.h"
#include "scion/addr.h"

struct sx_ns_scion;

/* Binds the host's own address, where its border router finds it. SX_EIO: see errno. */
SX_MUST_CHECK int sx_ns_scion_open(struct sx_ns_scion **out, struct sx_ns_process *process,
	const struct sx_addr *local, uint16_t port);
void sx_ns_scion_close(struct sx_ns_scion *scion);
