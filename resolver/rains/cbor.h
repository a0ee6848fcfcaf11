/* SPDX-License-Identifier: MIT */
/*
 * cbor: the part of CBOR (RFC 8949) that RAINS uses, read and written with the cursors of base/wire: `at` is the byte
 * offset, so that what was received can be spliced. Heads need not be minimal; lengths must be definite. Bytes from
 * outside go through rains/scan.h first.
 */
#pragma once

#include "base/status.h"
#include "base/wire.h"

#define SX_CBOR_TAG_TIME  1
#define SX_CBOR_TIME_MOST (INT64_C(1) << 53)

/* The major types of RFC 8949 section 3.1 as far as they are accepted. */
enum sx_cbor_kind {
	SX_CBOR_UINT = 0,
	SX_CBOR_NEGINT = 1,
	SX_CBOR_BYTES = 2,
	SX_CBOR_TEXT = 3,
	SX_CBOR_ARRAY = 4,
	SX_CBOR_MAP = 5,
	SX_CBOR_TAG = 6,
	SX_CBOR_NULL = 7,
	SX_CBOR_NONE = 8, /* the end, or no item at all */
};

struct sx_cbor_head {
	enum sx_cbor_kind kind;
	uint64_t
		value; /* of an integer -1-n: n, at most INT64_MAX; of strings and containers their length */
};

/* The elements of an array, one behind the other: walk them with sx_reader_of(list.items). */
struct sx_cbor_list {
	struct sx_bytes items;
	size_t count;
};

/* Bytes of a head that begins with this one. */
size_t sx_cbor_head_len(uint8_t first);

/* The next head; of kind SX_CBOR_NONE, and the cursor failed, when there is none. */
struct sx_cbor_head sx_cbor_read_head(struct sx_reader *reader);

/* The integer that a head is. */
int64_t sx_cbor_head_int(struct sx_cbor_head head);

static inline bool sx_cbor_is_int(enum sx_cbor_kind kind)
{
	return kind == SX_CBOR_UINT || kind == SX_CBOR_NEGINT;
}

/* The kind of the next item. */
enum sx_cbor_kind sx_cbor_peek(const struct sx_reader *reader);
int64_t sx_cbor_read_int(struct sx_reader *reader);

/* Seconds since 1970, with or without tag 1; 0 to 2^53. */
int64_t sx_cbor_read_time(struct sx_reader *reader);
struct sx_bytes sx_cbor_read_bytes(struct sx_reader *reader);
struct sx_bytes sx_cbor_read_text(struct sx_reader *reader);
uint64_t sx_cbor_read_tag(struct sx_reader *reader);

/* Reads a head; that many items, or pairs, follow. */
size_t sx_cbor_read_array(struct sx_reader *reader);
size_t sx_cbor_read_map(struct sx_reader *reader);

/* Steps over the next item with all that is in it; lends its bytes. */
struct sx_bytes sx_cbor_read_item(struct sx_reader *reader);

/* Steps over an array; lends its elements. */
struct sx_cbor_list sx_cbor_read_list(struct sx_reader *reader);

/* The same for an array of nothing but integers. */
struct sx_cbor_list sx_cbor_read_ints(struct sx_reader *reader);

/* Whether this integer is in a list of integers. */
bool sx_cbor_list_has(struct sx_cbor_list list, int64_t value);

/*
 * Writing, in the widths of the Go implementation, over which signatures are made: minimal, but 255, 65535 and 2^32-1
 * take the next wider form.
 */
void sx_cbor_write_int(struct sx_writer *writer, int64_t value);
void sx_cbor_write_bytes(struct sx_writer *writer, struct sx_bytes bytes);
void sx_cbor_write_text(struct sx_writer *writer, struct sx_bytes text);
void sx_cbor_write_tag(struct sx_writer *writer, uint64_t tag);
void sx_cbor_write_array(struct sx_writer *writer, size_t count);
void sx_cbor_write_list(struct sx_writer *writer, struct sx_cbor_list list);
void sx_cbor_write_map(struct sx_writer *writer, size_t pairs);
