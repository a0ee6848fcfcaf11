/* SPDX-License-Identifier: MIT */
/*
 * underlay: the UDP socket below SCION, with the kernel's batching (recvmmsg, UDP_GRO, UDP_SEGMENT) where it has it.
 */
#pragma once

#include "scion/addr.h"

struct sx_underlay;

/* What has come; lent until the receive call returns. */
struct sx_underlay_datagram {
	struct sx_bytes data; /* 0 to 65507 bytes */
	struct sx_ip_port from;
	uint8_t ecn;
};

/*
 * Binds a socket to an address of this machine; port 0: any free one. SX_EIO: the system refused, `*os_error` tells why
 * (an errno).
 */
SX_MUST_CHECK int sx_underlay_open(
	struct sx_underlay **out, const struct sx_ip_port *local, int *os_error);
void sx_underlay_close(struct sx_underlay *underlay);

/* The descriptor to poll. Lends it. */
int sx_underlay_fd(const struct sx_underlay *underlay);

/* Where the socket is bound, with the port in use. */
struct sx_ip_port sx_underlay_local(const struct sx_underlay *underlay);

/* Hands what has arrived to `each`, a bounded batch at a time. SX_EAGAIN: nothing was there. SX_EIO: counts as nothing. */
SX_MUST_CHECK int sx_underlay_receive(struct sx_underlay *underlay,
	void (*each)(void *arg, const struct sx_underlay_datagram *datagram), void *arg);

/*
 * Sends datagrams that lie back to back in `data`, `segment` bytes each, the last one maybe shorter. SX_EAGAIN: the
 * socket is full and nothing was sent; when it fills up midway the rest is lost, as in a network. SX_ELIMIT: larger than
 * the interface carries. SX_EIO: the system refused.
 */
SX_MUST_CHECK int sx_underlay_send(struct sx_underlay *underlay, const struct sx_ip_port *to,
	struct sx_bytes data, size_t segment, uint8_t ecn);

/* Uses the kernel's segmentation or not; for the system where it is refused, and for tests. */
void sx_underlay_set_segmentation(struct sx_underlay *underlay, bool on);
