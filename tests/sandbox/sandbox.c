/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sandbox.h"
#include "underlay.h"

#define NS_PER_SECOND 1000000000U

struct sx_sandbox {
	const char *run;
	struct sx_topology *topology;
	struct sx_network *network;
	struct sx_loop *loop;
	struct sx_underlay *underlays; /* one for each AS; fd -1 while closed */
	struct sx_beacons beacons;
	struct sx_dice dice; /* for SegIDs */
	uint64_t refresh_ns; /* how long path files stay as they are */
	uint64_t rewrite_ns; /* when the next ones are due */
	bool quit;
};

static struct sx_clock read_clock(void)
{
	return (struct sx_clock){ sx_loop_now_ns(), sx_loop_unix_time() };
}

static void receive(void *arg, const struct sx_place *from, struct sx_bytes datagram)
{
	struct sx_sandbox *sandbox = arg;

	sx_network_receive(sandbox->network, from, datagram, read_clock());
}

static int send_to_host(void *arg, const struct sx_place *to, struct sx_bytes packet)
{
	struct sx_sandbox *sandbox = arg;

	return sx_underlay_send(&sandbox->underlays[to->as], to, packet);
}

static int open_underlay(struct sx_sandbox *sandbox, size_t as, struct sx_topology_error *error)
{
	const struct sx_topology_as *known = &sandbox->topology->ases[as];
	struct sx_underlay *underlay = &sandbox->underlays[as];
	char ia[SX_IA_TEXT_BYTES], host[SX_HOST_TEXT_BYTES];

	underlay->as = as;
	underlay->receive = receive;
	underlay->arg = sandbox;
	if (sx_underlay_open(underlay, sandbox->loop, &known->router, known->router_port) ==
		SX_OK) {
		return SX_OK;
	}
	sx_ia_write(known->ia, ia, sizeof ia);
	sx_host_write(&known->router, host, sizeof host);
	(void)snprintf(error->text, sizeof error->text,
		"the router of AS %s cannot have %s port %u: %s; %s", ia, host,
		(unsigned)known->router_port, strerror(errno),
		errno == EADDRINUSE
			? "end the other sandbox that uses it, or change `router` in the topology"
			: "change `router` in the topology");
	return SX_EIO;
}

static int open_underlays(struct sx_sandbox *sandbox, struct sx_topology_error *error)
{
	size_t count = sandbox->topology->as_count;
	int rc = SX_OK;

	sandbox->underlays = calloc(count + 1, sizeof *sandbox->underlays);
	if (!sandbox->underlays) {
		return SX_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		sandbox->underlays[i].watch.fd = -1;
	}
	for (size_t i = 0; rc == SX_OK && i < count; i++) {
		rc = open_underlay(sandbox, i, error);
	}
	return rc;
}

static int make_folder(const char *folder, struct sx_topology_error *error)
{
	if (mkdir(folder, 0777) < 0 && errno != EEXIST) {
		(void)snprintf(error->text, sizeof error->text, "%.300s: cannot be made: %s",
			folder, strerror(errno));
		return SX_EIO;
	}
	return SX_OK;
}

static int open_parts(struct sx_sandbox *sandbox, const struct sx_sandbox_options *options,
	struct sx_topology_error *error)
{
	struct sx_network_sink sink = { send_to_host, sandbox };
	int rc = sx_topology_load(&sandbox->topology, options->topology, error);

	if (rc == SX_OK) {
		rc = make_folder(options->run, error);
	}
	if (rc == SX_OK) {
		rc = sx_loop_new(&sandbox->loop);
	}
	if (rc == SX_OK) {
		rc = sx_network_new(
			&sandbox->network, sandbox->topology, sink, sx_dice_next(&sandbox->dice));
	}
	if (rc == SX_OK) {
		rc = open_underlays(sandbox, error);
	}
	return rc < 0 ? rc : sx_sandbox_write_paths(sandbox, 0, error);
}

