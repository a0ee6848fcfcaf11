/* SPDX-License-Identifier: MIT */
#include "ns_answer.h"

#include "base/random.h"
#include "ns_lookup.h"

#define NOT_MAP_HEAD 5   /* bytes in front of a message's map head: the tag */
#define PAD_KEY      100 /* a field that nobody knows */
#define PAD_HEAD     8
#define LIST_BYTES   1024

/* rainsd answers with the hash of its one capability. */
#define CAPABILITY "e5365a09be554ae55b855f15264dbc837b04f5831daeb321359e18cdabab5745"

static void count_asked(struct sx_ns_counters *counters, struct sx_bytes name, int64_t type)
{
	struct sx_ns_asked *asked = counters->asked;
	size_t i = 0;

	while (i < counters->asked_count &&
		(asked[i].type != type ||
			!sx_bytes_equal(sx_rains_name_bytes(&asked[i].name), name))) {
		i++;
	}
	if (i == SX_NS_ASKED_MOST) {
		return;
	}
	if (i == counters->asked_count) {
		asked[i] = (struct sx_ns_asked){ .name.len = name.len, .type = type };
		memcpy(asked[i].name.data, name.data, name.len);
		counters->asked_count++;
	}
	asked[i].count++;
}

static void count_query(struct sx_ns *ns, const struct sx_rains_section *query)
{
	struct sx_reader walk = sx_reader_of(query->types.items);

	ns->counters.queries++;
	while (sx_reader_left(&walk) > 0) {
		count_asked(&ns->counters, query->name, sx_cbor_read_int(&walk));
	}
}

/* rainsd cannot read a query without all seven fields, or with a list of key phases. */
static bool is_readable(const struct sx_rains_section *query)
{
	struct sx_reader reader = sx_reader_of(query->map);
	size_t pairs = sx_cbor_read_map(&reader);
	size_t known = 0;

	for (size_t i = 0; i < pairs; i++) {
		int64_t field = sx_cbor_read_int(&reader);

		known += field == SX_RAINS_FIELD_CONTEXT || field == SX_RAINS_FIELD_QUERY_NAME ||
			 field == SX_RAINS_FIELD_QUERY_TYPES ||
			 field == SX_RAINS_FIELD_QUERY_EXPIRES ||
			 field == SX_RAINS_FIELD_QUERY_OPTIONS ||
			 field == SX_RAINS_FIELD_CURRENT_TIME ||
			 (field == SX_RAINS_FIELD_QUERY_PHASE &&
				 sx_cbor_peek(&reader) != SX_CBOR_ARRAY);
		(void)sx_cbor_read_item(&reader);
	}
	return known == 7;
}

/* The signatures of a section as the fault leaves them. */
static struct sx_cbor_list twist(
	const struct sx_ns *ns, struct sx_cbor_list signatures, struct sx_writer *room)
{
	struct sx_reader walk = sx_reader_of(signatures.items);
	struct sx_rains_signature signature;

	if (ns->fault == SX_NS_UNSIGNED) {
		return (struct sx_cbor_list){ .count = 0 };
	}
	if (ns->fault != SX_NS_FORGED) {
		return signatures;
	}
	while (sx_rains_next_signature(&walk, &signature)) {
		uint8_t data[SX_RAINS_SIGNATURE_BYTES] = { 0 };

		memcpy(data, signature.data.data,
			signature.data.len < sizeof data ? signature.data.len : sizeof data);
		data[0] ^= 1;
		signature.data = sx_bytes_of(data, sizeof data);
		sx_rains_signature_write(room, &signature);
	}
	return (struct sx_cbor_list){ sx_writer_bytes(room), signatures.count };
}

/* A section and, of a zone or shard, what is in it; written by the same rules as it was before. */
static void add_section(struct sx_ns *ns, struct sx_rains_section section, struct sx_writer *out)
{
	struct sx_writer content = sx_writer_of(ns->scratch, sizeof ns->scratch);
	struct sx_reader walk = sx_reader_of(section.content.items);
	uint8_t bytes[LIST_BYTES];
	struct sx_writer room = sx_writer_of(bytes, sizeof bytes);
	struct sx_rains_section assertion;

	while (sx_rains_next_contained(&walk, &section, &assertion)) {
		room.at = 0;
		assertion.signatures = twist(ns, assertion.signatures, &room);
		sx_rains_section_write(&content, &assertion);
	}
	room.at = 0;
	section.content.items = sx_writer_bytes(&content);
	section.signatures = twist(ns, section.signatures, &room);
	sx_rains_msg_add(out, &section);
}

static void begin(struct sx_writer *out, struct sx_bytes token, size_t count)
{
	uint8_t bytes[128];
	struct sx_writer capability = sx_writer_of(bytes, sizeof bytes);

	sx_cbor_write_text(&capability, sx_bytes_text(CAPABILITY));
	sx_rains_msg_begin(
		out, token, (struct sx_cbor_list){ sx_writer_bytes(&capability), 1 }, count);
}

static void write_sections(struct sx_ns *ns, const struct sx_ns_found *found, struct sx_bytes token,
	struct sx_writer *out)
{
	uint8_t wrong[SX_RAINS_TOKEN_BYTES];

