/* SPDX-License-Identifier: MIT */
/*
 * words: a zone file, word by word, with a sticky error that knows its line. Words stand between blanks; a semicolon ends
 * a word and begins a comment. After a failure there are no more words, so a parser asks once, at its end.
 */
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "rains/reason.h"

struct sx_rains_words {
	struct sx_bytes text;
	size_t at;
	unsigned at_line;
	struct sx_bytes word; /* the current one; empty at the end and after a failure */
	unsigned line;        /* of the current word, from 1 */
	int status;           /* sticky */
	struct sx_rains_reason *reason;
};

/* The words of a text, the first of them current. Borrows both. */
struct sx_rains_words sx_rains_words_of(struct sx_bytes text, struct sx_rains_reason *reason);
void sx_rains_words_next(struct sx_rains_words *words);

/* Whether this is the current word; skip goes to the next one if so; expect fails if not. */
bool sx_rains_words_at(const struct sx_rains_words *words, const char *word);
bool sx_rains_words_skip(struct sx_rains_words *words, const char *word);
void sx_rains_words_expect(struct sx_rains_words *words, const char *word);

/* Whether the current word is one of the reader's own: a bracket, or between two colons. */
bool sx_rains_words_at_mark(const struct sx_rains_words *words);

/* Fails with "line 7: found X, expected Y" about the current word. */
void sx_rains_words_fail(struct sx_rains_words *words, const char *expected);

/* Fails with "line 7: " and the text. */
__attribute__((format(printf, 3, 4))) void sx_rains_words_refuse(
	struct sx_rains_words *words, unsigned line, const char *format, ...);

/* Takes the current word, which must be no mark and good UTF-8. Lends it; empty after a failure. */
struct sx_bytes sx_rains_words_take(struct sx_rains_words *words, const char *expected);

/* Takes a whole number from 0 to `most`. */
int64_t sx_rains_words_take_int(struct sx_rains_words *words, int64_t most, const char *expected);

/* Takes an even number of hex digits; returns how many bytes they are, at most `cap`. */
size_t sx_rains_words_take_hex(
	struct sx_rains_words *words, uint8_t *out, size_t cap, const char *expected);

/* Writes bytes from outside for people, NUL-terminated: quoted, what is not printable in hex, cut when long. */
#define SX_RAINS_QUOTE_BYTES 56
void sx_rains_quote(struct sx_bytes bytes, char out[SX_RAINS_QUOTE_BYTES]);
