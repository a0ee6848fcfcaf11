/* SPDX-License-Identifier: MIT */
#include "rains/roots.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/loop.h"

#define FILE_MOST 65536 /* bytes of a file with keys */

static int add_file(struct sx_rains_anchors *anchors, struct sx_bytes zone, const char *name,
	struct sx_rains_reason *reason)
{
	struct sx_file file = { .name = name, .most = FILE_MOST };
	struct sx_rains_reason why;
	char *text;
	size_t len;
	int rc = sx_file_read(&file, sx_loop_now_ns(), &text, &len);

	if (rc < 0) {
		sx_rains_reason_set(reason, "roots: file %.200s: %s", name, sx_status_text(rc));
		return rc;
	}
	rc = sx_rains_anchors_add(
		anchors, zone, sx_bytes_of(text, len), (int64_t)sx_loop_unix_time(), &why);
	if (rc < 0) {
		sx_rains_reason_set(reason, "roots: file %.200s: %s", name, why.text);
	}
	free(text);
	return rc;
}

/* "ed25519 1 HEX", "FILE", "example.org. FILE" */
static int add_root(struct sx_rains_anchors *anchors, char *line, struct sx_rains_reason *reason)
{
	struct sx_bytes zone = { NULL, 0 };
	struct sx_rains_reason why;
	char *space = strchr(line, ' ');
	int rc;

	if (space && space > line && space[-1] == '.') {
		zone = sx_bytes_of(line, (size_t)(space - line));
		line = space + 1;
	}
	if (strncmp(line, "ed25519 ", strlen("ed25519 ")) != 0) {
		return add_file(anchors, zone, line, reason);
	}
	rc = sx_rains_anchors_add(
		anchors, zone, sx_bytes_text(line), (int64_t)sx_loop_unix_time(), &why);
	if (rc < 0) {
		sx_rains_reason_set(reason, "roots: %s", why.text);
	}
	return rc;
}

int sx_rains_roots_read(
	struct sx_rains_anchors *anchors, const char *roots, struct sx_rains_reason *reason)
{
	char *copy = strdup(roots ? roots : "");
	char *rest = copy;
	int rc = copy ? SX_OK : SX_ENOMEM;

	for (char *line; rc == SX_OK && (line = strtok_r(rest, "\n", &rest));) {
		rc = add_root(anchors, line, reason);
	}
	free(copy);
	return rc;
}
