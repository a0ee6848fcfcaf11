/* SPDX-License-Identifier: MIT */
/*
 * buckets: how often strangers are answered. One token bucket for all and one per host, in a table of fixed size:
 * hosts that collide share a bucket, which only makes us answer less.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/port.h"

#define SX_BUCKETS 1024

struct sx_bucket {
	uint64_t
		full_ns; /* when it will be full again; tokens lie as far in the past as they are many */
};

/* What there is of one host now. */
struct sx_bucket_counts {
	uint32_t accepted;  /* connections that it has opened */
	uint32_t half_open; /* of these, the ones that have not proven their address */
};

struct sx_buckets {
	uint8_t seed[16];
	struct sx_bucket all;
	struct sx_bucket hellos;
	struct sx_bucket hosts[SX_BUCKETS];
	struct sx_bucket_counts counts[SX_BUCKETS];
};

void sx_buckets_init(struct sx_buckets *buckets);

/* Takes a token for one answer to this host. False: stay silent. */
bool sx_buckets_take(struct sx_buckets *buckets, const struct sx_peer *peer, uint64_t now_ns);

/*
 * Takes a token for a handshake with a stranger. Each costs a signature: many at once would hold up everybody else's
 * streams. False: have it prove its address first.
 */
bool sx_buckets_take_hello(struct sx_buckets *buckets, uint64_t now_ns);

/* The counts of this host. Lends them. */
struct sx_bucket_counts *sx_buckets_counts(struct sx_buckets *buckets, const struct sx_peer *peer);
