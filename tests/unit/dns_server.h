/* SPDX-License-Identifier: MIT */
/* dns_server: a DNS server on loopback sockets, in the thread of the test; it behaves as badly as it is told. */
#pragma once

#include "dns/answer.h"

#define LARGE_BYTES 3000 /* of the text in the answer that UDP cannot carry, lengths included */

/* What the server of the tests does with a question. */
enum dns_behaviour {
	ANSWER,
	SILENCE,
	SECOND_TIME,     /* the first question is lost */
	SERVER_FAILURE,  /* SERVFAIL */
	SERVICE_FAILURE, /* the same for SRV; the rest is answered */
	REFUSAL,
	NO_NAME,
	TRUNCATION,     /* over UDP; over TCP the whole answer */
	TRUNCATION_CUT, /* over UDP; TCP is closed at once */
	WRONG_ID,       /* first; then the right answer */
	WRONG_PORT,     /* the same */
};

struct dns_server {
	enum dns_behaviour behaviour;
	int udp, listener, stranger;
	unsigned questions;
	char address[32];
};

/* The one of the running test. */
extern struct dns_server server;

void dns_server_open(enum dns_behaviour behaviour);
void dns_server_close(void);

/* What there is to be done when the one or the other socket is ready. */
void dns_server_serve_udp(void);
void dns_server_serve_tcp(void);
