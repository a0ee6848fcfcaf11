/* SPDX-License-Identifier: MIT */
/* random: bytes from the operating system's generator. */
#pragma once

#include <stddef.h>

/* Fills `out` with `len` unpredictable bytes. Aborts only where the kernel has no generator at all. */
void sx_random_bytes(void *out, size_t len);
