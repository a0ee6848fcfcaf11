/* SPDX-License-Identifier: MIT */
#include "scion/pathtable.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define LATENCY_MS_MAX 3600000

/* Where in the file we are, for whom it may concern. */
struct place {
	char *problem;
	size_t path; /* index in "paths", or SIZE_MAX */
};

static int refuse(const struct place *place, const char *field, const char *expected)
{
	if (place->path == SIZE_MAX) {
		(void)snprintf(place->problem, SX_PATHTABLE_PROBLEM_BYTES, "%s: expected %s", field,
			expected);
	} else {
		(void)snprintf(place->problem, SX_PATHTABLE_PROBLEM_BYTES,
			"paths[%zu].%s: expected %s", place->path, field, expected);
	}
	return SX_EMALFORMED;
}

static struct sx_bytes text_of(const json_t *value)
{
	return json_is_string(value)
		       ? sx_bytes_of(json_string_value(value), json_string_length(value))
		       : sx_bytes_of(NULL, 0);
}

static int read_ia(
	const json_t *object, const char *field, const struct place *place, uint64_t *out)
{
	if (sx_ia_parse(text_of(json_object_get(object, field)), out) < 0) {
		return refuse(place, field, "an ISD-AS such as \"1-ff00:0:110\"");
	}
	return SX_OK;
}

/* An MTU may be missing: 0. */
static int read_mtu(const json_t *object, const struct place *place, uint32_t *out)
{
	const json_t *value = json_object_get(object, "mtu");
	json_int_t mtu = json_integer_value(value);

	if (value && (!json_is_integer(value) || mtu < 0 || mtu > UINT16_MAX)) {
		return refuse(place, "mtu", "a number from 0 to 65535");
	}
	*out = (uint32_t)mtu;
	return SX_OK;
}

static int read_routers(const json_t *root, const struct place *place, struct sx_local_as *local)
{
	const json_t *list = json_object_get(root, "routers");

	if (!json_is_array(list) || json_array_size(list) > SX_PATHSRC_ROUTERS_MAX) {
		return refuse(place, "routers", "a list of at most 64 addresses");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (sx_ip_port_parse(text_of(json_array_get(list, i)), &local->routers[i]) < 0) {
			return refuse(place, "routers",
				"addresses such as \"10.0.0.1:30042\" or \"[fd00::1]:30042\"");
		}
	}
	local->router_count = json_array_size(list);
	return SX_OK;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c | 0x20) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* The path's bytes, and that it is one we can send as it is. */
