/* SPDX-License-Identifier: MIT */
/*
 * sim: endpoints in one process on a virtual clock, joined by a network that loses, delays, reorders and duplicates.
 * No sockets, no sleeping: a whole transfer takes milliseconds. The network checks what must hold for every datagram
 * (quic.md 5.2); any breach fails the running test.
 */
#pragma once

#include "quic/endpoint.h"
#include "quic/stream.h"

#define SIM_NODES   4
#define SIM_STREAMS 512 /* most a node sees in its life */
#define SIM_SECOND  UINT64_C(1000000000)
#define SIM_MILLI   UINT64_C(1000000)
#define SIM_FOREVER (3600 * SIM_SECOND)

struct sim;
struct sim_node;

/* What an owner saw of one stream. */
struct sim_stream {
	struct sim_node *node;
	struct sx_stream *stream; /* NULL once released */
	bool accepted;
	bool opened;
	bool finished;
	bool closed;
	unsigned readable_told;
	unsigned writable_told;
	int status; /* of `closed` */
	char reason[160];
	/* The pattern of sim_fill is written from `sent` on and checked from `received` on. */
	uint64_t sent;
	uint64_t received;
	uint64_t seed;
};

struct sim_node {
	struct sim *sim;
	struct sx_endpoint *endpoint; /* NULL while it is down */
	struct sx_endpoint_config config;
	struct sx_peer address;
	uint8_t secret[32];
	struct sim_stream streams[SIM_STREAMS];
	size_t stream_count;
	size_t budget;      /* what a datagram to and from it may weigh */
	unsigned refuse;    /* sends that are answered SX_EAGAIN from now on */
	bool deaf;          /* what comes is lost */
	unsigned suspected; /* calls of the port */
	unsigned learned;
	uint64_t sent_count; /* datagrams */
	uint64_t sends;      /* calls of send */
	size_t largest_train;
	uint64_t bytes_from[256]; /* by the last byte of the sender's address */
	uint64_t bytes_to[256];   /* by the last byte of the receiver's */
};

/* How the network behaves; probabilities in 1/1000. */
struct sim_weather {
	uint64_t delay_ns;
	uint64_t jitter_ns; /* added at random: reorders */
	unsigned loss;
	unsigned duplicate;
};

/* What the network has done to datagrams. */
struct sim_fates {
	uint64_t lost;
	uint64_t duplicated;
	uint64_t overtaken; /* arrive before one that was sent earlier to the same node */
};

struct sim *sim_new(uint64_t seed);
struct sim_fates sim_fates(const struct sim *sim);

/* Frees the endpoints and checks that nothing is left of them. */
void sim_free(struct sim *sim);
void sim_set_weather(struct sim *sim, const struct sim_weather *weather);
uint64_t sim_now(const struct sim *sim);

/* A number below `bound` from the simulation's own generator. */
uint64_t sim_random(struct sim *sim, uint64_t bound);

/* Adds a node that serves `alpn` (NULL: "xmpp-server") with the identities of `tls`; its address is its number. */
struct sim_node *sim_add(
	struct sim *sim, struct sx_tls *tls, const struct sx_endpoint_limits *limits);
void sim_serve(struct sim_node *node, const char *const *alpn);

/* Takes a node's endpoint away without a word, or starts a new one with the same secret. */
void sim_crash(struct sim_node *node);
void sim_start(struct sim_node *node);

/* Takes the node away that was added last. */
void sim_remove(struct sim_node *node);

/* The node's datagrams come from another port from now on, as behind a NAT. */
void sim_rebind(struct sim_node *node, uint16_t port);

/* Dials; the stream's record is returned. */
struct sim_stream *sim_dial(struct sim_node *from, const struct sim_node *to,
	const char *local_name, const char *remote_name, const char *alpn);

/* The same, with the status. */
int sim_try_dial(struct sim_node *from, const struct sim_node *to, const struct sx_dial *dial,
	struct sim_stream **out);

/* Puts a datagram from nowhere before a node. */
void sim_inject(struct sim_node *to, const struct sx_peer *from, struct sx_bytes payload);

/* Sees every datagram before its fate is decided. */
typedef void sim_tap(void *arg, struct sim_node *from, struct sx_bytes payload);
void sim_set_tap(struct sim *sim, sim_tap *tap, void *arg);

/* Moves on to the next event and carries it out. False: nothing will ever happen again before `until_ns`. */
bool sim_step(struct sim *sim, uint64_t until_ns);

/* Runs for so long. */
void sim_run(struct sim *sim, uint64_t duration_ns);

/* Runs until `*flag` is set; the test fails when that takes longer than `patience_ns`. */
void sim_until(struct sim *sim, const bool *flag, uint64_t patience_ns);

/* Writes the next `len` bytes of the stream's pattern. */
SX_MUST_CHECK int sim_write(struct sim_stream *stream, size_t len);

/* Reads up to `cap` bytes and checks that they continue the pattern. Returns how many. */
size_t sim_read(struct sim_stream *record, size_t cap);
void sim_release(struct sim_stream *record);

/* The number-th stream that a node has accepted. */
struct sim_stream *sim_accepted(struct sim_node *node, size_t number);

/* Both ends of a stream that a has dialled to b, "a.example.org" to "b.example.org"; a few bytes have crossed. */
struct sim_link {
	struct sim_stream *near;
	struct sim_stream *far;
};
struct sim_link sim_connect(struct sim_node *a, struct sim_node *b);

/* Lets both ends finish and be told of it. */
void sim_part(struct sim_link *link);
