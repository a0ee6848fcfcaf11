/* SPDX-License-Identifier: MIT */
#include "rains/scan.h"
#include "target.h"

#define MOST 65536

static uint8_t first[9 * MOST];
static uint8_t second[9 * MOST];

/* Writes every item anew. Containers are heads: what is in them follows. */
static struct sx_bytes write_again(struct sx_bytes in, uint8_t *out, size_t cap)
{
	struct sx_reader reader = sx_reader_of(in);
	struct sx_writer writer = sx_writer_of(out, cap);

	while (sx_reader_left(&reader) > 0) {
		switch (sx_cbor_peek(&reader)) {
		case SX_CBOR_BYTES:
			sx_cbor_write_bytes(&writer, sx_cbor_read_bytes(&reader));
			break;
		case SX_CBOR_TEXT:
			sx_cbor_write_text(&writer, sx_cbor_read_text(&reader));
			break;
		case SX_CBOR_ARRAY:
			sx_cbor_write_array(&writer, sx_cbor_read_array(&reader));
			break;
		case SX_CBOR_MAP:
			sx_cbor_write_map(&writer, sx_cbor_read_map(&reader));
			break;
		case SX_CBOR_TAG:
			sx_cbor_write_tag(&writer, sx_cbor_read_tag(&reader));
			break;
		case SX_CBOR_NULL:
			sx_write_bytes(&writer, sx_cbor_read_item(&reader));
			break;
		default:
			sx_cbor_write_int(&writer, sx_cbor_read_int(&reader));
			break;
		}
		assert(sx_reader_ok(&reader));
	}
	assert(sx_writer_ok(&writer));
	return sx_writer_bytes(&writer);
}

/* A stream that comes in pieces ends where the whole does, with the same verdict. */
static void check_pieces(struct sx_bytes in, size_t step)
{
	struct sx_cbor_scan whole = sx_cbor_scan_of(MOST);
	struct sx_cbor_scan pieces = sx_cbor_scan_of(MOST);
	int expected = sx_cbor_scan(&whole, in);
	int rc = SX_EAGAIN;

	for (size_t len = 0; len < in.len && rc == SX_EAGAIN; len += step) {
		rc = sx_cbor_scan(&pieces, sx_bytes_of(in.data, len));
	}
	if (rc == SX_EAGAIN) {
		rc = sx_cbor_scan(&pieces, in);
	}
	assert(rc == expected);
	assert(pieces.at == whole.at && pieces.at <= in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sx_bytes in = sx_bytes_of(data, size);
	struct sx_reader reader = sx_reader_of(in);
	struct sx_bytes written;

	check_pieces(in, 1);
	check_pieces(in, 7);
	while (sx_cbor_read_item(&reader).len > 0) {
	}
	assert(reader.at <= size);
	if (sx_cbor_check(in, MOST) < 0) {
		return 0;
	}
	reader = sx_reader_of(in);
	assert(sx_cbor_read_item(&reader).len == size);
	written = write_again(in, first, sizeof first);
	assert(sx_cbor_check(written, sizeof first) == SX_OK);
	assert(sx_bytes_equal(write_again(written, second, sizeof second), written));
	return 0;
}
