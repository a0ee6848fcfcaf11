/* SPDX-License-Identifier: MIT */
/* underlay: the UDP socket by which the hosts of one AS reach its border router. */
#pragma once

#include "base/loop.h"
#include "topology.h"

struct sx_underlay {
	struct sx_watch watch; /* fd is -1 while closed */
	struct sx_loop *loop;
	size_t as;
	/* A datagram has come; all is lent until the return. */
	void (*receive)(void *arg, size_t as, const struct sx_host *host, uint16_t port,
		struct sx_bytes datagram);
	void *arg;
};

/* Binds the router's address and watches it; `as`, `receive` and `arg` are set by the caller. SX_EIO: see errno. */
SX_MUST_CHECK int sx_underlay_open(struct sx_underlay *underlay, struct sx_loop *loop,
	const struct sx_host *host, uint16_t port);
void sx_underlay_close(struct sx_underlay *underlay);

/* Sends a datagram. SX_EIO: the kernel would not, or the host is of another address family. */
SX_MUST_CHECK int sx_underlay_send(struct sx_underlay *underlay, const struct sx_host *host,
	uint16_t port, struct sx_bytes datagram);
