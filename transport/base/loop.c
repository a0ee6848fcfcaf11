/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"

#define EVENTS_PER_RUN 16
#define NS_PER_SECOND  1000000000U

struct sx_loop {
	int epoll_fd;
	int timer_fd;
	int wake_fd;
	uint64_t deadline_ns; /* what the timer is armed for */
	struct sx_watch timer;
	struct sx_watch wake;
	struct epoll_event events[EVENTS_PER_RUN]; /* of the turn under way */
	int event_count;
};

static void drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof count) > 0) {
	}
}

static void timer_ready(void *arg)
{
	struct sx_loop *loop = arg;

	drain(loop->timer_fd);
	loop->deadline_ns = SX_NEVER;
}

static void wake_ready(void *arg)
{
	struct sx_loop *loop = arg;

	drain(loop->wake_fd);
}

static int open_descriptors(struct sx_loop *loop)
{
	int rc;

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->wake_fd < 0) {
		return SX_EIO;
	}
	loop->timer = (struct sx_watch){ timer_ready, loop, loop->timer_fd };
	loop->wake = (struct sx_watch){ wake_ready, loop, loop->wake_fd };
	rc = sx_loop_watch(loop, &loop->timer);
	return rc < 0 ? rc : sx_loop_watch(loop, &loop->wake);
}

static void close_descriptor(int fd)
{
	if (fd >= 0) {
		(void)close(fd);
	}
}

int sx_loop_new(struct sx_loop **out)
{
	struct sx_loop *loop = calloc(1, sizeof *loop);
	int rc;

	if (!loop) {
		return SX_ENOMEM;
	}
	loop->deadline_ns = SX_NEVER;
	rc = open_descriptors(loop);
	if (rc < 0) {
		sx_loop_free(loop);
		return rc;
	}
	*out = loop;
	return SX_OK;
}

void sx_loop_free(struct sx_loop *loop)
{
	if (!loop) {
		return;
	}
	close_descriptor(loop->epoll_fd);
	close_descriptor(loop->timer_fd);
	close_descriptor(loop->wake_fd);
	free(loop);
}

int sx_loop_fd(const struct sx_loop *loop)
{
	return loop->epoll_fd;
}

int sx_loop_watch(struct sx_loop *loop, struct sx_watch *watch)
{
	return sx_loop_watch_for(loop, watch, SX_LOOP_READ);
}

int sx_loop_watch_for(struct sx_loop *loop, struct sx_watch *watch, unsigned events)
{
	struct epoll_event event = { .data.ptr = watch };

	if (events == 0) {
		sx_loop_unwatch(loop, watch);
		return SX_OK;
	}
	event.events = (events & SX_LOOP_READ ? (unsigned)EPOLLIN : 0) |
		       (events & SX_LOOP_WRITE ? (unsigned)EPOLLOUT : 0);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0) {
		return SX_OK;
	}
	if (errno != ENOENT || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0) {
		return SX_EIO;
	}
	return SX_OK;
}

void sx_loop_unwatch(struct sx_loop *loop, struct sx_watch *watch)
{
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = 0; i < loop->event_count; i++) {
		if (loop->events[i].data.ptr == watch) {
			loop->events[i].data.ptr = NULL;
		}
	}
}

void sx_loop_set_deadline(struct sx_loop *loop, uint64_t deadline_ns)
{
	struct itimerspec when = { 0 };

	if (deadline_ns == loop->deadline_ns) {
		return;
	}
	if (deadline_ns != SX_NEVER) {
		when.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_SECOND);
		when.it_value.tv_nsec = (long)(deadline_ns % NS_PER_SECOND);
		when.it_value.tv_nsec += deadline_ns == 0; /* all zero would disarm */
	}
	(void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	loop->deadline_ns = deadline_ns;
}

void sx_loop_wake(struct sx_loop *loop)
{
	uint64_t one = 1;

	(void)!write(loop->wake_fd, &one, sizeof one);
}

void sx_loop_run(struct sx_loop *loop, int timeout_ms)
{
	loop->event_count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_RUN, timeout_ms);
	for (int i = 0; i < loop->event_count; i++) {
		struct sx_watch *watch = loop->events[i].data.ptr;

		if (watch) {
			watch->ready(watch->arg);
		}
	}
	loop->event_count = 0;
}

uint64_t sx_loop_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t sx_loop_unix_time(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}
