/* SPDX-License-Identifier: MIT */
#include "scion/route.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

#define FLOW_IDS 0xfffffU /* of 20 bits, 0 is not to be used */

/* The headers of a path to the route's peer. */
static int build(
	const struct sx_route *route, uint8_t type, struct sx_bytes path, struct sx_template *out)
{
	struct sx_packet packet = {
		.flow_id = (uint32_t)route->flow_id,
		.path_type = type,
		.dst = route->peer,
		.src = route->context->local,
		.path = path,
	};
	struct sx_udp udp = { .src_port = route->context->port, .dst_port = route->port };

	return sx_template_init(out, &packet, &udp);
}

/* Puts a known path in use. On failure the route stays as it is. */
static int use_known(struct sx_route *route, const struct sx_known_path *path)
{
	struct sx_known_path *copy;
	struct sx_template header;
	int rc = build(route, SX_PATH_SCION, path->raw, &header);

	if (rc < 0) {
		return rc;
	}
	rc = sx_known_path_copy(path, &copy);
	if (rc < 0) {
		return rc;
	}
	free(route->known);
	route->known = copy;
	route->header = header;
	route->next_hop = path->next_hop;
	route->expiry = path->expiry;
	route->mtu = path->mtu;
	return SX_OK;
}

/* Inside our AS there is no path: the next hop is the peer, or who stands in for it. */
static int use_inside(struct sx_route *route, const struct sx_ip_port *next_hop)
{
	const struct sx_pathsrc *paths = route->context->paths;
	int rc = build(route, SX_PATH_EMPTY, sx_bytes_of(NULL, 0), &route->header);

	if (rc < 0) {
		return rc;
	}
	free(route->known);
	route->known = NULL;
	route->next_hop = *next_hop;
	route->expiry = UINT64_MAX;
	route->mtu = paths->ops->local(paths)->mtu;
	return SX_OK;
}

/* What the source knows about the way of a path that a peer has chosen; NULL when nothing, or for want of memory. */
static struct sx_known_path *known_as(const struct sx_route *route, const struct sx_path *path)
{
	uint16_t ids[2 * SX_PATH_HOPS_MAX];
	size_t count = sx_path_interface_ids(path, ids);
	struct sx_pathset set;
	const struct sx_known_path *known;
	struct sx_known_path *copy;

	sx_pathset_of(&set, route->context->paths, route->peer.ia, route->context->now);
	known = sx_pathset_find_ids(&set, ids, count);
	return known && sx_known_path_copy(known, &copy) == SX_OK ? copy : NULL;
}

/* Puts the reverse of a received path in use. */
static int use_reply(
	struct sx_route *route, const struct sx_path_raw *raw, const struct sx_ip_port *next_hop)
{
	struct sx_path path;
	struct sx_bytes bytes = sx_bytes_of(raw->bytes, raw->len);
	int rc;

	if (raw->type == SX_PATH_EMPTY) {
		return use_inside(route, next_hop);
	}
	rc = sx_path_parse(&path, bytes);
	if (rc < 0) {
		return rc;
	}
	rc = build(route, raw->type, bytes, &route->header);
	if (rc < 0) {
		return rc;
	}
	free(route->known);
	route->known = known_as(route, &path);
	route->next_hop = *next_hop;
	route->expiry = sx_path_expiry(&path);
	route->mtu = route->known ? route->known->mtu : 0;
	return SX_OK;
}

/* Remembers the path of a packet, so that the next that came the same way is no news. */
static void hear(struct sx_route *route, const struct sx_arrival *arrival)
{
	const struct sx_packet *packet = &arrival->packet;

	assert(packet->path.len <= sizeof route->heard); /* it could be turned round */
	route->heard_from = arrival->from;
	route->heard_type = packet->path_type;
	route->heard_len = (uint16_t)packet->path.len;
	if (packet->path.len > 0) {
		memcpy(route->heard, packet->path.data, packet->path.len);
	}
}

static bool is_news(const struct sx_route *route, const struct sx_arrival *arrival)
{
	const struct sx_packet *packet = &arrival->packet;

	return arrival->udp.src_port != route->port || packet->path_type != route->heard_type ||
	       !sx_ip_port_equal(&arrival->from, &route->heard_from) ||
	       !sx_path_is_same_way(packet->path_type, packet->path,
		       sx_bytes_of(route->heard, route->heard_len));
}