	memcpy(wrong, token.data, sizeof wrong);
	wrong[0] ^= ns->fault == SX_NS_WRONG_TOKEN;
	begin(out, sx_bytes_of(wrong, sizeof wrong), found->count);
	for (size_t i = 0; i < found->count; i++) {
		add_section(ns, found->sections[i], out);
	}
}

/* A notification, in a message with a token of its own. */
static void write_note(struct sx_bytes token, int64_t code, const char *text, struct sx_writer *out)
{
	struct sx_rains_section note = {
		.type = SX_RAINS_NOTIFICATION,
		.token = token,
		.code = code,
		.text = sx_bytes_text(text),
	};
	uint8_t fresh[SX_RAINS_TOKEN_BYTES];

	sx_random_bytes(fresh, sizeof fresh);
	begin(out, sx_bytes_of(fresh, sizeof fresh), 1);
	sx_rains_msg_add(out, &note);
}

/* Faults of the whole message, once it is written. */
static void spoil(const struct sx_ns *ns, size_t huge, struct sx_writer *out)
{
	switch (ns->fault) {
	case SX_NS_GARBAGE:
		sx_random_bytes(out->out, out->at);
		out->out[0] = 0xff;
		break;
	case SX_NS_TRUNCATED:
		out->at /= 2;
		break;
	case SX_NS_HUGE:
		out->out[NOT_MAP_HEAD]++;
		sx_cbor_write_int(out, PAD_KEY);
		sx_cbor_write_bytes(
			out, sx_bytes_of(ns->scratch,
				     huge > out->at + PAD_HEAD ? huge - out->at - PAD_HEAD : 0));
		break;
	default:
		break;
	}
}

/* What becomes of one query: SX_NS_SEND with what was added to `found`, or with a note in `out`. */
static enum sx_ns_reaction take_query(struct sx_ns *ns, const struct sx_rains_section *query,
	int64_t now, struct sx_ns_found *found)
{
	if (!is_readable(query)) {
		ns->counters.malformed++;
		return SX_NS_HANG_UP;
	}
	count_query(ns, query);
	if (query->expires < now) {
		return SX_NS_SEND; /* with nothing in it */
	}
	if (sx_ns_lookup(found, query) < 0) {
		return SX_NS_NOTHING;
	}
	if (ns->gives_chain) {
		sx_ns_lookup_chain(found, query);
	}
	return SX_NS_SEND;
}

/* The first section tells what a message is: a push, or queries, whose answers go together. */
static enum sx_ns_reaction take_message(
	struct sx_ns *ns, const struct sx_rains_msg *msg, int64_t now, struct sx_writer *out)
{
	struct sx_ns_found found = { .zones = &ns->zones,
		.use_expired = ns->fault == SX_NS_EXPIRED };
	struct sx_reader walk = sx_reader_of(msg->content.items);
	enum sx_ns_reaction reaction = SX_NS_NOTHING;
	struct sx_rains_section section;

	while (sx_rains_next_section(&walk, &section)) {
		if (section.type != SX_RAINS_QUERY) {
			continue;
		}
		if (sx_rains_context_check(section.context) < 0) {
			write_note(msg->token, SX_RAINS_NOTE_INCONSISTENT, "invalid context", out);
			return SX_NS_SEND;
		}
		reaction = take_query(ns, &section, now, &found);
		if (reaction != SX_NS_SEND) {
			return reaction;
		}
	}
	if (reaction == SX_NS_SEND) {
		write_sections(ns, &found, msg->token, out);
	}
	return reaction;
}

static bool is_push(const struct sx_rains_msg *msg)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	return sx_rains_next_section(&walk, &section) && section.type <= SX_RAINS_ZONE;
}

static void take_push(struct sx_ns *ns, struct sx_bytes message)
{
	if (sx_ns_zones_push(&ns->zones, message) == SX_OK) {
		ns->counters.pushes++;
	} else {
		ns->counters.refused++;
	}
}

enum sx_ns_reaction sx_ns_answer(
	struct sx_ns *ns, struct sx_bytes message, int64_t now, size_t huge, struct sx_writer *out)
{
	enum sx_ns_reaction reaction;
	struct sx_rains_msg msg;

	if (sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) < 0) {
		ns->counters.malformed++;
		return SX_NS_HANG_UP;
	}
	if (is_push(&msg)) {
		take_push(ns, message);
		return SX_NS_NOTHING;
	}
	reaction = take_message(ns, &msg, now, out);
	if (reaction == SX_NS_SEND && ns->fault == SX_NS_SILENCE) {
		reaction = SX_NS_NOTHING;
	}
	if (reaction != SX_NS_HANG_UP && ns->fault == SX_NS_CLOSE) {
		reaction = SX_NS_HANG_UP;
	}
	if (reaction == SX_NS_SEND) {
		spoil(ns, huge, out);
	}
	ns->counters.answers += reaction == SX_NS_SEND;
	ns->counters.silences += reaction == SX_NS_NOTHING;
	return reaction;
}
