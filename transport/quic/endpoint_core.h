/* SPDX-License-Identifier: MIT */
/* endpoint_core: what connections and the receiving side know of an endpoint. */
#pragma once

#include "quic/buckets.h"
#include "quic/conn.h"
#include "quic/endpoint.h"

#define SX_SECRET_BYTES  32
#define SX_SCRATCH_BYTES 65536 /* a train of datagrams under construction */
#define SX_SECOND_NS     UINT64_C(1000000000)
#define SX_MILLI_NS      UINT64_C(1000000)

struct sx_endpoint {
	struct sx_endpoint_config config; /* limits without zeroes */
	uint8_t secret[SX_SECRET_BYTES];
	uint64_t now_ns; /* the newest time told; ngtcp2 aborts when time runs backwards */
	struct sx_list conns;
	struct sx_list dirty; /* connections with something to do */
	struct sx_heap timers;
	struct sx_cids cids;
	struct sx_cids tokens; /* stateless reset tokens of the peers */
	struct sx_map dials;
	struct sx_buckets buckets;
	struct sx_endpoint_stats stats;
	uint64_t next_connection_id;
	bool refusing;
	uint8_t *scratch;
};

/* Puts a connection under the endpoint's roof: SX_ELIMIT when there are too many. */
SX_MUST_CHECK int sx_endpoint_adopt(struct sx_endpoint *endpoint, struct sx_conn *conn);
