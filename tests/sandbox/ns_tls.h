/* SPDX-License-Identifier: MIT */
/* ns_tls: the name server's socket for TLS over TCP. */
#pragma once

#include "ns_process.h"
#include "scion/addr.h"

struct sx_ns_tls;

/* Listens, with a certificate that it makes for itself and writes to `pem`. SX_EIO: see errno. */
SX_MUST_CHECK int sx_ns_tls_open(struct sx_ns_tls **out, struct sx_ns_process *process,
	const struct sx_ip_port *local, const char *pem);
void sx_ns_tls_close(struct sx_ns_tls *tls);
