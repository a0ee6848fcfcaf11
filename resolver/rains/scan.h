/* SPDX-License-Identifier: MIT */
/*
 * scan: what stands between bytes from outside and those who read them. One CBOR item is looked at whole, which
 * allocates nothing and enforces every bound, all at once or as it comes out of a stream.
 */
#pragma once

#include "rains/cbor.h"

#define SX_CBOR_DEPTH_MOST 12
#define SX_CBOR_ITEMS_MOST 8192

struct sx_cbor_level {
	size_t left;  /* items still to come, a pair of a map being two */
	bool is_map;  /* then `left` is even before a key */
	bool has_key; /* `key` is the last one */
	int64_t key;
};

/* One item on its way in. Its state does not grow with the input, and no byte is looked at twice. */
struct sx_cbor_scan {
	size_t most;   /* bytes the item may have */
	size_t at;     /* bytes accepted; in the end the item's length */
	size_t items;  /* heads seen */
	size_t owed;   /* items that must follow */
	bool is_dated; /* the last head was tag 1: an integer must follow */
	size_t depth;
	struct sx_cbor_level levels[SX_CBOR_DEPTH_MOST];
};

/* A scan for one item of at most `most` bytes. */
struct sx_cbor_scan sx_cbor_scan_of(size_t most);

/*
 * Goes on over `in`, which holds all that came since the item's first byte. SX_OK: the item is `scan->at` bytes long
 * and obeys every rule: known lengths, integers within int64, text in UTF-8 without NUL, maps with ascending integer
 * keys, null the only simple value, tags only in front of the whole and, number 1, in front of integers. SX_EAGAIN:
 * more must come. SX_ELIMIT: too long, too deep or too many items. SX_EMALFORMED: never will be one.
 */
SX_MUST_CHECK int sx_cbor_scan(struct sx_cbor_scan *scan, struct sx_bytes in);

/* SX_OK when `in` is one such item of at most `most` bytes and nothing else. */
SX_MUST_CHECK int sx_cbor_check(struct sx_bytes in, size_t most);