static int follow(struct sx_route *route, const struct sx_arrival *arrival)
{
	struct sx_path_raw raw;
	uint16_t port = route->port;
	int rc = sx_path_reply(arrival->packet.path_type, arrival->packet.path, &raw);

	if (rc < 0) {
		return rc;
	}
	route->port = arrival->udp.src_port;
	rc = use_reply(route, &raw, &arrival->from);
	if (rc < 0) {
		route->port = port;
		return rc;
	}
	hear(route, arrival);
	return SX_OK;
}

static uint64_t mark_of(const struct sx_known_path *path)
{
	uint64_t mark;

	memcpy(&mark, path->fingerprint, sizeof mark);
	return mark;
}

static void doubt(struct sx_route *route, const struct sx_known_path *path)
{
	struct sx_route_doubt *oldest = &route->doubts[0];

	route->failures++;
	for (size_t i = 0; i < SX_ROUTE_DOUBTS; i++) {
		if (route->doubts[i].fingerprint == mark_of(path)) {
			oldest = &route->doubts[i];
			break;
		}
		if (route->doubts[i].at < oldest->at) {
			oldest = &route->doubts[i];
		}
	}
	*oldest = (struct sx_route_doubt){ mark_of(path), route->failures };
}

static uint64_t doubted_at(const void *arg, const struct sx_known_path *path)
{
	const struct sx_route *route = arg;

	for (size_t i = 0; i < SX_ROUTE_DOUBTS; i++) {
		if (route->doubts[i].at > 0 && route->doubts[i].fingerprint == mark_of(path)) {
			return route->doubts[i].at;
		}
	}
	return 0;
}

/* Leaves the current path for the best other one. SX_EUNREACH: there is none. */
static int move(struct sx_route *route)
{
	struct sx_pathset set;
	const struct sx_known_path *next;
	int rc;

	sx_pathset_of(&set, route->context->paths, route->peer.ia, route->context->now);
	next = sx_pathset_alternative(
		&set, route->known, (struct sx_pathset_doubts){ doubted_at, route });
	if (!next) {
		return SX_EUNREACH;
	}
	rc = use_known(route, next);
	if (rc == SX_OK) {
		route->context->switches++;
	}
	return rc;
}

/* The same way with later hop fields, if the source has them. */
static void swap_bytes(struct sx_route *route)
{
	const struct sx_known_path *fresh;
	struct sx_pathset set;

	if (!route->known) {
		return;
	}
	sx_pathset_of(&set, route->context->paths, route->peer.ia, route->context->now);
	fresh = sx_pathset_find(&set, route->known->fingerprint);
	if (fresh && fresh->expiry > route->expiry) {
		(void)use_known(route, fresh); /* else the old ones are good for a while */
	}
}

static bool is_inside(const struct sx_route *route)
{
	return route->peer.ia == route->context->local.ia;
}

static uint64_t flow_id_of(const struct sx_route_context *context, const struct sx_addr *peer)
{
	uint64_t hash = sx_siphash(context->flow_key, sx_host_bytes(&peer->host)) ^ peer->ia;

	return hash % FLOW_IDS + 1;
}

static struct sx_route *route_new(
	struct sx_route_context *context, const struct sx_addr *peer, uint16_t port)
{
	struct sx_route *route = calloc(1, sizeof *route);

	if (route) {
		route->context = context;
		route->peer = *peer;
		route->port = port;
		route->flow_id = flow_id_of(context, peer);
		route->generation = context->paths->generation;
	}
	return route;
}

/* For a learned way whose ASes nobody has told us: interfaces, with the two ends named. */
static void describe_learned(const struct sx_route *route, char *out, size_t cap)
{
	struct sx_interface interfaces[SX_INTERFACES_MAX] = { 0 };
	uint16_t ids[2 * SX_PATH_HOPS_MAX];
	struct sx_packet packet;
	struct sx_path path;
	size_t count;

	if (sx_packet_parse_header(&packet, sx_bytes_of(route->header.bytes, route->header.len)) <
			0 ||
		sx_path_parse(&path, packet.path) < 0) {
		(void)snprintf(out, cap, "%s", "");
		return;
	}
	count = sx_path_interface_ids(&path, ids);
	for (size_t i = 0; i < count; i++) {
		interfaces[i].id = ids[i];
	}
	if (count > 0) {
		interfaces[0].ia = route->context->local.ia;
		interfaces[count - 1].ia = route->peer.ia;
	}
	sx_way_write(interfaces, count, out, cap);
}

