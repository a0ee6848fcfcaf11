/* SPDX-License-Identifier: MIT */
/* lab: the recorded network of 8 ASes as tests use it: its keys and links, and the paths that its hosts were given. */
#pragma once

#include <nettle/cmac.h>

#include "scion/addr.h"
#include "scion/packet.h"
#include "scion/path.h"
#include "vectors.h"

#define SX_LAB_NOW 1795403970 /* when it was recorded, Unix seconds */

/* The AS on the other side of an interface, by the recorded topology; NULL when there is none. */
static inline const char *sx_lab_neighbour(const json_t *ases, const char *as, unsigned interface)
{
	char id[8];

	(void)snprintf(id, sizeof id, "%u", interface);
	return json_string_value(
		json_object_get(json_object_get(json_object_get(ases, as), "interfaces"), id));
}

static inline void sx_lab_check_mac(const json_t *ases, const char *as, const struct sx_path *path)
{
	const struct sx_hop_field *hop = &path->hops[path->curr_hf];
	struct cmac_aes128_ctx cmac;
	struct sx_vector key;
	uint8_t input[16];
	uint8_t mac[SX_PATH_MAC_BYTES];

	ck_assert(sx_vector_get(json_object_get(ases, as), "hop_key", &key));
	sx_hop_mac_input(&path->infos[path->curr_inf], hop, input);
	cmac_aes128_set_key(&cmac, key.data);
	cmac_aes128_update(&cmac, sizeof input, input);
	cmac_aes128_digest(&cmac, sizeof mac, mac);
	ck_assert_mem_eq(mac, hop->mac, sizeof mac);
}

static inline void sx_lab_chain(struct sx_path *path)
{
	if (!sx_path_is_peering_hop(path, path->curr_hf)) {
		sx_info_chain(&path->infos[path->curr_inf], &path->hops[path->curr_hf]);
	}
}

/*
 * Carries a path from `as` to its end as the routers do (draft-dekater-scion-dataplane section 4.2), checking every MAC;
 * leaves it as the receiver gets it, and returns the AS where that is.
 */
static inline const char *sx_lab_walk(const json_t *ases, const char *as, struct sx_path *path)
{
	bool from_outside = false;

	for (;;) {
		bool forth = path->infos[path->curr_inf].flags & SX_INFO_CONS_DIR;
		const struct sx_hop_field *hop = &path->hops[path->curr_hf];
		unsigned egress = forth ? hop->cons_egress : hop->cons_ingress;

		if (from_outside && !forth) {
			sx_lab_chain(path);
		}
		sx_lab_check_mac(ases, as, path);
		if (path->curr_hf + 1 == path->hop_count) {
			return as;
		}
		if (sx_path_info_index(path, (uint8_t)(path->curr_hf + 1)) != path->curr_inf &&
			!sx_path_is_peering_hop(path, path->curr_hf)) {
			from_outside = false; /* the next hop field is this AS's too */
		} else {
			as = sx_lab_neighbour(ases, as, egress);
			ck_assert_ptr_nonnull(as);
			if (forth) {
				sx_lab_chain(path);
			}
			from_outside = true;
		}
		ck_assert_int_eq(sx_path_increment(path), SX_OK);
	}
}

/* The interfaces of a path from `as`, as a path file lists them. */
static inline json_t *sx_lab_interfaces(
	const json_t *ases, const char *as, const struct sx_path *path)
{
	uint16_t ids[2 * SX_PATH_HOPS_MAX];
	size_t count = sx_path_interface_ids(path, ids);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(json_array_append_new(list,
					 json_pack("{ss si}", "isd_as", as, "id", (int)ids[i])),
			0);
		if (i % 2 == 0) {
			as = sx_lab_neighbour(ases, as, ids[i]);
			ck_assert_ptr_nonnull(as);
		}
	}
	return list;
}

static inline json_t *sx_lab_path(const json_t *ases, const json_t *entry, const char *router)
{
	const char *as = json_string_value(json_object_get(entry, "src"));
	char hex[2 * SX_PATH_MAX + 1];
	struct sx_vector vector;
	struct sx_packet packet;
	struct sx_path path;

	ck_assert(sx_vector_get(entry, "sent", &vector));
	ck_assert_int_eq(sx_packet_parse(&packet, sx_vector_bytes(&vector)), SX_OK);
	ck_assert_int_eq(sx_path_parse(&path, packet.path), SX_OK);
	for (size_t i = 0; i < packet.path.len; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", packet.path.data[i]);
	}
	return json_pack("{sO ss ss si sI so}", "destination", json_object_get(entry, "dst"), "raw",
		hex, "next_hop", router, "mtu", 1400, "expiry", (json_int_t)sx_path_expiry(&path),
		"interfaces", sx_lab_interfaces(ases, as, &path));
}

/* The path file of an AS behind `router`, with the paths that were recorded in use from there. The caller owns it. */
static inline json_t *sx_lab_path_file(const json_t *root, const char *as, const char *router)
{
	json_t *paths = json_array();
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(root, "packets"), i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "src")), as) == 0) {
			json_t *path = sx_lab_path(json_object_get(root, "ases"), entry, router);

			ck_assert_int_eq(json_array_append_new(paths, path), 0);
		}
	}
	return json_pack(
		"{ss si s[s] so}", "isd_as", as, "mtu", 1472, "routers", router, "paths", paths);
}

/* What AS `as` of the lab knows, as a path file; its first router is that of the recordings. The caller owns it. */
static inline json_t *sx_lab_file(const char *as)
{
	json_t *root = sx_vectors_load("scion/packets.json");
	json_t *file = sx_lab_path_file(root, as, "10.0.0.7:31002");

	json_decref(root);
	return file;
}
