/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "topology.h"

void sx_topology_free(struct sx_topology *topology)
{
	if (!topology) {
		return;
	}
	free(topology->ases);
	free(topology->links);
	free(topology);
}

const struct sx_topology_as *sx_topology_find_as(const struct sx_topology *topology, uint64_t ia)
{
	for (size_t i = 0; i < topology->as_count; i++) {
		if (topology->ases[i].ia == ia) {
			return &topology->ases[i];
		}
	}
	return NULL;
}

size_t sx_topology_as_index(const struct sx_topology *topology, const struct sx_topology_as *as)
{
	return (size_t)(as - topology->ases);
}

const struct sx_topology_interface *sx_topology_find_interface(
	const struct sx_topology_as *as, uint16_t id)
{
	for (size_t i = 0; i < as->interface_count; i++) {
		if (as->interfaces[i].id == id) {
			return &as->interfaces[i];
		}
	}
	return NULL;
}

enum sx_link_to sx_topology_link_to(const struct sx_topology_link *link, uint8_t end)
{
	switch (link->kind) {
	case SX_LINK_CORE:
		return SX_LINK_TO_CORE;
	case SX_LINK_PEER:
		return SX_LINK_TO_PEER;
	case SX_LINK_CHILD:
		break;
	}
	return end == 0 ? SX_LINK_TO_CHILD : SX_LINK_TO_PARENT;
}

void sx_topology_name(uint64_t ia, uint64_t id, char out[SX_TOPOLOGY_NAME_BYTES])
{
	char text[SX_IA_TEXT_BYTES];

	sx_ia_write(ia, text, sizeof text);
	(void)snprintf(out, SX_TOPOLOGY_NAME_BYTES, "%s#%llu", text, (unsigned long long)id);
}

static int parse_id(struct sx_bytes text, uint16_t *out)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 5 || text.data[0] == '0') {
		return SX_EMALFORMED;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') {
			return SX_EMALFORMED;
		}
		value = value * 10 + (text.data[i] - '0');
	}
	if (value > UINT16_MAX) {
		return SX_EMALFORMED;
	}
	*out = (uint16_t)value;
	return SX_OK;
}

int sx_topology_parse_name(struct sx_bytes text, uint64_t *ia, uint16_t *id)
{
	const uint8_t *hash = text.len ? memchr(text.data, '#', text.len) : NULL;
	uint64_t found;
	size_t at;

	if (!hash) {
		return SX_EMALFORMED;
	}
	at = (size_t)(hash - text.data);
	if (sx_ia_parse(sx_bytes_of(text.data, at), &found) < 0 ||
		parse_id(sx_bytes_of(hash + 1, text.len - at - 1), id) < 0) {
		return SX_EMALFORMED;
	}
	*ia = found;
	return SX_OK;
}
