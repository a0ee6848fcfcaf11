/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control.h"
#include "ns_command.h"
#include "ns_scion.h"
#include "ns_tls.h"
#include "stopper.h"

#define VALID_SECONDS 86400
#define NS_PER_MS     UINT64_C(1000000)
#define PATH_BYTES    4096

struct arguments {
	const char *run;
	bool has_tls;
	struct sx_ip_port tls;
	bool has_scion;
	struct sx_addr scion;
	uint16_t scion_port;
	long valid;
	size_t zone_count;
	size_t key_count;
	const char *zones[SX_NS_ZONES_MOST];
	const char *keys[SX_NS_ZONES_MOST];
	bool help;
};

/* What is open while it runs. */
struct parts {
	struct sx_ns_process process;
	struct sx_ns_tls *tls;
	struct sx_ns_scion *scion;
	struct sx_control *control;
	struct sx_stopper stopper;
};

static void print_help(FILE *out)
{
	(void)fprintf(out,
		"usage: sandbox-rains --run FOLDER --zone FILE --key K [--zone FILE --key K ...]\n"
		"                     [--tls HOST:PORT] [--scion [ISD-AS,HOST]:PORT] "
		"[--valid SECONDS]\n"
		"\n"
		"An authoritative RAINS server that also misbehaves. Signs each zone file with its "
		"key,\n"
		"which is made when there is none, prints \"ready\", and then takes commands on\n"
		"FOLDER/rains.sock, one to a line; each answer ends with \"ok\" or \"error: "
		"...\".\n"
		"FOLDER/rains.pem is its certificate. Ends with `quit`, SIGTERM, SIGINT, or when "
		"the\n"
		"process that started it ends.\n"
		"\n"
		"  --tls HOST:PORT          listens there for TLS\n"
		"  --scion [ISD-AS,HOST]:PORT  is that host, of an AS of a sandbox, for UDP\n"
		"  --valid SECONDS          how long signatures hold (86400)\n"
		"\n"
		"commands:\n");
	sx_ns_command_help(out);
}

static bool complain(const char *option, const char *value, const char *expected)
{
	(void)fprintf(stderr, "sandbox-rains: --%s: found \"%s\", expected %s\n", option, value,
		expected);
	return false;
}

static bool take_valid(const char *value, struct arguments *out)
{
	char *end;

	out->valid = strtol(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || out->valid <= 0) {
		return complain("valid", value, "seconds");
	}
	return true;
}

static bool take_file(const char *option, const char *value, const char **list, size_t *count)
{
	if (*count == SX_NS_ZONES_MOST) {
		return complain(option, value, "no more than 8");
	}
	list[(*count)++] = value;
	return true;
}

/* False: `option` is wrong; what is wrong has been said. */
static bool take_option(int option, const char *value, struct arguments *out)
{
	switch (option) {
	case 'r':
		out->run = value;
		return true;
	case 't':
		out->has_tls = sx_ip_port_parse(sx_bytes_text(value), &out->tls) == SX_OK;
		return out->has_tls || complain("tls", value, "HOST:PORT");
	case 's':
		out->has_scion = sx_addr_parse_port(sx_bytes_text(value), &out->scion,
					 &out->scion_port) == SX_OK &&
				 out->scion.host.type != SX_HOST_SVC && out->scion_port > 0;
		return out->has_scion || complain("scion", value, "[ISD-AS,HOST]:PORT");
	case 'v':
		return take_valid(value, out);
	case 'z':
		return take_file("zone", value, out->zones, &out->zone_count);
	case 'k':
		return take_file("key", value, out->keys, &out->key_count);
	case 'h':
		out->help = true;
		return true;
	default:
		return false; /* getopt has said it */
	}
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{ "run", required_argument, NULL, 'r' },
		{ "tls", required_argument, NULL, 't' },
		{ "scion", required_argument, NULL, 's' },
		{ "zone", required_argument, NULL, 'z' },
		{ "key", required_argument, NULL, 'k' },
		{ "valid", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*out = (struct arguments){ .valid = VALID_SECONDS };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(option, optarg, out)) {
			return false;
		}
	}
	if (out->help) {
		return true;
	}
	if (!out->run || out->zone_count == 0 || out->zone_count != out->key_count ||
		(!out->has_tls && !out->has_scion) || optind < argc) {
		(void)fprintf(stderr, "sandbox-rains: needs --run FOLDER, --tls or --scion, and a "
				      "--key for each --zone; see --help\n");
		return false;
	}
	return true;
}

