/* SPDX-License-Identifier: MIT */
/* reason: why something was not believed, in words for the operator. */
#pragma once

#define SX_RAINS_REASON_BYTES 384

struct sx_rains_reason {
	char text[SX_RAINS_REASON_BYTES]; /* "" or a sentence without its dot */
};

/* Writes the text, cut to its room. Bytes from outside are only printed after sx_rains_name_check has seen them. */
__attribute__((format(printf, 2, 3))) void sx_rains_reason_set(
	struct sx_rains_reason *reason, const char *format, ...);
