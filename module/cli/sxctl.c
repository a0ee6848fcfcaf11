/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "command.h"

static const struct sx_cli_command commands[] = {
	{ "zone", sx_cli_zone, "signs a zone file of RAINS, and publishes it" },
};

static void print_commands(FILE *out)
{
	(void)fprintf(out, "usage: sxctl COMMAND ... ; sxctl COMMAND --help\n\n");
	for (size_t i = 0; i < SX_COUNT(commands); i++) {
		(void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].description);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_commands(stderr);
		return SX_CLI_USAGE;
	}
	for (size_t i = 0; i < SX_COUNT(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	if (strcmp(argv[1], "--help") == 0) {
		print_commands(stdout);
		return SX_CLI_OK;
	}
	(void)fprintf(stderr, "sxctl: there is no command \"%s\"\n", argv[1]);
	print_commands(stderr);
	return SX_CLI_USAGE;
}
