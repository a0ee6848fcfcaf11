/* SPDX-License-Identifier: MIT */
/* control: the UNIX socket on which a program of the sandbox takes command lines. */
#pragma once

#include <stdio.h>

#include "base/loop.h"
#include "topology.h"

#define SX_COMMAND_BYTES 512

struct sx_control;

/* Who is told what to do. */
struct sx_control_owner {
	struct sx_loop *loop;
	/* Carries out one line, without its newline, and writes the answer, as sx_command_run does. */
	void (*run)(void *arg, const char *line, FILE *out);
	void *arg;
};

/* Listens at `path`, in place of a socket that a dead program left there. Failures: `error` says what to do. */
SX_MUST_CHECK int sx_control_open(struct sx_control **out, const struct sx_control_owner *owner,
	const char *path, struct sx_topology_error *error);

/* Also removes the socket's file. Accepts NULL. */
void sx_control_close(struct sx_control *control);
