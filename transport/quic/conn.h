/* SPDX-License-Identifier: MIT */
/* conn: one QUIC connection and its streams. Private to transport/quic. */
#pragma once

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "quic/endpoint.h"
#include "quic/stream.h"
#include "quic/tls_session.h"

#define SX_CID_BYTES   16 /* of all connection ids we choose */
#define SX_TOKEN_BYTES 16 /* of a stateless reset token */
#define SX_TRAIN_BYTES 65000
#define SX_DATAGRAM    1452 /* the largest we build */

/* Bytes of a stream on their way: a piece of a buffer. */
struct sx_chunk {
	struct sx_list link;
	struct sx_buf *buf; /* a reference */
	size_t start;       /* of what is left */
};

struct sx_stream {
	struct sx_list link;   /* in conn->streams */
	struct sx_conn *conn;  /* a reference; stays when the connection is over */
	void *user;
	int64_t id;            /* -1: not opened yet */
	bool over;             /* `closed` was told: nothing goes or comes any more */
	bool quic_gone;        /* ngtcp2 has forgotten the stream */
	bool released;         /* the owner has let go */

	struct sx_list send;   /* chunks not yet acknowledged */
	struct sx_chunk *next; /* where unsent bytes begin, NULL: none */
	size_t next_at;        /* in next->buf */
	size_t unsent;
	size_t unacked;        /* handed to QUIC, not acknowledged */
	unsigned blocked_round; /* the write round in which QUIC took no more of it */
	bool fin_queued;
	bool fin_sent;
	bool held;
	bool over_mark;        /* the queue has been over the high-water mark since `writable` was told */

	struct sx_list received;
	size_t readable;
	size_t owed;           /* credit to grant for bytes read */
	bool told_readable;
	bool paused;
	bool fin_received;
	bool reset_wanted;     /* by the owner: to be done outside of callbacks */
};

enum sx_conn_phase {
	SX_CONN_HANDSHAKE,
	SX_CONN_OPEN,
	SX_CONN_CLOSING,  /* we said CONNECTION_CLOSE and answer late packets with it */
	SX_CONN_DRAINING, /* the peer said it, or reset */
	SX_CONN_OVER,     /* ngtcp2's part is freed; streams may still refer to us */
};

/* A connection id or reset token of ours that datagrams are recognised by. */
struct sx_conn_key {
	struct sx_map_node node;
	struct sx_list link; /* in conn->ids or conn->tokens */
	struct sx_conn *conn;
	uint8_t len;
	uint8_t bytes[NGTCP2_MAX_CIDLEN];
};

/* Datagrams that the socket did not take; sent as they are, never built again. */
struct sx_train {
	struct sx_buf *buf; /* NULL: none wait */
	size_t segment;
	uint8_t ecn;
};

struct sx_conn {
	struct sx_list link;       /* in endpoint->conns */
	struct sx_list dirty;      /* in endpoint->dirty, or alone */
	struct sx_heap_node timer;
	struct sx_endpoint *endpoint; /* NULL once the endpoint is gone */
	unsigned refs;             /* the endpoint and each stream */
	uint64_t id;               /* never reused */
	enum sx_conn_phase phase;
	bool dialled;
	bool validated;            /* counts no longer as half-open */
	bool refuses_streams;      /* the peer allows no more now */
	ngtcp2_conn *quic;         /* NULL when over */
	struct sx_tls_session tls;
	struct sx_peer peer;
	struct sx_peer local;
	struct sx_route *route;
	struct sx_list streams;
	struct sx_list ids;
	struct sx_list tokens;
	char local_name[SX_NAME_BYTES];
	char alpn[32];
	unsigned round;            /* of writing */
	struct sx_train waiting;
	uint8_t close_packet[1252];
	size_t close_len;
	unsigned close_answers;    /* packets since: answered with the 1st, 2nd, 4th, 8th... */
	uint64_t created_ns;
	uint64_t handshake_ns;
	uint64_t heard_ns;         /* the later of: last fresh packet in; first one out since all was acknowledged */
	uint64_t suspected_ns;
	uint64_t linger_ns;        /* when a connection without streams is closed; SX_NEVER: it has some */
	uint64_t end_ns;           /* of closing or draining */
	struct {
		uint8_t nonces[64][8]; /* of the last packets that decrypted: a repeat teaches no path */
		unsigned at;
		bool fresh;            /* the datagram being read held a fresh packet */
	} seen;
};

/* A client connection; `route` is taken on success. */
SX_MUST_CHECK int sx_conn_dial(struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_dial *dial,
	uint64_t now_ns);

/* What the first packet of a client asks for; `odcid` and `token` when a Retry has been answered. */
struct sx_conn_request {
	const ngtcp2_pkt_hd *header;
	const struct sx_datagram *datagram;
	const ngtcp2_cid *odcid; /* NULL: no Retry */
};

SX_MUST_CHECK int sx_conn_accept(struct sx_conn **out, struct sx_endpoint *endpoint,
	const struct sx_conn_request *request, uint64_t now_ns);

/* Ends the QUIC part at once: ids, timer, route; streams are told. Gives the endpoint's reference back. */
void sx_conn_end(struct sx_conn *conn, int status, const char *reason);
void sx_conn_unref(struct sx_conn *conn);

void sx_conn_read(struct sx_conn *conn, const struct sx_datagram *datagram, uint64_t now_ns);

/* Sends what is ready. True: more is left for the next turn. */
bool sx_conn_write(struct sx_conn *conn, uint64_t now_ns);
void sx_conn_expire(struct sx_conn *conn, uint64_t now_ns);

/* ngtcp2 has found an error, ours or the peer's: says so and goes on closing. */
void sx_conn_fail(struct sx_conn *conn, int liberr);

/* Says CONNECTION_CLOSE without error and goes on closing. */
void sx_conn_close(struct sx_conn *conn);

/* When sx_conn_expire or sx_conn_write is due. */
uint64_t sx_conn_deadline(const struct sx_conn *conn);

/* True when all sent is acknowledged and nothing waits. */
bool sx_conn_is_quiet(const struct sx_conn *conn);
void sx_conn_mark_dirty(struct sx_conn *conn);

/* A stream of the connection, not opened yet. */
SX_MUST_CHECK int sx_conn_add_stream(struct sx_conn *conn, void *user, struct sx_stream **out);

/* The peer's address is proven: it counts no longer as half-open. */
void sx_conn_note_validated(struct sx_conn *conn);

/* QUIC knows no more of the stream. */
void sx_conn_note_stream_gone(struct sx_conn *conn, struct sx_stream *stream);

/* stream.c, for conn.c: */
SX_MUST_CHECK int sx_stream_new(struct sx_stream **out, struct sx_conn *conn);
void sx_stream_free(struct sx_stream *stream);

/* Views of unsent bytes, at most `cap` of them; *fin tells that they end the stream. */
size_t sx_stream_unsent_views(const struct sx_stream *stream, ngtcp2_vec *views, size_t cap, bool *fin);
bool sx_stream_wants_to_send(const struct sx_stream *stream);
void sx_stream_sent(struct sx_stream *stream, size_t len, bool fin);
void sx_stream_acked(struct sx_stream *stream, size_t len);
SX_MUST_CHECK int sx_stream_received(struct sx_stream *stream, struct sx_bytes bytes, bool fin);

/* Tells the owner, once, that it is over. */
void sx_stream_end(struct sx_stream *stream, int status, const char *reason);

/* Frees the stream when QUIC and the owner have let go. */
void sx_stream_settle(struct sx_stream *stream);
