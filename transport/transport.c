/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/live.h"
#include "base/loop.h"
#include "base/random.h"
#include "scion/pathset.h"
#include "scion/pathsrc_file.h"
#include "scion/socket.h"
#include "transport.h"

#define FILE_PREFIX     "file:"
#define RECEIVE_BATCHES 8
#define WAY_BYTES       1024
#define MS_NS           1000000ULL

struct sx_transport {
	struct sx_loop *loop;
	struct sx_pathsrc *paths;
	struct sx_socket *socket;
	struct sx_tls *tls;
	struct sx_endpoint *endpoint;
	struct sx_watch watch;
	struct sx_log log;
	uint64_t now_ns;
	bool woken; /* the loop has been told already */
};

static void say(struct sx_problem problem, const char *what, const char *found, const char *text)
{
	(void)snprintf(problem.text, problem.cap, "%s \"%s\": %s", what, found, text);
}

static void on_received(void *arg, const struct sx_datagram *datagram)
{
	struct sx_transport *transport = arg;

	sx_endpoint_receive(transport->endpoint, datagram, transport->now_ns);
}

/* The socket is level-triggered: what a bounded number of batches leaves is read in the next turn. */
static void on_ready(void *arg)
{
	struct sx_transport *transport = arg;

	for (int i = 0; i < RECEIVE_BATCHES; i++) {
		if (sx_socket_receive(transport->socket) < 0) {
			return;
		}
	}
}

static void read_clocks(struct sx_transport *transport)
{
	transport->now_ns = sx_loop_now_ns();
	sx_socket_set_time(transport->socket, transport->now_ns, sx_loop_unix_time());
}

static int open_paths(struct sx_transport *transport, const struct sx_transport_config *config,
	struct sx_problem problem)
{
	char text[SX_PATHTABLE_PROBLEM_BYTES] = "";
	int rc;

	if (strncmp(config->paths, FILE_PREFIX, strlen(FILE_PREFIX)) != 0) {
		say(problem, "paths", config->paths,
			"must be \"file:\" and the name of a path file");
		return SX_EINVAL;
	}
	rc = sx_pathsrc_file_open(
		&transport->paths, config->paths + strlen(FILE_PREFIX), &config->log, text);
	if (rc < 0) {
		say(problem, "paths", config->paths, text);
	}
	return rc;
}

static int open_socket(struct sx_transport *transport, const struct sx_transport_config *config,
	const uint8_t *secret, struct sx_problem problem)
{
	char text[SX_SOCKET_PROBLEM_BYTES] = "";
	struct sx_socket_config socket = { .port = config->port,
		.paths = transport->paths,
		.secret = secret,
		.received = on_received,
		.arg = transport };
	int rc = sx_addr_parse(sx_bytes_text(config->address), &socket.local);

	if (rc < 0) {
		say(problem, "address", config->address,
			"is not a SCION address; expected is one like 1-ff00:0:111,192.0.2.10");
		return rc;
	}
	rc = sx_socket_open(&transport->socket, &socket, text);
	if (rc < 0) {
		say(problem, "address", config->address, text);
		return rc;
	}
	transport->watch =
		(struct sx_watch){ on_ready, transport, sx_socket_fd(transport->socket) };
	return sx_loop_watch(transport->loop, &transport->watch);
}

static int open_quic(struct sx_transport *transport, const struct sx_transport_config *config,
	const uint8_t *secret)
{
	struct sx_endpoint_config endpoint = {
		.port = sx_socket_port(transport->socket),
		.local = sx_socket_local_peer(transport->socket),
		.alpn = config->alpn,
		.secret = secret,
		.limits = config->limits,
		.events = config->events,
		.arg = config->arg,
		.log = config->log,
	};
	int rc = sx_tls_new(&transport->tls);

	if (rc < 0) {
		return rc;
	}
	endpoint.tls = transport->tls;
	return sx_endpoint_new(&transport->endpoint, &endpoint, transport->now_ns);
}

int sx_transport_new(struct sx_transport **out, const struct sx_transport_config *config,
	struct sx_problem problem)
{
	struct sx_transport *transport = calloc(1, sizeof *transport);
	uint8_t secret[SX_TRANSPORT_SECRET_CHARS];
	int rc;

	if (!transport) {
		(void)snprintf(problem.text, problem.cap, "out of memory");
		return SX_ENOMEM;
	}
	sx_live_add();
	sx_random_bytes(secret, sizeof secret);
	transport->log = config->log;
	if (config->secret && strlen(config->secret) != sizeof secret) {
		(void)snprintf(problem.text, problem.cap, "secret: expected %zu characters",
			sizeof secret);
		rc = SX_EINVAL;
		goto fail;
	}
	(void)snprintf(problem.text, problem.cap, "cannot start");
	rc = sx_loop_new(&transport->loop);
	if (rc < 0) {
		goto fail;
	}
	rc = open_paths(transport, config, problem);
	if (rc < 0) {
		goto fail;
	}
	rc = open_socket(transport, config, secret, problem);
	if (rc < 0) {
		goto fail;
	}
	read_clocks(transport);
	if (config->secret) {
		memcpy(secret, config->secret, sizeof secret);
	}
	rc = open_quic(transport, config, secret);
	if (rc < 0) {
		goto fail;
	}
	*out = transport;
	return SX_OK;

fail:
	sx_transport_free(transport);
	return rc;
}

