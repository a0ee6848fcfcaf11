/* SPDX-License-Identifier: MIT */
#include "dice.h"

uint64_t sx_dice_next(struct sx_dice *dice)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

bool sx_dice_hits(struct sx_dice *dice, double percent)
{
	if (percent <= 0) {
		return false;
	}
	return (double)(sx_dice_next(dice) >> 11) * 0x1p-53 * 100 < percent;
}
