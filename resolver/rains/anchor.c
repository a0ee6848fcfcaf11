/* SPDX-License-Identifier: MIT */
#include "rains/anchor.h"

#include <inttypes.h>
#include <nettle/base16.h>
#include <nettle/base64.h>
#include <stdlib.h>

#include "rains/object.h"
#include "rains/scan.h"

#define LINE_MOST 256
#define CBOR_MOST 4096
#define EXPECTED                                                                          \
	"expected a PEM block \"RAINS PUBLIC KEY\", a line \"ed25519 PHASE HEX\" or the " \
	"CBOR of a self-signed assertion"

/* What is being read; becomes the caller's when all of it is good. */
struct reading {
	struct sx_rains_anchors anchors;
	struct sx_rains_anchor next; /* zone and context, and what is known of the key so far */
	struct sx_rains_reason *reason;
	unsigned line;
};

static struct sx_rains_name name_of(struct sx_bytes bytes)
{
	struct sx_rains_name name = { .len = bytes.len };

	memcpy(name.data, bytes.data, bytes.len);
	return name;
}

/* Takes the next key, which must be a sound one. */
static int add(struct reading *reading)
{
	struct sx_rains_anchors *anchors = &reading->anchors;

	if (!sx_rains_key_is_sound(sx_bytes_of(reading->next.key, SX_RAINS_KEY_BYTES))) {
		sx_rains_reason_set(reading->reason,
			"the key is one of those for which anybody can sign; expected another");
		return SX_EMALFORMED;
	}
	if (anchors->count == SX_RAINS_ANCHORS_MOST) {
		sx_rains_reason_set(reading->reason, "more than %d keys", SX_RAINS_ANCHORS_MOST);
		return SX_ELIMIT;
	}
	anchors->items[anchors->count++] = reading->next;
	return SX_OK;
}

static int complain(struct reading *reading, const char *found, const char *expected)
{
	sx_rains_reason_set(
		reading->reason, "line %u: found %s; %s", reading->line, found, expected);
	return SX_EMALFORMED;
}

/* Copies the next line without its blanks; false at the end. Lines that are too long come out cut, and fit nothing. */
static bool next_line(struct reading *reading, struct sx_bytes *rest, char *out)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	size_t kept = len < LINE_MOST ? len : LINE_MOST - 1;

	if (rest->len == 0) {
		return false;
	}
	memcpy(out, rest->data, kept);
	while (kept > 0 && strchr(" \t\r", out[kept - 1])) {
		kept--;
	}
	out[kept] = '\0';
	*rest = sx_bytes_of(rest->data + len + (end ? 1 : 0), rest->len - len - (end ? 1 : 0));
	reading->line++;
	return true;
}

static bool read_phase(const char *text, int64_t *out)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > INT32_MAX) {
		return false;
	}
	*out = value;
	return true;
}

static bool read_hex(const char *text, uint8_t *out)
{
	struct base16_decode_ctx ctx;
	size_t len = SX_RAINS_KEY_BYTES;

	base16_decode_init(&ctx);
	return strlen(text) == (size_t)2 * SX_RAINS_KEY_BYTES &&
	       base16_decode_update(&ctx, &len, out, strlen(text), text) &&
	       base16_decode_final(&ctx) && len == SX_RAINS_KEY_BYTES;
}

static bool is_alg(const char *word)
{
	return strcmp(word, "ed25519") == 0 || strcmp(word, ":ed25519:") == 0;
}

/* "ed25519 1 8a88...", or the end of a zone file's ":deleg: :ed25519: 1 8a88...". */
static int read_line(struct reading *reading, char *line)
{
	static const char expected[] = "expected \"ed25519 PHASE\" and 64 hex digits";
	char *rest = line;
	const char *alg = strtok_r(rest, " \t", &rest);
	const char *phase = strtok_r(rest, " \t", &rest);
	const char *key = strtok_r(rest, " \t", &rest);

	if (!key || strtok_r(rest, " \t", &rest)) {
		return complain(reading, "not three words", EXPECTED);
	}
	if (!is_alg(alg)) {
		return complain(reading, "another algorithm", expected);
	}
	if (!read_phase(phase, &reading->next.phase)) {
		return complain(reading, "a key phase that is no number", expected);
	}
	if (!read_hex(key, reading->next.key)) {
		return complain(reading, "a key that is not 64 hex digits", expected);
	}
	return add(reading);
}

