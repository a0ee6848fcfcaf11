/* SPDX-License-Identifier: MIT */
#include "rains/health.h"

#define SILENCES_MOST 3 /* many servers answer "no" by silence */
#define BACKOFF_FIRST UINT64_C(2000000000)
#define BACKOFF_MOST  UINT64_C(60000000000)

void sx_rains_health_forgive(struct sx_rains_health *health)
{
	health->retry_ns = 0;
	health->backoff_ns = 0;
	health->silences = 0;
}

void sx_rains_health_heard(struct sx_rains_health *health, uint64_t now_ns)
{
	health->heard_ns = now_ns;
	sx_rains_health_forgive(health);
}

bool sx_rains_health_failed(struct sx_rains_health *health, const char *why, uint64_t now_ns)
{
	uint64_t pause_ns = health->backoff_ns ? health->backoff_ns * 2 : BACKOFF_FIRST;

	if (health->retry_ns > now_ns) {
		return false;
	}
	health->backoff_ns = pause_ns < BACKOFF_MOST ? pause_ns : BACKOFF_MOST;
	health->retry_ns = now_ns + health->backoff_ns;
	health->silences = 0;
	sx_rains_reason_set(&health->failure, "%s", why);
	return true;
}

bool sx_rains_health_is_mute(const struct sx_rains_health *health, uint64_t asked_ns)
{
	return health->heard_ns < asked_ns;
}

bool sx_rains_health_silent(struct sx_rains_health *health, uint64_t asked_ns)
{
	return sx_rains_health_is_mute(health, asked_ns) && ++health->silences >= SILENCES_MOST;
}
