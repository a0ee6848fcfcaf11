/* SPDX-License-Identifier: MIT */
/* sandbox: a network that runs: its sockets towards hosts, its path files, and who is told to do what. */
#pragma once

#include <stdio.h>

#include "base/loop.h"
#include "network.h"
#include "pathfile.h"

struct sx_sandbox;

struct sx_sandbox_options {
	const char *topology; /* file */
	const char *run;      /* folder for path files and the command socket; made when missing */
	uint64_t seed;
	uint64_t refresh; /* seconds after which path files are written anew */
};

/* Reads the topology, opens a socket for each router and writes the path files. Failures: `error` says what to do. */
SX_MUST_CHECK int sx_sandbox_open(struct sx_sandbox **out, const struct sx_sandbox_options *options,
	struct sx_topology_error *error);
void sx_sandbox_close(struct sx_sandbox *sandbox);

/* The loop that it runs on, for further watches. Lends it. */
struct sx_loop *sx_sandbox_loop(struct sx_sandbox *sandbox);
struct sx_network *sx_sandbox_network(struct sx_sandbox *sandbox);

/* Runs until sx_sandbox_quit. */
void sx_sandbox_run(struct sx_sandbox *sandbox);
void sx_sandbox_quit(struct sx_sandbox *sandbox);

/* Computes fresh segments, as if originated `age` seconds ago, and writes the path files from them. */
SX_MUST_CHECK int sx_sandbox_write_paths(
	struct sx_sandbox *sandbox, uint32_t age, struct sx_topology_error *error);

/* All paths from one AS to another by the segments now known. The caller frees the list. */
SX_MUST_CHECK int sx_sandbox_paths(
	struct sx_sandbox *sandbox, size_t src, size_t dst, struct sx_combined_list *out);