int sx_sandbox_open(struct sx_sandbox **out, const struct sx_sandbox_options *options,
	struct sx_topology_error *error)
{
	struct sx_sandbox *sandbox = calloc(1, sizeof *sandbox);
	int rc = SX_ENOMEM;

	(void)snprintf(error->text, sizeof error->text, "out of memory or descriptors");
	if (sandbox) {
		sandbox->run = options->run;
		sandbox->dice.state = options->seed;
		sandbox->refresh_ns = options->refresh * NS_PER_SECOND;
		rc = open_parts(sandbox, options, error);
	}
	if (rc < 0) {
		sx_sandbox_close(sandbox);
		return rc;
	}
	*out = sandbox;
	return SX_OK;
}

void sx_sandbox_close(struct sx_sandbox *sandbox)
{
	if (!sandbox) {
		return;
	}
	for (size_t i = 0; sandbox->underlays && i < sandbox->topology->as_count; i++) {
		sx_underlay_close(&sandbox->underlays[i]);
	}
	free(sandbox->underlays);
	sx_beacons_fini(&sandbox->beacons);
	sx_network_free(sandbox->network);
	sx_loop_free(sandbox->loop);
	sx_topology_free(sandbox->topology);
	free(sandbox);
}

struct sx_loop *sx_sandbox_loop(struct sx_sandbox *sandbox)
{
	return sandbox->loop;
}

struct sx_network *sx_sandbox_network(struct sx_sandbox *sandbox)
{
	return sandbox->network;
}

/* Fresh paths in time; when they cannot be written now, the old ones may do until the next attempt. */
static void rewrite_when_due(struct sx_sandbox *sandbox, uint64_t now_ns)
{
	struct sx_topology_error error;

	if (now_ns < sandbox->rewrite_ns) {
		return;
	}
	if (sx_sandbox_write_paths(sandbox, 0, &error) < 0) {
		(void)fprintf(stderr, "sandbox: %s\n", error.text);
		sandbox->rewrite_ns = now_ns + 60ULL * NS_PER_SECOND;
	}
}

void sx_sandbox_run(struct sx_sandbox *sandbox)
{
	while (!sandbox->quit) {
		struct sx_clock clock = read_clock();
		uint64_t deadline_ns;

		rewrite_when_due(sandbox, clock.now_ns);
		deadline_ns = sx_network_run(sandbox->network, clock);
		sx_loop_set_deadline(sandbox->loop,
			deadline_ns < sandbox->rewrite_ns ? deadline_ns : sandbox->rewrite_ns);
		sx_loop_run(sandbox->loop, -1);
	}
}

void sx_sandbox_quit(struct sx_sandbox *sandbox)
{
	sandbox->quit = true;
}

int sx_sandbox_write_paths(
	struct sx_sandbox *sandbox, uint32_t age, struct sx_topology_error *error)
{
	uint32_t timestamp = (uint32_t)sx_loop_unix_time() - age;
	struct sx_beacons fresh;
	int rc = sx_beacons_compute(&fresh, sandbox->topology, timestamp, &sandbox->dice);

	if (rc < 0) {
		(void)snprintf(error->text, sizeof error->text, "out of memory");
		return rc;
	}
	rc = sx_pathfile_write_all(sandbox->topology, &fresh, sandbox->run, error);
	if (rc < 0) {
		sx_beacons_fini(&fresh);
		return rc;
	}
	sx_beacons_fini(&sandbox->beacons);
	sandbox->beacons = fresh;
	sandbox->rewrite_ns = sx_loop_now_ns() + sandbox->refresh_ns;
	return SX_OK;
}

int sx_sandbox_paths(
	struct sx_sandbox *sandbox, size_t src, size_t dst, struct sx_combined_list *out)
{
	return sx_combine(out, sandbox->topology, &sandbox->beacons, src, dst);
}
