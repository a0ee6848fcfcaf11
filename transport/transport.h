/* SPDX-License-Identifier: MIT */
/*
 * transport: bytes to a peer by QUIC on SCION paths: loop, socket, path source, TLS and endpoint put together. The one
 * header for the layers above; streams are used through quic/stream.h, which it includes.
 */
#pragma once

#include "quic/endpoint.h"
#include "quic/stream.h"
#include "scion/addr.h"

struct sx_transport;

#define SX_TRANSPORT_SECRET_CHARS 32

struct sx_transport_config {
	const char *address;     /* ours: "1-ff00:0:111,192.0.2.10" */
	const char *paths;       /* "file:NAME" */
	uint16_t port;           /* 0: any */
	const char *const *alpn; /* labels served, NULL-terminated; borrowed */
	/*
	 * SX_TRANSPORT_SECRET_CHARS characters that are the same after a crash, so that peers believe our stateless
	 * resets and redial (RFC 9000 section 10.3.2); NULL: random ones.
	 */
	const char *secret;
	struct sx_endpoint_limits limits;
	struct sx_stream_events events;
	void *arg; /* of events.accepted */
	struct sx_log log;
};

struct sx_transport_target {
	const char *local_name;
	const char *remote_name;
	const char *address; /* the peer's, any spelling */
	uint16_t port;
	const char *alpn;
};

struct sx_transport_stats {
	struct sx_endpoint_stats quic;
	uint64_t
		dropped_scion; /* no valid SCION packet, or not for us, or from no router of ours */
	uint64_t scmp_in;
	uint64_t scmp_echo;
	uint64_t path_switches;
	uint64_t paths; /* known now */
};

/* Where a text about a failure goes: for the person who must act. */
struct sx_problem {
	char *text; /* NUL-terminated, cut at cap */
	size_t cap;
};

/* Binds the socket and starts. On failure `problem` names the option, what was found and what is expected. */
SX_MUST_CHECK int sx_transport_new(struct sx_transport **out,
	const struct sx_transport_config *config, struct sx_problem problem);

/* Tells all peers and frees everything. Accepts NULL. */
void sx_transport_free(struct sx_transport *transport);

/* The descriptor to poll for reading. */
int sx_transport_fd(const struct sx_transport *transport);

/* One bounded turn; waits for the descriptor at most `timeout_ms`. */
void sx_transport_process(struct sx_transport *transport, int timeout_ms);

/* Makes the descriptor readable: there are writes to be sent. */
void sx_transport_wake(struct sx_transport *transport);

struct sx_tls *sx_transport_tls(struct sx_transport *transport);

/* As sx_endpoint_dial. SX_EMALFORMED: the address; SX_EUNREACH: no path is known. `problem` says so for people. */
SX_MUST_CHECK int sx_transport_dial(struct sx_transport *transport,
	const struct sx_transport_target *target, void *user, struct sx_stream **out,
	struct sx_problem problem);

/* No new connections or streams; then turns until all is acknowledged, `timeout_ms` at most. */
void sx_transport_drain(struct sx_transport *transport, uint32_t timeout_ms);

void sx_transport_stats(const struct sx_transport *transport, struct sx_transport_stats *out);

/* The path number `index` to an AS as a line for people. SX_ENOTFOUND: no more. */
SX_MUST_CHECK int sx_transport_path_text(
	struct sx_transport *transport, uint64_t ia, size_t index, char *out, size_t cap);
