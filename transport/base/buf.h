/* SPDX-License-Identifier: MIT */
/* buf: a payload that several owners share, counted. Its bytes do not change once it is shared. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct sx_buf {
	size_t refs;
	size_t len; /* bytes in use */
	size_t cap;
	uint8_t data[];
};

/* A buffer of `cap` bytes with none in use and one reference. */
SX_MUST_CHECK int sx_buf_new(struct sx_buf **out, size_t cap);
struct sx_buf *sx_buf_ref(struct sx_buf *buf);

/* Gives a reference back; the last one frees. Accepts NULL. */
void sx_buf_unref(struct sx_buf *buf);

/* Copies as much of `bytes` as fits behind what is in use; returns how much. Only while unshared. */
size_t sx_buf_append(struct sx_buf *buf, struct sx_bytes bytes);
