/* SPDX-License-Identifier: MIT */
/* dice: repeatable chance. The same seed gives the same sandbox; nothing here is fit for secrets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sx_dice {
	uint64_t state; /* the seed, at first */
};

/* The next number of splitmix64. */
uint64_t sx_dice_next(struct sx_dice *dice);

/* True in `percent` of 100 throws; a throw is made for any percentage but 0. */
bool sx_dice_hits(struct sx_dice *dice, double percent);
