/* SPDX-License-Identifier: MIT */
#include "ns_scion.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scion/path.h"
#include "scion/template.h"

#define PACKET_MOST 9216 /* what a router of the sandbox carries */
#define HUGE_BYTES  8000
#define BATCH       64

struct sx_ns_scion {
	struct sx_watch watch;
	struct sx_ns_process *process;
	struct sx_addr local;
	uint16_t port;
	uint8_t in[PACKET_MOST];
	uint8_t out[SX_NS_ANSWER_MOST];
};

/* An answer on its way: its packet, and the router that brought the question. */
struct reply {
	struct sx_ns_delayed delayed; /* the first member */
	int fd;
	struct sockaddr_storage to;
	socklen_t to_len;
	size_t len;
	uint8_t bytes[PACKET_MOST];
};

static void drop(struct sx_ns_delayed *delayed)
{
	free(delayed);
}

static void deliver(struct sx_ns_delayed *delayed)
{
	struct reply *reply = (struct reply *)(void *)delayed;

	(void)sendto(reply->fd, reply->bytes, reply->len, MSG_DONTWAIT,
		(const struct sockaddr *)&reply->to, reply->to_len);
	free(reply);
}

/* The headers back to where a packet came from. */
static int make_headers(
	struct sx_template *out, const struct sx_packet *packet, const struct sx_udp *udp)
{
	struct sx_udp ports = { .src_port = udp->dst_port, .dst_port = udp->src_port };
	struct sx_packet back = {
		.flow_id = packet->flow_id,
		.dst = packet->src,
		.src = packet->dst,
	};
	struct sx_path_raw path;
	int rc = sx_path_reply(packet->path_type, packet->path, &path);

	if (rc < 0) {
		return rc;
	}
	back.path_type = path.type;
	back.path = sx_bytes_of(path.bytes, path.len);
	return sx_template_init(out, &back, &ports);
}

static void answer(struct sx_ns_scion *scion, const struct sx_packet *packet,
	const struct sx_udp *udp, struct reply *reply)
{
	struct sx_writer out = sx_writer_of(scion->out, sizeof scion->out);
	struct sx_writer datagram = sx_writer_of(reply->bytes, sizeof reply->bytes);
	struct sx_template headers;

	scion->process->scion_messages++;
	if (sx_ns_answer(scion->process->ns, udp->payload, (int64_t)sx_loop_unix_time(), HUGE_BYTES,
		    &out) != SX_NS_SEND ||
		make_headers(&headers, packet, udp) < 0) {
		free(reply);
		return;
	}
	sx_template_write(&headers, &datagram, sx_writer_bytes(&out), 0);
	if (!sx_writer_ok(&datagram)) {
		free(reply);
		return;
	}
	reply->len = datagram.at;
	reply->delayed.deliver = deliver;
	reply->delayed.drop = drop;
	sx_ns_process_deliver(scion->process, &reply->delayed);
}

/* Takes the reply, of which only the address is filled in. */
static void take_datagram(struct sx_ns_scion *scion, size_t len, struct reply *reply)
{
	struct sx_packet packet;
	struct sx_udp udp;

	if (sx_packet_parse(&packet, sx_bytes_of(scion->in, len)) < 0 ||
		sx_udp_parse(&udp, &packet) < 0 || !sx_addr_equal(&packet.dst, &scion->local) ||
		udp.dst_port != scion->port) {
		scion->process->ns->counters.malformed++;
		free(reply);
		return;
	}
	answer(scion, &packet, &udp, reply);
}

static void ready(void *arg)
{
	struct sx_ns_scion *scion = arg;

	for (int i = 0; i < BATCH; i++) {
		struct reply *reply = calloc(1, sizeof *reply);
		ssize_t len;

		if (!reply) {
			return;
		}
		reply->fd = scion->watch.fd;
		reply->to_len = sizeof reply->to;
		len = recvfrom(scion->watch.fd, scion->in, sizeof scion->in, MSG_DONTWAIT,
			(struct sockaddr *)&reply->to, &reply->to_len);
		if (len < 0) {
			free(reply);
			return;
		}
		take_datagram(scion, (size_t)len, reply);
	}
}

static int bind_to(struct sx_ns_scion *scion)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(scion->port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(scion->port) };
	bool is_four = scion->local.host.type == SX_HOST_IPV4;
	const void *address = is_four ? (const void *)&four : (const void *)&six;
	socklen_t len = is_four ? sizeof four : sizeof six;

	memcpy(&four.sin_addr, scion->local.host.bytes, sizeof four.sin_addr);
	memcpy(&six.sin6_addr, scion->local.host.bytes, sizeof six.sin6_addr);
	scion->watch.fd = socket(is_four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (scion->watch.fd < 0 || bind(scion->watch.fd, address, len) < 0) {
		return SX_EIO;
	}
	return sx_loop_watch(scion->process->loop, &scion->watch);
}

int sx_ns_scion_open(struct sx_ns_scion **out, struct sx_ns_process *process,
	const struct sx_addr *local, uint16_t port)
{
	struct sx_ns_scion *scion = calloc(1, sizeof *scion);
	int rc;

	if (!scion) {
		return SX_ENOMEM;
	}
	scion->process = process;
	scion->local = *local;
	scion->port = port;
	scion->watch = (struct sx_watch){ ready, scion, -1 };
	rc = bind_to(scion);
	if (rc < 0) {
		sx_ns_scion_close(scion);
		return rc;
	}
	*out = scion;
	return SX_OK;
}

void sx_ns_scion_close(struct sx_ns_scion *scion)
{
	int error = errno;

	if (!scion) {
		return;
	}
	if (scion->watch.fd >= 0) {
		sx_loop_unwatch(scion->process->loop, &scion->watch);
		(void)close(scion->watch.fd);
	}
	free(scion);
	errno = error;
}
