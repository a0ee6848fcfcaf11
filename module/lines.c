/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lines.h"

void sx_lines_add(struct sx_lines *lines, enum sx_log_level level, const char *text)
{
	unsigned place = (lines->first + lines->count) % SX_LINES;

	if (lines->count == SX_LINES) {
		lines->lost++;
		return;
	}
	lines->ring[place].level = level;
	(void)snprintf(lines->ring[place].text, SX_LINE_BYTES, "%s", text);
	lines->count++;
}

int sx_lines_next(struct sx_lines *lines, enum sx_log_level *level, char *out, size_t cap)
{
	if (lines->count > 0) {
		*level = lines->ring[lines->first].level;
		(void)snprintf(out, cap, "%s", lines->ring[lines->first].text);
		lines->first = (lines->first + 1) % SX_LINES;
		lines->count--;
		return SX_OK;
	}
	if (lines->lost > 0) {
		*level = SX_LOG_WARN;
		(void)snprintf(out, cap, "%u log lines were lost: too many at once", lines->lost);
		lines->lost = 0;
		return SX_OK;
	}
	return SX_EAGAIN;
}
