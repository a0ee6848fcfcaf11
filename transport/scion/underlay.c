/* SPDX-License-Identifier: MIT */
#include "scion/underlay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH         8
#define SLOT_BYTES    65536 /* a UDP datagram or a whole train that GRO has joined */
#define CONTROL_BYTES 128
#define BUFFER_BYTES  (4 * 1024 * 1024)
#define SEGMENTS_MAX  64    /* UDP_MAX_SEGMENTS of the oldest kernels */
#define TRAIN_MAX     65000 /* below 65535 with IP and UDP headers of either family */
#define ECN_MASK      3

struct slot {
	struct sockaddr_storage from;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	uint8_t data[SLOT_BYTES];
};

struct sx_underlay {
	int fd;
	int family;
	bool segmentation; /* UDP_SEGMENT works, as far as we know */
	struct sx_ip_port local;
	struct slot slots[BATCH];
};

static socklen_t to_sockaddr(const struct sx_ip_port *in, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (in->host.type == SX_HOST_IPV4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(in->port);
		memcpy(&v4->sin_addr, in->host.bytes, sizeof v4->sin_addr);
		return sizeof *v4;
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(in->port);
	memcpy(&v6->sin6_addr, in->host.bytes, sizeof v6->sin6_addr);
	return sizeof *v6;
}

static struct sx_ip_port of_sockaddr(const struct sockaddr_storage *in)
{
	struct sx_ip_port out = { 0 };

	if (in->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;

		out.host.type = SX_HOST_IPV4;
		memcpy(out.host.bytes, &v4->sin_addr, sizeof v4->sin_addr);
		out.port = ntohs(v4->sin_port);
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;

		out.host.type = SX_HOST_IPV6;
		memcpy(out.host.bytes, &v6->sin6_addr, sizeof v6->sin6_addr);
		out.port = ntohs(v6->sin6_port);
	}
	return out;
}

static void set_option(int fd, int level, int name, int value)
{
	/* Each of them makes things better where the kernel has it; none is needed. */
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_options(struct sx_underlay *underlay)
{
	int fd = underlay->fd;
	int off = 0;

	set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
	set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
	if (underlay->family == AF_INET) {
		set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
		set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	} else {
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	}
	/* A kernel without it would ignore the request and send the whole train as one datagram. */
	underlay->segmentation = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
}

static int bind_socket(struct sx_underlay *underlay, const struct sx_ip_port *local)
{
	struct sockaddr_storage address;
	socklen_t len = to_sockaddr(local, &address);

	underlay->family = address.ss_family;
	underlay->fd = socket(underlay->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (underlay->fd < 0) {
		return SX_EIO;
	}
	set_options(underlay);
	if (bind(underlay->fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(underlay->fd, (struct sockaddr *)&address, &len) < 0) {
		return SX_EIO;
	}
	underlay->local = of_sockaddr(&address);
	return SX_OK;
}

static bool is_tos(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS);
}

/* The kernel gives IPv4's TOS as one byte, IPv6's traffic class as an int. */
static uint8_t tos_of(const struct cmsghdr *c)
{
	int value;

	if (c->cmsg_level == IPPROTO_IP) {
		return *CMSG_DATA(c);
	}
	memcpy(&value, CMSG_DATA(c), sizeof value);
	return (uint8_t)value;
}

/* What the kernel tells about a received datagram or train. */
static void read_control(struct msghdr *message, size_t *segment, uint8_t *ecn)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (is_tos(c)) {
			*ecn = tos_of(c) & ECN_MASK;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int size;

			memcpy(&size, CMSG_DATA(c), sizeof size);
			*segment = size > 0 ? (size_t)size : *segment;
		}
	}
}

/* One datagram, or each of a train; an empty datagram is one too. */
static void deliver(struct mmsghdr *message,
	void (*each)(void *arg, const struct sx_underlay_datagram *datagram), void *arg)
{
	const uint8_t *data = message->msg_hdr.msg_iov->iov_base;
	size_t left = message->msg_len;
	size_t segment = left;
	struct sx_underlay_datagram datagram = {
		.from = of_sockaddr(message->msg_hdr.msg_name),
	};

	read_control(&message->msg_hdr, &segment, &datagram.ecn);
	do {
		size_t len = left < segment ? left : segment;

		datagram.data = sx_bytes_of(data, len);
		each(arg, &datagram);
		data += len;
		left -= len;
	} while (left > 0);
}

static void add_control(struct msghdr *message, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *c =
		(struct cmsghdr *)((uint8_t *)message->msg_control + message->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), value, len);
	message->msg_controllen += CMSG_SPACE(len);
}

