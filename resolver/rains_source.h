/* SPDX-License-Identifier: MIT */
/*
 * rains_source: RAINS as a source: SCION addresses of a domain and of the targets of its service "_xmpp-server._udpscion",
 * and certificate objects; all verified up to a root key. Where nothing is on SCION, and IP may be used, the IP
 * addresses of the targets of "_xmpp-server._quic", for plain QUIC.
 */
#pragma once

#include "base/log.h"
#include "base/loop.h"
#include "rains/client.h"
#include "source.h"

struct sx_rains_config {
	const char *
		roots; /* lines "ed25519 PHASE HEX", or names of files with keys (rains/anchor.h) */
	const char *servers; /* one a line (rains/server.h) */
	bool unsigned_too; /* what nobody signed is believed: laboratories only; said at the start */
	const struct sx_rains_scion *scion; /* or NULL */
	struct sx_log log;
};

/* In `loop`, which outlives it. On failure `reason` names the option ("roots: ..."), what was found and what is expected. */
SX_MUST_CHECK int sx_rains_source_new(struct sx_source **out, struct sx_loop *loop,
	const struct sx_rains_config *config, struct sx_rains_reason *reason);
