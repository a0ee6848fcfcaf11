/* SPDX-License-Identifier: MIT */
/* resolution: what sxctl resolve says about an answer, for people or as JSON. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Prints the answer (NULL: there is none) about a name; returns enum sx_cli_exit. */
int sx_cli_resolution(struct sx_buf *answer, const char *name, bool trace, bool json);
