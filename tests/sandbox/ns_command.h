/* SPDX-License-Identifier: MIT */
/* ns_command: the lines by which the running name server is told what to do. */
#pragma once

#include <stdio.h>

#include "ns_process.h"

/* Carries out one line, without its newline, and writes the answer as sx_command_run does. */
void sx_ns_command_run(void *process, const char *line, FILE *out);

/* Lists the commands, for --help and `help`. */
void sx_ns_command_help(FILE *out);
