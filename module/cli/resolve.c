/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "command.h"
#include "rains/client.h"
#include "resolution.h"
#include "resolver.h"
#include "scion/pathsrc_file.h"
#include "scion/pathtable.h"

#define LIST_BYTES 4096
#define SLACK_NS   UINT64_C(500000000) /* beyond the deadline of the search itself */

static const char help[] =
	"usage: sxctl resolve NAME [--type addresses|certificates] [--trace] [--json] ...\n"
	"\n"
	"Says where a domain can be reached over SCION, or which certificates RAINS names for it,\n"
	"as the server would find it out. With --trace: each question, and what proves its "
	"answer.\n"
	"\n"
	"  --order LIST      who is asked, the preferred first (hosts,rains,dns)\n"
	"  --static LINE     an entry of the static map: DOMAIN ADDRESS...\n"
	"  --hosts FILE      a hosts file (/etc/scion/hosts, /etc/hosts)\n"
	"  --root KEY        a root key of RAINS: \"ed25519 PHASE HEX\", or a file with it\n"
	"  --server SERVER   a RAINS server: 192.0.2.1:55553, [1-ff00:0:110,192.0.2.1]:31468\n"
	"  --unsigned        believe RAINS data that nobody signed\n"
	"  --dns LIST        DNS servers (those of the system)\n"
	"  --address ADDR    our SCION address, for RAINS servers on SCION; with it:\n"
	"  --paths FILE      a path file\n"
	"  --port N          the UDP port to ask them from (any)\n"
	"  --scion-only      no DNS query, no TCP connection\n"
	"  --deadline S      seconds (2)\n"
	"\n"
	"Options that name one thing may be repeated.\n"
	"Exit status: 0; 1 nothing was found; 2 wrong arguments.\n";

struct arguments {
	const char *name;
	enum sx_want want;
	int trace; /* switches, as getopt sets them */
	int json;
	int help;
	int scion_only;
	int unsigned_too;
	const char *order;
	const char *dns;
	const char *address;
	const char *paths;
	uint16_t port;
	uint32_t deadline_ms;
	char statics[LIST_BYTES];
	char hosts[LIST_BYTES];
	char roots[LIST_BYTES];
	char servers[LIST_BYTES];
};

/* The resolver names the options of a server's configuration; whoever types has flags. */
static void complain_of_flag(const char *problem)
{
	static const struct {
		const char *option;
		const char *flag;
	} flags[] = {
		{ "rains.roots:", "root:" },
		{ "rains.servers:", "server:" },
	};
	const char *flag = "";

	for (size_t i = 0; i < SX_COUNT(flags); i++) {
		if (strncmp(problem, flags[i].option, strlen(flags[i].option)) == 0) {
			problem += strlen(flags[i].option);
			flag = flags[i].flag;
		}
	}
	(void)fprintf(stderr, "sxctl: --%s%s\n", flag, problem);
}

static bool complain(const char *option, const char *found, const char *expected)
{
	(void)fprintf(stderr, "sxctl: --%s: found \"%s\", expected %s\n", option, found, expected);
	return false;
}

/* Adds a line to a list. */
static bool add(const char *option, char list[LIST_BYTES], const char *line)
{
	size_t len = strlen(list);

	if (len + strlen(line) + 2 > LIST_BYTES || strchr(line, '\n')) {
		return complain(option, line, "lines, and not so many");
	}
	(void)snprintf(list + len, LIST_BYTES - len, "%s%s", len > 0 ? "\n" : "", line);
	return true;
}

static bool take_type(struct arguments *out, const char *value)
{
	if (strcmp(value, "certificates") == 0) {
		out->want = SX_WANT_CERTIFICATES;
		return true;
	}
	return strcmp(value, "addresses") == 0 ||
	       complain("type", value, "addresses or certificates");
}

