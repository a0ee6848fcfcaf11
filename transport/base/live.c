/* SPDX-License-Identifier: MIT */
#include "base/live.h"

static uint64_t live; /* the library's one global; contexts of several threads do not exist */

void sx_live_add(void)
{
	live++;
}

void sx_live_remove(void)
{
	live--;
}

uint64_t sx_live_count(void)
{
	return live;
}