static int read_lines(struct reading *reading, struct sx_bytes file)
{
	char line[LINE_MOST];
	int rc = SX_OK;

	while (rc == SX_OK && next_line(reading, &file, line)) {
		if (line[0] != '\0' && line[0] != '#' && line[0] != ';') {
			rc = read_line(reading, line);
		}
	}
	return rc;
}

/* The body of a PEM block, line by line. */
struct pem {
	struct base64_decode_ctx ctx;
	size_t len;
	uint8_t key[BASE64_DECODE_LENGTH(LINE_MOST)];
	bool is_inside;
	bool has_phase;
};

static int begin_block(struct reading *reading, struct pem *pem, const char *line)
{
	if (strcmp(line, "-----BEGIN RAINS PUBLIC KEY-----") != 0) {
		return complain(reading,
			strstr(line, "PRIVATE") ? "a private key" : "another PEM block",
			"expected \"RAINS PUBLIC KEY\"");
	}
	*pem = (struct pem){ .is_inside = true };
	base64_decode_init(&pem->ctx);
	return SX_OK;
}

static int end_block(struct reading *reading, struct pem *pem)
{
	pem->is_inside = false;
	if (!base64_decode_final(&pem->ctx) || pem->len != SX_RAINS_KEY_BYTES) {
		return complain(
			reading, "a key of the wrong length", "expected 32 bytes in base64");
	}
	if (!pem->has_phase) {
		return complain(reading, "no key phase", "expected a header \"keyPhase: PHASE\"");
	}
	memcpy(reading->next.key, pem->key, SX_RAINS_KEY_BYTES);
	return add(reading);
}

/* The tool writes the description as a header of its own name: whatever is unknown is skipped. */
static int read_header(struct reading *reading, struct pem *pem, char *line)
{
	char *value = strchr(line, ':');

	*value++ = '\0';
	value += strspn(value, " \t");
	if (strcmp(line, "keyAlgo") == 0 && !is_alg(value)) {
		return complain(reading, "another algorithm", "expected \"keyAlgo: ed25519\"");
	}
	if (strcmp(line, "keyPhase") == 0) {
		pem->has_phase = read_phase(value, &reading->next.phase);
	}
	return SX_OK;
}

static int read_body(struct reading *reading, struct pem *pem, const char *line)
{
	size_t len = sizeof pem->key;
	uint8_t bytes[sizeof pem->key];

	if (!base64_decode_update(&pem->ctx, &len, bytes, strlen(line), line) ||
		len > sizeof pem->key - pem->len) {
		return complain(reading, "no base64", "expected 32 bytes of it");
	}
	memcpy(pem->key + pem->len, bytes, len);
	pem->len += len;
	return SX_OK;
}

static int read_pem_line(struct reading *reading, struct pem *pem, char *line)
{
	if (strncmp(line, "-----BEGIN ", 11) == 0) {
		return begin_block(reading, pem, line);
	}
	if (!pem->is_inside) {
		return SX_OK;
	}
	if (strncmp(line, "-----END ", 9) == 0) {
		return end_block(reading, pem);
	}
	return strchr(line, ':') ? read_header(reading, pem, line) : read_body(reading, pem, line);
}

static int read_pem(struct reading *reading, struct sx_bytes file)
{
	char line[LINE_MOST];
	struct pem pem = { .is_inside = false };
	int rc = SX_OK;

	while (rc == SX_OK && next_line(reading, &file, line)) {
		rc = read_pem_line(reading, &pem, line);
	}
	if (rc == SX_OK && pem.is_inside) {
		return complain(reading, "no end of the block", "expected one");
	}
	return rc;
}

/* Whether the key signed the assertion that delegates to it; takes the dates of that signature. */
static bool is_self_signed(struct reading *reading, const struct sx_rains_section *assertion)
{
	uint8_t tbs[SX_RAINS_TBS_MOST(CBOR_MOST)];
	struct sx_reader walk = sx_reader_of(assertion->signatures.items);
	struct sx_bytes key = sx_bytes_of(reading->next.key, SX_RAINS_KEY_BYTES);
	struct sx_rains_signature signature;

	while (sx_rains_next_signature(&walk, &signature)) {
		struct sx_writer writer = sx_writer_of(tbs, sizeof tbs);

		if (signature.alg != SX_RAINS_ED25519 || signature.phase != reading->next.phase) {
			continue;
		}
		sx_rains_tbs_write(&writer, assertion);
		sx_rains_tbs_add(&writer, &signature);
		reading->next.since = signature.since;
		reading->next.until = signature.until;
		return sx_writer_ok(&writer) &&
		       sx_rains_verify(key, sx_writer_bytes(&writer), signature.data) == SX_OK;
	}
	return false;
}

