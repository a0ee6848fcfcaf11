/* SPDX-License-Identifier: MIT */
#include "rains/section.h"

#include "rains/name.h"

#define BIT(field) (UINT32_C(1) << (field))

#define SIGNED \
	(BIT(SX_RAINS_FIELD_SIGNATURES) | BIT(SX_RAINS_FIELD_ZONE) | BIT(SX_RAINS_FIELD_CONTEXT))
#define INSIDE (BIT(SX_RAINS_FIELD_SUBJECT) | BIT(SX_RAINS_FIELD_OBJECTS))
#define SCOPE  (BIT(SX_RAINS_FIELD_ZONE) | BIT(SX_RAINS_FIELD_CONTEXT))
#define RANGE  BIT(SX_RAINS_FIELD_RANGE)
#define BLOOM  BIT(SX_RAINS_FIELD_CONTENT)
#define LIST   (BIT(SX_RAINS_FIELD_CONTENT) | BIT(SX_RAINS_FIELD_ASSERTIONS))

/* The fields of each kind of section; all others are skipped. */
static const struct shape {
	int64_t type;
	uint32_t known;
	uint32_t needed;
} shapes[] = {
	{ SX_RAINS_ASSERTION, SIGNED | INSIDE, SCOPE | INSIDE },
	{ SX_RAINS_SHARD, SIGNED | RANGE | LIST, SCOPE | RANGE },
	{ SX_RAINS_PSHARD, SIGNED | RANGE | BLOOM, SCOPE | RANGE | BLOOM },
	{ SX_RAINS_ZONE, SIGNED | LIST, SCOPE },
	{ SX_RAINS_QUERY,
		BIT(SX_RAINS_FIELD_CONTEXT) | BIT(SX_RAINS_FIELD_QUERY_NAME) |
			BIT(SX_RAINS_FIELD_QUERY_TYPES) | BIT(SX_RAINS_FIELD_QUERY_EXPIRES) |
			BIT(SX_RAINS_FIELD_QUERY_OPTIONS) | BIT(SX_RAINS_FIELD_CURRENT_TIME) |
			BIT(SX_RAINS_FIELD_QUERY_PHASE),
		BIT(SX_RAINS_FIELD_QUERY_NAME) },
	{ SX_RAINS_NOTIFICATION,
		BIT(SX_RAINS_FIELD_TOKEN) | BIT(SX_RAINS_FIELD_NOTE_CODE) |
			BIT(SX_RAINS_FIELD_NOTE_TEXT),
		BIT(SX_RAINS_FIELD_NOTE_CODE) },
};

/* Scope fields count as known so that a contained assertion that has one is seen, and refused. */
static const struct shape contained = { SX_RAINS_ASSERTION, SIGNED | INSIDE, INSIDE };

static const struct shape *find_shape(int64_t type)
{
	for (size_t i = 0; i < SX_COUNT(shapes); i++) {
		if (shapes[i].type == type) {
			return &shapes[i];
		}
	}
	return NULL;
}

static struct sx_bytes read_name(struct sx_reader *reader)
{
	struct sx_bytes name = sx_cbor_read_text(reader);

	reader->failed |= name.len > SX_RAINS_NAME_MOST;
	return name;
}

/* An end of a range: open when it is null, empty, or the mark that zone files have for it. */
static struct sx_bytes read_end(struct sx_reader *reader, const char *open)
{
	struct sx_bytes end;

	if (sx_cbor_peek(reader) == SX_CBOR_NULL) {
		(void)sx_cbor_read_item(reader);
		return sx_bytes_of(NULL, 0);
	}
	end = read_name(reader);
	return sx_bytes_equal(end, sx_bytes_text(open)) ? sx_bytes_of(NULL, 0) : end;
}

static void read_range(struct sx_reader *reader, struct sx_rains_section *section)
{
	reader->failed |= sx_cbor_read_array(reader) != 2;
	section->from = read_end(reader, "<");
	section->to = read_end(reader, ">");
}

static void read_bloom(struct sx_reader *reader, struct sx_rains_section *section)
{
	reader->failed |= sx_cbor_read_array(reader) != 3;
	section->bloom_alg = sx_cbor_read_int(reader);
	section->bloom_hash = sx_cbor_read_int(reader);
	section->bloom_bits = sx_cbor_read_bytes(reader);
}

