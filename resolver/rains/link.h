/* SPDX-License-Identifier: MIT */
/* link: whole messages to one RAINS server and back, over TLS (tls_link.h) or in SCION datagrams (scion_link.h). */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

/* Called from the loop, never from within `send`. Neither may free the link. */
struct sx_rains_link_events {
	/* One CBOR item that rains/scan.h has accepted. Lent until it returns. */
	void (*received)(void *arg, struct sx_bytes message);
	/*
	 * The way to the server ended, for `reason`; SX_ECLOSED: by the server, in order. What was sent may be lost, the
	 * next send makes a new one.
	 */
	void (*broken)(void *arg, int status, const char *reason);
	void *arg;
};

struct sx_rains_link;

struct sx_rains_link_ops {
	/* Sends a message, copied. SX_ELIMIT: too much is waiting. Other failures: it cannot be reached now. */
	int (*send)(struct sx_rains_link *link, struct sx_bytes message, uint64_t now_ns);
	/* Nothing has come back of what was sent: the next send goes another way, where there is one. */
	void (*suspect)(struct sx_rains_link *link);
	void (*free)(struct sx_rains_link *link);
};

/* Implementations begin with this. */
struct sx_rains_link {
	const struct sx_rains_link_ops *ops;
};
