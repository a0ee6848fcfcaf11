/* SPDX-License-Identifier: MIT */
/* log: a sink that the owner injects. Lines are for people: what happened, to which peer, what to do. */
#pragma once

#include <stdarg.h>

enum sx_log_level {
	SX_LOG_DEBUG,
	SX_LOG_INFO,
	SX_LOG_WARN,
	SX_LOG_ERROR,
};

/* `write` borrows `text`, one line without its newline. A zeroed sink drops everything. */
struct sx_log {
	void (*write)(void *arg, enum sx_log_level level, const char *text);
	void *arg;
};

void sx_log(const struct sx_log *log, enum sx_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