/* Go has one integer, the draft an array of them. */
static struct sx_cbor_list read_phases(struct sx_reader *reader)
{
	size_t start = reader->at;

	if (sx_cbor_peek(reader) == SX_CBOR_ARRAY) {
		return sx_cbor_read_ints(reader);
	}
	(void)sx_cbor_read_int(reader);
	return (struct sx_cbor_list){ sx_bytes_of(reader->in.data + start, reader->at - start), 1 };
}

static void read_query_field(
	struct sx_reader *reader, int64_t field, struct sx_rains_section *section)
{
	switch (field) {
	case SX_RAINS_FIELD_QUERY_NAME:
		section->name = read_name(reader);
		break;
	case SX_RAINS_FIELD_QUERY_TYPES:
		section->types = sx_cbor_read_ints(reader);
		break;
	case SX_RAINS_FIELD_QUERY_EXPIRES:
		section->expires = sx_cbor_read_time(reader);
		break;
	case SX_RAINS_FIELD_QUERY_OPTIONS:
		section->options = sx_cbor_read_ints(reader);
		break;
	case SX_RAINS_FIELD_CURRENT_TIME:
		section->current_time = sx_cbor_read_time(reader);
		break;
	default:
		section->phases = read_phases(reader);
		break;
	}
}

static void read_note_field(
	struct sx_reader *reader, int64_t field, struct sx_rains_section *section)
{
	switch (field) {
	case SX_RAINS_FIELD_TOKEN:
		section->token = sx_cbor_read_bytes(reader);
		break;
	case SX_RAINS_FIELD_NOTE_CODE:
		section->code = sx_cbor_read_int(reader);
		break;
	default:
		section->text = sx_cbor_read_text(reader);
		break;
	}
}

static void read_content(struct sx_reader *reader, struct sx_rains_section *section)
{
	if (section->type == SX_RAINS_PSHARD) {
		read_bloom(reader, section);
	} else {
		reader->failed |= section->content.items.data != NULL; /* 20 and 23 at once */
		section->content = sx_cbor_read_list(reader);
	}
}

static void read_field(struct sx_reader *reader, int64_t field, struct sx_rains_section *section)
{
	switch (field) {
	case SX_RAINS_FIELD_SIGNATURES:
		section->signatures = sx_cbor_read_list(reader);
		break;
	case SX_RAINS_FIELD_SUBJECT:
		section->subject = read_name(reader);
		break;
	case SX_RAINS_FIELD_ZONE:
		section->zone = read_name(reader);
		break;
	case SX_RAINS_FIELD_CONTEXT:
		section->context = read_name(reader);
		break;
	case SX_RAINS_FIELD_OBJECTS:
		section->objects = sx_cbor_read_list(reader);
		break;
	case SX_RAINS_FIELD_RANGE:
		read_range(reader, section);
		break;
	case SX_RAINS_FIELD_ASSERTIONS:
	case SX_RAINS_FIELD_CONTENT:
		read_content(reader, section);
		break;
	case SX_RAINS_FIELD_TOKEN:
	case SX_RAINS_FIELD_NOTE_CODE:
	case SX_RAINS_FIELD_NOTE_TEXT:
		read_note_field(reader, field, section);
		break;
	default:
		read_query_field(reader, field, section);
		break;
	}
}

/* All fields the shape knows; returns which there were. */
static uint32_t read_fields(
	struct sx_reader *reader, const struct shape *shape, struct sx_rains_section *section)
{
	size_t pairs = sx_cbor_read_map(reader);
	uint32_t seen = 0;

	for (size_t i = 0; i < pairs && !reader->failed; i++) {
		int64_t field = sx_cbor_read_int(reader);
		bool is_known = field >= 0 && field < 32 && (shape->known & BIT(field));

		if (is_known) {
			seen |= BIT(field);
			read_field(reader, field, section);
		} else {
			(void)sx_cbor_read_item(reader);
		}
	}
	return seen;
}

static int read_section(
	struct sx_rains_section *out, const struct shape *shape, struct sx_bytes map)
{
	struct sx_reader reader = sx_reader_of(map);
	struct sx_rains_section section = {
		.type = (enum sx_rains_section_type)shape->type,
		.map = map,
	};
	uint32_t seen = read_fields(&reader, shape, &section);

