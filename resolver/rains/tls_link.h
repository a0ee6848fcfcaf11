/* SPDX-License-Identifier: MIT */
/* tls_link: a RAINS server over TLS. The connection is made for the first message, kept, and made again after it broke. */
#pragma once

#include "base/loop.h"
#include "rains/link.h"
#include "rains/server.h"

/* Copies the events. On failure `reason` says what is wrong with what the server's certificate is to be checked with. */
SX_MUST_CHECK int sx_rains_tls_link_new(struct sx_rains_link **out, struct sx_loop *loop,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events,
	struct sx_rains_reason *reason);
