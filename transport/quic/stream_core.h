/* SPDX-License-Identifier: MIT */
/* stream_core: what connections and endpoints know of a stream; its owner sees stream.h. */
#pragma once

#include "quic/chunks.h"
#include "quic/endpoint.h"
#include "quic/stream.h"
#include "quic/tls_session.h"

#define SX_ALPN_BYTES   32
#define SX_CIPHER_BYTES 40

struct sx_conn;

/* Facts about a connection; a stream keeps a copy, so that they outlive it. */
struct sx_facts {
	bool dialled;
	bool established;
	char alpn[SX_ALPN_BYTES];
	char local_name[SX_NAME_BYTES];
	char remote_name[SX_NAME_BYTES];
	char cipher[SX_CIPHER_BYTES];
	struct sx_verdict verdict;
	uint64_t connection_id;
	uint64_t opened_ns;
	uint64_t handshake_ns;
	uint64_t rtt_ns;
	uint16_t peer_port;
};

/*
 * Alive while it is attached to a connection or its owner holds it. `conn` is NULL once the connection is gone;
 * `quic_id` is -1 before QUIC has opened it and after QUIC has closed it.
 */
struct sx_stream {
	struct sx_conn *conn;
	struct sx_list link;     /* in conn->streams */
	struct sx_list sendable; /* in conn->sendable, conn->blocked, or alone */
	int64_t quic_id;
	void *user;
	struct sx_chunks out; /* marked: handed to QUIC; head: the first byte not acknowledged */
	struct sx_chunks in;
	struct sx_facts facts;
	bool owned;   /* the owner has not released it */
	bool pending; /* dialled, waits for the handshake or for the peer's leave to open */
	bool opened;  /* `opened` or `accepted` was told */
	bool paused;
	bool held;
	bool fin_wanted; /* FIN follows what is queued */
	bool fin_sent;
	bool fin_acked; /* the frame of a FIN that went alone */
	bool fin_alone; /* FIN went in a frame of its own */
	bool fin_received;
	bool reset_wanted; /* to be broken off at the next process */
	bool reset_done;
	bool was_over;      /* more was unsent than the low-water mark since the last `writable` */
	bool tell_readable; /* unpaused with bytes waiting: to be told at the next process */
	bool closed;        /* `closed` was told, or never will be */
};

/* A stream attached to `conn`, owned by nobody yet. */
SX_MUST_CHECK int sx_stream_new(struct sx_stream **out, struct sx_conn *conn);

/* Lets go of the connection; frees the stream if its owner has let go as well. */
void sx_stream_detach(struct sx_stream *stream);

/* Puts it where it belongs: among the streams with something to send, or not. */
void sx_stream_schedule(struct sx_stream *stream);

/* Bytes came in order. SX_ENOMEM: they did not fit into memory. */
SX_MUST_CHECK int sx_stream_take(struct sx_stream *stream, struct sx_bytes bytes);

/* `len` bytes (and FIN) have been handed to QUIC. */
void sx_stream_sent(struct sx_stream *stream, size_t len, bool fin);

/* `len` bytes are acknowledged; 0 means the FIN in a frame of its own. */
void sx_stream_acked(struct sx_stream *stream, size_t len);

/* Tells the owner that it is over, once. */
void sx_stream_tell_closed(struct sx_stream *stream, int status, const char *reason);

/* True when something is not acknowledged yet, FIN included. */
bool sx_stream_is_unsettled(const struct sx_stream *stream);
