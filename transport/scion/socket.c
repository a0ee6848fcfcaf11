/* SPDX-License-Identifier: MIT */
#include "scion/socket.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "scion/route.h"
#include "scion/scmp.h"
#include "scion/underlay.h"

#define BATCH_BYTES     65000 /* what one train of the kernel can hold */
#define ECN_CE          3
#define ECHO_PER_SECOND 100
#define SECOND_NS       1000000000U

/* What QUIC holds as its port; a member, so that no pointer needs a cast. */
struct sx_port {
	struct sx_socket *socket;
};

struct sx_socket {
	struct sx_port port;
	struct sx_route_context context;
	struct sx_underlay *underlay;
	void (*received)(void *arg, const struct sx_datagram *datagram);
	void *arg;
	uint8_t secret[SX_SOCKET_SECRET_BYTES];
	uint64_t now_ns;
	uint64_t echo_second; /* the second that echo_count is of */
	unsigned echo_count;
	struct sx_peer local;
	struct sx_socket_stats stats;
	uint8_t batch[BATCH_BYTES]; /* what is being sent */
};

/* Datagrams that lie back to back, `segment` bytes each but the last. */
struct train {
	struct sx_bytes data;
	size_t segment;
	uint8_t ecn;
};

static struct sx_socket *socket_of(struct sx_route *route)
{
	return sx_container_of(route->context, struct sx_socket, context);
}

static size_t count_of(const struct train *train)
{
	return (train->data.len + train->segment - 1) / train->segment;
}

/* Hands datagrams with their headers to the underlay and counts them. */
static int transmit(
	struct sx_socket *socket, const struct sx_ip_port *to, const struct train *train)
{
	int rc = sx_underlay_send(socket->underlay, to, train->data, train->segment, train->ecn);

	if (rc == SX_OK) {
		socket->stats.datagrams_out += count_of(train);
	} else if (rc != SX_EAGAIN) {
		socket->stats.lost_out += count_of(train);
	}
	return rc;
}

static int transmit_one(
	struct sx_socket *socket, const struct sx_ip_port *to, const struct sx_writer *writer)
{
	struct train train = { .data = sx_writer_bytes(writer), .segment = writer->at };

	return transmit(socket, to, &train);
}

/* Puts headers before as many datagrams as fit the batch, and takes them off the train. Returns what to send. */
static struct train fill_batch(
	struct sx_socket *socket, const struct sx_template *header, struct train *train)
{
	struct sx_writer writer = sx_writer_of(socket->batch, sizeof socket->batch);

	while (train->data.len > 0) {
		size_t len = train->data.len < train->segment ? train->data.len : train->segment;

		if (header->len + len > writer.cap - writer.at) {
			break;
		}
		sx_template_write(header, &writer, sx_bytes_of(train->data.data, len), train->ecn);
		train->data = sx_bytes_of(train->data.data + len, train->data.len - len);
	}
	return (struct train){ sx_writer_bytes(&writer), header->len + train->segment, train->ecn };
}

static int send_train(struct sx_route *route, struct train train)
{
	struct sx_socket *socket = socket_of(route);

	for (bool first = true; train.data.len > 0; first = false) {
		struct train batch = fill_batch(socket, &route->header, &train);
		int rc;

		if (batch.data.len == 0) {
			return SX_EINVAL; /* far over any budget */
		}
		rc = transmit(socket, &route->next_hop, &batch);
		if (rc == SX_EAGAIN && !first) {
			/* A part is on its way, so the rest is lost, as in a network. */
			socket->stats.lost_out += count_of(&batch) + count_of(&train);
			return SX_OK;
		}
		if (rc < 0) {
			return rc;
		}
	}
	return SX_OK;
}

static int port_send(struct sx_route *route, struct sx_bytes data, size_t segment, uint8_t ecn)
{
	struct train train = { .data = data, .segment = segment, .ecn = ecn };
	int rc;

	if (segment == 0) {
		return SX_EINVAL;
	}
	rc = sx_route_renew(route);
	if (rc < 0) {
		socket_of(route)->stats.lost_out += count_of(&train);
		return rc;
	}
	rc = send_train(route, train);
	if (rc == SX_ELIMIT) {
		/* The first link is narrower than the path says: a tunnel, for example. quic.md 2.7, 11. */
		sx_route_narrow(route);
	}
	return rc;
}

