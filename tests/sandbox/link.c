/* SPDX-License-Identifier: MIT */
#include "link.h"

#define NS_PER_MS 1000000.0
#define REORDER_LATE_MS \
	5.0 /* how much later than its place a reordered packet comes, at most, besides the delay */

static double fraction(struct sx_dice *dice)
{
	return (double)(sx_dice_next(dice) >> 11) * 0x1p-53;
}

/* When the packet has left the sender: at once, or when those before it have. */
static uint64_t departure(
	const struct sx_link_faults *faults, struct sx_link_lane *lane, size_t len, uint64_t now_ns)
{
	uint64_t start = lane->idle_ns > now_ns ? lane->idle_ns : now_ns;

	if (faults->rate_kbit <= 0) {
		return now_ns;
	}
	lane->idle_ns = start + (uint64_t)((double)len * 8 / faults->rate_kbit * NS_PER_MS);
	return lane->idle_ns;
}

static uint64_t arrival(const struct sx_link_faults *faults, struct sx_link_lane *lane,
	struct sx_dice *dice, uint64_t departed_ns)
{
	double delay = faults->delay_ms;
	uint64_t at;

	if (faults->jitter_ms > 0) {
		delay += fraction(dice) * faults->jitter_ms;
	}
	if (sx_dice_hits(dice, faults->reorder)) {
		delay += fraction(dice) * (REORDER_LATE_MS + faults->delay_ms);
		return departed_ns + (uint64_t)(delay * NS_PER_MS);
	}
	at = departed_ns + (uint64_t)(delay * NS_PER_MS);
	if (at <= lane->order_ns) {
		at = lane->order_ns + 1;
	}
	lane->order_ns = at;
	return at;
}

void sx_link_decide(const struct sx_link_faults *faults, struct sx_link_lane *lane,
	struct sx_dice *dice, size_t len, uint64_t now_ns, struct sx_link_fate *out)
{
	uint64_t departed_ns;

	*out = (struct sx_link_fate){ .copies = 1 };
	if (faults->down) {
		out->drop = SX_DROP_LINK_DOWN;
		return;
	}
	if (sx_dice_hits(dice, faults->loss)) {
		out->drop = SX_DROP_LOSS;
		return;
	}
	if (lane->queued + 2 > SX_LINK_QUEUE_PACKETS ||
		(faults->rate_kbit > 0 && lane->idle_ns > now_ns + SX_LINK_BACKLOG_NS)) {
		out->drop = SX_DROP_QUEUE;
		return;
	}
	out->corrupt = sx_dice_hits(dice, faults->corrupt);
	out->copies += sx_dice_hits(dice, faults->duplicate);
	departed_ns = departure(faults, lane, len, now_ns);
	for (size_t i = 0; i < out->copies; i++) {
		out->arrival_ns[i] = arrival(faults, lane, dice, departed_ns);
	}
}
