/* SPDX-License-Identifier: MIT */
/* control: the UNIX socket on which a sandbox takes command lines. */
#pragma once

#include "sandbox.h"

struct sx_control;

/* Listens at `path`, in place of a socket that a dead sandbox left there. Failures: `error` says what to do. */
SX_MUST_CHECK int sx_control_open(struct sx_control **out, struct sx_sandbox *sandbox,
	const char *path, struct sx_topology_error *error);

/* Also removes the socket's file. Accepts NULL. */
void sx_control_close(struct sx_control *control);
