/* SPDX-License-Identifier: MIT */
#include "base/wire.h"

static uint64_t read_uint(struct sx_reader *reader, size_t width)
{
	struct sx_bytes bytes = sx_read_bytes(reader, width);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		value = value << 8 | bytes.data[i];
	}
	return value;
}

static void write_uint(struct sx_writer *writer, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++) {
		bytes[width - 1 - i] = (uint8_t)(value >> 8 * i);
	}
	sx_write_bytes(writer, sx_bytes_of(bytes, width));
}

struct sx_reader sx_reader_of(struct sx_bytes in)
{
	return (struct sx_reader){ .in = in };
}

uint8_t sx_read_u8(struct sx_reader *reader)
{
	return (uint8_t)read_uint(reader, 1);
}

uint16_t sx_read_u16(struct sx_reader *reader)
{
	return (uint16_t)read_uint(reader, 2);
}

uint32_t sx_read_u32(struct sx_reader *reader)
{
	return (uint32_t)read_uint(reader, 4);
}

uint64_t sx_read_u48(struct sx_reader *reader)
{
	return read_uint(reader, 6);
}

uint64_t sx_read_u64(struct sx_reader *reader)
{
	return read_uint(reader, 8);
}

struct sx_bytes sx_read_bytes(struct sx_reader *reader, size_t len)
{
	struct sx_bytes view;

	if (reader->failed || len > sx_reader_left(reader)) {
		reader->failed = true;
		return sx_bytes_of(NULL, 0);
	}
	view = sx_bytes_of(reader->in.data + reader->at, len);
	reader->at += len;
	return view;
}

struct sx_bytes sx_read_rest(struct sx_reader *reader)
{
	return sx_read_bytes(reader, sx_reader_left(reader));
}

void sx_read_skip(struct sx_reader *reader, size_t len)
{
	(void)sx_read_bytes(reader, len);
}

size_t sx_reader_left(const struct sx_reader *reader)
{
	return reader->in.len - reader->at;
}

bool sx_reader_ok(const struct sx_reader *reader)
{
	return !reader->failed;
}

struct sx_writer sx_writer_of(void *out, size_t cap)
{
	return (struct sx_writer){ .out = out, .cap = cap };
}

void sx_write_u8(struct sx_writer *writer, uint8_t value)
{
	write_uint(writer, value, 1);
}

void sx_write_u16(struct sx_writer *writer, uint16_t value)
{
	write_uint(writer, value, 2);
}

void sx_write_u32(struct sx_writer *writer, uint32_t value)
{
	write_uint(writer, value, 4);
}

void sx_write_u48(struct sx_writer *writer, uint64_t value)
{
	write_uint(writer, value, 6);
}

void sx_write_u64(struct sx_writer *writer, uint64_t value)
{
	write_uint(writer, value, 8);
}

void sx_write_bytes(struct sx_writer *writer, struct sx_bytes bytes)
{
	if (writer->failed || bytes.len > writer->cap - writer->at) {
		writer->failed = true;
		return;
	}
	if (bytes.len > 0) {
		memcpy(writer->out + writer->at, bytes.data, bytes.len);
	}
	writer->at += bytes.len;
}

bool sx_writer_ok(const struct sx_writer *writer)
{
	return !writer->failed;
}

struct sx_bytes sx_writer_bytes(const struct sx_writer *writer)
{
	return sx_bytes_of(writer->out, writer->at);
}
