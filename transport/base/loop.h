/* SPDX-License-Identifier: MIT */
/*
 * loop: one pollable descriptor over sockets, one timer and a wake-up. Its owner polls sx_loop_fd for reading and
 * then calls sx_loop_run. Its descriptor may be watched by another loop, so that each owner has a timer of its own.
 * The only file that reads the clock.
 */
#pragma once

#include <stdint.h>

#include "base/heap.h"
#include "base/status.h"

struct sx_loop;

struct sx_watch {
	void (*ready)(void *arg); /* what it waits for is there; may not free the watch's loop */
	void *arg;
	int fd;
};

SX_MUST_CHECK int sx_loop_new(struct sx_loop **out);
void sx_loop_free(struct sx_loop *loop);

/* The descriptor to poll. Lends it. */
int sx_loop_fd(const struct sx_loop *loop);

/* What a watch may wait for. */
#define SX_LOOP_READ  1U
#define SX_LOOP_WRITE 2U

/* Calls `watch->ready` from sx_loop_run whenever its descriptor is readable. Borrows `watch` until sx_loop_unwatch. */
SX_MUST_CHECK int sx_loop_watch(struct sx_loop *loop, struct sx_watch *watch);

/*
 * The same for what `events` says, SX_LOOP_READ, SX_LOOP_WRITE or both; called again it changes what a watch waits
 * for. An error on the descriptor counts as either. 0 is sx_loop_unwatch.
 */
SX_MUST_CHECK int sx_loop_watch_for(struct sx_loop *loop, struct sx_watch *watch, unsigned events);

/* `watch->ready` is not called any more, not even in the turn under way. Harmless when it was not watched. */
void sx_loop_unwatch(struct sx_loop *loop, struct sx_watch *watch);

/* Makes the descriptor readable at `deadline_ns` (monotonic); SX_NEVER: no longer. */
void sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns);

/* Makes the descriptor readable at once, until the next sx_loop_run. */
void sx_loop_wake(struct sx_loop *loop);

/* Calls what is ready, each once; never blocks longer than `timeout_ms` (0: not at all). */
void sx_loop_run(struct sx_loop *loop, int timeout_ms);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t sx_loop_now_ns(void);

/* CLOCK_REALTIME in seconds since 1970. */
uint64_t sx_loop_unix_time(void);
