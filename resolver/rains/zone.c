/* SPDX-License-Identifier: MIT */
#include "rains/zone.h"

#include <stdlib.h>

#include "rains/name.h"
#include "rains/zone_object.h"

#define POOL_BYTES   SX_RAINS_ZONE_MSG_MOST
#define OBJECTS_MOST 256 /* of one assertion */

/* A zone on its way out of a file. */
struct reading {
	struct sx_rains_words words;
	struct sx_rains_zone *zone;
};

static void no_memory(struct reading *reading)
{
	sx_rains_words_refuse(&reading->words, reading->words.line, "out of memory");
	reading->words.status = SX_ENOMEM;
}

/* A new last item, to be filled in; an item that nobody uses after a failure. */
static struct sx_rains_zone_item *add(struct reading *reading, struct sx_rains_zone_items *list)
{
	static struct sx_rains_zone_item nobody;
	struct sx_rains_zone_item *items = list->items;

	if (list->count == list->cap) {
		size_t cap = list->cap > 0 ? 2 * list->cap : 16;

		items = realloc(list->items, cap * sizeof *items);
		if (!items) {
			no_memory(reading);
			return &nobody;
		}
		list->items = items;
		list->cap = cap;
	}
	items[list->count] = (struct sx_rains_zone_item){ .line = reading->words.line };
	return &items[list->count++];
}

static void check_room(struct reading *reading)
{
	if (!sx_writer_ok(&reading->zone->pool) && reading->words.status == SX_OK) {
		sx_rains_words_refuse(&reading->words, reading->words.line,
			"the zone does not fit a message of %d bytes; make two of it", POOL_BYTES);
		reading->words.status = SX_ELIMIT;
	}
}

/* ( :sig: :ed25519: :rains: PHASE SINCE UNTIL [HEX] ); the signature itself is made anew. */
static void read_annotation(struct reading *reading, struct sx_rains_zone_item *item)
{
	struct sx_rains_words *words = &reading->words;
	uint8_t old[64];
	unsigned line = words->line;

	if (!sx_rains_words_skip(words, "(")) {
		return;
	}
	sx_rains_words_expect(words, ":sig:");
	sx_rains_words_expect(words, ":ed25519:");
	sx_rains_words_expect(words, ":rains:");
	item->is_dated = true;
	item->phase = sx_rains_words_take_int(words, INT32_MAX, "a key phase");
	item->since = sx_rains_words_take_int(words, SX_CBOR_TIME_MOST, "UNIX seconds");
	item->until = sx_rains_words_take_int(words, SX_CBOR_TIME_MOST, "UNIX seconds");
	if (item->until <= item->since) {
		sx_rains_words_refuse(words, line, "a signature that ends before it begins");
	}
	if (!sx_rains_words_at(words, ")")) {
		(void)sx_rains_words_take_hex(
			words, old, sizeof old, "\")\" or a signature of 128 hex digits");
	}
	sx_rains_words_expect(words, ")");
}

static int compare_objects(const void *a, const void *b)
{
	const struct sx_bytes *left = a;
	const struct sx_bytes *right = b;

	return sx_rains_zone_object_compare(*left, *right);
}

/* Puts the objects behind `start` in Go's order, where they lie. */
static struct sx_bytes sort_objects(struct sx_writer *pool, size_t start, size_t count)
{
	struct sx_bytes objects[OBJECTS_MOST];
	uint8_t *here = pool->out + start;
	struct sx_reader walk = sx_reader_of(sx_bytes_of(here, pool->at - start));
	uint8_t *copy = malloc(pool->at - start);
	struct sx_writer sorted = sx_writer_of(copy, copy ? pool->at - start : 0);

	for (size_t i = 0; i < count; i++) {
		objects[i] = sx_cbor_read_item(&walk);
	}
	qsort(objects, count, sizeof *objects, compare_objects);
	for (size_t i = 0; i < count; i++) {
		sx_write_bytes(&sorted, objects[i]);
	}
	if (copy) {
		memcpy(here, copy, sorted.at);
	}
	free(copy);
	return sx_bytes_of(copy ? here : NULL, sorted.at);
}

/* [ object {object} ] */
static struct sx_cbor_list read_objects(struct reading *reading)
{
	struct sx_writer *pool = &reading->zone->pool;
	struct sx_cbor_list list = { .count = 0 };
	size_t start = pool->at;

