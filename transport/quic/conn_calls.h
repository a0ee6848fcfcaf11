/* SPDX-License-Identifier: MIT */
/* conn_calls: what ngtcp2 calls, and the notes they leave. Private to conn.c. */
#pragma once

#include "quic/conn.h"

void sx_conn_callbacks(ngtcp2_callbacks *callbacks, bool client);

/* ngtcp2_conn_read_pkt, noting in conn->seen whether a fresh packet decrypted. */
int sx_conn_read_packet(struct sx_conn *conn, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
	const struct sx_datagram *datagram, uint64_t now_ns);

/* Makes datagrams with these bytes find the connection. SX_ENOMEM. */
SX_MUST_CHECK int sx_conn_key_new(struct sx_conn *conn, struct sx_map *map, struct sx_list *keys, struct sx_bytes bytes);
void sx_conn_key_free(struct sx_map *map, struct sx_conn_key *key);

/* conn.c: notes taken in callbacks. */
void sx_conn_note_handshake(struct sx_conn *conn);