void sx_ns_process_deliver(struct sx_ns_process *process, struct sx_ns_delayed *delayed)
{
	uint64_t now_ns = sx_loop_now_ns();

	sx_ns_delay(&process->delays, delayed, now_ns + process->ns->slow_ms * NS_PER_MS, now_ns);
}

static void stop(void *arg)
{
	struct sx_ns_process *process = arg;

	process->quit = true;
}

static int sign_zones(
	struct sx_ns *ns, const struct arguments *arguments, struct sx_topology_error *error)
{
	struct sx_rains_reason reason;
	int rc = SX_OK;

	ns->zones.valid = arguments->valid;
	for (size_t i = 0; rc == SX_OK && i < arguments->zone_count; i++) {
		rc = sx_ns_zones_add(&ns->zones, arguments->zones[i], arguments->keys[i],
			(int64_t)sx_loop_unix_time(), &reason);
	}
	if (rc < 0) {
		(void)snprintf(error->text, sizeof error->text, "%s", reason.text);
	}
	return rc;
}

static int open_sockets(
	struct parts *parts, const struct arguments *arguments, struct sx_topology_error *error)
{
	char pem[PATH_BYTES];
	int rc = SX_OK;

	(void)snprintf(pem, sizeof pem, "%s/rains.pem", arguments->run);
	if (arguments->has_tls) {
		rc = sx_ns_tls_open(&parts->tls, &parts->process, &arguments->tls, pem);
		(void)snprintf(error->text, sizeof error->text, "--tls: %s", strerror(errno));
	}
	if (rc == SX_OK && arguments->has_scion) {
		rc = sx_ns_scion_open(
			&parts->scion, &parts->process, &arguments->scion, arguments->scion_port);
		(void)snprintf(error->text, sizeof error->text, "--scion: %s", strerror(errno));
	}
	return rc;
}

static int open_parts(
	struct parts *parts, const struct arguments *arguments, struct sx_topology_error *error)
{
	struct sx_control_owner owner = { .run = sx_ns_command_run, .arg = &parts->process };
	char socket[PATH_BYTES];
	int rc = sx_loop_new(&parts->process.loop);

	if (rc == SX_OK) {
		rc = sign_zones(parts->process.ns, arguments, error);
	}
	if (rc < 0) {
		return rc;
	}
	if (mkdir(arguments->run, 0777) < 0 && errno != EEXIST) {
		(void)snprintf(error->text, sizeof error->text, "%.300s: %s", arguments->run,
			strerror(errno));
		return SX_EIO;
	}
	rc = open_sockets(parts, arguments, error);
	if (rc == SX_OK) {
		(void)snprintf(socket, sizeof socket, "%s/rains.sock", arguments->run);
		owner.loop = parts->process.loop;
		rc = sx_control_open(&parts->control, &owner, socket, error);
	}
	if (rc == SX_OK) {
		parts->stopper.stop = stop;
		parts->stopper.arg = &parts->process;
		rc = sx_stopper_open(&parts->stopper, parts->process.loop);
	}
	return rc;
}

static void close_parts(struct parts *parts)
{
	sx_control_close(parts->control);
	sx_ns_delays_fini(&parts->process.delays);
	sx_ns_tls_close(parts->tls);
	sx_ns_scion_close(parts->scion);
	if (parts->process.loop) {
		sx_loop_free(parts->process.loop);
	}
	sx_ns_zones_fini(&parts->process.ns->zones);
	free(parts->process.ns);
}

static void run(struct sx_ns_process *process)
{
	(void)puts("ready");
	(void)fflush(stdout);
	while (!process->quit) {
		sx_loop_set_deadline(
			process->loop, sx_ns_delays_run(&process->delays, sx_loop_now_ns()));
		sx_loop_run(process->loop, -1);
	}
}

int main(int argc, char **argv)
{
	struct sx_topology_error error = { "out of memory or descriptors" };
	struct parts parts = { .tls = NULL };
	struct arguments arguments;
	int rc = SX_ENOMEM;

	if (!parse_arguments(argc, argv, &arguments)) {
		return 2;
	}
	if (arguments.help) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	parts.process.ns = calloc(1, sizeof *parts.process.ns);
	if (!parts.process.ns) {
		return EXIT_FAILURE;
	}
	rc = open_parts(&parts, &arguments, &error);
	if (rc == SX_OK) {
		run(&parts.process);
	} else {
		(void)fprintf(stderr, "sandbox-rains: %s\n", error.text);
	}
	close_parts(&parts);
	return rc == SX_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
