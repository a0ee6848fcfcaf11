/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "rains/bloom.h"
#include "rains/name.h"
#include "rains/zone.h"
#include "rains/zone_object.h"

static int refuse(
	struct sx_rains_reason *reason, const struct sx_rains_zone_item *item, const char *problem)
{
	char subject[SX_RAINS_QUOTE_BYTES];

	sx_rains_quote(item->section.subject, subject);
	sx_rains_reason_set(reason, "line %u: %s %s", item->line, subject, problem);
	return SX_EMALFORMED;
}

/* The types of an assertion's objects, and of what its aliases are for, as bits. */
static uint32_t types_of(const struct sx_rains_section *assertion, uint32_t *aliased)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	uint32_t types = 0;

	*aliased = 0;
	while (sx_rains_next_object(&walk, &object)) {
		struct sx_reader types_walk = sx_reader_of(object.types.items);

		types |= SX_RAINS_TYPE_BIT(object.type);
		while (object.type == SX_RAINS_NAME && sx_reader_left(&types_walk) > 0) {
			*aliased |= SX_RAINS_TYPE_BIT(sx_cbor_read_int(&types_walk));
		}
	}
	return types;
}

static bool has_twins(const struct sx_rains_section *assertion)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_bytes last = { NULL, 0 };

	while (sx_reader_left(&walk) > 0) {
		struct sx_bytes object = sx_cbor_read_item(&walk);

		if (sx_bytes_equal(object, last)) {
			return true;
		}
		last = object;
	}
	return false;
}

static int64_t lowest_type(uint32_t types)
{
	int64_t type = 0;

	while (types != 0 && !(types & SX_RAINS_TYPE_BIT(type))) {
		type++;
	}
	return type;
}

/* What has been seen of one name. */
struct seen {
	struct sx_bytes subject;
	uint32_t types;
	uint32_t aliased;
};

static int check_assertion(
	const struct sx_rains_zone_item *item, struct seen *seen, struct sx_rains_reason *reason)
{
	uint32_t aliased;
	uint32_t types = types_of(&item->section, &aliased);
	char problem[160];

	if (!sx_bytes_equal(item->section.subject, seen->subject)) {
		*seen = (struct seen){ .subject = item->section.subject };
	}
	if (has_twins(&item->section)) {
		return refuse(reason, item, "has the same object twice");
	}
	if (types & seen->types) {
		(void)snprintf(problem, sizeof problem,
			"has \"%s\" in two assertions, of which servers answer with one; make one "
			"of them",
			sx_rains_zone_object_word(lowest_type(types & seen->types)));
		return refuse(reason, item, problem);
	}
	seen->types |= types;
	seen->aliased |= aliased;
	if (seen->types & seen->aliased) {
		(void)snprintf(problem, sizeof problem, "has \"%s\" and an alias for it",
			sx_rains_zone_object_word(lowest_type(seen->types & seen->aliased)));
		return refuse(reason, item, problem);
	}
	return SX_OK;
}

static int check_assertions(const struct sx_rains_zone *zone,
	const struct sx_rains_zone_item *section, struct sx_rains_reason *reason)
{
	struct seen seen = { .types = 0 };
	int rc = SX_OK;

	for (size_t i = 0; rc == SX_OK && i < section->count; i++) {
		rc = check_assertion(&zone->assertions.items[section->first + i], &seen, reason);
	}
	return rc;
}

static bool has_assertion(const struct sx_rains_zone *zone,
	const struct sx_rains_zone_item *section, const struct sx_rains_section *wanted)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct sx_rains_section *assertion =
			&zone->assertions.items[section->first + i].section;

		if (sx_bytes_equal(assertion->subject, wanted->subject) &&
			sx_bytes_equal(assertion->objects.items, wanted->objects.items)) {
			return true;
		}
	}
	return false;
}

static bool denies(const struct sx_rains_zone *zone, const struct sx_rains_zone_item *section,
	const struct sx_rains_section *assertion)
{
	uint32_t aliased;
	uint32_t types = types_of(assertion, &aliased);

	if (!sx_rains_section_covers(&section->section, assertion->subject)) {
		return false;
	}
	if (section->section.type == SX_RAINS_SHARD) {
		return !has_assertion(zone, section, assertion);
	}
	for (int64_t type = 0; type < 32; type++) {
		if ((types & SX_RAINS_TYPE_BIT(type)) &&
			sx_rains_bloom_denies(&section->section, assertion->subject, type)) {
			return true;
		}
	}
	return false;
}

/* A shard or pshard says of nothing in the zone that it does not exist, and has nothing else. */
static int check_denial(const struct sx_rains_zone *zone, const struct sx_rains_zone_item *section,
	struct sx_rains_reason *reason)
{
	const struct sx_rains_zone_item *main = sx_rains_zone_main(zone);

	for (size_t i = 0; i < main->count; i++) {
		const struct sx_rains_zone_item *item = &zone->assertions.items[main->first + i];
		char problem[96];

		if (denies(zone, section, &item->section)) {
			(void)snprintf(problem, sizeof problem,
				"is in the zone, and denied on line %u", section->line);
			return refuse(reason, item, problem);
		}
	}
	for (size_t i = 0; i < section->count; i++) {
		const struct sx_rains_zone_item *item = &zone->assertions.items[section->first + i];

		if (!sx_rains_section_covers(&section->section, item->section.subject)) {
			return refuse(reason, item, "is outside of its shard");
		}
	}
	return SX_OK;
}

int sx_rains_zone_check(const struct sx_rains_zone *zone, struct sx_rains_reason *reason)
{
	int rc = SX_OK;

	for (size_t i = 0; rc == SX_OK && i < zone->sections.count; i++) {
		rc = check_assertions(zone, &zone->sections.items[i], reason);
	}
	for (size_t i = 1; rc == SX_OK && i < zone->sections.count; i++) {
		rc = check_denial(zone, &zone->sections.items[i], reason);
	}
	return rc;
}
