/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/random.h"
#include "rains/scan.h"
#include "rains/scion_link.h"
#include "scion/socket.h"

#define BATCHES_MOST 8

struct sx_rains_port {
	struct sx_loop *loop;
	struct sx_watch watch;
	struct sx_socket *socket;
	struct sx_list links;
};

struct scion_link {
	struct sx_rains_link link;
	struct sx_list in_port;
	struct sx_rains_port *port;
	struct sx_addr addr;
	uint16_t port_number;
	struct sx_peer peer;    /* of the server, as the socket sees it */
	struct sx_route *route; /* NULL: no path was known yet */
	struct sx_rains_link_events events;
};

static void read_clocks(struct sx_rains_port *port)
{
	sx_socket_set_time(port->socket, sx_loop_now_ns(), sx_loop_unix_time());
}

static bool is_from(const struct scion_link *link, const struct sx_datagram *datagram)
{
	return memcmp(&link->peer, &datagram->from, sizeof link->peer) == 0;
}

/* What strangers send is dropped: the token alone would let them guess for ever. */
static void on_datagram(void *arg, const struct sx_datagram *datagram)
{
	struct sx_rains_port *port = arg;

	if (sx_cbor_check(datagram->payload, SX_RAINS_MSG_MOST) < 0) {
		return;
	}
	sx_list_each (node, following, &port->links) {
		struct scion_link *link = sx_container_of(node, struct scion_link, in_port);

		if (is_from(link, datagram)) {
			link->events.received(link->events.arg, datagram->payload);
			return;
		}
	}
}

static void on_ready(void *arg)
{
	struct sx_rains_port *port = arg;

	read_clocks(port);
	for (int i = 0; i < BATCHES_MOST; i++) {
		if (sx_socket_receive(port->socket) < 0) {
			return;
		}
	}
}

int sx_rains_port_new(struct sx_rains_port **out, struct sx_loop *loop,
	const struct sx_rains_scion *scion, struct sx_rains_reason *reason)
{
	char problem[SX_SOCKET_PROBLEM_BYTES] = "out of memory";
	struct sx_rains_port *port = calloc(1, sizeof *port);
	uint8_t secret[SX_SOCKET_SECRET_BYTES];
	int rc = SX_ENOMEM;

	if (!port) {
		goto fail;
	}
	sx_random_bytes(secret, sizeof secret);
	port->loop = loop;
	sx_list_init(&port->links);
	rc = sx_socket_open(&port->socket,
		&(struct sx_socket_config){ .local = scion->local,
			.port = scion->port,
			.paths = scion->paths,
			.secret = secret,
			.received = on_datagram,
			.arg = port },
		problem);
	if (rc < 0) {
		goto fail;
	}
	read_clocks(port);
	port->watch = (struct sx_watch){ on_ready, port, sx_socket_fd(port->socket) };
	rc = sx_loop_watch(loop, &port->watch);
	if (rc < 0) {
		sx_socket_close(port->socket);
		goto fail;
	}
	*out = port;
	return SX_OK;

fail:
	sx_rains_reason_set(reason, "RAINS over SCION from port %u: %s", scion->port, problem);
	free(port);
	return rc;
}

void sx_rains_port_free(struct sx_rains_port *port)
{
	if (!port) {
		return;
	}
	sx_loop_unwatch(port->loop, &port->watch);
	sx_socket_close(port->socket);
	free(port);
}

static int link_send(struct sx_rains_link *base, struct sx_bytes message, uint64_t now_ns)
{
	struct scion_link *link = sx_container_of(base, struct scion_link, link);
	struct sx_port_ref ref = sx_socket_port(link->port->socket);
	int rc = SX_OK;

	(void)now_ns;
	read_clocks(link->port);
	if (!link->route) {
		rc = sx_socket_route_new(
			link->port->socket, &link->addr, link->port_number, &link->route);
	}
	if (rc < 0) {
		return rc;
	}
	if (message.len > ref.ops->budget(link->route)) {
		return SX_ELIMIT;
	}
	return ref.ops->send(link->route, message, message.len, 0);
}

static void link_suspect(struct sx_rains_link *base)
{
	struct scion_link *link = sx_container_of(base, struct scion_link, link);

	if (link->route) {
		sx_socket_port(link->port->socket).ops->suspect(link->route);
	}
}

static void link_free(struct sx_rains_link *base)
{
	struct scion_link *link = sx_container_of(base, struct scion_link, link);

	if (link->route) {
		sx_socket_port(link->port->socket).ops->route_free(link->route);
	}
	sx_list_remove(&link->in_port);
	free(link);
}

static const struct sx_rains_link_ops ops = { link_send, link_suspect, link_free };

int sx_rains_scion_link_new(struct sx_rains_link **out, struct sx_rains_port *port,
	const struct sx_rains_server *server, const struct sx_rains_link_events *events)
{
	struct scion_link *link = calloc(1, sizeof *link);

	if (!link) {
		return SX_ENOMEM;
	}
	link->link.ops = &ops;
	link->port = port;
	link->addr = server->addr;
	link->port_number = server->port;
	link->peer = sx_socket_peer(port->socket, &server->addr, server->port);
	link->events = *events;
	sx_list_append(&port->links, &link->in_port);
	*out = &link->link;
	return SX_OK;
}
