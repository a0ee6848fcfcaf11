/* SPDX-License-Identifier: MIT */
#include "ns_lookup.h"

#include "rains/object.h"

/* What is looked for: a full name in a context. */
struct wanted {
	struct sx_bytes name;
	struct sx_bytes context;
	int64_t type;
};

static void add(struct sx_ns_found *found, const struct sx_rains_section *section)
{
	for (size_t i = 0; i < found->count; i++) {
		if (sx_bytes_equal(found->sections[i].map, section->map)) {
			return;
		}
	}
	if (found->count < SX_NS_SECTIONS_MOST) {
		found->sections[found->count] = *section;
		found->sections[found->count++].is_contained = false;
	}
}

static bool has_type(const struct sx_rains_section *assertion, int64_t type)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == (enum sx_rains_object_type)type) {
			return true;
		}
	}
	return false;
}

static bool matches(const struct sx_rains_section *assertion, const struct wanted *wanted)
{
	struct sx_rains_name name;

	return sx_rains_name_join(&name, assertion->subject, assertion->zone) == SX_OK &&
	       sx_bytes_equal(sx_rains_name_bytes(&name), wanted->name) &&
	       sx_bytes_equal(assertion->context, wanted->context) &&
	       has_type(assertion, wanted->type);
}

static const struct sx_rains_msg *copy_of(const struct sx_ns_found *found, size_t zone)
{
	const struct sx_ns_zone *served = found->zones->items[zone];

	return found->use_expired ? &served->expired.msg : &served->fresh.msg;
}

static bool find_in(
	const struct sx_rains_msg *msg, const struct wanted *wanted, struct sx_rains_section *out)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section zone;
	struct sx_reader inner;

	if (!sx_rains_next_section(&walk, &zone)) {
		return false;
	}
	inner = sx_reader_of(zone.content.items);
	while (sx_rains_next_contained(&inner, &zone, out)) {
		if (matches(out, wanted)) {
			return true;
		}
	}
	return false;
}

/* The assertion with an object of the wanted type, in any of our zones. */
static bool find(
	const struct sx_ns_found *found, const struct wanted *wanted, struct sx_rains_section *out)
{
	for (size_t i = 0; i < found->zones->count; i++) {
		if (find_in(copy_of(found, i), wanted, out)) {
			return true;
		}
	}
	return false;
}

/* Of each name one assertion, whatever the number of types. */
static bool add_named(struct sx_ns_found *found, const struct sx_rains_section *section)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct sx_rains_section *known = &found->sections[i];

		if (sx_bytes_equal(known->subject, section->subject) &&
			sx_bytes_equal(known->zone, section->zone)) {
			return true;
		}
	}
	add(found, section);
	return true;
}

static bool answer(struct sx_ns_found *found, const struct sx_rains_section *query)
{
	struct sx_reader walk = sx_reader_of(query->types.items);
	struct wanted wanted = { query->name, query->context, 0 };
	struct sx_rains_section section;
	bool is_there = false;

	while (sx_reader_left(&walk) > 0) {
		wanted.type = sx_cbor_read_int(&walk);
		if (find(found, &wanted, &section)) {
			is_there = add_named(found, &section);
		}
	}
	return is_there;
}

/* The sections of one zone's message that deny a subject of it. */
static void add_denials(
	struct sx_ns_found *found, const struct sx_rains_msg *msg, const struct wanted *wanted)
{
	const uint8_t *dot = memchr(wanted->name.data, '.', wanted->name.len);
	size_t label = (size_t)(dot - wanted->name.data);
	struct sx_bytes zone = sx_bytes_of(dot + 1, wanted->name.len - label - 1);
	struct sx_bytes subject = sx_bytes_of(wanted->name.data, label);
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	while (sx_rains_next_section(&walk, &section)) {
		if (sx_bytes_equal(section.zone, zone) &&
			sx_bytes_equal(section.context, wanted->context) &&
			sx_rains_section_covers(&section, subject)) {
			add(found, &section);
		}
	}
}

