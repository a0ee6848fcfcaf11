/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "answer.h"
#include "base/loop.h"
#include "command.h"
#include "rains/object.h"
#include "resolution.h"

#define SECOND_NS UINT64_C(1000000000)

static void write_target(const struct sx_found_target *target, char *out, size_t cap)
{
	if (target->addr.ia == 0) {
		sx_host_write(&target->addr.host, out, cap);
	} else {
		sx_addr_write(&target->addr, out, cap);
	}
}

static const char *usage_name(int64_t usage)
{
	return usage == SX_RAINS_END_ENTITY     ? "end entity"
	       : usage == SX_RAINS_TRUST_ANCHOR ? "trust anchor"
						: "?";
}

static const char *hash_name(int64_t hash)
{
	static const char *const names[] = { "whole", "sha256", "sha384", "sha512", "shake256",
		"fnv64", "fnv128" };

	return hash >= 0 && hash < (int64_t)SX_COUNT(names) ? names[hash] : "?";
}

static uint64_t seconds_left(const struct sx_answer *answer)
{
	uint64_t now_ns = sx_loop_now_ns();

	return answer->expiry_ns > now_ns ? (answer->expiry_ns - now_ns) / SECOND_NS : 0;
}

static void print_targets(const struct sx_answer *answer)
{
	char address[SX_ADDR_TEXT_BYTES];

	(void)printf("%-44s %6s %9s\n", "ADDRESS", "PORT", "PRIORITY");
	for (size_t i = 0; i < answer->target_count; i++) {
		const struct sx_found_target *target = &answer->targets[i];
		char port[8] = "-";

		write_target(target, address, sizeof address);
		if (target->port) {
			(void)snprintf(port, sizeof port, "%u", target->port);
		}
		(void)printf("%-44s %6s %9u%s\n", address, port, target->priority,
			target->addr.ia == 0 ? "  plain QUIC" : "");
	}
}

static void print_certs(const struct sx_answer *answer)
{
	struct sx_reader walk = sx_reader_of(answer->certs);
	struct sx_rains_object object;

	(void)printf("%-14s %-10s %s\n", "USAGE", "HASH", "DATA");
	while (sx_rains_next_object(&walk, &object)) {
		(void)printf(
			"%-14s %-10s ", usage_name(object.cert.usage), hash_name(object.cert.hash));
		for (size_t i = 0; i < object.cert.data.len; i++) {
			(void)printf("%02x", object.cert.data.data[i]);
		}
		(void)printf("\n");
	}
}

static void print_text(const struct sx_answer *answer, const char *name, bool trace)
{
	if (trace) {
		(void)fputs(answer->trace, stdout);
	}
	if (answer->status != SX_OK) {
		(void)printf("%s: nothing found (%s)\n", name, answer->reason);
		return;
	}
	if (answer->target_count > 0) {
		print_targets(answer);
	}
	if (answer->cert_count > 0) {
		print_certs(answer);
	}
	(void)printf("found by %s, for %llu s\n", answer->source,
		(unsigned long long)seconds_left(answer));
}

static json_t *targets_json(const struct sx_answer *answer)
{
	json_t *list = json_array();
	char address[SX_ADDR_TEXT_BYTES];

	for (size_t i = 0; i < answer->target_count; i++) {
		const struct sx_found_target *target = &answer->targets[i];

		write_target(target, address, sizeof address);
		(void)json_array_append_new(list,
			json_pack("{s:s, s:i, s:i, s:b}", "address", address, "port", target->port,
				"priority", target->priority, "plain", target->addr.ia == 0));
	}
	return list;
}

static json_t *certs_json(const struct sx_answer *answer)
{
	json_t *list = json_array();
	struct sx_reader walk = sx_reader_of(answer->certs);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		char hex[2 * 4096 + 1] = "";
		size_t count = object.cert.data.len < 4096 ? object.cert.data.len : 4096;

		for (size_t i = 0; i < count; i++) {
			(void)snprintf(hex + 2 * i, 3, "%02x", object.cert.data.data[i]);
		}
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "usage", usage_name(object.cert.usage),
				      "hash", hash_name(object.cert.hash), "data", hex));
	}
	return list;
}

static json_t *lines_json(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		(void)json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return list;
}

static void print_json(const struct sx_answer *answer, const char *name)
{
	json_t *all = json_pack("{s:s, s:b, s:s, s:s, s:I, s:o, s:o, s:o}", "name", name, "found",
		answer->status == SX_OK, "source", answer->source, "reason", answer->reason,
		"seconds", (json_int_t)seconds_left(answer), "targets", targets_json(answer),
		"certificates", certs_json(answer), "trace", lines_json(answer->trace));

	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	(void)printf("\n");
	json_decref(all);
}

int sx_cli_resolution(struct sx_buf *answer, const char *name, bool trace, bool json)
{
	const struct sx_answer *found;

	if (!answer) {
		return SX_CLI_FAILED;
	}
	found = sx_answer_of(answer);
	if (json) {
		print_json(found, name);
	} else {
		print_text(found, name, trace);
	}
	return found->status == SX_OK ? SX_CLI_OK : SX_CLI_FAILED;
}
