/* SPDX-License-Identifier: MIT */
/* bytes: pointer and length as one value; borrows what it points to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sx_bytes {
	const uint8_t *data; /* may be NULL only when len is 0 */
	size_t len;
};

static inline struct sx_bytes sx_bytes_of(const void *data, size_t len)
{
	return (struct sx_bytes){ data, len };
}

/* A view of a NUL-terminated text, without the NUL. */
static inline struct sx_bytes sx_bytes_text(const char *text)
{
	return sx_bytes_of(text, strlen(text));
}

static inline bool sx_bytes_equal(struct sx_bytes a, struct sx_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
