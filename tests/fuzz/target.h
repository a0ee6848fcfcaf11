/* SPDX-License-Identifier: MIT */
/* target: what every fuzz target has; libFuzzer calls it, or replay.c with the files of a corpus. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Returns 0 always; whatever is wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
