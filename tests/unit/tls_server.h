/* SPDX-License-Identifier: MIT */
/* tls_server: a TLS server on a loopback socket, in the thread of the test; it behaves as badly as it is told. */
#pragma once

#include <gnutls/gnutls.h>

#include "base/loop.h"
#include "scion/addr.h"

#define FLOOD_BYTES (4U << 20)

enum tls_behaviour {
	ECHO,
	ECHO_TLS12,
	FLOOD,   /* as much as goes, FLOOD_BYTES in all */
	GOODBYE, /* after the handshake */
	CUT,     /* after the handshake, without a goodbye */
	RESET,   /* the same, by a reset */
	SILENCE, /* TCP only */
	GARBAGE, /* what is no TLS */
	HANG_UP, /* TCP only, closed at once */
};

struct tls_server {
	enum tls_behaviour behaviour;
	int listener, fd;
	struct sx_ip_port address;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	bool is_shaken;
	size_t sent;
	unsigned blocked; /* how often nothing more could be sent */
	unsigned accepted;
};

/* The one of the running test. */
extern struct tls_server server;

/* Makes it ready, with the certificate and key that tls_fixture made for `identity`. */
void tls_server_init(enum tls_behaviour behaviour, const char *identity);
void tls_server_listen(const char *ip, int backlog);
void tls_server_close(void);

/* Waits for whatever comes first, for a client in `loop` or for the server, and lets it work. False: nothing in time. */
bool tls_server_turn(struct sx_loop *loop, int wait_ms);

/* Breaks the connection off. */
void tls_server_reset(void);
