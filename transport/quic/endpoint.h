/* SPDX-License-Identifier: MIT */
/*
 * endpoint: all QUIC connections of one UDP port, as client and server. Sans-I/O: datagrams come in by
 * sx_endpoint_receive and leave through the port; time is a parameter. One bidirectional QUIC stream carries one XMPP
 * stream (XEP-0467). Nothing here is re-entrant: event callbacks only take note, they never call back.
 */
#pragma once

#include "base/log.h"
#include "base/port.h"
#include "quic/tls.h"

struct sx_endpoint;
struct sx_stream;

/* Called from within sx_endpoint_* functions. `user` is what the stream's owner has set, NULL before that. */
struct sx_stream_events {
	/* The peer opened a stream. Its owner must sx_stream_set_user it, and sx_stream_release it one day. */
	void (*accepted)(void *arg, struct sx_stream *stream);
	/* A dialled stream is ready: the handshake is done, bytes may flow. */
	void (*opened)(void *user, struct sx_stream *stream);
	/* There are bytes to read, where there were none (or the stream was paused). */
	void (*readable)(void *user, struct sx_stream *stream);
	/* What waited to be sent has fallen under the low-water mark, after having been over it, or to nothing. */
	void (*writable)(void *user, struct sx_stream *stream);
	/* The peer's FIN is in; everything before it is readable. */
	void (*finished)(void *user, struct sx_stream *stream);
	/* No more will come or go: SX_ECLOSED when both sides finished, else why, with a text for people. Once. */
	void (*closed)(void *user, struct sx_stream *stream, int status, const char *reason);
};

/* Bounds and times; zeroes stand for the defaults of quic.md 9. */
struct sx_endpoint_limits {
	uint64_t idle_timeout_ns;
	uint64_t handshake_timeout_ns;
	uint32_t connections;      /* most at once; a quarter of them with peers of one host */
	uint32_t half_open;        /* unvalidated handshakes before Retry is demanded */
	uint32_t stream_window;    /* bytes the peer may send ahead on a stream */
	uint32_t streams;          /* streams a peer may have open on a connection */
	uint32_t send_queue_bytes; /* most bytes queued on a stream before writes are refused */
};

struct sx_endpoint_config {
	struct sx_port_ref port;
	struct sx_peer local; /* our own address as QUIC sees it */
	struct sx_tls *tls;   /* borrowed for the endpoint's life */
	const char *const
		*alpn; /* labels served, NULL-terminated; borrowed for the endpoint's life */
	const uint8_t *secret; /* 32 bytes: reset and retry tokens derive from it; copied */
	struct sx_endpoint_limits limits;
	struct sx_stream_events events;
	void *arg; /* of events.accepted */
	struct sx_log log;
};

/* Counters since the start; all monotonic but the last three. */
struct sx_endpoint_stats {
	uint64_t datagrams_in;
	uint64_t datagrams_out;
	uint64_t dropped; /* not QUIC, unknown connection, bad */
	uint64_t retries_sent;
	uint64_t resets_sent;
	uint64_t versions_sent;
	uint64_t refused; /* over a limit */
	uint64_t handshakes;
	uint64_t bytes_read; /* stream bytes */
	uint64_t bytes_written;
	uint64_t connections; /* now */
	uint64_t streams;     /* now */
	uint64_t half_open;   /* now */
};

struct sx_dial {
	const char *local_name;  /* our domain: which identity to show; must be known to tls */
	const char *remote_name; /* the peer's domain: SNI */
	const char *alpn;        /* "xmpp-server" or "xmpp-client" */
	struct sx_peer peer;
	struct sx_route
		*route; /* taken on success; not used and freed when a connection could be shared */
};

SX_MUST_CHECK int sx_endpoint_new(
	struct sx_endpoint **out, const struct sx_endpoint_config *config, uint64_t now_ns);

/* Frees everything, telling the peers when the port still takes datagrams. Streams not yet released stay readable. */
void sx_endpoint_free(struct sx_endpoint *endpoint);

/*
 * Takes one datagram in. Never fails: what is bad is dropped and counted. Strangers and closed connections are
 * answered at once, all else is sent by sx_endpoint_process.
 */
void sx_endpoint_receive(
	struct sx_endpoint *endpoint, const struct sx_datagram *datagram, uint64_t now_ns);

/* Runs due timers and sends what is ready. `*more` tells that work was left over for the sake of fairness. */
void sx_endpoint_process(struct sx_endpoint *endpoint, uint64_t now_ns, bool *more);

/* When sx_endpoint_process must be called at the latest; SX_NEVER when nothing is due. */
uint64_t sx_endpoint_deadline(const struct sx_endpoint *endpoint);

/*
 * Opens a stream to a peer: on the live connection of the same (local name, remote name, alpn, peer), else on a new
 * one. `opened` or `closed` follows. `user` is handed to the callbacks. SX_ENOTFOUND: local_name has no identity.
 */
SX_MUST_CHECK int sx_endpoint_dial(struct sx_endpoint *endpoint, const struct sx_dial *dial,
	void *user, uint64_t now_ns, struct sx_stream **out);

void sx_endpoint_stats(const struct sx_endpoint *endpoint, struct sx_endpoint_stats *out);

/* No new connections and streams are accepted from now on. */
void sx_endpoint_stop_accepting(struct sx_endpoint *endpoint);

/* True when no connection has bytes or FINs that its peer has not acknowledged. */
bool sx_endpoint_is_quiet(const struct sx_endpoint *endpoint);
