/* SPDX-License-Identifier: MIT */
/*
 * server: a RAINS server over TLS, for a program that has nothing else to do: calls wait, up to a deadline. The server's
 * certificate is not looked at: what RAINS says is signed.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "rains/reason.h"

#define SX_CLI_SERVER_PORT "55553"

struct sx_cli_server;

/* Reads "HOST", "HOST:PORT" or "[IPv6]:PORT" and looks the host up. Failures: `reason` says what to do. */
SX_MUST_CHECK int sx_cli_server_new(
	struct sx_cli_server **out, const char *address, struct sx_rains_reason *reason);
void sx_cli_server_free(struct sx_cli_server *server);

/* Connects, in place of the connection there was. */
SX_MUST_CHECK int sx_cli_server_connect(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_rains_reason *reason);

/* Queues a message, which goes out while the next one is waited for. SX_ECLOSED: the connection is. */
SX_MUST_CHECK int sx_cli_server_send(struct sx_cli_server *server, struct sx_bytes message);

/* The next message; lent until the next call. SX_ETIMEDOUT: none has come. SX_ECLOSED: none will. */
SX_MUST_CHECK int sx_cli_server_receive(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_bytes *message);
