/* SPDX-License-Identifier: MIT */
/*
 * virtual_loop: the loop of base/loop.h in a world of its own: its clock is put forward by the target, and nothing is ever
 * waited for. Watched are other such loops only. A target with these functions is linked without the real ones.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "target.h"

#define VIRTUAL_LOOPS   4
#define VIRTUAL_WATCHES 4
#define VIRTUAL_BEGIN   UINT64_C(1000000000000)
#define VIRTUAL_UNIX    1800000000
#define VIRTUAL_SECOND  UINT64_C(1000000000)

struct sx_loop {
	bool is_live;
	bool is_awake;
	uint64_t deadline_ns;
	struct sx_watch *watches[VIRTUAL_WATCHES];
};

static struct sx_loop virtual_loops[VIRTUAL_LOOPS];
static uint64_t virtual_now_ns = VIRTUAL_BEGIN;

uint64_t sx_loop_now_ns(void)
{
	return virtual_now_ns;
}

uint64_t sx_loop_unix_time(void)
{
	return VIRTUAL_UNIX + (virtual_now_ns - VIRTUAL_BEGIN) / VIRTUAL_SECOND;
}

int sx_loop_new(struct sx_loop **out)
{
	for (size_t i = 0; i < VIRTUAL_LOOPS; i++) {
		if (!virtual_loops[i].is_live) {
			virtual_loops[i] =
				(struct sx_loop){ .is_live = true, .deadline_ns = SX_NEVER };
			*out = &virtual_loops[i];
			return SX_OK;
		}
	}
	return SX_ENOMEM;
}

void sx_loop_free(struct sx_loop *loop)
{
	if (loop) {
		loop->is_live = false;
	}
}

int sx_loop_fd(const struct sx_loop *loop)
{
	return (int)(loop - virtual_loops);
}

int sx_loop_watch_for(struct sx_loop *loop, struct sx_watch *watch, unsigned events)
{
	(void)events;
	for (size_t i = 0; i < VIRTUAL_WATCHES; i++) {
		if (!loop->watches[i]) {
			loop->watches[i] = watch;
			return SX_OK;
		}
	}
	return SX_ENOMEM;
}

int sx_loop_watch(struct sx_loop *loop, struct sx_watch *watch)
{
	return sx_loop_watch_for(loop, watch, SX_LOOP_READ);
}

void sx_loop_unwatch(struct sx_loop *loop, struct sx_watch *watch)
{
	for (size_t i = 0; i < VIRTUAL_WATCHES; i++) {
		if (loop->watches[i] == watch) {
			loop->watches[i] = NULL;
		}
	}
}

void sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns)
{
	loop->deadline_ns = deadline_ns;
}

void sx_loop_wake(struct sx_loop *loop)
{
	loop->is_awake = true;
}

static bool virtual_is_ready(const struct sx_watch *watch)
{
	const struct sx_loop *loop = &virtual_loops[watch->fd];

	return loop->is_awake || loop->deadline_ns <= virtual_now_ns;
}

void sx_loop_run(struct sx_loop *loop, int timeout_ms)
{
	(void)timeout_ms;
	loop->is_awake = false;
	for (size_t i = 0; i < VIRTUAL_WATCHES; i++) {
		if (loop->watches[i] && virtual_is_ready(loop->watches[i])) {
			loop->watches[i]->ready(loop->watches[i]->arg);
		}
	}
}
