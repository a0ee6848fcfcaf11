/* SPDX-License-Identifier: MIT */
#include "rains/reason.h"

#include <stdarg.h>
#include <stdio.h>

void sx_rains_reason_set(struct sx_rains_reason *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(reason->text, sizeof reason->text, format, args);
	va_end(args);
}
