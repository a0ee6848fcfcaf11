/* SPDX-License-Identifier: MIT */
/* file: a configuration file that may be replaced while we run, read whole and again when it has changed. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

struct sx_file {
	const char *name;      /* borrowed */
	size_t most;           /* bytes; larger files are refused */
	uint64_t stamp[4];     /* device and inode, size, modification time: of what was read last */
	uint64_t checked_ns;   /* when it was looked at last; 0: never */
};

/*
 * Reads the file if it has changed since the last call, looking at it once a second at most. SX_OK: `*text` holds it,
 * NUL-terminated, `*len` bytes; the caller frees it. SX_EAGAIN: unchanged. SX_ENOTFOUND: there is none. SX_ELIMIT:
 * too large. SX_EIO: not readable. A file that failed is not tried again before it changes.
 */
SX_MUST_CHECK int sx_file_read(struct sx_file *file, uint64_t now_ns, char **text, size_t *len);
