/* SPDX-License-Identifier: MIT */
/* command: the lines by which a running sandbox is told what to do. */
#pragma once

#include "control.h"
#include "sandbox.h"

/*
 * Carries out one line, without its newline, and writes the answer: lines of what was asked for, then "ok" or
 * "error: " and what is wrong.
 */
void sx_command_run(struct sx_sandbox *sandbox, const char *line, FILE *out);

/* Lists the commands, for --help and `help`. */
void sx_command_help(FILE *out);
