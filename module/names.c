/* SPDX-License-Identifier: MIT */
/* The part of the ABI that looks names up. */
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "context.h"

#define FILES_MOST 16

static void log_line(void *arg, enum sx_log_level level, const char *text)
{
	struct sx_context *context = arg;

	sx_lines_add(&context->lines, level, text);
}

/* Cuts `text` at the newlines. SX_ELIMIT: more than FILES_MOST. */
static int split(char *text, const char **files, size_t *count)
{
	*count = 0;
	for (char *file; (file = strtok_r(text, "\n", &text));) {
		if (*count == FILES_MOST) {
			return SX_ELIMIT;
		}
		files[(*count)++] = file;
	}
	return SX_OK;
}

int sx_hosts_set(struct sx_context *context, const char *files)
{
	const char *list[FILES_MOST];
	struct sx_hosts *hosts;
	char *text = strdup(files);
	size_t count;
	int rc;

	if (!text) {
		return SX_ENOMEM;
	}
	rc = split(text, list, &count);
	if (rc == SX_OK) {
		rc = sx_hosts_new(&hosts, list, count, (struct sx_log){ log_line, context });
	}
	if (rc == SX_OK) {
		sx_hosts_free(context->hosts);
		context->hosts = hosts;
	}
	free(text);
	return rc;
}

int sx_hosts_address(struct sx_context *context, const char *name, uint32_t index, char *out, size_t cap)
{
	struct sx_addr addr;
	int rc;

	if (!context->hosts) {
		return SX_ENOTFOUND;
	}
	sx_hosts_refresh(context->hosts, sx_loop_now_ns());
	rc = sx_hosts_find(context->hosts, name, index, &addr);
	if (rc == SX_OK) {
		sx_addr_write(&addr, out, cap);
	}
	return rc;
}
