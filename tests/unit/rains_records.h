/* SPDX-License-Identifier: MIT */
/* rains_records: what the servers of rains_servers.h know: a table of signed assertions; about all else they are silent. */
#pragma once

#include "rains_servers.h"

#define RECORDS   32
#define ROOT      1
#define EXAMPLE   2
#define ROOT_TEXT "ed25519 1 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"

struct record {
	const char *name;
	int64_t type;
	struct sx_rains_section section;
};

static struct record records[RECORDS];
static size_t record_count;

static inline struct sx_rains_section records_sign(
	struct sx_rains_section section, uint8_t seed, int64_t seconds)
{
	int64_t now = (int64_t)sx_loop_unix_time();
	const struct rains_signer signer = { seed, 1, now - 1000, now + seconds, false };

	return rains_signed(section, &signer, 1);
}

static inline void records_add(const char *name, int64_t type, struct sx_rains_section section)
{
	ck_assert_uint_lt(record_count, RECORDS);
	records[record_count++] = (struct record){ name, type, section };
}

/* An assertion in zone "example.", valid for some seconds. */
static inline void records_say(const char *name, int64_t type, const char *subject,
	struct sx_cbor_list objects, int64_t seconds)
{
	records_add(name, type,
		records_sign(rains_assertion(subject, "example.", objects), EXAMPLE, seconds));
}

static inline void records_answer(struct name_server *server, const struct sx_rains_section *query)
{
	struct sx_reader walk = sx_reader_of(query->types.items);
	int64_t type = sx_cbor_read_int(&walk);

	for (size_t i = 0; i < record_count; i++) {
		if (records[i].type == type &&
			sx_bytes_equal(sx_bytes_text(records[i].name), query->name)) {
			reply(server, &records[i].section, 1);
			return;
		}
	}
}

/* All servers know the delegation of "example.". */
static inline void records_begin(void)
{
	net_begin();
	record_count = 0;
	for (size_t i = 0; i < SERVERS; i++) {
		net.servers[i].answer = records_answer;
	}
	records_add("example.", SX_RAINS_DELEG,
		records_sign(
			rains_assertion("example", ".", rains_deleg(EXAMPLE, 1)), ROOT, 86400));
}
