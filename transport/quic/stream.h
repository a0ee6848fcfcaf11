/* SPDX-License-Identifier: MIT */
/*
 * stream: one bidirectional QUIC stream, the carrier of one XMPP stream. Writes queue, packets are built by
 * sx_endpoint_process. It belongs to its endpoint and to its owner; memory goes when both have let go.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct sx_stream;

void sx_stream_set_user(struct sx_stream *stream, void *user);

/* Queues a copy of all of `bytes`. SX_ELIMIT: nothing was taken, the queue is full. SX_ECLOSED: finished or dead. */
SX_MUST_CHECK int sx_stream_write(struct sx_stream *stream, struct sx_bytes bytes);

/* FIN after what is queued. Harmless when repeated. */
void sx_stream_finish(struct sx_stream *stream);

/* Breaks off both directions now; what is queued is lost. `closed` follows with SX_ERESET. */
void sx_stream_reset(struct sx_stream *stream);

/*
 * Copies up to `cap` bytes that have arrived and grants the peer as much new credit. Works after `closed` until the
 * stream is released. SX_EAGAIN: nothing there.
 */
SX_MUST_CHECK int sx_stream_read(struct sx_stream *stream, void *out, size_t cap, size_t *len);

/* While paused no `readable` is told and the peer's credit runs out. */
void sx_stream_pause(struct sx_stream *stream, bool paused);

/* While held, writes and FIN are queued but not sent. */
void sx_stream_hold(struct sx_stream *stream, bool held);

size_t sx_stream_readable_bytes(const struct sx_stream *stream);

/* Bytes queued and not yet handed to QUIC; and those handed over but not acknowledged. */
size_t sx_stream_unsent_bytes(const struct sx_stream *stream);
size_t sx_stream_unacked_bytes(const struct sx_stream *stream);

/* The owner lets go: no callback follows, the pointer is dead. An open stream is reset. */
void sx_stream_release(struct sx_stream *stream);

/* What is known of the connection below; texts live as long as the stream. */
struct sx_stream_info {
	bool dialled; /* by us */
	const char *alpn;
	const char *local_name;  /* dialled: the identity shown; accepted: the SNI asked for */
	const char *remote_name; /* dialled: the SNI asked for; accepted: "" */
	const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
	uint64_t connection_id;  /* the same for streams of one connection, never reused */
	uint64_t opened_ns;      /* monotonic */
	uint64_t handshake_ns;   /* how long it took */
	uint64_t rtt_ns;         /* smoothed */
	uint64_t lost_packets;   /* 0 where the library does not tell */
	uint16_t peer_port;
	int verify_status; /* SX_OK: the chain verifies; else SX_ETLS, and verify_text says why */
	const char *verify_text; /* OpenSSL's wording where Prosody looks for it (prosody.md 4.3) */
};

void sx_stream_info(const struct sx_stream *stream, struct sx_stream_info *out);

/* Who is at the other end and which path our datagrams take now, for people (port.h, describe). */
void sx_stream_describe(
	const struct sx_stream *stream, char *peer, size_t peer_cap, char *path, size_t path_cap);

/* The peer's certificates, DER, leaf first. SX_ENOTFOUND: no such depth. Lends until the connection goes. */
SX_MUST_CHECK int sx_stream_certificate(
	const struct sx_stream *stream, unsigned depth, struct sx_bytes *out);

/* Keying material, RFC 5705 and RFC 9266 ("EXPORTER-Channel-Binding", no context, 32 bytes). */
SX_MUST_CHECK int sx_stream_export(struct sx_stream *stream, const char *label,
	struct sx_bytes context, void *out, size_t len);
