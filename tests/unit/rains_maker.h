/* SPDX-License-Identifier: MIT */
/* rains_maker: zones, keys and signatures for tests of what is believed. Nothing is freed but by rains_make_begin. */
#pragma once

#include "rains/msg.h"
#include "rains/object.h"
#include "rains_vectors.h"

struct rains_signer {
	int64_t seed; /* every byte of the secret one */
	int64_t phase;
	int64_t since;
	int64_t until;
	bool is_forged;
};

static uint8_t rains_arena[1U << 21];
static struct sx_writer rains_writer;

static inline void rains_make_begin(void)
{
	rains_writer = sx_writer_of(rains_arena, sizeof rains_arena);
}

/* What has been written since `start`. */
static inline struct sx_bytes rains_made(size_t start)
{
	ck_assert(sx_writer_ok(&rains_writer));
	return sx_bytes_of(rains_arena + start, rains_writer.at - start);
}

static inline struct sx_bytes rains_made_key(uint8_t seed)
{
	uint8_t key[SX_RAINS_KEY_BYTES];
	size_t start = rains_writer.at;

	ck_assert_int_eq(sx_rains_public_key(rains_seed(seed).data, key), SX_OK);
	sx_write_bytes(&rains_writer, sx_bytes_of(key, sizeof key));
	return rains_made(start);
}

static inline struct sx_cbor_list rains_object(const struct sx_rains_object *object)
{
	size_t start = rains_writer.at;

	sx_rains_object_write(&rains_writer, object);
	return (struct sx_cbor_list){ rains_made(start), 1 };
}

static inline struct sx_cbor_list rains_deleg(uint8_t seed, int64_t phase)
{
	struct sx_rains_object object = { .type = SX_RAINS_DELEG,
		.key = { .alg = SX_RAINS_ED25519, .phase = phase, .data = rains_made_key(seed) } };

	return rains_object(&object);
}

static inline struct sx_cbor_list rains_text(const char *text)
{
	struct sx_rains_object object = { .type = SX_RAINS_REGT, .text = sx_bytes_text(text) };

	return rains_object(&object);
}

static inline struct sx_cbor_list rains_scion(const char *text)
{
	struct sx_rains_object object = { .type = SX_RAINS_SCION };

	ck_assert_int_eq(sx_addr_parse(sx_bytes_text(text), &object.addr), SX_OK);
	return rains_object(&object);
}

/* Another name for addresses. */
static inline struct sx_cbor_list rains_alias(const char *target)
{
	static const uint8_t types[] = { SX_RAINS_SCION };
	struct sx_rains_object object = { .type = SX_RAINS_NAME,
		.text = sx_bytes_text(target),
		.types = { sx_bytes_of(types, sizeof types), 1 } };

	return rains_object(&object);
}

/* The section as a receiver has it. */
static inline struct sx_rains_section rains_received(const struct sx_rains_section *section)
{
	size_t start = rains_writer.at;

	sx_rains_section_write(&rains_writer, section);
	return rains_section_of(section->type, rains_made(start));
}

static inline void rains_add_signature(
	const struct sx_rains_section *section, const struct rains_signer *signer)
{
	static uint8_t tbs[SX_RAINS_TBS_MOST(65536)];
	struct sx_writer writer = sx_writer_of(tbs, sizeof tbs);
	uint8_t data[SX_RAINS_SIGNATURE_BYTES];
	struct sx_rains_signature signature = { .alg = SX_RAINS_ED25519,
		.phase = signer->phase,
		.since = signer->since,
		.until = signer->until,
		.data = sx_bytes_of(data, sizeof data) };

	sx_rains_tbs_write(&writer, section);
	sx_rains_tbs_add(&writer, &signature);
	ck_assert_int_eq(sx_rains_sign(rains_seed((uint8_t)signer->seed).data,
				 sx_writer_bytes(&writer), data),
		SX_OK);
	data[0] ^= signer->is_forged;
	sx_rains_signature_write(&rains_writer, &signature);
}

/* A signed section, as a receiver has it. */
static inline struct sx_rains_section rains_signed(
	struct sx_rains_section section, const struct rains_signer *signers, size_t count)
{
	struct sx_rains_section plain;
	size_t start;

	section.signatures.count = 0;
	plain = rains_received(&section);
	plain.is_contained = section.is_contained;
	start = rains_writer.at;
	for (size_t i = 0; i < count; i++) {
		rains_add_signature(&plain, &signers[i]);
	}
	section.signatures = (struct sx_cbor_list){ rains_made(start), count };
	return rains_received(&section);
}

static inline struct sx_rains_section rains_assertion(
	const char *subject, const char *zone, struct sx_cbor_list objects)
{
	return (struct sx_rains_section){ .type = SX_RAINS_ASSERTION,
		.subject = sx_bytes_text(subject),
		.zone = sx_bytes_text(zone),
		.context = sx_bytes_text("."),
		.objects = objects };
}

/* A shard or zone with assertions in it, each as it would be contained. */
static inline struct sx_rains_section rains_container(enum sx_rains_section_type type,
	const char *zone, const struct sx_rains_section *assertions, size_t count)
{
	size_t start = rains_writer.at;

	for (size_t i = 0; i < count; i++) {
		struct sx_rains_section contained = assertions[i];

		contained.is_contained = true;
		sx_rains_section_write(&rains_writer, &contained);
	}
	return (struct sx_rains_section){ .type = type,
		.zone = sx_bytes_text(zone),
		.context = sx_bytes_text("."),
		.content = { rains_made(start), count } };
}

static inline struct sx_rains_msg rains_msg(
	const struct sx_rains_section *const *sections, size_t count)
{
	static const uint8_t token[SX_RAINS_TOKEN_BYTES] = { 1 };
	size_t start = rains_writer.at;
	struct sx_rains_msg msg;

	sx_rains_msg_begin(&rains_writer, sx_bytes_of(token, sizeof token),
		(struct sx_cbor_list){ .count = 0 }, count);
	for (size_t i = 0; i < count; i++) {
		sx_rains_msg_add(&rains_writer, sections[i]);
	}
	ck_assert_int_eq(sx_rains_msg_parse(&msg, rains_made(start), SX_RAINS_MSG_MOST), SX_OK);
	return msg;
}