	if (!sx_reader_ok(&reader) || (shape->needed & ~seen)) {
		return SX_EMALFORMED;
	}
	if (shape == &contained && (seen & SCOPE)) {
		return SX_EMALFORMED;
	}
	*out = section;
	return SX_OK;
}

static bool read_signature(struct sx_reader *reader, struct sx_rains_signature *out)
{
	reader->failed |= sx_cbor_read_array(reader) != 6;
	out->alg = sx_cbor_read_int(reader);
	out->space = sx_cbor_read_int(reader);
	out->phase = sx_cbor_read_int(reader);
	out->since = sx_cbor_read_time(reader);
	out->until = sx_cbor_read_time(reader);
	out->data = sx_cbor_read_bytes(reader);
	return sx_reader_ok(reader);
}

static int check_signatures(struct sx_cbor_list signatures)
{
	struct sx_reader walk = sx_reader_of(signatures.items);
	struct sx_rains_signature signature;

	if (signatures.count > SX_RAINS_SIGNATURES_MOST) {
		return SX_EMALFORMED;
	}
	while (sx_rains_next_signature(&walk, &signature)) {
	}
	return sx_reader_ok(&walk) ? SX_OK : SX_EMALFORMED;
}

static int check_content(const struct sx_rains_section *section)
{
	struct sx_reader walk = sx_reader_of(section->content.items);
	struct sx_rains_section assertion;
	int rc = SX_OK;

	while (rc == SX_OK && sx_rains_next_contained(&walk, section, &assertion)) {
		rc = check_signatures(assertion.signatures);
	}
	return sx_reader_ok(&walk) ? rc : SX_EMALFORMED;
}

int sx_rains_section_parse(struct sx_rains_section *out, int64_t type, struct sx_bytes map)
{
	const struct shape *shape = find_shape(type);
	struct sx_rains_section section;
	int rc = shape ? read_section(&section, shape, map) : SX_ENOTFOUND;

	if (rc == SX_OK) {
		rc = check_signatures(section.signatures);
	}
	if (rc == SX_OK) {
		rc = check_content(&section);
	}
	if (rc == SX_OK) {
		*out = section;
	}
	return rc;
}

bool sx_rains_next_contained(struct sx_reader *walk, const struct sx_rains_section *container,
	struct sx_rains_section *out)
{
	struct sx_rains_section assertion;

	if (sx_reader_left(walk) == 0 || !sx_reader_ok(walk)) {
		return false;
	}
	if (read_section(&assertion, &contained, sx_cbor_read_item(walk)) < 0) {
		walk->failed = true;
		return false;
	}
	assertion.is_contained = true;
	assertion.zone = container->zone;
	assertion.context = container->context;
	*out = assertion;
	return true;
}

bool sx_rains_next_signature(struct sx_reader *walk, struct sx_rains_signature *out)
{
	return sx_reader_left(walk) > 0 && read_signature(walk, out);
}

/* Byte by byte; what is a prefix of the other comes first. */
static bool is_less(struct sx_bytes a, struct sx_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

	return order < 0 || (order == 0 && a.len < b.len);
}

bool sx_rains_section_covers(const struct sx_rains_section *section, struct sx_bytes subject)
{
	return (section->from.len == 0 || is_less(section->from, subject)) &&
	       (section->to.len == 0 || is_less(subject, section->to));
}

void sx_rains_signature_write(struct sx_writer *writer, const struct sx_rains_signature *signature)
{
	sx_cbor_write_array(writer, 6);
	sx_cbor_write_int(writer, signature->alg);
	sx_cbor_write_int(writer, signature->space);
	sx_cbor_write_int(writer, signature->phase);
	sx_cbor_write_int(writer, signature->since);
	sx_cbor_write_int(writer, signature->until);
	sx_cbor_write_bytes(writer, signature->data);
}

static void write_text_field(struct sx_writer *writer, int64_t field, struct sx_bytes text)
{
	sx_cbor_write_int(writer, field);
	sx_cbor_write_text(writer, text);
}

static void write_list_field(struct sx_writer *writer, int64_t field, struct sx_cbor_list list)
{
	sx_cbor_write_int(writer, field);
	sx_cbor_write_list(writer, list);
}

