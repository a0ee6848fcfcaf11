/* SPDX-License-Identifier: MIT */
/*
 * clock: the monotonic clock of a test can be put forward, and what is due by then happens at once. The test is linked
 * with --wrap for what reads and sets it (clock_dep in meson).
 */
#pragma once

#include <stdlib.h>

#include "base/loop.h"
#include "base/status.h"

#define CLOCK_LOOPS 32
#define MS          UINT64_C(1000000)

uint64_t __real_sx_loop_now_ns(void);
void __real_sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns);
void __real_sx_loop_free(struct sx_loop *loop);
uint64_t __wrap_sx_loop_now_ns(void);
void __wrap_sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns);
void __wrap_sx_loop_free(struct sx_loop *loop);

static uint64_t clock_ahead_ns;
static struct {
	struct sx_loop *loop;
	uint64_t deadline_ns;
} clock_loops[CLOCK_LOOPS];

uint64_t __wrap_sx_loop_now_ns(void)
{
	return __real_sx_loop_now_ns() + clock_ahead_ns;
}

static inline void clock_arm(struct sx_loop *loop, uint64_t deadline_ns)
{
	uint64_t real_ns = deadline_ns > clock_ahead_ns ? deadline_ns - clock_ahead_ns : 0;

	__real_sx_loop_set_deadline(loop, deadline_ns == SX_NEVER ? SX_NEVER : real_ns);
}

/* The slot of a loop, or a free one for NULL. */
static inline size_t clock_slot(const struct sx_loop *loop)
{
	for (size_t i = 0; i < CLOCK_LOOPS; i++) {
		if (clock_loops[i].loop == loop) {
			return i;
		}
	}
	return CLOCK_LOOPS;
}

void __wrap_sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns)
{
	size_t slot = clock_slot(loop);

	slot = slot < CLOCK_LOOPS ? slot : clock_slot(NULL);
	if (slot == CLOCK_LOOPS) {
		abort();
	}
	clock_loops[slot].loop = loop;
	clock_loops[slot].deadline_ns = deadline_ns;
	clock_arm(loop, deadline_ns);
}

void __wrap_sx_loop_free(struct sx_loop *loop)
{
	size_t slot = loop ? clock_slot(loop) : CLOCK_LOOPS;

	if (slot < CLOCK_LOOPS) {
		clock_loops[slot].loop = NULL;
	}
	__real_sx_loop_free(loop);
}

/* Puts the clock forward. */
static inline void clock_advance(uint64_t ns)
{
	clock_ahead_ns += ns;
	for (size_t i = 0; i < CLOCK_LOOPS; i++) {
		if (clock_loops[i].loop) {
			clock_arm(clock_loops[i].loop, clock_loops[i].deadline_ns);
		}
	}
}
