/* SPDX-License-Identifier: MIT */
/*
 * link: what a link does to the packets that are put on it: when they arrive, how often, and whether. Decides only;
 * who keeps the packets meanwhile is network's business.
 */
#pragma once

#include "dice.h"
#include "router.h"

#define SX_LINK_QUEUE_PACKETS 2048      /* on the way in one direction */
#define SX_LINK_BACKLOG_NS    200000000 /* waiting for a link of limited rate */

/* What is wrong with a link, the same in both directions. */
struct sx_link_faults {
	bool down;
	double delay_ms;
	double jitter_ms; /* at most so much more; alone it never changes the order */
	double loss;      /* this and the next three in percent */
	double reorder;
	double duplicate;
	double corrupt;
	double rate_kbit; /* 0: unlimited */
};

/* One direction of a link. */
struct sx_link_lane {
	size_t queued;     /* packets on the way */
	uint64_t idle_ns;  /* when the last one will have been sent off, at a limited rate */
	uint64_t order_ns; /* when the last one that keeps its place arrives */
};

struct sx_link_fate {
	enum sx_drop drop; /* NONE: it arrives */
	bool corrupt;
	size_t copies; /* 1 or 2 */
	uint64_t arrival_ns[2];
};

/* Decides about a packet of `len` bytes that is put on the lane now. */
void sx_link_decide(const struct sx_link_faults *faults, struct sx_link_lane *lane,
	struct sx_dice *dice, size_t len, uint64_t now_ns, struct sx_link_fate *out);
