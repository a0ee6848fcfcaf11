/* SPDX-License-Identifier: MIT */
/* live: how many long-lived objects of the library exist in this process, so that tests can see none is left. */
#pragma once

#include <stdint.h>

void sx_live_add(void);
void sx_live_remove(void);
uint64_t sx_live_count(void);
