/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "flows.h"

int sx_flows_init(struct sx_flows *flows, const uint8_t seed[16])
{
	*flows = (struct sx_flows){ 0 };
	return sx_map_init(&flows->map, seed);
}

void sx_flows_fini(struct sx_flows *flows)
{
	sx_flows_reset(flows);
	sx_map_fini(&flows->map);
}

void sx_trace_add(struct sx_trace *trace, uint64_t ia, uint16_t id)
{
	if (trace->count < SX_TRACE_MAX) {
		trace->interfaces[trace->count++] = (struct sx_interface){ ia, id };
	}
}

/* The bytes that two packets of one flow have in common. `flow->identity` is zeroed first: padding compares too. */
static struct sx_bytes identify(struct sx_flow *flow, const struct sx_addr *src,
	const struct sx_addr *dst, const struct sx_trace *trace)
{
	size_t unused = SX_TRACE_MAX - trace->count;

	memset(&flow->identity, 0, sizeof flow->identity);
	flow->identity.src.ia = src->ia;
	flow->identity.src.host = src->host;
	flow->identity.dst.ia = dst->ia;
	flow->identity.dst.host = dst->host;
	flow->identity.trace.count = trace->count;
	memcpy(flow->identity.trace.interfaces, trace->interfaces,
		trace->count * sizeof *trace->interfaces);
	return sx_bytes_of(
		&flow->identity, sizeof flow->identity - unused * sizeof *trace->interfaces);
}

static struct sx_flow *add(struct sx_flows *flows, const struct sx_flow *wanted, size_t key_len)
{
	struct sx_flow *flow;

	if (flows->count == SX_FLOWS_MAX) {
		return NULL;
	}
	flow = calloc(1, sizeof *flow);
	if (!flow) {
		return NULL;
	}
	memcpy(&flow->identity, &wanted->identity, sizeof flow->identity);
	sx_map_insert(&flows->map, &flow->node, sx_bytes_of(&flow->identity, key_len));
	flows->flows[flows->count++] = flow;
	return flow;
}

void sx_flows_count(struct sx_flows *flows, const struct sx_addr *src, const struct sx_addr *dst,
	const struct sx_trace *trace, size_t len)
{
	struct sx_flow wanted;
	struct sx_bytes key = identify(&wanted, src, dst, trace);
	struct sx_map_node *node = sx_map_find(&flows->map, key);
	struct sx_flow *flow =
		node ? sx_container_of(node, struct sx_flow, node) : add(flows, &wanted, key.len);

	if (!flow) {
		flows->uncounted++;
		return;
	}
	flow->packets++;
	flow->bytes += len;
}

void sx_flows_reset(struct sx_flows *flows)
{
	for (size_t i = 0; i < flows->count; i++) {
		sx_map_remove(&flows->map, &flows->flows[i]->node);
		free(flows->flows[i]);
	}
	flows->count = 0;
	flows->uncounted = 0;
}
