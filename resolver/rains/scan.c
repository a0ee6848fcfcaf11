/* SPDX-License-Identifier: MIT */
#include "rains/scan.h"

/* Bytes of the UTF-8 sequence that begins like this, 0 when none does; NUL is none. */
static size_t sequence_len(uint8_t first)
{
	if (first < 0x80) {
		return first > 0 ? 1 : 0;
	}
	if (first < 0xc2 || first > 0xf4) {
		return 0;
	}
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Overlong forms, surrogates and numbers over 0x10ffff show in the second byte (RFC 3629 section 4). */
static bool is_second(uint8_t first, uint8_t second)
{
	uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= least && second <= most;
}

static bool is_sequence(const uint8_t *at, size_t len)
{
	if (len > 1 && !is_second(at[0], at[1])) {
		return false;
	}
	for (size_t i = 2; i < len; i++) {
		if (at[i] >> 6 != 2) {
			return false;
		}
	}
	return len > 0;
}

static bool is_utf8(struct sx_bytes text)
{
	size_t len;

	for (size_t at = 0; at < text.len; at += len) {
		len = sequence_len(text.data[at]);
		if (len > text.len - at || !is_sequence(text.data + at, len)) {
			return false;
		}
	}
	return true;
}

static bool is_string(enum sx_cbor_kind kind)
{
	return kind == SX_CBOR_BYTES || kind == SX_CBOR_TEXT;
}

/* Where the next item stands: a key of a map is an integer greater than the one before. */
static int scan_place(struct sx_cbor_scan *scan, struct sx_cbor_head head)
{
	struct sx_cbor_level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;

	if (scan->is_dated && !sx_cbor_is_int(head.kind)) {
		return SX_EMALFORMED;
	}
	if (!level || !level->is_map || level->left % 2 != 0) {
		return SX_OK;
	}
	if (!sx_cbor_is_int(head.kind) || scan->is_dated ||
		(level->has_key && sx_cbor_head_int(head) <= level->key)) {
		return SX_EMALFORMED;
	}
	level->has_key = true;
	level->key = sx_cbor_head_int(head);
	return SX_OK;
}

static int scan_container(struct sx_cbor_scan *scan, struct sx_cbor_head head)
{
	bool is_map = head.kind == SX_CBOR_MAP;
	size_t count;

	if (head.value > SX_CBOR_ITEMS_MOST || scan->depth == SX_CBOR_DEPTH_MOST) {
		return SX_ELIMIT;
	}
	count = (size_t)head.value * (is_map ? 2 : 1);
	scan->owed += count;
	scan->levels[scan->depth++] = (struct sx_cbor_level){ .left = count, .is_map = is_map };
	return SX_OK;
}

/* A tag belongs to the item behind it. */
static int scan_tag(struct sx_cbor_scan *scan, struct sx_cbor_head head)
{
	const struct sx_cbor_level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;

	if (scan->items == 1) {
		return SX_OK;
	}
	if (head.value != SX_CBOR_TAG_TIME || (level && level->is_map && level->left % 2 == 0)) {
		return SX_EMALFORMED;
	}
	scan->is_dated = true;
	return SX_OK;
}

/* An item of the innermost container has begun; containers that are complete by it end. */
static void scan_count(struct sx_cbor_scan *scan)
{
	scan->owed--;
	scan->is_dated = false;
	if (scan->depth > 0) {
		scan->levels[scan->depth - 1].left--;
	}
}

static void scan_close(struct sx_cbor_scan *scan)
{
	while (scan->depth > 0 && scan->levels[scan->depth - 1].left == 0) {
		scan->depth--;
	}
}

static int scan_head(struct sx_cbor_scan *scan, struct sx_cbor_head head)
{
	int rc;

	scan->items++;
	if (head.kind == SX_CBOR_TAG) {
		return scan->is_dated ? SX_EMALFORMED : scan_tag(scan, head);
	}
	rc = scan_place(scan, head);
	if (rc < 0) {
		return rc;
	}
	scan_count(scan);
	if (head.kind == SX_CBOR_ARRAY || head.kind == SX_CBOR_MAP) {
		rc = scan_container(scan, head);
	}
	scan_close(scan);
	return rc;
}

/* Every item owed has a byte at least; what cannot fit any more is refused before it comes. */
static int scan_bounds(const struct sx_cbor_scan *scan)
{
	bool fits = scan->at <= scan->most && scan->owed <= scan->most - scan->at;

	return fits && scan->items + scan->owed <= SX_CBOR_ITEMS_MOST ? SX_OK : SX_ELIMIT;
}

/* SX_EAGAIN: not all of the string is there. */
static int scan_string(
	const struct sx_cbor_scan *scan, struct sx_reader *reader, struct sx_cbor_head head)
{
	struct sx_bytes string;

	if (reader->at > scan->most || head.value > scan->most - reader->at) {
		return SX_ELIMIT;
	}
	string = sx_read_bytes(reader, (size_t)head.value);
	if (reader->failed) {
		return SX_EAGAIN;
	}
	return head.kind == SX_CBOR_BYTES || is_utf8(string) ? SX_OK : SX_EMALFORMED;
}

/* The next head and, of a string, its bytes. SX_EAGAIN: not all of it is there; nothing has changed. */
static int scan_item(struct sx_cbor_scan *scan, struct sx_bytes in)
{
	struct sx_reader reader = { .in = in, .at = scan->at };
	struct sx_cbor_head head;
	int rc = SX_OK;

	if (sx_reader_left(&reader) == 0 ||
		sx_reader_left(&reader) < sx_cbor_head_len(in.data[scan->at])) {
		return in.len < scan->most ? SX_EAGAIN : SX_ELIMIT;
	}
	head = sx_cbor_read_head(&reader);
	if (reader.failed) {
		return SX_EMALFORMED;
	}
	if (is_string(head.kind)) {
		rc = scan_string(scan, &reader, head);
	}
	if (rc == SX_OK) {
		rc = scan_head(scan, head);
	}
	if (rc == SX_OK) {
		scan->at = reader.at;
		rc = scan_bounds(scan);
	}
	return rc;
}

struct sx_cbor_scan sx_cbor_scan_of(size_t most)
{
	return (struct sx_cbor_scan){ .most = most, .owed = 1 };
}

int sx_cbor_scan(struct sx_cbor_scan *scan, struct sx_bytes in)
{
	int rc = SX_OK;

	while (scan->owed > 0 && rc == SX_OK) {
		rc = scan_item(scan, in);
	}
	return rc;
}

int sx_cbor_check(struct sx_bytes in, size_t most)
{
	struct sx_cbor_scan scan = sx_cbor_scan_of(most);
	int rc = in.len > most ? SX_ELIMIT : sx_cbor_scan(&scan, in);

	if (rc == SX_EAGAIN || (rc == SX_OK && scan.at != in.len)) {
		return SX_EMALFORMED;
	}
	return rc;
}
