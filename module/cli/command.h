/* SPDX-License-Identifier: MIT */
/* command: what sxctl can do, one row each. */
#pragma once

/* Exit statuses of all commands. */
enum sx_cli_exit {
	SX_CLI_OK = 0,
	SX_CLI_FAILED = 1,     /* nothing was done; the text says why */
	SX_CLI_USAGE = 2,      /* the arguments are wrong */
	SX_CLI_INCOMPLETE = 3, /* done in part; the text says what is missing */
};

struct sx_cli_command {
	const char *name;
	int (*run)(int argc,
		char **argv); /* argv[0] is the command's name; returns enum sx_cli_exit */
	const char *description;
};

int sx_cli_zone(int argc, char **argv);
