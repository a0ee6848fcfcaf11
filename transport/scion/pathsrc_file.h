/* SPDX-License-Identifier: MIT */
/* pathsrc_file: paths from a file (pathtable.h), which is replaced atomically by whoever knows paths. */
#pragma once

#include "base/log.h"
#include "scion/pathtable.h"

#define SX_PATHSRC_FILE_BYTES_MAX 16777216

/*
 * Reads the file named `name`. On failure `problem` says for people what is wrong and where: SX_ENOTFOUND, SX_EIO,
 * SX_ELIMIT (too large), SX_EMALFORMED. Later a file that cannot be used leaves the last good one in force, with a
 * warning in `log`. Copies `name` and `log`; free with ops->free.
 */
SX_MUST_CHECK int sx_pathsrc_file_open(struct sx_pathsrc **out, const char *name,
	const struct sx_log *log, char problem[SX_PATHTABLE_PROBLEM_BYTES]);