static void add_tos(struct msghdr *message, int family, int tos)
{
	if (family == AF_INET) {
		add_control(message, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	} else {
		add_control(message, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	}
}

static int status_of(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		return SX_EAGAIN;
	case EMSGSIZE:
		return SX_ELIMIT;
	case EINVAL:
		return SX_EINVAL;
	default:
		return SX_EIO;
	}
}

static int transmit(struct sx_underlay *underlay, const struct msghdr *message, bool is_train)
{
	while (sendmsg(underlay->fd, message, 0) < 0) {
		if (errno != EINTR) {
			/* The device cannot compute the checksums of a train: it never will. */
			underlay->segmentation &= !(is_train && errno == EIO);
			return status_of(errno);
		}
	}
	return SX_OK;
}

/* One sendmsg: a datagram, or a train when it is longer than `segment`. */
static int send_once(struct sx_underlay *underlay, const struct sx_ip_port *to,
	struct sx_bytes data, size_t segment, uint8_t ecn)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES] = { 0 };
	struct sockaddr_storage address;
	struct iovec part = { .iov_len = data.len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control };
	uint16_t train = (uint16_t)segment;

	memcpy(&part.iov_base, &data.data, sizeof part.iov_base); /* sendmsg only reads */
	message.msg_name = &address;
	message.msg_namelen = to_sockaddr(to, &address);
	if (address.ss_family != underlay->family) {
		return SX_EIO;
	}
	add_tos(&message, underlay->family, ecn & ECN_MASK);
	if (data.len > segment) {
		add_control(&message, IPPROTO_UDP, UDP_SEGMENT, &train, sizeof train);
	}
	return transmit(underlay, &message, data.len > segment);
}

/* At most `len` bytes from `at` on. An empty datagram may have no address to count from. */
static struct sx_bytes slice(struct sx_bytes data, size_t at, size_t len)
{
	if (data.len - at < len) {
		len = data.len - at;
	}
	return len > 0 ? sx_bytes_of(data.data + at, len) : sx_bytes_of(NULL, 0);
}

/* Datagram by datagram. */
static int send_each(struct sx_underlay *underlay, const struct sx_ip_port *to,
	struct sx_bytes data, size_t segment, uint8_t ecn)
{
	size_t at = 0;
	int rc;

	do {
		rc = send_once(underlay, to, slice(data, at, segment), segment, ecn);
		if (rc == SX_EAGAIN) {
			return at == 0 ? SX_EAGAIN : SX_OK;
		}
		at += segment;
	} while (at < data.len);
	return rc == SX_EINVAL ? SX_EIO : rc;
}

/* As one train where the kernel takes it. */
static int send_train(struct sx_underlay *underlay, const struct sx_ip_port *to,
	struct sx_bytes data, size_t segment, uint8_t ecn)
{
	int rc;

	if (!underlay->segmentation || data.len <= segment) {
		return send_each(underlay, to, data, segment, ecn);
	}
	rc = send_once(underlay, to, data, segment, ecn);
	/* SX_EINVAL, SX_ELIMIT: segments over the device's MTU, which may pass in fragments or one by one. */
	if (rc == SX_EINVAL || rc == SX_ELIMIT || (rc < 0 && !underlay->segmentation)) {
		return send_each(underlay, to, data, segment, ecn);
	}
	return rc;
}

int sx_underlay_open(struct sx_underlay **out, const struct sx_ip_port *local, int *os_error)
{
	struct sx_underlay *underlay = malloc(sizeof *underlay);
	int rc;

	*os_error = 0;
	if (!underlay) {
		return SX_ENOMEM;
	}
	rc = bind_socket(underlay, local);
	if (rc < 0) {
		*os_error = errno;
		sx_underlay_close(underlay);
		return rc;
	}
	*out = underlay;
	return SX_OK;
}

void sx_underlay_close(struct sx_underlay *underlay)
{
	if (!underlay) {
		return;
	}
	if (underlay->fd >= 0) {
		(void)close(underlay->fd);
	}
	free(underlay);
}

int sx_underlay_fd(const struct sx_underlay *underlay)
{
	return underlay->fd;
}

struct sx_ip_port sx_underlay_local(const struct sx_underlay *underlay)
{
	return underlay->local;
}

int sx_underlay_receive(struct sx_underlay *underlay,
	void (*each)(void *arg, const struct sx_underlay_datagram *datagram), void *arg)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec parts[BATCH];
	int count;

	for (size_t i = 0; i < BATCH; i++) {
		struct slot *slot = &underlay->slots[i];

		parts[i] = (struct iovec){ .iov_base = slot->data, .iov_len = SLOT_BYTES };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &slot->from,
			.msg_namelen = sizeof slot->from,
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = slot->control,
			.msg_controllen = sizeof slot->control,
		};
	}
	do {
		count = recvmmsg(underlay->fd, messages, BATCH, 0, NULL);
	} while (count < 0 && errno == EINTR);
	if (count < 0) {
		return errno == EAGAIN ? SX_EAGAIN : SX_EIO;
	}
	for (int i = 0; i < count; i++) {
		deliver(&messages[i], each, arg);
	}
	return SX_OK;
}

int sx_underlay_send(struct sx_underlay *underlay, const struct sx_ip_port *to,
	struct sx_bytes data, size_t segment, uint8_t ecn)
{
	size_t train = segment > 0 ? TRAIN_MAX / segment : 0;
	size_t at = 0;
	int rc;

	if (segment == 0 && data.len > 0) {
		return SX_EINVAL;
	}
	train = train > SEGMENTS_MAX ? SEGMENTS_MAX : train;
	train = train > 0 ? train * segment : segment;
	do {
		rc = send_train(underlay, to, slice(data, at, train), segment, ecn);
		if (rc == SX_EAGAIN) {
			return at == 0 ? SX_EAGAIN : SX_OK;
		}
		at += train;
	} while (at < data.len);
	return rc;
}

void sx_underlay_set_segmentation(struct sx_underlay *underlay, bool on)
{
	underlay->segmentation = on;
}
