/* SPDX-License-Identifier: MIT */
/*
 * chunks: a queue of bytes in counted buffers. Bytes never move while they are in it, so that QUIC may point at them
 * until they are acknowledged. Taken from the head, appended at the tail, with one mark between (what was handed on).
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"

struct sx_chunk;

struct sx_chunks {
	struct sx_list chunks;
	size_t len;          /* bytes in the queue */
	size_t marked;       /* of these, how many lie before the mark */
	struct sx_chunk *at; /* the chunk that holds the byte at the mark, NULL: find it */
	size_t at_offset;    /* where in it */
};

void sx_chunks_init(struct sx_chunks *chunks);
void sx_chunks_fini(struct sx_chunks *chunks);

/* Appends a copy of all of `bytes`. SX_ENOMEM: unchanged. */
SX_MUST_CHECK int sx_chunks_append(struct sx_chunks *chunks, struct sx_bytes bytes);

/* Drops `len` bytes from the head; there are as many, and the mark moves along when it lies there. */
void sx_chunks_drop(struct sx_chunks *chunks, size_t len);

/* A view of contiguous bytes at the head; empty when there are none. Lends until the next drop. */
struct sx_bytes sx_chunks_head(const struct sx_chunks *chunks);

/* Views of up to `max` contiguous pieces behind the mark. Returns how many. Lends until they are dropped. */
size_t sx_chunks_unmarked(struct sx_chunks *chunks, struct sx_bytes *out, size_t max);

/* Moves the mark `len` bytes on. */
void sx_chunks_mark(struct sx_chunks *chunks, size_t len);