static void port_learn(struct sx_route *route, const struct sx_datagram *datagram)
{
	sx_route_learn(route, datagram->trace);
}

static int port_route_back(
	struct sx_port *port, const struct sx_datagram *datagram, struct sx_route **out)
{
	return sx_route_answer(out, &port->socket->context, datagram->trace);
}

static void port_reply(
	struct sx_port *port, const struct sx_datagram *datagram, struct sx_bytes payload)
{
	struct sx_socket *socket = port->socket;
	const struct sx_arrival *arrival = datagram->trace;
	struct sx_writer writer = sx_writer_of(socket->batch, sizeof socket->batch);
	struct sx_template header;

	if (sx_route_answer_once(&socket->context, arrival, &header) < 0) {
		return;
	}
	sx_template_write(&header, &writer, payload, 0);
	if (sx_writer_ok(&writer)) {
		(void)transmit_one(socket, &arrival->from, &writer);
	}
}

static void port_describe(
	const struct sx_route *route, char *peer, size_t peer_cap, char *path, size_t path_cap)
{
	sx_addr_write(&route->peer, peer, peer_cap);
	sx_route_describe_way(route, path, path_cap);
}

static const struct sx_port_ops port_ops = {
	.send = port_send,
	.budget = sx_route_budget,
	.learn = port_learn,
	.suspect = sx_route_suspect,
	.route_back = port_route_back,
	.route_free = sx_route_free,
	.reply = port_reply,
	.describe = port_describe,
};

/* Packets come from our routers, and without a path from hosts of our AS under their own address. */
static bool may_bring(const struct sx_socket *socket, const struct sx_arrival *arrival)
{
	const struct sx_local_as *as = socket->context.paths->ops->local(socket->context.paths);
	const struct sx_packet *packet = &arrival->packet;

	if (packet->path_type == SX_PATH_EMPTY) {
		return packet->src.ia == socket->context.local.ia &&
		       sx_host_equal(&packet->src.host, &arrival->from.host);
	}
	for (size_t i = 0; i < as->router_count; i++) {
		if (sx_ip_port_equal(&as->routers[i], &arrival->from)) {
			return true;
		}
	}
	return false;
}

/* Congestion met on the last stretch counts, too; routers do not copy it into the SCION header. */
static uint8_t ecn_of(const struct sx_packet *packet, const struct sx_underlay_datagram *datagram)
{
	return datagram->ecn == ECN_CE ? ECN_CE : packet->traffic_class & ECN_CE;
}

static void count_bad(struct sx_socket *socket, int rc)
{
	if (rc == SX_EPROTO) {
		socket->stats.bad_checksum++;
	} else {
		socket->stats.malformed++;
	}
}

static void receive_udp(
	struct sx_socket *socket, struct sx_arrival *arrival, const struct sx_underlay_datagram *in)
{
	struct sx_datagram datagram = { .to = socket->local, .trace = arrival };
	int rc = sx_udp_parse(&arrival->udp, &arrival->packet);

	if (rc < 0) {
		count_bad(socket, rc);
		return;
	}
	if (arrival->udp.dst_port != socket->context.port) {
		socket->stats.not_ours++;
		return;
	}
	datagram.from = sx_socket_peer(socket, &arrival->packet.src, arrival->udp.src_port);
	datagram.payload = arrival->udp.payload;
	datagram.ecn = ecn_of(&arrival->packet, in);
	socket->stats.delivered++;
	socket->received(socket->arg, &datagram);
}

/* Counts an answer against the rate of this second. */
static bool may_echo(struct sx_socket *socket)
{
	uint64_t second = socket->now_ns / SECOND_NS;

	if (second != socket->echo_second) {
		socket->echo_second = second;
		socket->echo_count = 0;
	}
	if (socket->echo_count == ECHO_PER_SECOND) {
		return false;
	}
	socket->echo_count++;
	return true;
}

