/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command.h"
#include "control.h"
#include "scionproto.h"

#define REFRESH_SECONDS 7200
#define REFRESH_MAX     21600 /* as long as path files live */

struct arguments {
	struct sx_sandbox_options options;
	const char *scionproto; /* folder; NULL: run */
	bool help;
};

struct stopper {
	struct sx_watch watch;
	struct sx_sandbox *sandbox;
};

static void print_help(FILE *out)
{
	(void)fprintf(out,
		"usage: sandbox --topology FILE --run FOLDER [--seed N] [--refresh SECONDS]\n"
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
		"  --refresh N      path files anew every N seconds (default 7200; they live 6 "
		"hours)\n"
		"  --seed N         the same N makes the same SegIDs and the same losses (default "
		"1)\n"
		"\n"
		"commands; A is an ISD-AS, I an interface, HOST an address like "
		"1-ff00:0:113,127.0.0.1:\n");
	sx_command_help(out);
}

static bool parse_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && !*end;
}

static bool refuse(const char *option, const char *expected, const char *found)
{
	(void)fprintf(stderr, "sandbox: %s: expected %s, found \"%s\"\n", option, expected, found);
	return false;
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
		return parse_number(value, &out->options.seed) ||
		       refuse("--seed", "a whole number", value);
	case 'f':
		return (parse_number(value, &out->options.refresh) && out->options.refresh > 0 &&
			       out->options.refresh <= REFRESH_MAX) ||
		       refuse("--refresh", "seconds from 1 to 21600", value);
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
		{ "refresh", required_argument, NULL, 'f' },
		{ "write-scionproto", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*out = (struct arguments){ .options = { .seed = 1, .refresh = REFRESH_SECONDS } };
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
	struct stopper *stopper = arg;

	sx_sandbox_quit(stopper->sandbox);
}

/* Signals end the loop in order. The parent's end counts as one, so that no sandbox stays behind. */
static int watch_signals(struct stopper *stopper, struct sx_sandbox *sandbox)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	*stopper = (struct stopper){
		{ stop, stopper, signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK) }, sandbox
	};
	return stopper->watch.fd < 0 ? SX_EIO
				     : sx_loop_watch(sx_sandbox_loop(sandbox), &stopper->watch);
}

static int run(const struct sx_sandbox_options *options, struct sx_topology_error *error)
{
	struct sx_sandbox *sandbox = NULL;
	struct sx_control *control = NULL;
	struct stopper stopper = { { 0 }, NULL };
	pid_t parent = getppid();
	char socket[4096];
	int rc;

	rc = sx_sandbox_open(&sandbox, options, error);
	if (rc < 0) {
		return rc;
	}
	(void)snprintf(socket, sizeof socket, "%s/sandbox.sock", options->run);
	rc = sx_control_open(&control, sandbox, socket, error);
	if (rc == SX_OK) {
		rc = watch_signals(&stopper, sandbox);
	}
	if (rc == SX_OK && getppid() == parent) {
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