static int read_delegation(struct reading *reading, const struct sx_rains_section *assertion,
	const struct sx_rains_object_key *key, int64_t now)
{
	struct sx_rains_anchor *next = &reading->next;

	if (key->alg != SX_RAINS_ED25519 || key->data.len != SX_RAINS_KEY_BYTES) {
		return SX_OK;
	}
	next->phase = key->phase;
	memcpy(next->key, key->data.data, SX_RAINS_KEY_BYTES);
	if (!is_self_signed(reading, assertion)) {
		sx_rains_reason_set(reading->reason,
			"the key of phase %" PRId64 " has not signed the assertion it stands in",
			next->phase);
		return SX_EREFUSED;
	}
	if (now < next->since - SX_RAINS_SKEW || now >= next->until) {
		sx_rains_reason_set(reading->reason,
			"the assertion is valid from %" PRId64 " to %" PRId64
			", and now is %" PRId64,
			next->since, next->until, now);
		return SX_EEXPIRED;
	}
	return add(reading);
}

static int read_assertion(struct reading *reading, struct sx_bytes file, struct sx_bytes zone,
	struct sx_rains_section *out)
{
	if (sx_cbor_check(file, CBOR_MOST) < 0 ||
		sx_rains_section_parse(out, SX_RAINS_ASSERTION, file) < 0 ||
		sx_rains_name_check(out->zone) < 0 || sx_rains_context_check(out->context) < 0) {
		sx_rains_reason_set(
			reading->reason, "found bytes that are no assertion; %s", EXPECTED);
		return SX_EMALFORMED;
	}
	if (!sx_bytes_equal(out->subject, sx_bytes_text("@")) ||
		(zone.len > 0 && !sx_bytes_equal(out->zone, zone))) {
		sx_rains_reason_set(reading->reason, "found an assertion about another name; "
						     "expected one about \"@\" in its zone");
		return SX_EMALFORMED;
	}
	return SX_OK;
}

static int read_cbor(
	struct reading *reading, struct sx_bytes file, struct sx_bytes zone, int64_t now)
{
	struct sx_rains_section assertion;
	struct sx_rains_object object;
	struct sx_reader walk;
	int rc = read_assertion(reading, file, zone, &assertion);

	if (rc < 0) {
		return rc;
	}
	reading->next.zone = name_of(assertion.zone);
	reading->next.context = name_of(assertion.context);
	walk = sx_reader_of(assertion.objects.items);
	while (rc == SX_OK && sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_DELEG) {
			rc = read_delegation(reading, &assertion, &object.key, now);
		}
	}
	return rc;
}

static bool is_text(struct sx_bytes file)
{
	for (size_t i = 0; i < file.len; i++) {
		bool is_blank = file.data[i] >= '\t' && file.data[i] <= '\r';

		if (file.data[i] < ' ' && !is_blank) {
			return false;
		}
	}
	return true;
}

static int read_file(
	struct reading *reading, struct sx_bytes file, struct sx_bytes zone, int64_t now)
{
	if (file.len > 0 && file.data[0] >> 5 == SX_CBOR_MAP) {
		return read_cbor(reading, file, zone, now);
	}
	if (!is_text(file)) {
		sx_rains_reason_set(reading->reason,
			"found binary data that is no assertion (a gob file of the Go tools?); %s",
			EXPECTED);
		return SX_EMALFORMED;
	}
	if (file.len > 0 && memmem(file.data, file.len, "-----BEGIN ", 11)) {
		return read_pem(reading, file);
	}
	return read_lines(reading, file);
}

int sx_rains_anchors_add(struct sx_rains_anchors *anchors, struct sx_bytes zone,
	struct sx_bytes file, int64_t now, struct sx_rains_reason *reason)
{
	struct reading reading = { .anchors = *anchors, .reason = reason };
	int rc;

	if (zone.len > 0 && sx_rains_name_check(zone) < 0) {
		sx_rains_reason_set(reason, "the zone is not a name that ends with a dot");
		return SX_EMALFORMED;
	}
	reading.next.zone = name_of(zone.len > 0 ? zone : sx_bytes_text("."));
	reading.next.context = name_of(sx_bytes_text("."));
	reading.next.until = SX_CBOR_TIME_MOST;
	rc = read_file(&reading, file, zone, now);
	if (rc == SX_OK && reading.anchors.count == anchors->count) {
		sx_rains_reason_set(reason, "found no key; %s", EXPECTED);
		rc = SX_EMALFORMED;
	}
	if (rc == SX_OK) {
		*anchors = reading.anchors;
	}
	return rc;
}
