/* SPDX-License-Identifier: MIT */
/*
 * tls: a stream of bytes to a RAINS server, TLS over TCP, in the loop. It does not know what the bytes mean. It stays
 * open from question to question; when it is idle for too long is its owner's to say.
 */
#pragma once

#include "base/loop.h"
#include "rains/tls_trust.h"
#include "scion/addr.h"

#define SX_RAINS_TLS_QUEUE_BYTES 65536
#define SX_RAINS_TLS_PIECE_BYTES 16384

struct sx_rains_tls;

/* Called from sx_loop_run only; sx_rains_tls_close may be called in each, then nothing is called any more. */
struct sx_rains_tls_events {
	void (*connected)(void *arg); /* the handshake is done and the server is who it should be */
	/* 1 to SX_RAINS_TLS_PIECE_BYTES bytes, lent until it returns */
	void (*received)(void *arg, struct sx_bytes bytes);
	/*
	 * Once, by the other side or a failure: SX_ECLOSED in order, SX_ERESET without a goodbye, SX_ETIMEDOUT,
	 * SX_EREFUSED, SX_EUNREACH, SX_ETLS. `reason` is for people and lent until it returns.
	 */
	void (*closed)(void *arg, int status, const char *reason);
};

struct sx_rains_tls_config {
	struct sx_ip_port server;
	const struct sx_rains_tls_trust *trust; /* outlives the connection */
	uint64_t deadline_ns;                   /* monotonic: for TCP and TLS to be connected */
	size_t queue_bytes; /* that may wait to be sent; 0: SX_RAINS_TLS_QUEUE_BYTES */
	struct sx_rains_tls_events events;
	void *arg;
};

/* Begins to connect, in `loop`, which outlives the connection. SX_EIO: no socket is to be had. */
SX_MUST_CHECK int sx_rains_tls_open(
	struct sx_rains_tls **out, struct sx_loop *loop, const struct sx_rains_tls_config *config);

/* Says goodbye to a server that is there, and frees; what is queued is lost, `closed` is not called. Accepts NULL. */
void sx_rains_tls_close(struct sx_rains_tls *tls);

/*
 * Queues a copy of all of `bytes`, also before `connected`. SX_ELIMIT: nothing was taken, the queue is full.
 * SX_ECLOSED: the connection is.
 */
SX_MUST_CHECK int sx_rains_tls_send(struct sx_rains_tls *tls, struct sx_bytes bytes);

/* While paused nothing is received, and the server is slowed down by TCP. */
void sx_rains_tls_pause(struct sx_rains_tls *tls, bool paused);
