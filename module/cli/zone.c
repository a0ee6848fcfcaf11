/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/loop.h"
#include "base/random.h"
#include "command.h"
#include "report.h"

#define VALID_SECONDS (7L * 86400)
#define VALID_MOST    (10L * 365 * 86400)

static const char help[] =
	"usage: sxctl zone FILE --key K [--valid SECONDS] [--phase N] [--out FILE]\n"
	"                  [--publish SERVER] [--json]\n"
	"\n"
	"Signs the zone in FILE, a zone file of RAINS, and prints what its parent and its users\n"
	"need: the delegation for the parent's zone file, and the line by which the key is "
	"trusted.\n"
	"\n"
	"  --key K           the secret key; made when there is none\n"
	"  --valid SECONDS   how long the signatures hold, from now (604800: a week)\n"
	"  --phase N         the phase of a key that is made, or that K must have (1)\n"
	"  --out FILE        writes the message that publishes the zone\n"
	"  --publish SERVER  pushes it to the zone's authoritative server, HOST:PORT or\n"
	"                    [IPv6]:PORT, over TLS, and asks until each name is seen\n"
	"  --json            prints all of it as one JSON object\n"
	"\n"
	"Run it again before the signatures end, and after each change. A server may keep serving\n"
	"what was published before, until the signatures on it end.\n"
	"Exit status: 0; 1 nothing was done; 2 wrong arguments; 3 not all names were seen.\n";

struct arguments {
	const char *file;
	const char *key;
	const char *out;
	const char *publish;
	long valid;
	long phase; /* -1: any */
	bool json;
	bool help;
};

static int complain(const char *what, const char *problem)
{
	(void)fprintf(stderr, "sxctl: %s: %s\n", what, problem);
	return SX_CLI_FAILED;
}

static bool take_number(const char *name, const char *text, long most, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end || *out > most) {
		(void)fprintf(stderr,
			"sxctl: --%s: found \"%s\", expected a whole number up to %ld\n", name,
			text, most);
		return false;
	}
	return true;
}

