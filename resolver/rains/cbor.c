/* SPDX-License-Identifier: MIT */
#include "rains/cbor.h"

/* Heads by their first byte: the low five bits are the value, or say how many bytes of it follow. */
#define INFO_INLINE 23
#define INFO_U8     24
#define INFO_U64    27
#define SIMPLE_NULL 22

size_t sx_cbor_head_len(uint8_t first)
{
	uint8_t info = first & 31;

	return info < INFO_U8 || info > INFO_U64 ? 1 : 1 + ((size_t)1 << (info - INFO_U8));
}

static uint64_t read_value(struct sx_reader *reader, uint8_t info)
{
	switch (info) {
	case INFO_U8:
		return sx_read_u8(reader);
	case INFO_U8 + 1:
		return sx_read_u16(reader);
	case INFO_U8 + 2:
		return sx_read_u32(reader);
	case INFO_U64:
		return sx_read_u64(reader);
	default:
		reader->failed |= info > INFO_U64;
		return info;
	}
}

struct sx_cbor_head sx_cbor_read_head(struct sx_reader *reader)
{
	uint8_t first = sx_read_u8(reader);
	struct sx_cbor_head head = { .kind = first >> 5 };

	if (head.kind == SX_CBOR_NULL) {
		reader->failed |= (first & 31) != SIMPLE_NULL;
	} else {
		head.value = read_value(reader, first & 31);
	}
	if (head.kind <= SX_CBOR_NEGINT) {
		reader->failed |= head.value > INT64_MAX;
	}
	if (reader->failed) {
		return (struct sx_cbor_head){ .kind = SX_CBOR_NONE };
	}
	return head;
}

int64_t sx_cbor_head_int(struct sx_cbor_head head)
{
	return head.kind == SX_CBOR_NEGINT ? -1 - (int64_t)head.value : (int64_t)head.value;
}

enum sx_cbor_kind sx_cbor_peek(const struct sx_reader *reader)
{
	struct sx_reader ahead = *reader;

	return sx_cbor_read_head(&ahead).kind;
}

/* The head of an item that must be of one kind. */
static uint64_t expect(struct sx_reader *reader, enum sx_cbor_kind kind)
{
	struct sx_cbor_head head = sx_cbor_read_head(reader);

	reader->failed |= head.kind != kind;
	return reader->failed ? 0 : head.value;
}

/* The head of an item that holds others, each `weight` bytes at least. */
static size_t expect_count(struct sx_reader *reader, enum sx_cbor_kind kind, size_t weight)
{
	uint64_t count = expect(reader, kind);

	if (count > sx_reader_left(reader) / weight) {
		reader->failed = true;
		return 0;
	}
	return (size_t)count;
}

static struct sx_bytes expect_string(struct sx_reader *reader, enum sx_cbor_kind kind)
{
	return sx_read_bytes(reader, expect_count(reader, kind, 1));
}

int64_t sx_cbor_read_int(struct sx_reader *reader)
{
	struct sx_cbor_head head = sx_cbor_read_head(reader);

	reader->failed |= !sx_cbor_is_int(head.kind);
	return reader->failed ? 0 : sx_cbor_head_int(head);
}

int64_t sx_cbor_read_time(struct sx_reader *reader)
{
	int64_t seconds;

	if (sx_cbor_peek(reader) == SX_CBOR_TAG) {
		reader->failed |= sx_cbor_read_tag(reader) != SX_CBOR_TAG_TIME;
	}
	seconds = sx_cbor_read_int(reader);
	reader->failed |= seconds < 0 || seconds > SX_CBOR_TIME_MOST;
	return reader->failed ? 0 : seconds;
}

struct sx_bytes sx_cbor_read_bytes(struct sx_reader *reader)
{
	return expect_string(reader, SX_CBOR_BYTES);
}

struct sx_bytes sx_cbor_read_text(struct sx_reader *reader)
{
	return expect_string(reader, SX_CBOR_TEXT);
}

uint64_t sx_cbor_read_tag(struct sx_reader *reader)
{
	return expect(reader, SX_CBOR_TAG);
}

size_t sx_cbor_read_array(struct sx_reader *reader)
{
	return expect_count(reader, SX_CBOR_ARRAY, 1);
}

size_t sx_cbor_read_map(struct sx_reader *reader)
{
	return expect_count(reader, SX_CBOR_MAP, 2);
}

