/* SPDX-License-Identifier: MIT */
/* lines: log lines on their way to the host, in a ring of fixed size; when it is full new lines are counted instead. */
#pragma once

#include <stddef.h>

#include "base/log.h"
#include "base/status.h"

#define SX_LINES      64
#define SX_LINE_BYTES 320

struct sx_lines {
	struct {
		enum sx_log_level level;
		char text[SX_LINE_BYTES];
	} ring[SX_LINES];
	unsigned first;
	unsigned count;
	unsigned lost;
};

/* Adds a line, cut to SX_LINE_BYTES. */
void sx_lines_add(struct sx_lines *lines, enum sx_log_level level, const char *text);

/* Takes the oldest line, or one that says how many were lost. SX_EAGAIN: none. */
SX_MUST_CHECK int sx_lines_next(struct sx_lines *lines, enum sx_log_level *level, char *out, size_t cap);
