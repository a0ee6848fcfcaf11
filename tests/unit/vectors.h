/* SPDX-License-Identifier: MIT */
/* vectors: the recorded packets in tests/data, for any test that wants them. Whatever is wrong with them fails it. */
#pragma once

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/bytes.h"

#define SX_VECTOR_MAX 2048

struct sx_vector {
	uint8_t data[SX_VECTOR_MAX];
	size_t len;
};

/* A JSON file below tests/data. The caller owns it. */
static inline json_t *sx_vectors_load(const char *name)
{
	char path[512];
	json_error_t error;
	json_t *root;

	(void)snprintf(path, sizeof path, "%s/%s", SX_TEST_DATA, name);
	root = json_load_file(path, 0, &error);
	ck_assert_msg(root != NULL, "%s:%d: %s", path, error.line, error.text);
	return root;
}

static inline struct sx_bytes sx_vector_bytes(const struct sx_vector *vector)
{
	return sx_bytes_of(vector->data, vector->len);
}

/* Bytes from hex digits. */
static inline void sx_vector_unhex(const char *hex, struct sx_vector *out)
{
	size_t digits = strlen(hex);

	ck_assert(digits % 2 == 0 && digits / 2 <= sizeof out->data);
	out->len = digits / 2;
	for (size_t i = 0; i < out->len; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		char *end;

		out->data[i] = (uint8_t)strtoul(pair, &end, 16);
		ck_assert(*end == '\0');
	}
}

/* The hex text under `key`; false when it is null or missing. */
static inline bool sx_vector_get(const json_t *object, const char *key, struct sx_vector *out)
{
	const char *hex = json_string_value(json_object_get(object, key));

	if (!hex) {
		return false;
	}
	sx_vector_unhex(hex, out);
	return true;
}

/* A copy on the heap that ends where the bytes end, so that a sanitizer sees a read beyond them. free() it. */
static inline uint8_t *sx_exact_copy(struct sx_bytes bytes)
{
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	ck_assert_ptr_nonnull(copy);
	if (bytes.len > 0) {
		memcpy(copy, bytes.data, bytes.len);
	}
	return copy;
}

/* Calls `body` with every prefix of `bytes`, every single-bit flip, and every byte set to 0 and to 255. */
static inline void sx_each_mutation(struct sx_bytes bytes, void (*body)(struct sx_bytes mutant))
{
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *copy = sx_exact_copy(sx_bytes_of(bytes.data, len));

		body(sx_bytes_of(copy, len));
		free(copy);
	}
	for (size_t i = 0; i < bytes.len * 10; i++) {
		uint8_t *copy = sx_exact_copy(bytes);

		switch (i % 10) {
		case 8:
			copy[i / 10] = 0;
			break;
		case 9:
			copy[i / 10] = 255;
			break;
		default:
			copy[i / 10] ^= (uint8_t)(1U << i % 10);
		}
		body(sx_bytes_of(copy, bytes.len));
		free(copy);
	}
}
