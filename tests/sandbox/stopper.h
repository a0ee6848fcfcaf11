/* SPDX-License-Identifier: MIT */
/* stopper: SIGTERM, SIGINT and the end of the program that started this one, as an event of a loop. */
#pragma once

#include "base/loop.h"

struct sx_stopper {
	struct sx_watch watch;
	void (*stop)(void *arg);
	void *arg;
};

/* Calls `stop`, which is set by the caller like `arg`. SX_EIO: no descriptor, or the starter has ended already. */
SX_MUST_CHECK int sx_stopper_open(struct sx_stopper *stopper, struct sx_loop *loop);