static void answer_echo(
	struct sx_socket *socket, const struct sx_arrival *arrival, const struct sx_scmp *request)
{
	struct sx_writer writer = sx_writer_of(socket->batch, sizeof socket->batch);
	struct sx_scmp scmp = *request;
	struct sx_packet packet = {
		.flow_id = arrival->packet.flow_id,
		.dst = arrival->packet.src,
		.src = socket->context.local,
	};
	struct sx_path_raw raw;

	if (!may_echo(socket)) {
		socket->stats.scmp_echo_limited++;
		return;
	}
	if (sx_path_reply(arrival->packet.path_type, arrival->packet.path, &raw) < 0) {
		return;
	}
	packet.path_type = raw.type;
	packet.path = sx_bytes_of(raw.bytes, raw.len);
	scmp.type = SX_SCMP_ECHO_REPLY;
	if (sx_scmp_write(&writer, &packet, &scmp) == SX_OK &&
		transmit_one(socket, &arrival->from, &writer) == SX_OK) {
		socket->stats.scmp_echo++;
	}
}

static void receive_scmp(struct sx_socket *socket, const struct sx_arrival *arrival)
{
	struct sx_scmp scmp;
	int rc = sx_scmp_parse(&scmp, &arrival->packet);

	if (rc < 0) {
		count_bad(socket, rc);
		return;
	}
	socket->stats.scmp_in++;
	if (scmp.type == SX_SCMP_ECHO_REQUEST) {
		answer_echo(socket, arrival, &scmp);
	}
}

static void receive_upper(struct sx_socket *socket, struct sx_arrival *arrival,
	const struct sx_underlay_datagram *datagram)
{
	switch (arrival->packet.protocol) {
	case SX_PROTOCOL_UDP:
		receive_udp(socket, arrival, datagram);
		return;
	case SX_PROTOCOL_SCMP:
		receive_scmp(socket, arrival);
		return;
	default:
		socket->stats.not_ours++;
	}
}

static void receive_one(void *arg, const struct sx_underlay_datagram *datagram)
{
	struct sx_socket *socket = arg;
	struct sx_arrival arrival = { .from = datagram->from };

	socket->stats.datagrams_in++;
	if (sx_packet_parse(&arrival.packet, datagram->data) < 0) {
		socket->stats.malformed++;
	} else if (!sx_addr_equal(&arrival.packet.dst, &socket->context.local)) {
		socket->stats.not_ours++;
	} else if (!may_bring(socket, &arrival)) {
		socket->stats.unknown_router++;
	} else {
		receive_upper(socket, &arrival, datagram);
	}
}

static bool is_ip(const struct sx_host *host)
{
	return host->type == SX_HOST_IPV4 || host->type == SX_HOST_IPV6;
}

static int check_local(const struct sx_socket_config *config, char *problem)
{
	char ours[SX_ADDR_TEXT_BYTES];
	char theirs[SX_IA_TEXT_BYTES];
	uint64_t ia = config->paths->ops->local(config->paths)->ia;

	sx_addr_write(&config->local, ours, sizeof ours);
	if (!is_ip(&config->local.host)) {
		(void)snprintf(problem, SX_SOCKET_PROBLEM_BYTES,
			"our address %s must have an IP address as its host", ours);
		return SX_EINVAL;
	}
	if (config->local.ia != ia) {
		sx_ia_write(ia, theirs, sizeof theirs);
		(void)snprintf(problem, SX_SOCKET_PROBLEM_BYTES,
			"our address is %s, but the paths are those of %s", ours, theirs);
		return SX_EINVAL;
	}
	return SX_OK;
}

static int open_underlay(
	struct sx_socket *socket, const struct sx_socket_config *config, char *problem)
{
	struct sx_ip_port local = { .host = config->local.host, .port = config->port };
	char text[SX_HOST_TEXT_BYTES];
	int os_error;
	int rc = sx_underlay_open(&socket->underlay, &local, &os_error);

