/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "command.h"
#include "control.h"
#include "scionproto.h"
#include "stopper.h"

struct arguments {
	struct sx_sandbox_options options;
	const char *scionproto; /* folder; NULL: run */
	bool help;
};

static void print_help(FILE *out)
{
	(void)fprintf(out,
		"usage: sandbox --topology FILE --run FOLDER [--seed N]\n"
		"       sandbox --topology FILE --write-scionproto FOLDER [--seed N]\n"
		"\n"
		"Runs the border routers of a SCION network in one process, on loopback addresses. "
		"Writes for\n"
		"each AS the path file FOLDER/ISD-AS.paths.json (with _ for :), prints \"ready\", "
		"and then takes\n"
		"commands on FOLDER/sandbox.sock, one to a line; each answer ends with \"ok\" or "
		"\"error: ...\".\n"
		"Ends with `quit`, SIGTERM, SIGINT, or when the process that started it ends.\n"
		"\n"
		"  --topology FILE  the network, a Lua file; see tests/sandbox/README.md\n"
		"  --run FOLDER     for path files and the socket; made when missing\n"
		"  --seed N         the same N makes the same SegIDs and the same losses (default "
		"1)\n"
		"\n"
		"commands; A is an ISD-AS, I an interface, HOST an address like "
		"1-ff00:0:113,127.0.0.1:\n");
	sx_command_help(out);
}

static bool parse_seed(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && !*end;
}

/* False: `option` is wrong; what is wrong has been said. */
static bool take_option(int option, const char *value, struct arguments *out)
{
	switch (option) {
	case 't':
		out->options.topology = value;
		return true;
	case 'r':
		out->options.run = value;
		return true;
	case 'w':
		out->scionproto = value;
		return true;
	case 'h':
		out->help = true;
		return true;
	case 's':
		if (parse_seed(value, &out->options.seed)) {
			return true;
		}
		(void)fprintf(
			stderr, "sandbox: --seed: expected a whole number, found \"%s\"\n", value);
		return false;
	default:
		return false; /* getopt has said it */
	}
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{ "topology", required_argument, NULL, 't' },
		{ "run", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' },
		{ "write-scionproto", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*out = (struct arguments){ .options.seed = 1 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(option, optarg, out)) {
			return false;
		}
	}
	if (out->help) {
		return true;
	}
	if (!out->options.topology || !out->options.run == !out->scionproto || optind < argc) {
		(void)fprintf(stderr, "sandbox: needs --topology FILE and --run FOLDER, or "
				      "--write-scionproto FOLDER; "
				      "see --help\n");
		return false;
	}
	return true;
}

static void stop(void *arg)
{
	sx_sandbox_quit(arg);
}

static void run_command(void *arg, const char *line, FILE *out)
{
	sx_command_run(arg, line, out);
}

static int open_control(struct sx_control **out, struct sx_sandbox *sandbox, const char *folder,
	struct sx_topology_error *error)
{
	struct sx_control_owner owner = { sx_sandbox_loop(sandbox), run_command, sandbox };
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/sandbox.sock", folder);
	return sx_control_open(out, &owner, path, error);
}

static int run(const struct sx_sandbox_options *options, struct sx_topology_error *error)
{
	struct sx_sandbox *sandbox = NULL;
	struct sx_control *control = NULL;
	struct sx_stopper stopper = { .stop = stop };
	int rc;

	rc = sx_sandbox_open(&sandbox, options, error);
	if (rc < 0) {
		return rc;
	}
	stopper.arg = sandbox;
	rc = open_control(&control, sandbox, options->run, error);
	if (rc == SX_OK) {
		rc = sx_stopper_open(&stopper, sx_sandbox_loop(sandbox));
	}
	if (rc == SX_OK) {
		(void)puts("ready");
		(void)fflush(stdout);
		sx_sandbox_run(sandbox);
	}
	sx_control_close(control);
	sx_sandbox_close(sandbox);
	return rc;
}

static int write_scionproto(const struct arguments *arguments, struct sx_topology_error *error)
{
	struct sx_dice dice = { arguments->options.seed };
	struct sx_topology *topology = NULL;
	struct sx_beacons beacons;
	int rc = sx_topology_load(&topology, arguments->options.topology, error);

	if (rc < 0) {
		return rc;
	}
	(void)snprintf(error->text, sizeof error->text, "out of memory");
	rc = sx_beacons_compute(&beacons, topology, (uint32_t)sx_loop_unix_time(), &dice);
	if (rc == SX_OK) {
		rc = sx_scionproto_write(topology, &beacons, arguments->scionproto, error);
		sx_beacons_fini(&beacons);
	}
	sx_topology_free(topology);
	return rc;
}

int main(int argc, char **argv)
{
	struct sx_topology_error error = { "out of descriptors" };
	struct arguments arguments;
	int rc;

	if (!parse_arguments(argc, argv, &arguments)) {
		return 2;
	}
	if (arguments.help) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	rc = arguments.scionproto ? write_scionproto(&arguments, &error)
				  : run(&arguments.options, &error);
	if (rc < 0) {
		(void)fprintf(stderr, "sandbox: %s\n", error.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
