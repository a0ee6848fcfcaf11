/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"

int sx_buf_new(struct sx_buf **out, size_t cap)
{
	struct sx_buf *buf = malloc(sizeof *buf + cap);

	if (!buf) {
		return SX_ENOMEM;
	}
	*buf = (struct sx_buf){ .refs = 1, .cap = cap };
	*out = buf;
	return SX_OK;
}

struct sx_buf *sx_buf_ref(struct sx_buf *buf)
{
	buf->refs++;
	return buf;
}

void sx_buf_unref(struct sx_buf *buf)
{
	if (buf && --buf->refs == 0) {
		free(buf);
	}
}

size_t sx_buf_append(struct sx_buf *buf, struct sx_bytes bytes)
{
	size_t room = buf->cap - buf->len;
	size_t taken = bytes.len < room ? bytes.len : room;

	assert(buf->refs == 1);
	if (taken > 0) {
		memcpy(buf->data + buf->len, bytes.data, taken);
	}
	buf->len += taken;
	return taken;
}