/* How many items the item with this head brings along; its string is skipped. */
static size_t skip_head(struct sx_reader *reader)
{
	struct sx_cbor_head head = sx_cbor_read_head(reader);
	uint64_t most = sx_reader_left(reader);

	reader->failed |=
		head.kind != SX_CBOR_TAG && !sx_cbor_is_int(head.kind) && head.value > most;
	if (reader->failed) {
		return 0;
	}
	switch (head.kind) {
	case SX_CBOR_BYTES:
	case SX_CBOR_TEXT:
		sx_read_skip(reader, (size_t)head.value);
		return 0;
	case SX_CBOR_ARRAY:
		return (size_t)head.value;
	case SX_CBOR_MAP:
		return (size_t)head.value * 2;
	case SX_CBOR_TAG:
		return 1;
	default:
		return 0;
	}
}

struct sx_bytes sx_cbor_read_item(struct sx_reader *reader)
{
	size_t start = reader->at;

	for (size_t owed = 1; owed > 0 && !reader->failed; owed--) {
		owed += skip_head(reader);
	}
	if (reader->failed) {
		return sx_bytes_of(NULL, 0);
	}
	return sx_bytes_of(reader->in.data + start, reader->at - start);
}

struct sx_cbor_list sx_cbor_read_list(struct sx_reader *reader)
{
	size_t count = sx_cbor_read_array(reader);
	size_t start = reader->at;

	for (size_t i = 0; i < count && !reader->failed; i++) {
		(void)sx_cbor_read_item(reader);
	}
	if (reader->failed) {
		return (struct sx_cbor_list){ .count = 0 };
	}
	return (struct sx_cbor_list){ sx_bytes_of(reader->in.data + start, reader->at - start),
		count };
}

struct sx_cbor_list sx_cbor_read_ints(struct sx_reader *reader)
{
	struct sx_cbor_list list = sx_cbor_read_list(reader);
	struct sx_reader walk = sx_reader_of(list.items);

	for (size_t i = 0; i < list.count; i++) {
		(void)sx_cbor_read_int(&walk);
	}
	reader->failed |= walk.failed;
	return list;
}

bool sx_cbor_list_has(struct sx_cbor_list list, int64_t value)
{
	struct sx_reader walk = sx_reader_of(list.items);

	for (size_t i = 0; i < list.count; i++) {
		if (sx_cbor_read_int(&walk) == value) {
			return true;
		}
	}
	return false;
}

static void write_head(struct sx_writer *writer, enum sx_cbor_kind kind, uint64_t value)
{
	uint8_t first = (uint8_t)(kind << 5);

	if (value <= INFO_INLINE) {
		sx_write_u8(writer, (uint8_t)(first | value));
	} else if (value < UINT8_MAX) {
		sx_write_u8(writer, first | INFO_U8);
		sx_write_u8(writer, (uint8_t)value);
	} else if (value < UINT16_MAX) {
		sx_write_u8(writer, first | (INFO_U8 + 1));
		sx_write_u16(writer, (uint16_t)value);
	} else if (value < UINT32_MAX) {
		sx_write_u8(writer, first | (INFO_U8 + 2));
		sx_write_u32(writer, (uint32_t)value);
	} else {
		sx_write_u8(writer, first | INFO_U64);
		sx_write_u64(writer, value);
	}
}

void sx_cbor_write_int(struct sx_writer *writer, int64_t value)
{
	if (value < 0) {
		write_head(writer, SX_CBOR_NEGINT, (uint64_t)(-1 - value));
	} else {
		write_head(writer, SX_CBOR_UINT, (uint64_t)value);
	}
}

void sx_cbor_write_bytes(struct sx_writer *writer, struct sx_bytes bytes)
{
	write_head(writer, SX_CBOR_BYTES, bytes.len);
	sx_write_bytes(writer, bytes);
}

void sx_cbor_write_text(struct sx_writer *writer, struct sx_bytes text)
{
	write_head(writer, SX_CBOR_TEXT, text.len);
	sx_write_bytes(writer, text);
}

void sx_cbor_write_tag(struct sx_writer *writer, uint64_t tag)
{
	write_head(writer, SX_CBOR_TAG, tag);
}

void sx_cbor_write_array(struct sx_writer *writer, size_t count)
{
	write_head(writer, SX_CBOR_ARRAY, count);
}

void sx_cbor_write_list(struct sx_writer *writer, struct sx_cbor_list list)
{
	sx_cbor_write_array(writer, list.count);
	sx_write_bytes(writer, list.items);
}

void sx_cbor_write_map(struct sx_writer *writer, size_t pairs)
{
	write_head(writer, SX_CBOR_MAP, pairs);
}
