/* SPDX-License-Identifier: MIT */
/*
 * conn: one QUIC connection on ngtcp2. Its endpoint feeds it datagrams and timers; it writes when told. ngtcp2 must not
 * be re-entered: callbacks take note, everything else happens in sx_conn_* calls from the endpoint.
 */
#pragma once

#include "base/heap.h"
#include "base/map.h"
#include "quic/cids.h"
#include "quic/stream_core.h"

#define SX_NONCES    128
#define SX_KEY_BYTES (2 * SX_NAME_BYTES + SX_ALPN_BYTES + 18)

struct sx_bucket_counts;
struct sx_endpoint;

enum sx_conn_state {
	SX_CONN_HANDSHAKE,
	SX_CONN_OPEN,
	SX_CONN_CLOSING, /* we have closed: datagrams are answered by the close packet, ever more rarely */
	SX_CONN_DRAINING, /* the peer has closed: silence, until no stray packet can come any more */
};

/* A way to the peer at one of its addresses. */
struct sx_way {
	struct sx_peer peer;
	struct sx_route *route; /* NULL: unused */
	bool proven; /* the peer has acknowledged what went there; else `received` bounds `sent` */
	uint64_t since_ns; /* in use since then */
	uint64_t received; /* bytes */
	uint64_t sent;
};

struct sx_conn {
	struct sx_endpoint *endpoint;
	ngtcp2_conn *quic; /* NULL when closing or draining */
	struct sx_tls_session tls;
	enum sx_conn_state state;
	struct sx_list link;  /* in endpoint->conns */
	struct sx_list dirty; /* in endpoint->dirty, or alone */
	struct sx_heap_node timer;
	struct sx_list cids;
	struct sx_list tokens;
	struct sx_map_node dial_node; /* in endpoint->dials when `shared` */
	bool shared;
	uint8_t dial_key[SX_KEY_BYTES];
	struct sx_way ways[2]; /* the current one, and another of late; one of them is proven */

	struct sx_list streams;
	struct sx_list sendable; /* streams with something to send, in turns */
	struct sx_list blocked;  /* the same, out of the peer's credit */
	size_t pending;          /* streams waiting to be opened */
	size_t live;             /* streams that QUIC has open */

	struct sx_facts facts;
	struct sx_peer
		first_peer;     /* the far end as ngtcp2 knows it, whatever becomes of the peer */
	bool half_open;         /* counted in the endpoint's half_open, under that peer */
	bool was_reset;         /* the peer sent a stateless reset */
	uint64_t idle_since_ns; /* no streams since then; SX_NEVER: there are some */
	uint64_t end_ns;        /* closing and draining last until then */
	uint64_t
		silent_since_ns; /* bytes in flight and nothing fresh came since; SX_NEVER: not so */
	uint64_t rest_due_ns; /* after all has been sent: what is due but for the pacer; else 0 */
	unsigned suspicions;  /* probe timeouts in that silence */

	struct sx_list backlog; /* encoded datagrams that the port did not take */
	struct sx_buf *close_packet;
	unsigned close_count;       /* datagrams that came while closing */
	uint64_t nonces[SX_NONCES]; /* of the packets decrypted last: a repeat is a replay */
	unsigned nonce_at;
	bool fresh; /* the datagram being read held a packet never seen before */
};

/* An accepted Initial, and what its token proved. */
struct sx_hello {
	const struct sx_datagram *datagram;
	ngtcp2_pkt_hd header;
	ngtcp2_cid original_dcid;
	bool after_retry;
};

SX_MUST_CHECK int sx_conn_accept(
	struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_hello *hello);
SX_MUST_CHECK int sx_conn_dial(
	struct sx_conn **out, struct sx_endpoint *endpoint, const struct sx_dial *dial);
void sx_conn_free(struct sx_conn *conn);

/* One datagram for this connection. May end its handshake, its streams or itself, never frees it. */
void sx_conn_read(struct sx_conn *conn, const struct sx_datagram *datagram);

/* Its timer has run out. */
void sx_conn_expire(struct sx_conn *conn);