static bool take_number(const char *option, const char *value, double most, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(value, &end);
	if (errno != 0 || *end || end == value || !(*out > 0 && *out <= most)) {
		return complain(option, value, "a number within bounds");
	}
	return true;
}

static bool take_port(struct arguments *out, const char *value)
{
	double number;

	if (!take_number("port", value, UINT16_MAX, &number)) {
		return false;
	}
	out->port = (uint16_t)number;
	return true;
}

static bool take_deadline(struct arguments *out, const char *value)
{
	double number;

	if (!take_number("deadline", value, 60, &number)) {
		return false;
	}
	out->deadline_ms = (uint32_t)(number * 1000);
	return true;
}

/* False: wrong, and said so. */
static bool take_option(int option, const char *value, struct arguments *out)
{
	switch (option) {
	case 0:
		return true; /* a switch */
	case 't':
		return take_type(out, value);
	case 's':
		return add("static", out->statics, value);
	case 'H':
		return add("hosts", out->hosts, value);
	case 'r':
		return add("root", out->roots, value);
	case 'R':
		return add("server", out->servers, value);
	case 'p':
		return take_port(out, value);
	case 'd':
		return take_deadline(out, value);
	default:
		return false; /* getopt has said it */
	}
}

/* Options that are texts, taken as they are. */
static const char **text_of(int option, struct arguments *out)
{
	switch (option) {
	case 'o':
		return &out->order;
	case 'D':
		return &out->dns;
	case 'a':
		return &out->address;
	case 'P':
		return &out->paths;
	default:
		return NULL;
	}
}

static bool parse_arguments(int argc, char **argv, struct arguments *out)
{
	const struct option options[] = {
		{ "type", required_argument, NULL, 't' },
		{ "order", required_argument, NULL, 'o' },
		{ "static", required_argument, NULL, 's' },
		{ "hosts", required_argument, NULL, 'H' },
		{ "root", required_argument, NULL, 'r' },
		{ "server", required_argument, NULL, 'R' },
		{ "dns", required_argument, NULL, 'D' },
		{ "address", required_argument, NULL, 'a' },
		{ "paths", required_argument, NULL, 'P' },
		{ "port", required_argument, NULL, 'p' },
		{ "deadline", required_argument, NULL, 'd' },
		{ "trace", no_argument, &out->trace, 1 },
		{ "json", no_argument, &out->json, 1 },
		{ "help", no_argument, &out->help, 1 },
		{ "scion-only", no_argument, &out->scion_only, 1 },
		{ "unsigned", no_argument, &out->unsigned_too, 1 },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char **text = text_of(option, out);

		if (text) {
			*text = optarg;
		} else if (!take_option(option, optarg, out)) {
			return false;
		}
	}
	if (!out->help && (optind != argc - 1 || !out->address != !out->paths)) {
		(void)fprintf(stderr,
			"sxctl: resolve needs one NAME, and --paths with --address; see "
			"sxctl resolve --help\n");
		return false;
	}
	out->name = argv[optind];
	return true;
}

