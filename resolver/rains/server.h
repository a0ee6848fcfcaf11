/* SPDX-License-Identifier: MIT */
/* server: a RAINS server as the operator names it. */
#pragma once

#include "rains/reason.h"
#include "scion/addr.h"

#define SX_RAINS_SERVER_PORT       55553
#define SX_RAINS_SERVER_TEXT_BYTES 320
#define SX_RAINS_SERVER_PIN_BYTES  32

struct sx_rains_server {
	bool over_scion;
	struct sx_addr addr; /* ISD-AS 0: TLS to this IP address */
	uint16_t port;
	bool is_pinned;
	uint8_t pin[SX_RAINS_SERVER_PIN_BYTES]; /* TLS: SHA-256 of the certificate or of its key */
	char cafile
		[SX_RAINS_SERVER_TEXT_BYTES]; /* TLS: whose signature the certificate must have, or "" */
	char name[256];                       /* TLS: the name it must be for; with cafile only */
	char text[SX_ADDR_TEXT_BYTES];        /* address and port, for people */
};

/*
 * Reads "192.0.2.1:55553", "[2001:db8::1]:55553", "[1-ff00:0:110,192.0.2.1]:31468" (port 55553 when left out); after a TLS
 * server may stand "pin HEX" or "ca FILE NAME". SX_EMALFORMED: `reason` says what was found and what is expected.
 */
SX_MUST_CHECK int sx_rains_server_parse(
	struct sx_rains_server *out, const char *text, struct sx_rains_reason *reason);

/* A server at an address with a port, over TLS whatever its certificate where there is no ISD-AS. */
void sx_rains_server_at(struct sx_rains_server *out, const struct sx_addr *addr, uint16_t port);