static void write_time_field(struct sx_writer *writer, int64_t field, int64_t seconds)
{
	sx_cbor_write_int(writer, field);
	sx_cbor_write_int(writer, seconds);
}

static void write_range(struct sx_writer *writer, const struct sx_rains_section *section)
{
	sx_cbor_write_int(writer, SX_RAINS_FIELD_RANGE);
	sx_cbor_write_array(writer, 2);
	sx_cbor_write_text(writer, section->from);
	sx_cbor_write_text(writer, section->to);
}

static void write_content(struct sx_writer *writer, const struct sx_rains_section *section)
{
	if (section->type != SX_RAINS_PSHARD) {
		write_list_field(writer, SX_RAINS_FIELD_CONTENT, section->content);
		return;
	}
	sx_cbor_write_int(writer, SX_RAINS_FIELD_CONTENT);
	sx_cbor_write_array(writer, 3);
	sx_cbor_write_int(writer, section->bloom_alg);
	sx_cbor_write_int(writer, section->bloom_hash);
	sx_cbor_write_bytes(writer, section->bloom_bits);
}

static void write_query(struct sx_writer *writer, const struct sx_rains_section *query)
{
	sx_cbor_write_map(writer, 7);
	write_text_field(writer, SX_RAINS_FIELD_CONTEXT, query->context);
	write_text_field(writer, SX_RAINS_FIELD_QUERY_NAME, query->name);
	write_list_field(writer, SX_RAINS_FIELD_QUERY_TYPES, query->types);
	write_time_field(writer, SX_RAINS_FIELD_QUERY_EXPIRES, query->expires);
	write_list_field(writer, SX_RAINS_FIELD_QUERY_OPTIONS, query->options);
	write_time_field(writer, SX_RAINS_FIELD_CURRENT_TIME, query->current_time);
	sx_cbor_write_int(writer, SX_RAINS_FIELD_QUERY_PHASE);
	if (query->phases.count == 1) {
		sx_write_bytes(writer, query->phases.items);
	} else {
		sx_cbor_write_list(writer, query->phases);
	}
}

static void write_note(struct sx_writer *writer, const struct sx_rains_section *note)
{
	sx_cbor_write_map(writer, 3);
	sx_cbor_write_int(writer, SX_RAINS_FIELD_TOKEN);
	sx_cbor_write_bytes(writer, note->token);
	sx_cbor_write_int(writer, SX_RAINS_FIELD_NOTE_CODE);
	sx_cbor_write_int(writer, note->code);
	write_text_field(writer, SX_RAINS_FIELD_NOTE_TEXT, note->text);
}

/* Shards have the key even without a signature: Go's reader wants it. */
static bool has_signatures(const struct sx_rains_section *section)
{
	return section->signatures.count > 0 || section->type == SX_RAINS_SHARD;
}

static void write_signed(struct sx_writer *writer, const struct sx_rains_section *section)
{
	bool is_assertion = section->type == SX_RAINS_ASSERTION;
	bool is_ranged = section->type == SX_RAINS_SHARD || section->type == SX_RAINS_PSHARD;
	size_t fields = (size_t)has_signatures(section) + 2 * (size_t)!section->is_contained +
			(size_t)is_ranged + (is_assertion ? 2 : 1);

	sx_cbor_write_map(writer, fields);
	if (has_signatures(section)) {
		write_list_field(writer, SX_RAINS_FIELD_SIGNATURES, section->signatures);
	}
	if (is_assertion) {
		write_text_field(writer, SX_RAINS_FIELD_SUBJECT, section->subject);
	}
	if (!section->is_contained) {
		write_text_field(writer, SX_RAINS_FIELD_ZONE, section->zone);
		write_text_field(writer, SX_RAINS_FIELD_CONTEXT, section->context);
	}
	if (is_assertion) {
		write_list_field(writer, SX_RAINS_FIELD_OBJECTS, section->objects);
		return;
	}
	if (is_ranged) {
		write_range(writer, section);
	}
	write_content(writer, section);
}

void sx_rains_section_write(struct sx_writer *writer, const struct sx_rains_section *section)
{
	switch (section->type) {
	case SX_RAINS_QUERY:
		write_query(writer, section);
		break;
	case SX_RAINS_NOTIFICATION:
		write_note(writer, section);
		break;
	default:
		write_signed(writer, section);
		break;
	}
}
