/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "router.h"
#include "underlay.h"

#define RECEIVE_BUFFER   (4 << 20)
#define PACKETS_PER_TURN 64

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t to_address(const struct sx_host *host, uint16_t port, union address *out)
{
	memset(out, 0, sizeof *out);
	if (host->type == SX_HOST_IPV4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, host->bytes, 4);
		return sizeof out->v4;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, host->bytes, 16);
	return sizeof out->v6;
}

static uint16_t from_address(const union address *address, struct sx_host *out)
{
	*out = (struct sx_host){ 0 };
	if (address->any.sa_family == AF_INET) {
		memcpy(out->bytes, &address->v4.sin_addr, 4);
		return ntohs(address->v4.sin_port);
	}
	out->type = SX_HOST_IPV6;
	memcpy(out->bytes, &address->v6.sin6_addr, 16);
	return ntohs(address->v6.sin6_port);
}

static void ready(void *arg)
{
	struct sx_underlay *underlay = arg;
	uint8_t buffer[SX_ROUTER_PACKET_MAX];

	for (int i = 0; i < PACKETS_PER_TURN; i++) {
		union address from;
		socklen_t from_len = sizeof from;
		struct sx_host host;
		uint16_t port;
		ssize_t len = recvfrom(
			underlay->watch.fd, buffer, sizeof buffer, 0, &from.any, &from_len);

		if (len < 0) {
			return;
		}
		port = from_address(&from, &host);
		underlay->receive(
			underlay->arg, underlay->as, &host, port, sx_bytes_of(buffer, (size_t)len));
	}
}

int sx_underlay_open(struct sx_underlay *underlay, struct sx_loop *loop, const struct sx_host *host,
	uint16_t port)
{
	int type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int size = RECEIVE_BUFFER;
	union address address;
	socklen_t address_len = to_address(host, port, &address);
	int fd = socket(address.any.sa_family, type, 0);

	if (fd < 0) {
		return SX_EIO;
	}
	/* A sender's burst should fit; without the privilege the kernel gives what it allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
	underlay->watch = (struct sx_watch){ ready, underlay, fd };
	if (bind(fd, &address.any, address_len) < 0 || sx_loop_watch(loop, &underlay->watch) < 0) {
		(void)close(fd);
		underlay->watch.fd = -1;
		return SX_EIO;
	}
	underlay->loop = loop;
	return SX_OK;
}

void sx_underlay_close(struct sx_underlay *underlay)
{
	if (underlay->watch.fd >= 0) {
		sx_loop_unwatch(underlay->loop, &underlay->watch);
		(void)close(underlay->watch.fd);
		underlay->watch.fd = -1;
	}
}

int sx_underlay_send(struct sx_underlay *underlay, const struct sx_host *host, uint16_t port,
	struct sx_bytes datagram)
{
	union address to;
	socklen_t to_len = to_address(host, port, &to);
	ssize_t sent = sendto(underlay->watch.fd, datagram.data, datagram.len, 0, &to.any, to_len);

	return sent < 0 ? SX_EIO : SX_OK;
}