	sx_rains_words_expect(&reading->words, "[");
	do {
		sx_rains_zone_object_read(&reading->words, pool);
		list.count++;
		check_room(reading);
	} while (reading->words.status == SX_OK && list.count < OBJECTS_MOST &&
		 !sx_rains_words_at(&reading->words, "]"));
	sx_rains_words_expect(&reading->words, "]");
	if (reading->words.status == SX_OK) {
		list.items = sort_objects(pool, start, list.count);
	}
	if (reading->words.status == SX_OK && !list.items.data) {
		no_memory(reading);
	}
	return list;
}

static bool has_upper_case(struct sx_bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] >= 'A' && name.data[i] <= 'Z') {
			return true;
		}
	}
	return false;
}

/* A subject, which with the zone makes a name that clients can ask for. */
static struct sx_bytes read_subject(struct reading *reading, struct sx_bytes zone)
{
	struct sx_rains_words *words = &reading->words;
	struct sx_rains_name name;

	if (words->status == SX_OK && sx_rains_name_join(&name, words->word, zone) < 0) {
		sx_rains_words_fail(words, "a name of at most 255 bytes with the zone, in "
					   "labels of 1 to 63, no dot at its end");
	}
	if (has_upper_case(words->word)) {
		sx_rains_words_fail(words, "lower case, as names are asked for");
	}
	return sx_rains_words_take(words, "a name");
}

/* :A: SUBJECT [ objects ] [annotation] */
static void read_assertion(struct reading *reading, const struct sx_rains_section *container)
{
	struct sx_rains_zone_item item = { .line = reading->words.line };

	sx_rains_words_expect(&reading->words, ":A:");
	item.section.type = SX_RAINS_ASSERTION;
	item.section.is_contained = true;
	item.section.zone = container->zone;
	item.section.context = container->context;
	item.section.subject = read_subject(reading, container->zone);
	item.section.objects = read_objects(reading);
	read_annotation(reading, &item);
	*add(reading, &reading->zone->assertions) = item;
}

static int compare_assertions(const void *a, const void *b)
{
	const struct sx_rains_section *left = &((const struct sx_rains_zone_item *)a)->section;
	const struct sx_rains_section *right = &((const struct sx_rains_zone_item *)b)->section;
	struct sx_reader walk = sx_reader_of(left->objects.items);
	struct sx_reader other = sx_reader_of(right->objects.items);
	int order = sx_rains_bytes_compare(left->subject, right->subject);

	if (order == 0) {
		order = (left->objects.count > right->objects.count) -
			(left->objects.count < right->objects.count);
	}
	while (order == 0 && sx_reader_left(&walk) > 0) {
		order = sx_rains_zone_object_compare(
			sx_cbor_read_item(&walk), sx_cbor_read_item(&other));
	}
	return order;
}

/* [ {assertion} ] */
static void read_assertions(struct reading *reading, struct sx_rains_zone_item *item)
{
	struct sx_rains_zone_items *assertions = &reading->zone->assertions;

	item->first = assertions->count;
	sx_rains_words_expect(&reading->words, "[");
	while (sx_rains_words_at(&reading->words, ":A:")) {
		read_assertion(reading, &item->section);
	}
	sx_rains_words_expect(&reading->words, "]");
	item->count = assertions->count - item->first;
	if (item->count > 0) {
		qsort(assertions->items + item->first, item->count, sizeof *assertions->items,
			compare_assertions);
	}
}

/* An end of a range; the mark, or nothing, is open. */
static struct sx_bytes read_end(struct reading *reading, const char *open)
{
	if (sx_rains_words_skip(&reading->words, open)) {
		return sx_bytes_of(NULL, 0);
	}
	return sx_rains_words_take(&reading->words, "a name, or \"<\" and \">\" for no bound");
}

static void read_bloom(struct reading *reading, struct sx_rains_section *section)
{
	static const char *const algs[] = {
		":bloomKM12:", ":bloomKM16:", ":bloomKM20:", ":bloomKM24:"
	};
	static const char *const hashes[] = { ":shake256:", ":fnv64:", ":fnv128:" };
	struct sx_writer *pool = &reading->zone->pool;
	size_t len;

	for (size_t i = 0; i < SX_COUNT(algs) && section->bloom_alg == 0; i++) {
		section->bloom_alg =
			sx_rains_words_skip(&reading->words, algs[i]) ? (int64_t)i + 1 : 0;
	}
	for (size_t i = 0; i < SX_COUNT(hashes) && section->bloom_hash == 0; i++) {
		section->bloom_hash = sx_rains_words_skip(&reading->words, hashes[i])
					      ? (int64_t)i + SX_RAINS_SHAKE256
					      : 0;
	}
	if (section->bloom_alg == 0 || section->bloom_hash == 0) {
		sx_rains_words_fail(&reading->words, "a filter such as \":bloomKM12: :shake256:\"");
	}
	len = sx_rains_words_take_hex(&reading->words, pool->out + pool->at, pool->cap - pool->at,
		"the filter in hex digits");
	section->bloom_bits = sx_bytes_of(pool->out + pool->at, len);
	pool->at += len;
}

