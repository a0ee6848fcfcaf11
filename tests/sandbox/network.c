/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/list.h"
#include "network.h"

/* A packet on a link. */
struct flight {
	struct sx_heap_node node; /* when it arrives */
	size_t link;
	uint8_t from; /* the end it left */
	struct sx_trace trace;
	size_t len;
	uint8_t data[];
};

static struct sx_interface_counters *counters_of(
	struct sx_network *network, size_t as, uint16_t interface)
{
	struct sx_network_as *state = &network->ases[as];
	const struct sx_topology_as *known = &network->topology->ases[as];
	const struct sx_topology_interface *found = sx_topology_find_interface(known, interface);

	return found ? &state->interfaces[found - known->interfaces] : &state->inside;
}

static void corrupt(struct sx_network *network, struct flight *flight)
{
	uint64_t bit = sx_dice_next(&network->dice) % (8 * flight->len);

	flight->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

/* One copy of a packet onto a link. The caller has made sure that there is room in the heap. */
static int launch(struct sx_network *network, const struct flight *like, struct sx_bytes packet,
	const struct sx_link_fate *fate, uint64_t arrival_ns)
{
	struct flight *flight = malloc(sizeof *flight + packet.len);

	if (!flight) {
		return SX_ENOMEM;
	}
	*flight = *like;
	flight->len = packet.len;
	memcpy(flight->data, packet.data, packet.len);
	if (fate->corrupt) {
		corrupt(network, flight);
	}
	network->links[flight->link].lanes[flight->from].queued++;
	sx_heap_set(&network->flights, &flight->node, arrival_ns);
	return SX_OK;
}

/* Puts a packet on the link behind `interface`. */
static void transmit(struct sx_network *network, size_t as, uint16_t interface,
	const struct sx_trace *trace, struct sx_bytes packet, uint64_t now_ns)
{
	const struct sx_topology_interface *at =
		sx_topology_find_interface(&network->topology->ases[as], interface);
	struct sx_network_link *link = &network->links[at->link];
	struct sx_interface_counters *counters = counters_of(network, as, interface);
	struct flight like = { .link = at->link, .from = at->end, .trace = *trace };
	struct sx_link_fate fate;

	sx_trace_add(&like.trace, network->topology->ases[as].ia, interface);
	counters->out_packets++;
	counters->out_bytes += packet.len;
	sx_link_decide(
		&link->faults, &link->lanes[at->end], &network->dice, packet.len, now_ns, &fate);
	if (fate.drop == SX_DROP_NONE &&
		network->flights.count + fate.copies > SX_NETWORK_FLIGHTS_MAX) {
		fate.drop = SX_DROP_QUEUE;
	}
	if (fate.drop != SX_DROP_NONE) {
		counters->drops[fate.drop]++;
		return;
	}
	for (size_t i = 0; i < fate.copies; i++) {
		if (launch(network, &like, packet, &fate, fate.arrival_ns[i]) < 0) {
			counters->drops[SX_DROP_QUEUE]++;
		}
	}
}

/* Where an AS hears a packet: over an interface, or from a host (interface 0). */
struct origin {
	size_t as;
	uint16_t interface;
	const struct sx_host *host; /* of interface 0 */
	uint16_t port;
};

static void hand_over(struct sx_network *network, const struct origin *origin,
	const struct sx_verdict *verdict, const struct sx_trace *trace)
{
	struct sx_network_as *as = &network->ases[origin->as];
	struct sx_packet packet;

	if (network->sink.send(network->sink.arg, origin->as, &verdict->host, verdict->port,
		    verdict->packet) < 0) {
		as->inside.drops[SX_DROP_HOST]++;
		return;
	}
	as->inside.out_packets++;
	as->inside.out_bytes += verdict->packet.len;
	if (sx_packet_parse_header(&packet, verdict->packet) == SX_OK) {
		sx_flows_count(
			&network->flows, &packet.src, &packet.dst, trace, verdict->packet.len);
	}
}

/* An answer goes back over the link it came from, or straight to the host. */
static void send_back(struct sx_network *network, const struct origin *origin,
	struct sx_verdict *verdict, uint64_t now_ns)
{
	struct sx_trace trace = { 0 };

	if (origin->interface != 0) {
		transmit(network, origin->as, origin->interface, &trace, verdict->packet, now_ns);
		return;
	}
	verdict->host = *origin->host;
	verdict->port = origin->port;
	hand_over(network, origin, verdict, &trace);
}

static void process(struct sx_network *network, const struct origin *origin,
	const struct sx_trace *trace, struct sx_bytes datagram, struct sx_clock clock)
{
	struct sx_network_as *as = &network->ases[origin->as];
	struct sx_interface_counters *counters =
		counters_of(network, origin->as, origin->interface);
	struct sx_verdict verdict;

	counters->in_packets++;
	counters->in_bytes += datagram.len;
	sx_router_process(&as->router, datagram, origin->interface,
		clock.unix_time + (uint64_t)as->clock_shift, &verdict);
	if (verdict.drop != SX_DROP_NONE) {
		counters->drops[verdict.drop]++;
	}
	switch (verdict.action) {
	case SX_ACTION_DROP:
		return;
	case SX_ACTION_FORWARD:
		transmit(network, origin->as, verdict.egress, trace, verdict.packet, clock.now_ns);
		return;
	case SX_ACTION_DELIVER:
		hand_over(network, origin, &verdict, trace);
		return;
	case SX_ACTION_ANSWER:
		send_back(network, origin, &verdict, clock.now_ns);
		return;
	}
}

void sx_network_receive(struct sx_network *network, size_t as, const struct sx_host *host,
	uint16_t port, struct sx_bytes datagram, struct sx_clock clock)
{
	struct sx_trace trace = { 0 };
	struct origin origin = { as, 0, host, port };

	process(network, &origin, &trace, datagram, clock);
}

static void land(struct sx_network *network, struct flight *flight, struct sx_clock clock)
{
	const struct sx_topology_end *end =
		sx_topology_far(&network->topology->links[flight->link], flight->from);
	struct sx_network_link *link = &network->links[flight->link];
	struct origin origin = { .as = end->as, .interface = end->id };

	link->lanes[flight->from].queued--;
	if (link->faults.down) {
		counters_of(network, end->as, end->id)->drops[SX_DROP_LINK_DOWN]++;
		return;
	}
	sx_trace_add(&flight->trace, network->topology->ases[end->as].ia, end->id);
	process(network, &origin, &flight->trace, sx_bytes_of(flight->data, flight->len), clock);
}

uint64_t sx_network_run(struct sx_network *network, struct sx_clock clock)
{
	struct sx_heap_node *node;

	while ((node = sx_heap_first(&network->flights)) && node->deadline_ns <= clock.now_ns) {
		struct flight *flight = sx_container_of(node, struct flight, node);

		sx_heap_remove(&network->flights, node);
		land(network, flight, clock);
		free(flight);
	}
	return node ? node->deadline_ns : SX_NEVER;
}

static int allocate(struct sx_network *network)
{
	const struct sx_topology *topology = network->topology;
	uint64_t seed[2] = { sx_dice_next(&network->dice), sx_dice_next(&network->dice) };
	int rc;

	network->ases = calloc(topology->as_count + 1, sizeof *network->ases);
	network->links = calloc(topology->link_count + 1, sizeof *network->links);
	if (!network->ases || !network->links) {
		return SX_ENOMEM;
	}
	rc = sx_heap_reserve(&network->flights, SX_NETWORK_FLIGHTS_MAX);
	return rc < 0 ? rc : sx_flows_init(&network->flows, (const uint8_t *)seed);
}

int sx_network_new(struct sx_network **out, const struct sx_topology *topology,
	struct sx_network_sink sink, uint64_t seed)
{
	struct sx_network *network = calloc(1, sizeof *network);

	if (!network) {
		return SX_ENOMEM;
	}
	network->topology = topology;
	network->sink = sink;
	network->dice.state = seed;
	if (allocate(network) < 0) {
		sx_network_free(network);
		return SX_ENOMEM;
	}
	for (size_t i = 0; i < topology->as_count; i++) {
		network->ases[i].router.topology = topology;
		network->ases[i].router.as = &topology->ases[i];
	}
	sx_network_heal(network);
	*out = network;
	return SX_OK;
}

void sx_network_free(struct sx_network *network)
{
	struct sx_heap_node *node;

	if (!network) {
		return;
	}
	while ((node = sx_heap_first(&network->flights))) {
		sx_heap_remove(&network->flights, node);
		free(sx_container_of(node, struct flight, node));
	}
	sx_heap_fini(&network->flights);
	sx_flows_fini(&network->flows);
	free(network->ases);
	free(network->links);
	free(network);
}

void sx_network_set_down(struct sx_network *network, size_t link, bool down)
{
	network->links[link].faults.down = down;
	for (size_t end = 0; end < 2; end++) {
		const struct sx_topology_end *at = &network->topology->links[link].ends[end];
		const struct sx_topology_as *as = &network->topology->ases[at->as];

		network->ases[at->as]
			.router.down[sx_topology_find_interface(as, at->id) - as->interfaces] =
			down;
	}
}

void sx_network_reset_counters(struct sx_network *network)
{
	for (size_t i = 0; i < network->topology->as_count; i++) {
		struct sx_network_as *as = &network->ases[i];

		memset(&as->inside, 0, sizeof as->inside);
		memset(as->interfaces, 0, sizeof as->interfaces);
	}
	sx_flows_reset(&network->flows);
}

void sx_network_heal(struct sx_network *network)
{
	for (size_t i = 0; i < network->topology->link_count; i++) {
		sx_network_set_down(network, i, false);
		network->links[i].faults =
			(struct sx_link_faults){ .delay_ms = network->topology->links[i].delay_ms };
	}
	for (size_t i = 0; i < network->topology->as_count; i++) {
		network->ases[i].clock_shift = 0;
	}
}
