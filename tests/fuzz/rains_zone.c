/* SPDX-License-Identifier: MIT */
#include "rains/zone.h"

#include "rains/msg.h"
#include "rains/sign.h"
#include "target.h"

static uint8_t out[SX_RAINS_ZONE_MSG_MOST];

/* A zone that was accepted can be published: all its sections are there, and can be read. */
static void check_signed(const struct sx_rains_zone *zone, const struct sx_rains_msg *msg)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	for (size_t i = 0; i < zone->sections.count; i++) {
		assert(sx_rains_next_section(&walk, &section));
		assert(section.type == zone->sections.items[i].section.type);
		assert(section.content.count == zone->sections.items[i].count);
		assert(section.signatures.count == 1);
	}
	assert(!sx_rains_next_section(&walk, &section) && sx_reader_ok(&walk));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[SX_RAINS_SEED_BYTES] = { 1 };
	static const uint8_t token[SX_RAINS_TOKEN_BYTES];
	const struct sx_rains_signing signing = { seed, 1, 1000, 2000, { token, sizeof token } };
	struct sx_writer writer = sx_writer_of(out, sizeof out);
	struct sx_rains_reason reason;
	struct sx_rains_zone *zone;
	struct sx_rains_msg msg;
	int rc = sx_rains_zone_new(&zone, sx_bytes_of(data, size), &reason);

	if (rc < 0) {
		assert(rc == SX_EMALFORMED || rc == SX_ELIMIT);
		assert(reason.text[0] != '\0');
		return 0;
	}
	rc = sx_rains_zone_sign(zone, &signing, &writer, &reason);
	assert(rc == SX_OK || rc == SX_ELIMIT || rc == SX_EINVAL);
	if (rc == SX_OK) {
		assert(sx_rains_msg_parse(&msg, sx_writer_bytes(&writer), sizeof out) == SX_OK);
		check_signed(zone, &msg);
	}
	sx_rains_zone_free(zone);
	return 0;
}
