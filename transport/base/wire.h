/* SPDX-License-Identifier: MIT */
/*
 * wire: a reading and a writing cursor over network-order bytes, both with a sticky error. After the first failure
 * reads return zero and empty views and writes do nothing, so a parser is a straight line with one check at its end.
 */
#pragma once

#include "base/bytes.h"

struct sx_reader {
	struct sx_bytes in;
	size_t at;   /* next byte; never beyond in.len */
	bool failed; /* sticky */
};

struct sx_writer {
	uint8_t *out;
	size_t cap;
	size_t at;   /* bytes written; never beyond cap */
	bool failed; /* sticky */
};

struct sx_reader sx_reader_of(struct sx_bytes in);
uint8_t sx_read_u8(struct sx_reader *reader);
uint16_t sx_read_u16(struct sx_reader *reader);
uint32_t sx_read_u32(struct sx_reader *reader);
uint64_t sx_read_u48(struct sx_reader *reader);
uint64_t sx_read_u64(struct sx_reader *reader);

/* A view of the next `len` bytes; empty, and the cursor failed, when there are fewer. */
struct sx_bytes sx_read_bytes(struct sx_reader *reader, size_t len);

/* A view of all that is left. */
struct sx_bytes sx_read_rest(struct sx_reader *reader);
void sx_read_skip(struct sx_reader *reader, size_t len);
size_t sx_reader_left(const struct sx_reader *reader);
bool sx_reader_ok(const struct sx_reader *reader);

struct sx_writer sx_writer_of(void *out, size_t cap);
void sx_write_u8(struct sx_writer *writer, uint8_t value);
void sx_write_u16(struct sx_writer *writer, uint16_t value);
void sx_write_u32(struct sx_writer *writer, uint32_t value);
void sx_write_u48(struct sx_writer *writer, uint64_t value);
void sx_write_u64(struct sx_writer *writer, uint64_t value);
void sx_write_bytes(struct sx_writer *writer, struct sx_bytes bytes);
bool sx_writer_ok(const struct sx_writer *writer);

/* What has been written so far; lends the caller's own buffer. */
struct sx_bytes sx_writer_bytes(const struct sx_writer *writer);
