/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "scionproto.h"

#define LINK_PORT        50000
#define ROUTER_NAME      "br"
#define DISPATCHED_PORTS "31000-32767" /* what SCION recommends; scion.md 2.1 */

/* The links' own addresses: 127.2.0.1 and 127.2.0.2, 127.2.1.1 and so on; also beyond 256 links. */
static json_t *end_json(size_t link, uint8_t end)
{
	unsigned group = (unsigned)link / 256;

	return json_sprintf("127.2.%u.%u:%d", (unsigned)link % 256, 1 + 2 * group + end, LINK_PORT);
}

static json_t *interface_json(
	const struct sx_topology *topology, const struct sx_topology_interface *interface)
{
	static const char *const names[] = {
		[SX_LINK_TO_CORE] = "core",
		[SX_LINK_TO_PARENT] = "parent",
		[SX_LINK_TO_CHILD] = "child",
		[SX_LINK_TO_PEER] = "peer",
	};
	const struct sx_topology_link *link = &topology->links[interface->link];
	const struct sx_topology_end *far = sx_topology_far(link, interface->end);
	char ia[SX_IA_TEXT_BYTES];
	json_t *json;

	sx_ia_write(topology->ases[far->as].ia, ia, sizeof ia);
	json = json_pack("{s{so so} ss ss si}", "underlay", "local",
		end_json(interface->link, interface->end), "remote",
		end_json(interface->link, (uint8_t)(1 - interface->end)), "isd_as", ia, "link_to",
		names[sx_topology_link_to(link, interface->end)], "mtu", (int)link->mtu);
	if (link->kind == SX_LINK_PEER) {
		(void)json_object_set_new(json, "remote_interface_id", json_integer(far->id));
	}
	return json;
}

static json_t *interfaces_json(const struct sx_topology *topology, const struct sx_topology_as *as)
{
	json_t *json = json_object();

	for (size_t i = 0; i < as->interface_count; i++) {
		char id[8];

		(void)snprintf(id, sizeof id, "%u", (unsigned)as->interfaces[i].id);
		(void)json_object_set_new(json, id, interface_json(topology, &as->interfaces[i]));
	}
	return json;
}

static json_t *topology_json(const struct sx_topology *topology, const struct sx_topology_as *as)
{
	char ia[SX_IA_TEXT_BYTES], host[SX_HOST_TEXT_BYTES];
	json_t *attributes = as->core ? json_pack("[s]", "core") : json_array();
	json_t *internal;

	sx_ia_write(as->ia, ia, sizeof ia);
	sx_host_write(&as->router, host, sizeof host);
	internal = json_sprintf(
		as->router.type == SX_HOST_IPV6 ? "[%s]:%u" : "%s:%u", host, as->router_port);
	return json_pack("{so ss si ss s{s{so so}}}", "attributes", attributes, "isd_as", ia, "mtu",
		(int)as->mtu, "dispatched_ports", DISPATCHED_PORTS, "border_routers", ROUTER_NAME,
		"internal_addr", internal, "interfaces", interfaces_json(topology, as));
}

/* A file to be written in a folder; the first failure is kept. */
struct writing {
	struct sx_topology_error *error;
	int status;
};

static void complain(struct writing *writing, const char *name)
{
	if (writing->status == SX_OK) {
		writing->status = SX_EIO;
		(void)snprintf(writing->error->text, sizeof writing->error->text,
			"%.300s: cannot be written: %s", name, strerror(errno));
	}
}

static void write_text(
	struct writing *writing, const char *folder, const char *file, const char *text)
{
	char name[PATH_MAX + 32];
	FILE *out;

	(void)snprintf(name, sizeof name, "%s/%s", folder, file);
	out = fopen(name, "w");
	if (!out) {
		complain(writing, name);
		return;
	}
	if (fputs(text, out) == EOF) {
		complain(writing, name);
	}
	if (fclose(out) != 0) {
		complain(writing, name);
	}
}

static void make_folder(struct writing *writing, const char *name)
{
	if (mkdir(name, 0777) < 0 && errno != EEXIST) {
		complain(writing, name);
	}
}

static void write_keys(struct writing *writing, const char *folder, const struct sx_topology_as *as)
{
	char text[BASE64_ENCODE_RAW_LENGTH(SX_HOP_KEY_BYTES) + 1] = "";
	char keys[PATH_MAX + 8];

	base64_encode_raw(text, SX_HOP_KEY_BYTES, as->master_key);
	(void)snprintf(keys, sizeof keys, "%s/keys", folder);
	make_folder(writing, keys);
	/* Routers insist on both keys and use the first. */
	write_text(writing, keys, "master0.key", text);
	write_text(writing, keys, "master1.key", text);
}

static void write_as(struct writing *writing, const struct sx_topology *topology,
	const struct sx_topology_as *as, const char *folder)
{
	char ia[SX_IA_TEXT_BYTES], own[PATH_MAX], toml[PATH_MAX + 128];
	json_t *json = topology_json(topology, as);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;

	sx_pathfile_name(as->ia, ia);
	if ((size_t)snprintf(own, sizeof own, "%s/%s", folder, ia) >= sizeof own || !text) {
		errno = text ? ENAMETOOLONG : ENOMEM;
		complain(writing, folder);
	} else {
		make_folder(writing, own);
		write_text(writing, own, "topology.json", text);
		(void)snprintf(toml, sizeof toml,
			"[general]\nid = \"" ROUTER_NAME "\"\nconfig_dir = \"%s\"\n"
			"[log.console]\nlevel = \"error\"\n",
			own);
		write_text(writing, own, "br.toml", toml);
		write_keys(writing, own, as);
	}
	free(text);
	json_decref(json);
}

int sx_scionproto_write(const struct sx_topology *topology, const struct sx_beacons *beacons,
	const char *folder, struct sx_topology_error *error)
{
	struct writing writing = { error, SX_OK };
	char absolute[PATH_MAX];

	make_folder(&writing, folder);
	if (writing.status == SX_OK && !realpath(folder, absolute)) {
		complain(&writing, folder);
	}
	for (size_t i = 0; writing.status == SX_OK && i < topology->as_count; i++) {
		write_as(&writing, topology, &topology->ases[i], absolute);
	}
	return writing.status < 0 ? writing.status
				  : sx_pathfile_write_all(topology, beacons, absolute, error);
}
