/* SPDX-License-Identifier: MIT */
/* endpoint_private: what the files of the endpoint and its connections share. */
#pragma once

#include "quic/conn.h"

/* Tokens that refill over time: how much may be sent without state. */
struct sx_bucket {
	double tokens;
	uint64_t filled_ns;
};

struct sx_endpoint {
	struct sx_endpoint_config config;
	struct sx_endpoint_stats stats;
	uint8_t secret[32];
	struct sx_map ids;    /* connection ids that datagrams to us bear */
	struct sx_map tokens; /* reset tokens of our peers */
	struct sx_heap timers;
	struct sx_list conns;
	struct sx_list dirty;
	size_t conn_count;
	uint64_t next_id;
	uint64_t now_ns;
	bool stopped;          /* accepts nothing new */
	struct sx_bucket stateless; /* version negotiations, retries, resets */
	uint8_t train[SX_TRAIN_BYTES + SX_DATAGRAM];
};

static inline const struct sx_port_ops *sx_endpoint_ops(const struct sx_endpoint *endpoint)
{
	return endpoint->config.port.ops;
}

/* stateless.c: answers that need no connection. */

/* A datagram of an unknown version. */
void sx_stateless_version(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header);

/* A short-header datagram of a connection we do not know. */
void sx_stateless_reset(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_version_cid *header);
void sx_stateless_retry(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_pkt_hd *header);

/* Refuses a first packet with a transport error. */
void sx_stateless_refuse(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_pkt_hd *header, uint64_t error);

/* True when `header` bears a token that a Retry of ours gave this peer. */
bool sx_stateless_token_is_good(struct sx_endpoint *endpoint, const struct sx_datagram *datagram,
	const ngtcp2_pkt_hd *header, ngtcp2_cid *odcid);