/* True when its time is over, quarantine included: free it. */
bool sx_conn_is_over(const struct sx_conn *conn);

/*
 * Opens waiting streams, tells what is to be told and sends up to one quantum. True: there is more to send, and
 * nothing to wait for. `*datagrams` grows by what was sent.
 */
SX_MUST_CHECK bool sx_conn_write(struct sx_conn *conn, size_t *datagrams);

/* Ends the connection in order: tells the peer, tells the streams that are left. */
void sx_conn_close(struct sx_conn *conn, int status, const char *reason);

/* Ends it because ngtcp2 said so: `rc` is ngtcp2's. */
void sx_conn_fail(struct sx_conn *conn, int rc);

/* A datagram while closing or draining. */
void sx_conn_answer(struct sx_conn *conn);

/* Sends what the port refused before. SX_EAGAIN: it still refuses. */
SX_MUST_CHECK int sx_conn_flush(struct sx_conn *conn);
void sx_conn_drop_backlog(struct sx_conn *conn);

/* Sets the timer to whatever is due first. */
void sx_conn_arm(struct sx_conn *conn);

/* True when no stream has anything unacknowledged. */
bool sx_conn_is_quiet(const struct sx_conn *conn);

/* True when new streams may be dialled on it. */
bool sx_conn_can_dial(const struct sx_conn *conn);

/* Called by streams: something is to be done at the next process; credit to return to the peer. */
void sx_conn_mark(struct sx_conn *conn);
void sx_conn_credit(struct sx_conn *conn, const struct sx_stream *stream, size_t len);
const struct sx_stream_events *sx_conn_events(const struct sx_conn *conn);
size_t sx_conn_queue_limit(const struct sx_conn *conn);
void sx_conn_count_written(struct sx_conn *conn, size_t len);
uint64_t sx_conn_rtt(const struct sx_conn *conn);
void sx_conn_describe(
	const struct sx_conn *conn, char *peer, size_t peer_cap, char *path, size_t path_cap);

/* A stream has been opened in QUIC; has ended there; never got so far. */
void sx_conn_stream_opened(struct sx_conn *conn);
void sx_conn_stream_closed(struct sx_conn *conn, struct sx_stream *stream, int status);
void sx_conn_stream_given_up(struct sx_conn *conn, struct sx_stream *stream);

/* What is counted of the host that the peer was at first. */
struct sx_bucket_counts *sx_conn_counts(const struct sx_conn *conn);

/* The peer's address is proven, or the connection goes: it is half open no longer. */
void sx_conn_validated(struct sx_conn *conn);

/* Frees what a connection needs to live: QUIC, TLS, its places in maps but for its IDs. */
void sx_conn_strip(struct sx_conn *conn);

/* Between its own files. Callbacks that decrypt belong to the connection being read; NULL: none is. */
void sx_conn_callbacks(ngtcp2_callbacks *out);
void sx_conn_reading(struct sx_conn *conn);

/* False: the datagram comes from an address that this connection does not listen to. */
bool sx_conn_admits(const struct sx_conn *conn, const struct sx_datagram *datagram);

/* A datagram held something fresh and authentic; `rtt_ns` is the newest sample from before it came. */
void sx_conn_heard(struct sx_conn *conn, const struct sx_datagram *datagram, uint64_t rtt_ns);

/* A timer has run out: bytes in flight may have gone unheard. */
void sx_conn_suspect(struct sx_conn *conn);

/* How many bytes may be sent now, as far as the peer's address is concerned. */
uint64_t sx_conn_allowance(const struct sx_conn *conn);

/* Sends by the way in use. SX_EAGAIN: the port does not take anything now; other failures lose the datagrams. */
SX_MUST_CHECK int sx_conn_send(
	struct sx_conn *conn, struct sx_bytes data, size_t segment, uint8_t ecn);

/* The newest sample of the round trip, 0 before there is one. */
uint64_t sx_conn_latest_rtt(const struct sx_conn *conn);
uint64_t sx_conn_in_flight(const struct sx_conn *conn);