/* The zone and the context of a section, which are those of the first, the zone. */
static void read_scope(struct reading *reading, struct sx_rains_section *section)
{
	struct sx_rains_words *words = &reading->words;
	const struct sx_rains_zone_items *sections = &reading->zone->sections;

	if (sx_rains_name_check(words->word) < 0 || has_upper_case(words->word)) {
		sx_rains_words_fail(
			words, "the zone's full name in lower case, with a dot at its end");
	}
	section->zone = sx_rains_words_take(words, "the zone's name");
	if (sx_rains_context_check(words->word) < 0) {
		sx_rains_words_fail(words, "a context, \".\" or one with \"cx-\" in it");
	}
	section->context = sx_rains_words_take(words, "a context");
	if (section->type != SX_RAINS_ZONE && words->status == SX_OK &&
		(!sx_bytes_equal(section->zone, sections->items[0].section.zone) ||
			!sx_bytes_equal(section->context, sections->items[0].section.context))) {
		sx_rains_words_refuse(words, words->line,
			"found another zone or context than the file begins with");
	}
}

static enum sx_rains_section_type read_type(struct reading *reading)
{
	static const struct {
		const char *word;
		enum sx_rains_section_type type;
	} types[] = {
		{ ":Z:", SX_RAINS_ZONE },
		{ ":S:", SX_RAINS_SHARD },
		{ ":P:", SX_RAINS_PSHARD },
	};
	bool is_first = reading->zone->sections.count == 0;

	for (size_t i = is_first ? 0 : 1; i < (is_first ? 1 : SX_COUNT(types)); i++) {
		if (sx_rains_words_skip(&reading->words, types[i].word)) {
			return types[i].type;
		}
	}
	sx_rains_words_fail(&reading->words,
		is_first ? "the zone first: \":Z: example. . [\""
			 : "\":S:\", \":P:\" or the end: a file has one zone, with all "
			   "assertions in its brackets");
	return SX_RAINS_ZONE;
}

static void read_section(struct reading *reading)
{
	struct sx_rains_zone_item item = { .line = reading->words.line };

	item.section.type = read_type(reading);
	read_scope(reading, &item.section);
	if (item.section.type != SX_RAINS_ZONE) {
		item.section.from = read_end(reading, "<");
		item.section.to = read_end(reading, ">");
	}
	if (item.section.type == SX_RAINS_PSHARD) {
		read_bloom(reading, &item.section);
	} else {
		read_assertions(reading, &item);
	}
	read_annotation(reading, &item);
	check_room(reading);
	*add(reading, &reading->zone->sections) = item;
}

static int read_zone(
	struct sx_rains_zone *zone, struct sx_bytes text, struct sx_rains_reason *reason)
{
	struct reading reading = { sx_rains_words_of(text, reason), zone };

	do {
		read_section(&reading);
	} while (reading.words.word.len > 0);
	return reading.words.status == SX_OK ? sx_rains_zone_check(zone, reason)
					     : reading.words.status;
}

int sx_rains_zone_new(
	struct sx_rains_zone **out, struct sx_bytes text, struct sx_rains_reason *reason)
{
	struct sx_rains_zone *zone;
	int rc;

	if (text.len > SX_RAINS_ZONE_FILE_MOST) {
		sx_rains_reason_set(reason, "more than %d bytes", SX_RAINS_ZONE_FILE_MOST);
		return SX_ELIMIT;
	}
	zone = calloc(1, sizeof *zone + POOL_BYTES);
	if (!zone) {
		sx_rains_reason_set(reason, "out of memory");
		return SX_ENOMEM;
	}
	zone->pool = sx_writer_of(zone->bytes, POOL_BYTES);
	zone->text = malloc(text.len + 1);
	if (zone->text) {
		memcpy(zone->text, text.data, text.len);
		rc = read_zone(zone, sx_bytes_of(zone->text, text.len), reason);
	} else {
		rc = SX_ENOMEM;
	}
	if (rc < 0) {
		sx_rains_zone_free(zone);
		return rc;
	}
	*out = zone;
	return SX_OK;
}

void sx_rains_zone_free(struct sx_rains_zone *zone)
{
	if (!zone) {
		return;
	}
	free(zone->assertions.items);
	free(zone->sections.items);
	free(zone->text);
	free(zone);
}

const struct sx_rains_zone_item *sx_rains_zone_main(const struct sx_rains_zone *zone)
{
	return &zone->sections.items[0];
}
