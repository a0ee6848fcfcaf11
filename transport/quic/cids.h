/* SPDX-License-Identifier: MIT */
/* cids: which connection a datagram belongs to, by connection ID or by stateless reset token. */
#pragma once

#include "base/list.h"
#include "base/map.h"

#define SX_CID_BYTES     16 /* of the IDs we hand out; fixed, for short headers carry no length */
#define SX_CID_MAX_BYTES 20
#define SX_TOKEN_BYTES   16

struct sx_conn;

/* Keys of one kind; two of them make an endpoint's demultiplexer. */
struct sx_cids {
	struct sx_map map;
};

SX_MUST_CHECK int sx_cids_init(struct sx_cids *cids);
void sx_cids_fini(struct sx_cids *cids);

/* The connection under `key`, or NULL. */
struct sx_conn *sx_cids_find(const struct sx_cids *cids, struct sx_bytes key);

/* Adds a key (copied, at most 20 bytes) and links it into `owned`. A key that is there already stays with its owner. */
SX_MUST_CHECK int sx_cids_add(
	struct sx_cids *cids, struct sx_list *owned, struct sx_conn *conn, struct sx_bytes key);

/* Removes a key of `conn`; harmless when it is not there or another's. */
void sx_cids_remove(struct sx_cids *cids, const struct sx_conn *conn, struct sx_bytes key);

/* Removes all keys in `owned`. */
void sx_cids_clear(struct sx_cids *cids, struct sx_list *owned);
