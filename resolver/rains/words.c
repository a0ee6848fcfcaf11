/* SPDX-License-Identifier: MIT */
#include "rains/words.h"

#include <nettle/base16.h>
#include <stdarg.h>
#include <stdio.h>

#include "rains/scan.h"

#define QUOTE_ESCAPE_BYTES 4
#define QUOTE_END          "...\""
#define DIGITS_MOST        18

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skip_byte(struct sx_rains_words *words)
{
	words->at_line += words->text.data[words->at] == '\n';
	words->at++;
}

static void skip_to_word(struct sx_rains_words *words)
{
	bool in_comment = false;

	while (words->at < words->text.len) {
		uint8_t byte = words->text.data[words->at];

		in_comment = (in_comment && byte != '\n') || byte == ';';
		if (!in_comment && !is_blank(byte)) {
			return;
		}
		skip_byte(words);
	}
}

void sx_rains_words_next(struct sx_rains_words *words)
{
	size_t start;

	skip_to_word(words);
	start = words->at;
	words->line = words->at_line;
	while (words->at < words->text.len && !is_blank(words->text.data[words->at]) &&
		words->text.data[words->at] != ';') {
		words->at++;
	}
	words->word = sx_bytes_of(words->text.data + start, words->at - start);
}

struct sx_rains_words sx_rains_words_of(struct sx_bytes text, struct sx_rains_reason *reason)
{
	struct sx_rains_words words = { .text = text, .at_line = 1, .reason = reason };

	reason->text[0] = '\0';
	sx_rains_words_next(&words);
	return words;
}

bool sx_rains_words_at(const struct sx_rains_words *words, const char *word)
{
	return sx_bytes_equal(words->word, sx_bytes_text(word));
}

bool sx_rains_words_skip(struct sx_rains_words *words, const char *word)
{
	bool is_there = sx_rains_words_at(words, word);

	if (is_there) {
		sx_rains_words_next(words);
	}
	return is_there;
}

void sx_rains_words_expect(struct sx_rains_words *words, const char *word)
{
	char expected[SX_RAINS_QUOTE_BYTES];

	if (!sx_rains_words_skip(words, word)) {
		sx_rains_quote(sx_bytes_text(word), expected);
		sx_rains_words_fail(words, expected);
	}
}

bool sx_rains_words_at_mark(const struct sx_rains_words *words)
{
	struct sx_bytes word = words->word;

	if (word.len == 1) {
		return strchr("[]()", word.data[0]) && word.data[0] != '\0';
	}
	return word.len > 2 && word.data[0] == ':' && word.data[word.len - 1] == ':';
}

static void stop(struct sx_rains_words *words, int status)
{
	words->status = status;
	words->at = words->text.len;
	words->word = sx_bytes_of(NULL, 0);
}

void sx_rains_words_fail(struct sx_rains_words *words, const char *expected)
{
	char found[SX_RAINS_QUOTE_BYTES] = "the end of the file";

	if (words->word.len > 0) {
		sx_rains_quote(words->word, found);
	}
	sx_rains_words_refuse(words, words->line, "found %s, expected %s", found, expected);
}

void sx_rains_words_refuse(struct sx_rains_words *words, unsigned line, const char *format, ...)
{
	char text[SX_RAINS_REASON_BYTES];
	va_list args;

	if (words->status < 0) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sx_rains_reason_set(words->reason, "line %u: %s", line, text);
	stop(words, SX_EMALFORMED);
}

/* Whether CBOR would take it as text. */
static bool is_text(struct sx_bytes word)
{
	uint8_t item[SX_RAINS_REASON_BYTES];
	struct sx_writer writer = sx_writer_of(item, sizeof item);

	sx_cbor_write_text(&writer, word);
	return sx_writer_ok(&writer) &&
	       sx_cbor_check(sx_writer_bytes(&writer), sizeof item) == SX_OK;
}

struct sx_bytes sx_rains_words_take(struct sx_rains_words *words, const char *expected)
{
	struct sx_bytes word = words->word;

	if (word.len == 0 || sx_rains_words_at_mark(words) || !is_text(word)) {
		sx_rains_words_fail(words, expected);
		return sx_bytes_of(NULL, 0);
	}
	sx_rains_words_next(words);
	return word;
}

int64_t sx_rains_words_take_int(struct sx_rains_words *words, int64_t most, const char *expected)
{
	struct sx_bytes word = words->word;
	int64_t value = 0;
	bool is_number = word.len > 0 && word.len <= DIGITS_MOST;

	for (size_t i = 0; is_number && i < word.len; i++) {
		is_number = word.data[i] >= '0' && word.data[i] <= '9';
		value = value * 10 + (word.data[i] - '0');
	}
	if (!is_number || value > most) {
		sx_rains_words_fail(words, expected);
		return 0;
	}
	sx_rains_words_next(words);
	return value;
}

size_t sx_rains_words_take_hex(
	struct sx_rains_words *words, uint8_t *out, size_t cap, const char *expected)
{
	struct sx_bytes word = words->word;
	struct base16_decode_ctx ctx;
	size_t len = cap;

	base16_decode_init(&ctx);
	if (word.len == 0 || word.len > 2 * cap ||
		!base16_decode_update(&ctx, &len, out, word.len, (const char *)word.data) ||
		!base16_decode_final(&ctx)) {
		sx_rains_words_fail(words, expected);
		return 0;
	}
	sx_rains_words_next(words);
	return len;
}

void sx_rains_quote(struct sx_bytes bytes, char out[SX_RAINS_QUOTE_BYTES])
{
	const size_t room = SX_RAINS_QUOTE_BYTES - sizeof QUOTE_END - QUOTE_ESCAPE_BYTES;
	size_t at = 1;
	size_t i = 0;

	out[0] = '"';
	for (; i < bytes.len && at < room; i++) {
		bool is_plain = bytes.data[i] >= ' ' && bytes.data[i] < 0x7f;

		at += (size_t)snprintf(out + at, SX_RAINS_QUOTE_BYTES - at,
			is_plain ? "%c" : "\\x%02x", bytes.data[i]);
	}
	(void)snprintf(out + at, SX_RAINS_QUOTE_BYTES - at, "%s", i < bytes.len ? QUOTE_END : "\"");
}
