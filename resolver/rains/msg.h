/* SPDX-License-Identifier: MIT */
/* msg: a RAINS message, one CBOR item with sections in it. */
#pragma once

#include "rains/section.h"

#define SX_RAINS_MSG_MOST   65536
#define SX_RAINS_QUERY_MOST 1024 /* bytes of a query with the longest name and context */
#define SX_RAINS_TYPES_MOST 16

struct sx_rains_msg {
	struct sx_bytes token; /* 16 bytes */
	struct sx_cbor_list capabilities;
	struct sx_cbor_list content; /* walk it with sx_rains_next_section */
};

/* What a query asks. */
struct sx_rains_question {
	struct sx_bytes name;    /* with its dot, lower case */
	struct sx_bytes context; /* "." */
	const int64_t *types;    /* at most SX_RAINS_TYPES_MOST; servers do justice to one only */
	size_t type_count;
	int64_t phase; /* of a delegation; 0 otherwise */
};

/*
 * Reads a message of at most `most` bytes; views into `in`. SX_EMALFORMED or SX_ELIMIT as sx_cbor_check; sections are
 * not looked at.
 */
SX_MUST_CHECK int sx_rains_msg_parse(struct sx_rains_msg *out, struct sx_bytes in, size_t most);

/* The next section of a message's content; unknown and malformed ones are passed over. False at the end. */
bool sx_rains_next_section(struct sx_reader *walk, struct sx_rains_section *out);

/* Writes the head of a message with `count` sections, each of which sx_rains_msg_add writes. */
void sx_rains_msg_begin(struct sx_writer *writer, struct sx_bytes token,
	struct sx_cbor_list capabilities, size_t count);
void sx_rains_msg_add(struct sx_writer *writer, const struct sx_rains_section *section);

/* Writes a message with one query, all that a server wants in it, valid until `expires` (UNIX seconds). */
void sx_rains_query_write(struct sx_writer *writer, struct sx_bytes token,
	const struct sx_rains_question *question, int64_t expires);
