/* SPDX-License-Identifier: MIT */
/* zone_object: one object of an assertion, from its words in a zone file; and the order in which Go puts them. */
#pragma once

#include "rains/object.h"
#include "rains/words.h"

/* Types of objects, as bits; those that an alias may be for, and those of an assertion. */
#define SX_RAINS_TYPE_BIT(type) (UINT32_C(1) << (type))

/* Reads an object, whose type is the current word, and writes it. `words` or `out` has failed when it is none. */
void sx_rains_zone_object_read(struct sx_rains_words *words, struct sx_writer *out);

/* The word of a type, ":scion:". Lends a static string. */
const char *sx_rains_zone_object_word(int64_t type);

/* Below 0, 0 or above it, as an object that was written here belongs before, beside or behind another. */
int sx_rains_zone_object_compare(struct sx_bytes a, struct sx_bytes b);
int sx_rains_bytes_compare(struct sx_bytes a, struct sx_bytes b);
