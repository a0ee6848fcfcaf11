/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "pathfile.h"

#define FILE_NAME_BYTES 4096

static json_t *ia_json(uint64_t ia)
{
	char text[SX_IA_TEXT_BYTES];

	sx_ia_write(ia, text, sizeof text);
	return json_string(text);
}

static json_t *router_json(const struct sx_topology_as *as)
{
	char host[SX_HOST_TEXT_BYTES];

	sx_host_write(&as->router, host, sizeof host);
	return json_sprintf(
		as->router.type == SX_HOST_IPV6 ? "[%s]:%u" : "%s:%u", host, as->router_port);
}

static json_t *raw_json(const struct sx_path *path)
{
	uint8_t bytes[SX_PATH_MAX];
	char hex[2 * SX_PATH_MAX + 1] = "";
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);

	sx_path_write(path, &writer);
	for (size_t i = 0; i < sx_writer_bytes(&writer).len; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	}
	return json_string(hex);
}

static json_t *interfaces_json(const struct sx_combined *combined)
{
	json_t *list = json_array();

	for (size_t i = 0; i < combined->interface_count; i++) {
		(void)json_array_append_new(
			list, json_pack("{so sI}", "isd_as", ia_json(combined->interfaces[i].ia),
				      "id", (json_int_t)combined->interfaces[i].id));
	}
	return list;
}

/* From each interface to the next: over a link, then through an AS, which takes no time here, and so on. */
static json_t *latency_json(const struct sx_topology *topology, const struct sx_combined *combined)
{
	json_t *list = json_array();

	for (size_t i = 0; i + 1 < combined->interface_count; i++) {
		const struct sx_interface *at = &combined->interfaces[i];
		const struct sx_topology_as *as = sx_topology_find_as(topology, at->ia);
		const struct sx_topology_interface *interface =
			sx_topology_find_interface(as, (uint16_t)at->id);
		bool over_link = i % 2 == 0;

		(void)json_array_append_new(
			list, json_real(over_link ? topology->links[interface->link].delay_ms : 0));
	}
	return list;
}

static json_t *path_json(const struct sx_topology *topology, const struct sx_topology_as *src,
	const struct sx_topology_as *dst, const struct sx_combined *combined)
{
	return json_pack("{so so so si sI so so}", "destination", ia_json(dst->ia), "raw",
		raw_json(&combined->path), "next_hop", router_json(src), "mtu", (int)combined->mtu,
		"expiry", (json_int_t)sx_path_expiry(&combined->path), "interfaces",
		interfaces_json(combined), "latency_ms", latency_json(topology, combined));
}

static int append_paths(json_t *paths, const struct sx_topology *topology,
	const struct sx_beacons *beacons, size_t src, size_t dst)
{
	struct sx_combined_list list = { 0 };
	int rc = sx_combine(&list, topology, beacons, src, dst);

	for (size_t i = 0; rc == SX_OK && i < list.count; i++) {
		json_t *path = path_json(
			topology, &topology->ases[src], &topology->ases[dst], &list.items[i]);

		rc = json_array_append_new(paths, path) < 0 ? SX_ENOMEM : SX_OK;
	}
	sx_combined_list_fini(&list);
	return rc;
}

static json_t *file_json(
	const struct sx_topology *topology, const struct sx_beacons *beacons, size_t src)
{
	const struct sx_topology_as *as = &topology->ases[src];
	json_t *paths = json_array();
	json_t *file = json_pack("{so si s[o] sO}", "isd_as", ia_json(as->ia), "mtu", (int)as->mtu,
		"routers", router_json(as), "paths", paths);
	int rc = file ? SX_OK : SX_ENOMEM;

	for (size_t dst = 0; rc == SX_OK && dst < topology->as_count; dst++) {
		rc = dst == src ? SX_OK : append_paths(paths, topology, beacons, src, dst);
	}
	json_decref(paths);
	if (rc < 0) {
		json_decref(file);
		return NULL;
	}
	return file;
}

/* Readers see the old file or the new one, never half of one. */
static int replace(const char *name, const json_t *json)
{
	char fresh[FILE_NAME_BYTES + 8];

	(void)snprintf(fresh, sizeof fresh, "%s.new", name);
	if (json_dump_file(json, fresh, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0 ||
		rename(fresh, name) < 0) {
		return SX_EIO;
	}
	return SX_OK;
}

void sx_pathfile_name(uint64_t ia, char out[SX_IA_TEXT_BYTES])
{
	sx_ia_write(ia, out, SX_IA_TEXT_BYTES);
	for (char *at = out; *at; at++) {
		if (*at == ':') {
			*at = '_';
		}
	}
}

int sx_pathfile_write_all(const struct sx_topology *topology, const struct sx_beacons *beacons,
	const char *folder, struct sx_topology_error *error)
{
	for (size_t i = 0; i < topology->as_count; i++) {
		char as[SX_IA_TEXT_BYTES], name[FILE_NAME_BYTES];
		json_t *json = file_json(topology, beacons, i);
		int rc = SX_ENOMEM;

		sx_pathfile_name(topology->ases[i].ia, as);
		(void)snprintf(name, sizeof name, "%s/%s.paths.json", folder, as);
		if (json) {
			rc = replace(name, json);
			json_decref(json);
		}
		if (rc < 0) {
			(void)snprintf(error->text, sizeof error->text,
				"%.300s: cannot be written: %s", name,
				rc == SX_ENOMEM ? "out of memory" : strerror(errno));
			return rc;
		}
	}
	return SX_OK;
}
