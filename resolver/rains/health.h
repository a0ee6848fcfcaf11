/* SPDX-License-Identifier: MIT */
/* health: how a RAINS server has fared lately, and until when it is left alone for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rains/reason.h"

/* Zeroed: it is well. */
struct sx_rains_health {
	uint64_t retry_ns;   /* not to be asked before then; 0: it is well */
	uint64_t backoff_ns; /* the last pause */
	uint64_t heard_ns;   /* when it answered last */
	unsigned silences;   /* in a row */
	struct sx_rains_reason failure;
};

/* It has answered. */
void sx_rains_health_heard(struct sx_rains_health *health, uint64_t now_ns);

/* It has failed: it rests, twice as long as the last time. False: it rests already, from what began at the same time. */
bool sx_rains_health_failed(struct sx_rains_health *health, const char *why, uint64_t now_ns);

/*
 * It has not answered what it was asked at `asked_ns`. True: that was once too often, and is a failure. Who has answered
 * others since is not ill: it knows nothing about this name, and says so by silence.
 */
bool sx_rains_health_silent(struct sx_rains_health *health, uint64_t asked_ns);

/* Whether it has answered nobody since `asked_ns`. */
bool sx_rains_health_is_mute(const struct sx_rains_health *health, uint64_t asked_ns);

/* Failures are forgotten. */
void sx_rains_health_forgive(struct sx_rains_health *health);
