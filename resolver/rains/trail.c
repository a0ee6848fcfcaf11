/* SPDX-License-Identifier: MIT */
#include "rains/trail.h"

struct sx_bytes sx_rains_trail_zone(const struct sx_rains_trail *trail)
{
	return trail->count > 0 ? sx_rains_name_bytes(&trail->stages[trail->count - 1].zone)
				: sx_bytes_text(".");
}

uint32_t sx_rains_trail_servers(const struct sx_rains_trail *trail, struct sx_bytes name)
{
	for (size_t i = trail->count; i > 0; i--) {
		const struct sx_rains_stage *stage = &trail->stages[i - 1];

		if (sx_rains_name_is_below(name, sx_rains_name_bytes(&stage->zone))) {
			return stage->servers;
		}
	}
	return 0;
}

/* Those that can be asked. */
static uint32_t meet_all(struct sx_rains_client *client, const struct sx_rains_referral *referral,
	bool scion_only, int *status)
{
	uint32_t servers = 0;

	*status = SX_EUNREACH;
	for (size_t i = 0; i < referral->count; i++) {
		const struct sx_rains_place *place = &referral->places[i];
		struct sx_rains_server server;

		if (place->addr.ia || !scion_only) {
			sx_rains_server_at(&server, &place->addr, place->port);
			*status = sx_rains_client_meet(client, &server, &servers);
		}
	}
	return servers;
}

int sx_rains_trail_follow(struct sx_rains_trail *trail, struct sx_rains_client *client,
	const struct sx_rains_referral *referral, bool scion_only, struct sx_rains_reason *reason)
{
	uint32_t servers;
	int status;

	if (trail->followed == SX_RAINS_REDIRECTIONS_MOST) {
		sx_rains_reason_set(
			reason, "more than %d redirections", SX_RAINS_REDIRECTIONS_MOST);
		return SX_ELIMIT;
	}
	servers = meet_all(client, referral, scion_only, &status);
	if (!servers) {
		sx_rains_reason_set(reason, "refers to servers of zone %.*s that cannot be asked%s",
			(int)referral->zone.len, (const char *)referral->zone.data,
			status == SX_ELIMIT ? ": too many servers at once"
			: scion_only        ? " over SCION"
					    : "");
		return SX_EUNREACH;
	}
	trail->followed++;
	trail->stages[trail->count++] = (struct sx_rains_stage){ referral->zone, servers };
	return SX_OK;
}

void sx_rains_trail_restart(
	struct sx_rains_trail *trail, struct sx_rains_client *client, uint64_t now_ns)
{
	for (size_t i = 0; i < trail->count; i++) {
		sx_rains_client_part(client, trail->stages[i].servers, now_ns);
	}
	trail->count = 0;
}
