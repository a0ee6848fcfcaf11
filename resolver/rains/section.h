/* SPDX-License-Identifier: MIT */
/*
 * section: what a message carries. The signed kinds (assertion, shard, pshard, zone), queries and notifications are
 * views into the message; lists in them are walked one element after the other.
 */
#pragma once

#include "base/status.h"
#include "rains/cbor.h"

#define SX_RAINS_TOKEN_BYTES     16
#define SX_RAINS_SIGNATURES_MOST 8

enum sx_rains_section_type {
	SX_RAINS_ASSERTION = 1,
	SX_RAINS_SHARD = 2,
	SX_RAINS_PSHARD = 3,
	SX_RAINS_ZONE = 4,
	SX_RAINS_QUERY = 5,
	SX_RAINS_NOTIFICATION = 23,
};

/* The keys of all maps; draft-trammell-rains-protocol-05 has one registry for them. */
enum sx_rains_field {
	SX_RAINS_FIELD_SIGNATURES = 0,
	SX_RAINS_FIELD_CAPABILITIES = 1,
	SX_RAINS_FIELD_TOKEN = 2,
	SX_RAINS_FIELD_SUBJECT = 3,
	SX_RAINS_FIELD_ZONE = 4,
	SX_RAINS_FIELD_CONTEXT = 6,
	SX_RAINS_FIELD_OBJECTS = 7,
	SX_RAINS_FIELD_QUERY_NAME = 8,
	SX_RAINS_FIELD_QUERY_TYPES = 10,
	SX_RAINS_FIELD_RANGE = 11,
	SX_RAINS_FIELD_QUERY_EXPIRES = 12,
	SX_RAINS_FIELD_QUERY_OPTIONS = 13,
	SX_RAINS_FIELD_CURRENT_TIME = 14,
	SX_RAINS_FIELD_QUERY_PHASE = 17,
	SX_RAINS_FIELD_ASSERTIONS = 20, /* the draft's place for what Go puts under 23 */
	SX_RAINS_FIELD_NOTE_CODE = 21,
	SX_RAINS_FIELD_NOTE_TEXT = 22,
	SX_RAINS_FIELD_CONTENT = 23,
};

enum sx_rains_note {
	SX_RAINS_NOTE_HEARTBEAT = 100,
	SX_RAINS_NOTE_HAVE_LATEST = 304,
	SX_RAINS_NOTE_UNKNOWN_CAPABILITY = 399,
	SX_RAINS_NOTE_BAD_MESSAGE = 400,
	SX_RAINS_NOTE_INCONSISTENT = 403,
	SX_RAINS_NOTE_NO_ASSERTION = 404,
	SX_RAINS_NOTE_NOT_ACCEPTABLE = 406,
	SX_RAINS_NOTE_TOO_LARGE = 413,
	SX_RAINS_NOTE_SERVER_ERROR = 500,
	SX_RAINS_NOTE_NOT_CAPABLE = 501,
	SX_RAINS_NOTE_UNAVAILABLE = 504,
};

struct sx_rains_signature {
	int64_t alg;
	int64_t space;
	int64_t phase;
	int64_t since; /* UNIX seconds */
	int64_t until;
	struct sx_bytes data;
};

struct sx_rains_section {
	enum sx_rains_section_type type;
	bool is_contained;   /* an assertion of a shard or zone, whose zone and context it has */
	struct sx_bytes map; /* as received: what signatures cover */

	/* The signed kinds. */
	struct sx_cbor_list
		signatures; /* at most SX_RAINS_SIGNATURES_MOST, all of the right layout */
	struct sx_bytes zone;
	struct sx_bytes context;     /* of a query, too */
	struct sx_bytes subject;     /* assertion */
	struct sx_cbor_list objects; /* assertion */
	struct sx_bytes from;        /* shard, pshard: exclusive; empty is open */
	struct sx_bytes to;
	struct sx_cbor_list content; /* shard, zone: assertions, all of the right layout */
	int64_t bloom_alg;           /* pshard */
	int64_t bloom_hash;
	struct sx_bytes bloom_bits;

	/* Query. */
	struct sx_bytes name;
	struct sx_cbor_list types;   /* integers */
	struct sx_cbor_list options; /* integers */
	struct sx_cbor_list phases;  /* integers; Go has exactly one */
	int64_t expires;
	int64_t current_time;

	/* Notification. */
	struct sx_bytes token; /* of the message it is about */
	int64_t code;
	struct sx_bytes text;
};

/*
 * Reads the map of a section whose bytes sx_cbor_check has accepted. SX_ENOTFOUND: a type unknown here.
 * SX_EMALFORMED: a field is missing or of the wrong kind, in it or in an assertion it contains.
 */
SX_MUST_CHECK int sx_rains_section_parse(
	struct sx_rains_section *out, int64_t type, struct sx_bytes map);

/* The next assertion of a shard or zone, of whose content `walk` is a reader; false at the end. */
bool sx_rains_next_contained(struct sx_reader *walk, const struct sx_rains_section *container,
	struct sx_rains_section *out);

/* The next signature of a list; false at the end. */
bool sx_rains_next_signature(struct sx_reader *walk, struct sx_rains_signature *out);

/* Whether the range of a shard or pshard has the subject in it; a zone has all. */
bool sx_rains_section_covers(const struct sx_rains_section *section, struct sx_bytes subject);

/* Writes the map of a section, and a signature, as the Go implementation does. */
void sx_rains_section_write(struct sx_writer *writer, const struct sx_rains_section *section);
void sx_rains_signature_write(struct sx_writer *writer, const struct sx_rains_signature *signature);