int sx_route_dial(struct sx_route **out, struct sx_route_context *context,
	const struct sx_addr *peer, uint16_t port)
{
	struct sx_route *route = route_new(context, peer, port);
	struct sx_pathset set;
	int rc = SX_EUNREACH;

	if (!route) {
		return SX_ENOMEM;
	}
	if (is_inside(route)) {
		struct sx_ip_port next_hop = { .host = peer->host, .port = port };

		rc = use_inside(route, &next_hop);
	} else {
		sx_pathset_of(&set, context->paths, peer->ia, context->now);
		if (set.count > 0) {
			rc = use_known(route, set.paths[0]);
		}
	}
	if (rc < 0) {
		sx_route_free(route);
		return rc;
	}
	*out = route;
	return SX_OK;
}

int sx_route_answer(
	struct sx_route **out, struct sx_route_context *context, const struct sx_arrival *arrival)
{
	struct sx_route *route = route_new(context, &arrival->packet.src, arrival->udp.src_port);
	int rc;

	if (!route) {
		return SX_ENOMEM;
	}
	route->accepted = true;
	route->follows = true;
	rc = follow(route, arrival);
	if (rc < 0) {
		sx_route_free(route);
		return rc;
	}
	*out = route;
	return SX_OK;
}

void sx_route_free(struct sx_route *route)
{
	if (!route) {
		return;
	}
	free(route->known);
	free(route);
}

int sx_route_answer_once(const struct sx_route_context *context, const struct sx_arrival *arrival,
	struct sx_template *out)
{
	struct sx_path_raw raw;
	struct sx_packet packet = {
		.flow_id = (uint32_t)flow_id_of(context, &arrival->packet.src),
		.dst = arrival->packet.src,
		.src = context->local,
	};
	struct sx_udp udp = { .src_port = context->port, .dst_port = arrival->udp.src_port };
	int rc = sx_path_reply(arrival->packet.path_type, arrival->packet.path, &raw);

	if (rc < 0) {
		return rc;
	}
	packet.path_type = raw.type;
	packet.path = sx_bytes_of(raw.bytes, raw.len);
	return sx_template_init(out, &packet, &udp);
}

int sx_route_renew(struct sx_route *route)
{
	const struct sx_route_context *context = route->context;

	if (is_inside(route)) {
		return SX_OK;
	}
	if (route->generation != context->paths->generation) {
		route->generation = context->paths->generation;
		route->follows = route->accepted; /* there may be candidates again */
		swap_bytes(route);
	}
	return route->expiry > context->now ? SX_OK : move(route);
}

void sx_route_learn(struct sx_route *route, const struct sx_arrival *arrival)
{
	if (!route->follows || !sx_addr_equal(&arrival->packet.src, &route->peer) ||
		!is_news(route, arrival)) {
		return;
	}
	/* What cannot be turned round is not followed: the way in use stays. */
	(void)follow(route, arrival);
}

void sx_route_suspect(struct sx_route *route)
{
	if (is_inside(route)) {
		return;
	}
	if (route->known) {
		doubt(route, route->known);
	}
	if (move(route) == SX_EUNREACH) {
		route->follows = true;
	}
}

void sx_route_narrow(struct sx_route *route)
{
	route->narrow = true;
}

size_t sx_route_budget(const struct sx_route *route)
{
	size_t overhead = route->header.len;

	/* What the path announces is a hint: below QUIC's least it is tried all the same. */
	if (route->narrow || route->mtu < overhead + SX_ROUTE_BUDGET_MIN) {
		return SX_ROUTE_BUDGET_MIN;
	}
	return route->mtu - overhead < SX_ROUTE_BUDGET_MAX ? route->mtu - overhead
							   : SX_ROUTE_BUDGET_MAX;
}

void sx_route_describe_way(const struct sx_route *route, char *out, size_t cap)
{
	char ia[SX_IA_TEXT_BYTES];

	if (is_inside(route)) {
		sx_ia_write(route->peer.ia, ia, sizeof ia);
		(void)snprintf(out, cap, "inside %s", ia);
	} else if (route->known) {
		sx_way_write(route->known->interfaces, route->known->interface_count, out, cap);
	} else {
		describe_learned(route, out, cap);
	}
}