static void log_line(void *arg, enum sx_log_level level, const char *text)
{
	(void)arg;
	if (level >= SX_LOG_WARN) {
		(void)fprintf(stderr, "sxctl: %s\n", text);
	}
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

/* Static entries and RAINS are asked when there are any. */
static const char *default_order(const struct arguments *arguments)
{
	if (arguments->statics[0]) {
		return arguments->servers[0] ? "static,hosts,rains,dns" : "static,hosts,dns";
	}
	return arguments->servers[0] ? "hosts,rains,dns" : "hosts,dns";
}

/* Our end on SCION, if there is one. False: wrong, and said so. */
static bool open_scion(const struct arguments *arguments, struct sx_rains_scion *out)
{
	const struct sx_log log = { log_line, NULL };
	char problem[SX_PATHTABLE_PROBLEM_BYTES] = "";

	*out = (struct sx_rains_scion){ .port = arguments->port };
	if (!arguments->address) {
		return true;
	}
	if (sx_addr_parse(sx_bytes_text(arguments->address), &out->local) < 0) {
		return complain(
			"address", arguments->address, "one such as 1-ff00:0:111,192.0.2.10");
	}
	if (sx_pathsrc_file_open(&out->paths, arguments->paths, &log, problem) < 0) {
		(void)fprintf(stderr, "sxctl: --paths %s: %s\n", arguments->paths, problem);
		return false;
	}
	return true;
}

static void on_answer(void *arg, struct sx_buf *answer)
{
	struct sx_buf **out = arg;

	*out = answer ? sx_buf_ref(answer) : NULL;
}

/* Runs the loop until the answer is there. NULL: none came. */
static struct sx_buf *wait_for(
	struct sx_resolver *resolver, struct sx_loop *loop, const struct arguments *arguments)
{
	struct sx_buf *answer = NULL;
	struct sx_wish wish = { .name = arguments->name,
		.want = arguments->want,
		.scion_only = arguments->scion_only,
		.done = on_answer,
		.arg = &answer };
	struct sx_resolver_ask *ask;
	uint64_t end_ns = sx_loop_now_ns() + arguments->deadline_ms * UINT64_C(1000000) + SLACK_NS;
	int rc = sx_resolver_ask(resolver, &wish, sx_loop_now_ns(), &ask);

	if (rc < 0) {
		(void)fprintf(stderr, "sxctl: \"%s\" is no domain\n", arguments->name);
		return NULL;
	}
	while (!answer && sx_loop_now_ns() < end_ns) {
		sx_loop_run(loop, 100);
	}
	if (!answer) {
		sx_resolver_cancel(ask);
	}
	return answer;
}

static int resolve(
	const struct arguments *arguments, struct sx_loop *loop, const struct sx_rains_scion *scion)
{
	struct sx_resolver_config config = {
		.order = arguments->order ? arguments->order : default_order(arguments),
		.deadline_ms = arguments->deadline_ms,
		.cache_bytes = LIST_BYTES,
		.statics = or_null(arguments->statics),
		.hosts = arguments->hosts[0] ? arguments->hosts : "/etc/scion/hosts\n/etc/hosts",
		.roots = or_null(arguments->roots),
		.servers = or_null(arguments->servers),
		.unsigned_too = arguments->unsigned_too,
		.dns = arguments->dns,
		.scion = scion->paths ? scion : NULL,
		.log = { log_line, NULL },
	};
	struct sx_resolver *resolver;
	struct sx_buf *answer;
	char problem[512];
	int status = sx_resolver_new(&resolver, loop, &config, problem, sizeof problem);

	if (status == SX_ENOMEM) {
		(void)fprintf(stderr, "sxctl: %s\n", problem);
		return SX_CLI_USAGE;
	}
	if (status < 0) {
		complain_of_flag(problem);
		return SX_CLI_USAGE;
	}
	answer = wait_for(resolver, loop, arguments);
	status = sx_cli_resolution(answer, arguments->name, arguments->trace, arguments->json);
	sx_buf_unref(answer);
	sx_resolver_free(resolver);
	return status;
}

int sx_cli_resolve(int argc, char **argv)
{
	struct arguments arguments = { .want = SX_WANT_ADDRESSES, .deadline_ms = 2000 };
	struct sx_rains_scion scion;
	struct sx_loop *loop;
	int status = SX_CLI_FAILED;

	if (!parse_arguments(argc, argv, &arguments)) {
		return SX_CLI_USAGE;
	}
	if (arguments.help) {
		(void)fputs(help, stdout);
		return SX_CLI_OK;
	}
	if (!open_scion(&arguments, &scion)) {
		return SX_CLI_USAGE;
	}
	if (sx_loop_new(&loop) == SX_OK) {
		status = resolve(&arguments, loop, &scion);
		sx_loop_free(loop);
	}
	if (scion.paths) {
		scion.paths->ops->free(scion.paths);
	}
	return status;
}