	if (rc == SX_EIO) {
		sx_host_write(&local.host, text, sizeof text);
		(void)snprintf(problem, SX_SOCKET_PROBLEM_BYTES,
			"cannot bind UDP port %u of %s: %s", local.port, text, strerror(os_error));
	}
	return rc;
}

int sx_socket_open(struct sx_socket **out, const struct sx_socket_config *config,
	char problem[SX_SOCKET_PROBLEM_BYTES])
{
	struct sx_socket *socket;
	int rc = check_local(config, problem);

	if (rc < 0) {
		return rc;
	}
	(void)snprintf(problem, SX_SOCKET_PROBLEM_BYTES, "out of memory");
	socket = calloc(1, sizeof *socket);
	if (!socket) {
		return SX_ENOMEM;
	}
	socket->port.socket = socket;
	socket->received = config->received;
	socket->arg = config->arg;
	memcpy(socket->secret, config->secret, sizeof socket->secret);
	memcpy(socket->context.flow_key, config->secret, sizeof socket->context.flow_key);
	socket->context.local = config->local;
	socket->context.paths = config->paths;
	rc = open_underlay(socket, config, problem);
	if (rc < 0) {
		sx_socket_close(socket);
		return rc;
	}
	socket->context.port = sx_underlay_local(socket->underlay).port;
	socket->local = sx_socket_peer(socket, &config->local, socket->context.port);
	*out = socket;
	return SX_OK;
}

void sx_socket_close(struct sx_socket *socket)
{
	if (!socket) {
		return;
	}
	sx_underlay_close(socket->underlay);
	free(socket);
}

int sx_socket_fd(const struct sx_socket *socket)
{
	return sx_underlay_fd(socket->underlay);
}

uint16_t sx_socket_port_number(const struct sx_socket *socket)
{
	return socket->context.port;
}

void sx_socket_set_time(struct sx_socket *socket, uint64_t now_ns, uint64_t unix_seconds)
{
	struct sx_pathsrc *paths = socket->context.paths;

	socket->now_ns = now_ns;
	socket->context.now = unix_seconds;
	paths->ops->refresh(paths, now_ns);
}

int sx_socket_receive(struct sx_socket *socket)
{
	return sx_underlay_receive(socket->underlay, receive_one, socket);
}

struct sx_port_ref sx_socket_port(struct sx_socket *socket)
{
	return (struct sx_port_ref){ &port_ops, &socket->port };
}

struct sx_peer sx_socket_peer(
	const struct sx_socket *socket, const struct sx_addr *addr, uint16_t port)
{
	struct sx_peer peer = { .address = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	uint8_t bytes[8 + 1 + 16];
	struct sx_writer in = sx_writer_of(bytes, sizeof bytes);
	struct sx_writer out = sx_writer_of(&peer.address.sin6_addr, 16);
	uint64_t hash;

	sx_write_u64(&in, addr->ia);
	sx_write_u8(&in, addr->host.type);
	sx_write_bytes(&in, sx_host_bytes(&addr->host));
	sx_write_u8(&out, 0xfd); /* a unique local address (RFC 4193), so none that is in use */
	sx_write_u64(&out, sx_siphash(socket->secret, sx_writer_bytes(&in)));
	hash = sx_siphash(socket->secret + 16, sx_writer_bytes(&in));
	sx_write_bytes(&out, sx_bytes_of(&hash, 7));
	return peer;
}

struct sx_peer sx_socket_local_peer(const struct sx_socket *socket)
{
	return socket->local;
}

int sx_socket_route_new(
	struct sx_socket *socket, const struct sx_addr *peer, uint16_t port, struct sx_route **out)
{
	if (!is_ip(&peer->host)) {
		return SX_EINVAL;
	}
	return sx_route_dial(out, &socket->context, peer, port);
}

void sx_socket_stats(const struct sx_socket *socket, struct sx_socket_stats *out)
{
	*out = socket->stats;
	out->path_switches = socket->context.switches;
}