/* False: wrong; what is wrong has been said. */
static bool take_option(int option, const char *value, struct arguments *out)
{
	switch (option) {
	case 'k':
		out->key = value;
		return true;
	case 'o':
		out->out = value;
		return true;
	case 'P':
		out->publish = value;
		return true;
	case 'v':
		return take_number("valid", value, VALID_MOST, &out->valid);
	case 'p':
		return take_number("phase", value, INT32_MAX, &out->phase);
	case 'j':
		out->json = true;
		return true;
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
		{ "key", required_argument, NULL, 'k' },
		{ "valid", required_argument, NULL, 'v' },
		{ "phase", required_argument, NULL, 'p' },
		{ "out", required_argument, NULL, 'o' },
		{ "publish", required_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*out = (struct arguments){ .valid = VALID_SECONDS, .phase = -1 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(option, optarg, out)) {
			return false;
		}
	}
	if (out->help) {
		return true;
	}
	if (optind != argc - 1 || !out->key || out->valid == 0) {
		(void)fprintf(stderr, "sxctl: zone needs one FILE, --key K and, if any, a --valid "
				      "above 0; see sxctl zone --help\n");
		return false;
	}
	out->file = argv[optind];
	return true;
}

static int read_zone(const char *name, struct sx_rains_zone **out)
{
	struct sx_file file = { .name = name, .most = SX_RAINS_ZONE_FILE_MOST };
	struct sx_rains_reason reason;
	char *text = NULL;
	size_t len = 0;
	int rc = sx_file_read(&file, 1, &text, &len);

	if (rc < 0) {
		return complain(
			name, rc == SX_ENOTFOUND ? "there is no such file" : sx_status_text(rc));
	}
	rc = sx_rains_zone_new(out, sx_bytes_of(text, len), &reason);
	free(text);
	return rc < 0 ? complain(name, reason.text) : SX_CLI_OK;
}

/* The key there is, or a new one. */
static int get_key(const struct arguments *arguments, struct sx_rains_keyfile *out, bool *is_new)
{
	struct sx_rains_reason reason;
	int rc = sx_rains_keyfile_read(out, arguments->key, &reason);

	*is_new = rc == SX_ENOTFOUND;
	if (*is_new) {
		rc = sx_rains_keyfile_create(
			out, arguments->key, arguments->phase >= 0 ? arguments->phase : 1, &reason);
	}
	if (rc < 0) {
		return complain("--key", reason.text);
	}
	if (arguments->phase >= 0 && out->phase != arguments->phase) {
		(void)fprintf(stderr,
			"sxctl: %s: found a key of phase %ld, expected %ld; a new phase needs a "
			"new key file\n",
			arguments->key, (long)out->phase, arguments->phase);
		return SX_CLI_FAILED;
	}
	return SX_CLI_OK;
}

static int sign(const struct arguments *arguments, struct sx_cli_signed *signed_zone)
{
	uint8_t token[SX_RAINS_TOKEN_BYTES];
	struct sx_writer out = sx_writer_of(signed_zone->bytes, sizeof signed_zone->bytes);
	struct sx_rains_signing signing = {
		.seed = signed_zone->key.seed,
		.phase = signed_zone->key.phase,
		.since = signed_zone->now,
		.until = signed_zone->now + arguments->valid,
		.token = { token, sizeof token },
	};
	struct sx_rains_reason reason;

	sx_random_bytes(token, sizeof token);
	signed_zone->until = signing.until;
	if (sx_rains_zone_sign(signed_zone->zone, &signing, &out, &reason) < 0) {
		return complain(arguments->file, reason.text);
	}
	signed_zone->message = sx_writer_bytes(&out);
	return SX_CLI_OK;
}

static int write_out(const char *name, struct sx_bytes message)
{
	FILE *out = fopen(name, "we");
	bool written = out && fwrite(message.data, 1, message.len, out) == message.len;

	if ((out && fclose(out) != 0) || !written) {
		return complain(name, strerror(errno));
	}
	return SX_CLI_OK;
}

static int publish(const struct arguments *arguments, struct sx_cli_signed *signed_zone)
{
	struct sx_rains_reason reason;
	int rc;

	rc = sx_cli_publish(&signed_zone->publication, arguments->publish, signed_zone->message,
		stderr, &reason);
	if (rc < 0 && rc != SX_ETIMEDOUT) {
		(void)fprintf(stderr, "sxctl: not published to %s: %s\n", arguments->publish,
			reason.text);
		return SX_CLI_FAILED;
	}
	signed_zone->server = arguments->publish;
	return rc == SX_OK ? SX_CLI_OK : SX_CLI_INCOMPLETE;
}

static int run(const struct arguments *arguments, struct sx_cli_signed *signed_zone)
{
	int rc = read_zone(arguments->file, &signed_zone->zone);

	if (rc == SX_CLI_OK) {
		rc = get_key(arguments, &signed_zone->key, &signed_zone->is_new_key);
	}
	if (rc == SX_CLI_OK) {
		rc = sign(arguments, signed_zone);
	}
	if (rc == SX_CLI_OK && arguments->out) {
		rc = write_out(arguments->out, signed_zone->message);
	}
	if (rc == SX_CLI_OK && arguments->publish) {
		rc = publish(arguments, signed_zone);
	}
	if (rc == SX_CLI_FAILED) {
		return rc;
	}
	if (arguments->json) {
		sx_cli_report_json(signed_zone, stdout);
	} else {
		sx_cli_report_text(signed_zone, stdout);
	}
	return rc;
}

int sx_cli_zone(int argc, char **argv)
{
	struct arguments arguments;
	struct sx_cli_signed *signed_zone;
	int rc;

	if (!parse_arguments(argc, argv, &arguments)) {
		return SX_CLI_USAGE;
	}
	if (arguments.help) {
		(void)fputs(help, stdout);
		return SX_CLI_OK;
	}
	signed_zone = calloc(1, sizeof *signed_zone);
	if (!signed_zone) {
		return complain(arguments.file, "out of memory");
	}
	signed_zone->now = (int64_t)sx_loop_unix_time();
	rc = run(&arguments, signed_zone);
	sx_cli_publication_fini(&signed_zone->publication);
	sx_rains_zone_free(signed_zone->zone);
	free(signed_zone);
	return rc;
}
