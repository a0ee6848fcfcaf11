/* SPDX-License-Identifier: MIT */
/*
 * node: one end of our transport in a process that measures, on libsx.so alone. Whatever fails ends the program with a
 * line that says what.
 */
#pragma once

#include <stdbool.h>

#include "sx.h"

#define NODE_SERVER_NAME "server.example.org"
#define NODE_CLIENT_NAME "client.example.org"
#define NODE_ALPN        "xmpp-server"

/* What a server does with a stream: the first byte on it says. */
enum node_service {
	NODE_ECHO = 'e', /* everything comes back, that byte too */
	NODE_SINK = 's', /* after the last byte: how many there were, as a decimal number */
};

/* "ADDRESS PORT PATHFILE CERTIFICATES": the words that all programs begin with; CERTIFICATES + ".crt", ".key", ".ca". */
#define NODE_WORDS 4

void node_require(bool ok, const char *what);

/* Opens the end that the first words describe. */
struct sx_context *node_open(char **words);

/* Gives it a domain with the certificate of the words. */
void node_add_domain(struct sx_context *context, char **words, const char *name);

/* Opens a stream from a domain of ours to the server at an address. */
sx_handle node_dial(
	struct sx_context *context, const char *from, const char *address, const char *port);

/* Waits for work, at most `timeout_ms`, does it, and hands over what happened. */
void node_turn(struct sx_context *context, int timeout_ms,
	void (*each)(void *arg, const struct sx_event *event), void *arg);

/* A number of the command line. */
uint64_t node_number(const char *word);

/* Seconds on the wall clock. */
double node_now(void);

/* Says a line at once, whatever it goes to. */
__attribute__((format(printf, 1, 2))) void node_say(const char *format, ...);