static int read_raw(const json_t *object, const struct place *place, struct sx_path *path,
	uint8_t out[SX_PATH_MAX])
{
	static const char expected[] = "a SCION path (type 1) at its first hop, in hex";
	struct sx_bytes hex = text_of(json_object_get(object, "raw"));

	if (hex.len % 2 != 0 || hex.len / 2 > SX_PATH_MAX) {
		return refuse(place, "raw", expected);
	}
	for (size_t i = 0; i < hex.len / 2; i++) {
		int high = hex_digit((char)hex.data[2 * i]);
		int low = hex_digit((char)hex.data[2 * i + 1]);

		if (high < 0 || low < 0) {
			return refuse(place, "raw", expected);
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	if (sx_path_parse(path, sx_bytes_of(out, hex.len / 2)) < 0 || path->curr_hf != 0) {
		return refuse(place, "raw", expected);
	}
	return SX_OK;
}

static int read_next_hop(const json_t *object, const struct place *place,
	const struct sx_local_as *local, struct sx_ip_port *out)
{
	if (sx_ip_port_parse(text_of(json_object_get(object, "next_hop")), out) < 0) {
		return refuse(place, "next_hop", "an address such as \"10.0.0.1:30042\"");
	}
	for (size_t i = 0; i < local->router_count; i++) {
		if (sx_ip_port_equal(&local->routers[i], out)) {
			return SX_OK;
		}
	}
	/* Answers come back from it, and only routers of ours are listened to. */
	return refuse(place, "next_hop", "one of \"routers\"");
}

static int read_interfaces(
	const json_t *object, const struct place *place, struct sx_interface *out, size_t *count)
{
	const json_t *list = json_object_get(object, "interfaces");

	if (!json_is_array(list) || json_array_size(list) > SX_INTERFACES_MAX) {
		return refuse(place, "interfaces", "a list of the interfaces on the way");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		json_int_t id = json_integer_value(json_object_get(entry, "id"));

		if (sx_ia_parse(text_of(json_object_get(entry, "isd_as")), &out[i].ia) < 0 ||
			id < 1 || id > UINT16_MAX) {
			return refuse(place, "interfaces",
				"entries such as { \"isd_as\": \"1-ff00:0:110\", \"id\": 1 }");
		}
		out[i].id = (uint64_t)id;
	}
	*count = json_array_size(list);
	return SX_OK;
}

/* The interfaces must be those of the hop fields, else what we show would not be what we use. */
static int check_way(const struct sx_known_path *found, const struct sx_path *path,
	const struct place *place, uint64_t local)
{
	uint16_t ids[2 * SX_PATH_HOPS_MAX];
	size_t count = sx_path_interface_ids(path, ids);

	if (count == 0 || count != found->interface_count || found->interfaces[0].ia != local ||
		found->interfaces[count - 1].ia != found->destination) {
		return refuse(
			place, "interfaces", "the way of \"raw\", from us to the destination");
	}
	for (size_t i = 0; i < count; i++) {
		if (found->interfaces[i].id != ids[i]) {
			return refuse(place, "interfaces", "the ids of the hop fields in \"raw\"");
		}
	}
	return SX_OK;
}

/* The sum of what is announced; entries below zero are unset. */
static int read_latency(const json_t *object, const struct place *place, uint64_t *out_us)
{
	const json_t *list = json_object_get(object, "latency_ms");
	double sum_ms = 0;

	if (list && (!json_is_array(list) || json_array_size(list) > SX_INTERFACES_MAX)) {
		return refuse(place, "latency_ms", "a list of numbers");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		double ms = json_number_value(entry);

		if (!json_is_number(entry) || ms > LATENCY_MS_MAX) {
			return refuse(place, "latency_ms", "numbers up to an hour");
		}
		sum_ms += ms > 0 ? ms : 0;
	}
	*out_us = (uint64_t)(sum_ms * 1000);
	return SX_OK;
}

static int read_expiry(const json_t *object, const struct place *place, uint64_t *out)
{
	const json_t *value = json_object_get(object, "expiry");

	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		return refuse(place, "expiry", "UNIX seconds");
	}
	*out = (uint64_t)json_integer_value(value);
	return SX_OK;
}

/* Everything of a path but its interfaces and bytes. */
static int read_scalars(const json_t *object, const struct place *place,
	const struct sx_local_as *local, struct sx_known_path *out)
{
	int rc = read_ia(object, "destination", place, &out->destination);

	if (rc < 0) {
		return rc;
	}
	rc = read_next_hop(object, place, local, &out->next_hop);
	if (rc < 0) {
		return rc;
	}
	rc = read_mtu(object, place, &out->mtu);
	if (rc < 0) {
		return rc;
	}
	rc = read_expiry(object, place, &out->expiry);
	if (rc < 0) {
		return rc;
	}
	return read_latency(object, place, &out->latency_us);
}

static int read_path(const json_t *object, const struct place *place, struct sx_pathtable *table)
{
	struct sx_interface interfaces[SX_INTERFACES_MAX];
	struct sx_known_path found = { .interfaces = interfaces };
	struct sx_path decoded;
	uint8_t raw[SX_PATH_MAX];
	int rc = read_scalars(object, place, &table->local, &found);

	if (rc < 0) {
		return rc;
	}
	rc = read_raw(object, place, &decoded, raw);
	if (rc < 0) {
		return rc;
	}
	rc = read_interfaces(object, place, interfaces, &found.interface_count);
	if (rc < 0) {
		return rc;
	}
	rc = check_way(&found, &decoded, place, table->local.ia);
	if (rc < 0) {
		return rc;
	}
	if (sx_path_expiry(&decoded) < found.expiry) {
		found.expiry = sx_path_expiry(&decoded);
	}
	sx_path_fingerprint(interfaces, found.interface_count, found.fingerprint);
	found.raw = sx_bytes_of(raw, sx_path_len(&decoded));
	rc = sx_known_path_copy(&found, &table->paths[table->count]);
	if (rc < 0) {
		return rc;
	}
	table->count++;
	return SX_OK;
}

static int compare(const void *left, const void *right)
{
	const struct sx_known_path *a = *(const struct sx_known_path *const *)left;
	const struct sx_known_path *b = *(const struct sx_known_path *const *)right;

	if (a->destination != b->destination) {
		return a->destination < b->destination ? -1 : 1;
	}
	return (a->interface_count > b->interface_count) -
	       (a->interface_count < b->interface_count);
}

static int read_paths(const json_t *list, char *problem, struct sx_pathtable *table)
{
	size_t count = json_array_size(list);

	table->paths = calloc(count > 0 ? count : 1, sizeof *table->paths);
	if (!table->paths) {
		return SX_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct place place = { .problem = problem, .path = i };
		int rc = read_path(json_array_get(list, i), &place, table);

		if (rc < 0) {
			return rc;
		}
	}
	qsort(table->paths, count, sizeof *table->paths, compare);
	return SX_OK;
}

static int read_root(const json_t *root, char *problem, struct sx_pathtable *table)
{
	struct place place = { .problem = problem, .path = SIZE_MAX };
	const json_t *paths = json_object_get(root, "paths");
	int rc = read_ia(root, "isd_as", &place, &table->local.ia);

	if (rc < 0) {
		return rc;
	}
	rc = read_mtu(root, &place, &table->local.mtu);
	if (rc < 0) {
		return rc;
	}
	rc = read_routers(root, &place, &table->local);
	if (rc < 0) {
		return rc;
	}
	if (!json_is_array(paths) || json_array_size(paths) > SX_PATHTABLE_PATHS_MAX) {
		return refuse(&place, "paths", "a list of at most 10000 paths");
	}
	return read_paths(paths, problem, table);
}

int sx_pathtable_parse(
	struct sx_pathtable **out, struct sx_bytes text, char problem[SX_PATHTABLE_PROBLEM_BYTES])
{
	json_error_t error;
	json_t *root =
		json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	struct sx_pathtable *table = calloc(1, sizeof *table);
	int rc = SX_ENOMEM;

	if (!root && json_error_code(&error) != json_error_out_of_memory) {
		(void)snprintf(
			problem, SX_PATHTABLE_PROBLEM_BYTES, "line %d: %s", error.line, error.text);
		rc = SX_EMALFORMED;
	} else if (root && table) {
		rc = read_root(root, problem, table);
	}
	json_decref(root);
	if (rc == SX_ENOMEM) {
		(void)snprintf(problem, SX_PATHTABLE_PROBLEM_BYTES, "out of memory");
	}
	if (rc < 0) {
		sx_pathtable_free(table);
		return rc;
	}
	*out = table;
	return SX_OK;
}

void sx_pathtable_free(struct sx_pathtable *table)
{
	if (!table) {
		return;
	}
	for (size_t i = 0; i < table->count; i++) {
		free(table->paths[i]);
	}
	free(table->paths);
	free(table);
}
