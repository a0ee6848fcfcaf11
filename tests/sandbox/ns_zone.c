/* SPDX-License-Identifier: MIT */
#include "ns_zone.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"

#define HOUR 3600

static int read_zone(const char *name, struct sx_rains_zone **out, struct sx_rains_reason *reason)
{
	struct sx_file file = { .name = name, .most = SX_RAINS_ZONE_FILE_MOST };
	struct sx_rains_reason problem;
	char *text = NULL;
	size_t len = 0;
	int rc = sx_file_read(&file, 1, &text, &len);

	if (rc < 0) {
		sx_rains_reason_set(reason, "%.200s: %s", name, sx_status_text(rc));
		return rc;
	}
	rc = sx_rains_zone_new(out, sx_bytes_of(text, len), &problem);
	free(text);
	if (rc < 0) {
		sx_rains_reason_set(reason, "%.100s: %.250s", name, problem.text);
	}
	return rc;
}

static int sign(struct sx_ns_copy *out, const struct sx_rains_zone *zone,
	const struct sx_rains_signing *signing, struct sx_rains_reason *reason)
{
	struct sx_writer writer = sx_writer_of(out->bytes, sizeof out->bytes);
	int rc = sx_rains_zone_sign(zone, signing, &writer, reason);

	return rc < 0 ? rc
		      : sx_rains_msg_parse(&out->msg, sx_writer_bytes(&writer), sizeof out->bytes);
}

static struct sx_rains_name name_of(struct sx_bytes bytes)
{
	struct sx_rains_name name = { .len = bytes.len };

	memcpy(name.data, bytes.data, bytes.len);
	return name;
}

/* Both copies of a zone that has been read. */
static int fill(struct sx_ns_zone *out, const struct sx_rains_zone *zone, int64_t now,
	int64_t valid, struct sx_rains_reason *reason)
{
	const struct sx_rains_section *main = &sx_rains_zone_main(zone)->section;
	uint8_t token[SX_RAINS_TOKEN_BYTES];
	struct sx_rains_signing signing = {
		.seed = out->key.seed,
		.phase = out->key.phase,
		.since = now,
		.until = now + valid,
		.token = { token, sizeof token },
	};
	int rc;

	sx_random_bytes(token, sizeof token);
	out->name = name_of(main->zone);
	out->context = name_of(main->context);
	rc = sign(&out->fresh, zone, &signing, reason);
	signing.since = now - 2L * HOUR;
	signing.until = now - HOUR;
	return rc < 0 ? rc : sign(&out->expired, zone, &signing, reason);
}

static int get_key(struct sx_rains_keyfile *out, const char *path, struct sx_rains_reason *reason)
{
	int rc = sx_rains_keyfile_read(out, path, reason);

	return rc == SX_ENOTFOUND ? sx_rains_keyfile_create(out, path, 1, reason) : rc;
}

static struct sx_ns_zone *find(const struct sx_ns_zones *zones, struct sx_bytes name)
{
	for (size_t i = 0; i < zones->count; i++) {
		if (sx_bytes_equal(sx_rains_name_bytes(&zones->items[i]->name), name)) {
			return zones->items[i];
		}
	}
	return NULL;
}

int sx_ns_zones_add(struct sx_ns_zones *zones, const char *file, const char *key, int64_t now,
	struct sx_rains_reason *reason)
{
	struct sx_ns_zone *made = calloc(1, sizeof *made);
	struct sx_rains_zone *zone = NULL;
	int rc;

	if (!made || zones->count == SX_NS_ZONES_MOST) {
		sx_rains_reason_set(reason, "no room for more zones");
		free(made);
		return SX_ELIMIT;
	}
	rc = get_key(&made->key, key, reason);
	if (rc == SX_OK) {
		rc = read_zone(file, &zone, reason);
	}
	if (rc == SX_OK) {
		rc = fill(made, zone, now, zones->valid, reason);
	}
	sx_rains_zone_free(zone);
	if (rc < 0) {
		free(made);
		return rc;
	}
	zones->items[zones->count++] = made;
	return SX_OK;
}

int sx_ns_zones_reload(
	struct sx_ns_zones *zones, const char *file, int64_t now, struct sx_rains_reason *reason)
{
	struct sx_rains_zone *zone = NULL;
	struct sx_ns_zone *served;
	int rc = read_zone(file, &zone, reason);

	if (rc < 0) {
		return rc;
	}
	served = find(zones, sx_rains_zone_main(zone)->section.zone);
	if (served) {
		rc = fill(served, zone, now, zones->valid, reason);
	} else {
		sx_rains_reason_set(reason, "%.200s: its zone is none of ours", file);
		rc = SX_ENOTFOUND;
	}
	sx_rains_zone_free(zone);
	return rc;
}

static bool is_signed_by(const struct sx_rains_section *section, const uint8_t *key)
{
	size_t room = SX_RAINS_TBS_MOST(SX_RAINS_ZONE_MSG_MOST);
	struct sx_reader walk = sx_reader_of(section->signatures.items);
	struct sx_rains_signature signature = { .alg = 0 };
	uint8_t *bytes = malloc(room);
	struct sx_writer tbs = sx_writer_of(bytes, bytes ? room : 0);
	bool is_good;

	(void)sx_rains_next_signature(&walk, &signature);
	sx_rains_tbs_write(&tbs, section);
	sx_rains_tbs_add(&tbs, &signature);
	is_good = sx_rains_verify(sx_bytes_of(key, SX_RAINS_KEY_BYTES), sx_writer_bytes(&tbs),
			  signature.data) == SX_OK;
	free(bytes);
	return is_good;
}

int sx_ns_zones_push(struct sx_ns_zones *zones, struct sx_bytes message)
{
	struct sx_rains_section section;
	struct sx_ns_zone *served;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	if (message.len > sizeof served->fresh.bytes ||
		sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) < 0) {
		return SX_EMALFORMED;
	}
	walk = sx_reader_of(msg.content.items);
	if (!sx_rains_next_section(&walk, &section) || section.type != SX_RAINS_ZONE) {
		return SX_EREFUSED;
	}
	served = find(zones, section.zone);
	if (!served || !is_signed_by(&section, served->key.key)) {
		return SX_EREFUSED;
	}
	memcpy(served->fresh.bytes, message.data, message.len);
	return sx_rains_msg_parse(&served->fresh.msg, sx_bytes_of(served->fresh.bytes, message.len),
		SX_RAINS_MSG_MOST);
}

void sx_ns_zones_fini(struct sx_ns_zones *zones)
{
	for (size_t i = 0; i < zones->count; i++) {
		free(zones->items[i]);
	}
	zones->count = 0;
}
