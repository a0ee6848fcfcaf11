/* SPDX-License-Identifier: MIT */
#include "stopper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void ready(void *arg)
{
	struct sx_stopper *stopper = arg;

	stopper->stop(stopper->arg);
}

/* The parent's end counts as a signal, so that no program stays behind. */
int sx_stopper_open(struct sx_stopper *stopper, struct sx_loop *loop)
{
	pid_t parent = getppid();
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	stopper->watch = (struct sx_watch){ ready, stopper,
		signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK) };
	if (stopper->watch.fd < 0 || getppid() != parent) {
		return SX_EIO;
	}
	return sx_loop_watch(loop, &stopper->watch);
}