/* Everything behind the first dot counts as the zone, so that only names directly in a zone are ever denied. */
static bool deny(struct sx_ns_found *found, const struct sx_rains_section *query)
{
	const struct wanted wanted = { query->name, query->context, 0 };
	size_t before = found->count;

	for (size_t i = 0; i < found->zones->count; i++) {
		add_denials(found, copy_of(found, i), &wanted);
	}
	return found->count > before;
}

static bool add_address(struct sx_ns_found *found, struct wanted wanted)
{
	static const int64_t types[] = { SX_RAINS_IP6, SX_RAINS_IP4, SX_RAINS_SCION };
	struct sx_rains_section section;

	for (size_t i = 0; i < SX_COUNT(types); i++) {
		wanted.type = types[i];
		if (find(found, &wanted, &section)) {
			add(found, &section);
			return true;
		}
	}
	return false;
}

static struct sx_rains_object object_of(const struct sx_rains_section *assertion, int64_t type)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object = { .port = 0 };

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == (enum sx_rains_object_type)type) {
			break;
		}
	}
	return object;
}

/* The address of a name server, straight or by its service. */
static bool add_server(struct sx_ns_found *found, struct wanted wanted)
{
	struct sx_rains_section service;

	if (add_address(found, wanted)) {
		return true;
	}
	wanted.type = SX_RAINS_SRV;
	if (!find(found, &wanted, &service)) {
		return false;
	}
	wanted.name = object_of(&service, SX_RAINS_SRV).text;
	if (!add_address(found, wanted)) {
		return false;
	}
	add(found, &service);
	return true;
}

/* The delegation and the name server of the label directly below a zone. */
static bool add_glue(
	struct sx_ns_found *found, const struct sx_rains_section *query, struct sx_bytes zone)
{
	struct sx_bytes name = query->name;
	struct wanted wanted = { .context = query->context, .type = SX_RAINS_DELEG };
	struct sx_rains_section delegation, redirection;

	for (size_t i = 1; i < query->name.len; i++) {
		struct sx_bytes shorter = sx_bytes_of(query->name.data + i, query->name.len - i);

		if (query->name.data[i - 1] == '.' && sx_rains_name_is_below(shorter, zone)) {
			name = shorter;
		}
	}
	wanted.name = name;
	if (!find(found, &wanted, &delegation)) {
		return false;
	}
	wanted.type = SX_RAINS_REDIR;
	if (!find(found, &wanted, &redirection)) {
		return false;
	}
	wanted.name = object_of(&redirection, SX_RAINS_REDIR).text;
	if (!add_server(found, wanted)) {
		return false;
	}
	add(found, &delegation);
	add(found, &redirection);
	return true;
}

static bool refer(struct sx_ns_found *found, const struct sx_rains_section *query)
{
	for (size_t i = 0; i < found->zones->count; i++) {
		struct sx_bytes zone = sx_rains_name_bytes(&found->zones->items[i]->name);

		if (sx_rains_name_is_below(query->name, zone) && !add_glue(found, query, zone)) {
			return false;
		}
	}
	return true;
}

static bool is_ours(const struct sx_ns_found *found, const struct sx_rains_section *query)
{
	for (size_t i = 0; i < found->zones->count; i++) {
		const struct sx_ns_zone *zone = found->zones->items[i];

		if (sx_rains_name_is_below(query->name, sx_rains_name_bytes(&zone->name)) &&
			sx_bytes_equal(query->context, sx_rains_name_bytes(&zone->context))) {
			return true;
		}
	}
	return false;
}

int sx_ns_lookup(struct sx_ns_found *found, const struct sx_rains_section *query)
{
	if (sx_rains_name_check(query->name) < 0 || !is_ours(found, query)) {
		return SX_ENOTFOUND;
	}
	return answer(found, query) || deny(found, query) || refer(found, query) ? SX_OK
										 : SX_ENOTFOUND;
}

void sx_ns_lookup_chain(struct sx_ns_found *found, const struct sx_rains_section *query)
{
	struct wanted wanted = { .context = query->context, .type = SX_RAINS_DELEG };
	struct sx_rains_section section;

	for (size_t i = 0; i < found->zones->count; i++) {
		wanted.name = sx_rains_name_bytes(&found->zones->items[i]->name);
		if (sx_rains_name_is_below(query->name, wanted.name) &&
			find(found, &wanted, &section)) {
			add(found, &section);
		}
	}
}
