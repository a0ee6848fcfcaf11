/* SPDX-License-Identifier: MIT */
/*
 * scion_link: RAINS servers on SCION: one message a datagram, from a UDP port of our own, for the first byte of a message
 * looks like that of a QUIC packet.
 */
#pragma once

#include "base/loop.h"
#include "rains/client.h"
#include "rains/link.h"
#include "rains/server.h"

struct sx_rains_port;

/* Binds the port. On failure `reason` says what is wrong. */
SX_MUST_CHECK int sx_rains_port_new(struct sx_rains_port **out, struct sx_loop *loop,
	const struct sx_rains_scion *scion, struct sx_rains_reason *reason);

/* All links over it are freed. Accepts NULL. */
void sx_rains_port_free(struct sx_rains_port *port);

/* A link to a server over the port. Copies the events. */
SX_MUST_CHECK int sx_rains_scion_link_new(struct sx_rains_link **out, struct sx_rains_port *port,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events);