void sx_transport_free(struct sx_transport *transport)
{
	if (!transport) {
		return;
	}
	sx_endpoint_free(transport->endpoint);
	sx_tls_free(transport->tls);
	sx_socket_close(transport->socket);
	if (transport->paths) {
		transport->paths->ops->free(transport->paths);
	}
	sx_loop_free(transport->loop);
	free(transport);
	sx_live_remove();
}

int sx_transport_fd(const struct sx_transport *transport)
{
	return sx_loop_fd(transport->loop);
}

void sx_transport_process(struct sx_transport *transport, int timeout_ms)
{
	bool more;

	transport->woken = false;
	read_clocks(transport);
	sx_loop_run(transport->loop, timeout_ms);
	read_clocks(transport);
	sx_endpoint_process(transport->endpoint, transport->now_ns, &more);
	sx_loop_set_deadline(transport->loop, sx_endpoint_deadline(transport->endpoint));
	if (more) {
		sx_transport_wake(transport);
	}
}

void sx_transport_wake(struct sx_transport *transport)
{
	if (!transport->woken) {
		transport->woken = true;
		sx_loop_wake(transport->loop);
	}
}

struct sx_tls *sx_transport_tls(struct sx_transport *transport)
{
	return transport->tls;
}

static int make_route(struct sx_transport *transport, const struct sx_transport_target *target,
	struct sx_dial *dial, struct sx_problem problem)
{
	struct sx_addr addr;
	char ia[SX_IA_TEXT_BYTES];
	int rc = sx_addr_parse(sx_bytes_text(target->address), &addr);

	if (rc < 0) {
		say(problem, "address", target->address, "is not a SCION address");
		return rc;
	}
	rc = sx_socket_route_new(transport->socket, &addr, target->port, &dial->route);
	if (rc < 0) {
		sx_ia_write(addr.ia, ia, sizeof ia);
		(void)snprintf(problem.text, problem.cap, "%s to %s", sx_status_text(rc), ia);
		return rc;
	}
	dial->peer = sx_socket_peer(transport->socket, &addr, target->port);
	return SX_OK;
}

int sx_transport_dial(struct sx_transport *transport, const struct sx_transport_target *target,
	void *user, struct sx_stream **out, struct sx_problem problem)
{
	struct sx_dial dial = { .local_name = target->local_name,
		.remote_name = target->remote_name,
		.alpn = target->alpn };
	int rc;

	read_clocks(transport);
	rc = make_route(transport, target, &dial, problem);
	if (rc < 0) {
		return rc;
	}
	rc = sx_endpoint_dial(transport->endpoint, &dial, user, transport->now_ns, out);
	if (rc < 0) {
		sx_socket_port(transport->socket).ops->route_free(dial.route);
		(void)snprintf(problem.text, problem.cap, "%s",
			rc == SX_ENOTFOUND ? "no certificate is known for the local domain"
					   : sx_status_text(rc));
		return rc;
	}
	sx_transport_wake(transport);
	return SX_OK;
}

void sx_transport_drain(struct sx_transport *transport, uint32_t timeout_ms)
{
	uint64_t end_ns = sx_loop_now_ns() + timeout_ms * MS_NS;

	sx_endpoint_stop_accepting(transport->endpoint);
	sx_transport_process(transport, 0);
	while (!sx_endpoint_is_quiet(transport->endpoint) && transport->now_ns < end_ns) {
		sx_transport_process(transport, (int)((end_ns - transport->now_ns) / MS_NS) + 1);
	}
}

void sx_transport_stats(const struct sx_transport *transport, struct sx_transport_stats *out)
{
	struct sx_socket_stats socket;

	sx_socket_stats(transport->socket, &socket);
	sx_endpoint_stats(transport->endpoint, &out->quic);
	out->dropped_scion =
		socket.malformed + socket.not_ours + socket.unknown_router + socket.bad_checksum;
	out->scmp_in = socket.scmp_in;
	out->scmp_echo = socket.scmp_echo;
	out->path_switches = socket.path_switches;
	out->paths = transport->paths->ops->count(transport->paths);
}

int sx_transport_path_text(
	struct sx_transport *transport, uint64_t ia, size_t index, char *out, size_t cap)
{
	uint64_t now = sx_loop_unix_time();
	const struct sx_known_path *path;
	struct sx_pathset set;
	char way[WAY_BYTES];

	read_clocks(transport);
	sx_pathset_of(&set, transport->paths, ia, now);
	if (index >= set.count) {
		return SX_ENOTFOUND;
	}
	path = set.paths[index];
	sx_way_write(path->interfaces, path->interface_count, way, sizeof way);
	(void)snprintf(out, cap, "%s  MTU %u, %llu min left", way, path->mtu,
		(unsigned long long)(path->expiry - now) / 60);
	return SX_OK;
}
