/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "rains/msg.h"
#include "rains/object.h"
#include "rains/sign.h"
#include "rains/zone.h"

#define MOST            SX_RAINS_ZONE_MSG_MOST
#define SIGNATURE_BYTES 128 /* written */

/* What a message is made with; the sections contained in another lie in `content`. */
struct making {
	const struct sx_rains_zone *zone;
	const struct sx_rains_signing *signing;
	struct sx_rains_reason *reason;
	uint8_t map[MOST];
	uint8_t tbs[SX_RAINS_TBS_MOST(MOST)];
	uint8_t content[MOST];
};

static struct sx_rains_signature signature_of(
	const struct making *making, const struct sx_rains_zone_item *item)
{
	return (struct sx_rains_signature){
		.alg = SX_RAINS_ED25519,
		.phase = making->signing->phase,
		.since = item->is_dated ? item->since : making->signing->since,
		.until = item->is_dated ? item->until : making->signing->until,
	};
}

/* Writes the signature of a section, whose `signatures` it will be. */
static int sign(struct making *making, const struct sx_rains_zone_item *item,
	struct sx_rains_section *section, struct sx_writer *out)
{
	struct sx_rains_signature signature = signature_of(making, item);
	struct sx_writer map = sx_writer_of(making->map, sizeof making->map);
	struct sx_writer tbs = sx_writer_of(making->tbs, sizeof making->tbs);
	uint8_t data[SX_RAINS_SIGNATURE_BYTES];
	int rc;

	if (item->is_dated && item->phase != making->signing->phase) {
		sx_rains_reason_set(making->reason,
			"line %u: found key phase %" PRId64 ", expected %" PRId64
			", the phase of the key",
			item->line, item->phase, making->signing->phase);
		return SX_EINVAL;
	}
	sx_rains_section_write(&map, section);
	section->map = sx_writer_bytes(&map);
	if (!sx_writer_ok(&map)) {
		return SX_ELIMIT;
	}
	sx_rains_tbs_write(&tbs, section);
	sx_rains_tbs_add(&tbs, &signature);
	rc = sx_rains_sign(making->signing->seed, sx_writer_bytes(&tbs), data);
	signature.data = sx_bytes_of(data, sizeof data);
	sx_rains_signature_write(out, &signature);
	section->signatures = (struct sx_cbor_list){ sx_writer_bytes(out), 1 };
	return rc;
}

/* The signed assertions of a zone or shard, one behind the other. */
static int write_content(struct making *making, const struct sx_rains_zone_item *item,
	struct sx_rains_section *section)
{
	struct sx_writer content = sx_writer_of(making->content, sizeof making->content);
	int rc = SX_OK;

	for (size_t i = 0; rc == SX_OK && i < item->count; i++) {
		const struct sx_rains_zone_item *inner =
			&making->zone->assertions.items[item->first + i];
		struct sx_rains_section assertion = inner->section;
		uint8_t bytes[SIGNATURE_BYTES];
		struct sx_writer signature = sx_writer_of(bytes, sizeof bytes);

		rc = sign(making, inner, &assertion, &signature);
		sx_rains_section_write(&content, &assertion);
	}
	section->content = (struct sx_cbor_list){ sx_writer_bytes(&content), item->count };
	return rc == SX_OK && !sx_writer_ok(&content) ? SX_ELIMIT : rc;
}

static int write_section(
	struct making *making, const struct sx_rains_zone_item *item, struct sx_writer *out)
{
	struct sx_rains_section section = item->section;
	uint8_t bytes[SIGNATURE_BYTES];
	struct sx_writer signature = sx_writer_of(bytes, sizeof bytes);
	int rc = section.type == SX_RAINS_PSHARD ? SX_OK : write_content(making, item, &section);

	if (rc == SX_OK) {
		rc = sign(making, item, &section, &signature);
	}
	if (rc == SX_OK) {
		sx_rains_msg_add(out, &section);
	}
	return rc;
}

static void begin(struct making *making, struct sx_writer *out)
{
	uint8_t bytes[64];
	struct sx_writer capability = sx_writer_of(bytes, sizeof bytes);

	sx_cbor_write_text(&capability, sx_bytes_text("urn:x-rains:nocapability"));
	sx_rains_msg_begin(out, making->signing->token,
		(struct sx_cbor_list){ sx_writer_bytes(&capability), 1 },
		making->zone->sections.count);
}

/* What was written is what resolvers accept. */
static int check(const struct sx_writer *out)
{
	struct sx_rains_msg msg;

	return sx_writer_ok(out) ? sx_rains_msg_parse(&msg, sx_writer_bytes(out), MOST) : SX_ELIMIT;
}

int sx_rains_zone_sign(const struct sx_rains_zone *zone, const struct sx_rains_signing *signing,
	struct sx_writer *out, struct sx_rains_reason *reason)
{
	struct making *making = malloc(sizeof *making);
	int rc = SX_OK;

	if (!making) {
		sx_rains_reason_set(reason, "out of memory");
		return SX_ENOMEM;
	}
	making->zone = zone;
	making->signing = signing;
	making->reason = reason;
	sx_rains_reason_set(reason, "the signature could not be made");
	begin(making, out);
	for (size_t i = 0; rc == SX_OK && i < zone->sections.count; i++) {
		rc = write_section(making, &zone->sections.items[i], out);
	}
	free(making);
	rc = rc == SX_OK ? check(out) : rc;
	if (rc == SX_ELIMIT) {
		sx_rains_reason_set(reason,
			"the zone does not fit a message of %d bytes; make two of it", MOST);
	}
	return rc;
}
