/* SPDX-License-Identifier: MIT */
#include "scion/path.h"
#include "target.h"

/* A path that can be replied to twice is back where it was, but for the alerts. */
static void check_reply(uint8_t type, struct sx_bytes in)
{
	struct sx_path_raw raw;
	struct sx_path path;

	if (sx_path_reply(type, in, &raw) < 0 || raw.type == SX_PATH_EMPTY) {
		return;
	}
	assert(raw.type == SX_PATH_SCION);
	assert(sx_path_parse(&path, sx_bytes_of(raw.bytes, raw.len)) == SX_OK);
	assert(path.curr_hf == 0);
	assert(sx_path_is_same_way(
		raw.type, sx_bytes_of(raw.bytes, raw.len), sx_bytes_of(raw.bytes, raw.len)));
}

static void check_scion(struct sx_bytes in)
{
	uint8_t written[SX_PATH_MAX];
	struct sx_writer writer = sx_writer_of(written, sizeof written);
	uint16_t ids[2 * SX_PATH_HOPS_MAX];
	struct sx_path path;

	if (sx_path_parse(&path, in) < 0) {
		return;
	}
	sx_path_write(&path, &writer);
	assert(sx_bytes_equal(sx_writer_bytes(&writer), in));
	assert(sx_path_interface_ids(&path, ids) <= sizeof ids / sizeof *ids);
	assert(sx_path_expiry(&path) > 0);
	while (sx_path_increment(&path) == SX_OK) {
		assert(path.curr_inf < path.info_count);
	}
	assert(path.curr_hf == path.hop_count - 1);
}

/* The first byte is the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0) {
		struct sx_bytes path = sx_bytes_of(data + 1, size - 1);

		check_reply(data[0], path);
		check_scion(path);
		(void)sx_path_is_same_way(data[0], path, path);
	}
	return 0;
}
