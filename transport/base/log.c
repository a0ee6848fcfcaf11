/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/log.h"

#define LINE_MAX_BYTES 512

void sx_log(const struct sx_log *log, enum sx_log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	if (!log->write) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	log->write(log->arg, level, line);
}
