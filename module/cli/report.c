/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <nettle/base16.h>
#include <stdlib.h>
#include <time.h>

#include "rains/zone_object.h"

#define SOON_SECONDS 86400
#define TIME_BYTES   32
#define TYPES_BYTES  256
#define SCION_MOST   1200 /* what surely fits a datagram */

static void write_time(int64_t seconds, char out[TIME_BYTES])
{
	time_t when = (time_t)seconds;
	struct tm utc;

	if (!gmtime_r(&when, &utc) || strftime(out, TIME_BYTES, "%Y-%m-%d %H:%M:%SZ", &utc) == 0) {
		(void)snprintf(out, TIME_BYTES, "%" PRId64, seconds);
	}
}

static int64_t until_of(
	const struct sx_cli_signed *signed_zone, const struct sx_rains_zone_item *item)
{
	return item->is_dated ? item->until : signed_zone->until;
}

/* The types of an assertion's objects, each once: "cert scion". */
static void write_types(const struct sx_rains_section *assertion, char out[TYPES_BYTES])
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	int64_t last = 0;
	size_t at = 0;

	out[0] = '\0';
	while (sx_rains_next_object(&walk, &object)) {
		const char *word = sx_rains_zone_object_word(object.type);

		if (object.type != last) {
			at += (size_t)snprintf(out + at, TYPES_BYTES - at, "%s%.*s",
				at > 0 ? " " : "", (int)strlen(word) - 2, word + 1);
		}
		last = object.type;
	}
}

static const struct sx_rains_zone_item *record(const struct sx_cli_signed *signed_zone, size_t i)
{
	return &signed_zone->zone->assertions
			.items[sx_rains_zone_main(signed_zone->zone)->first + i];
}

/* The full name of a record. Those in a zone that was read have one. */
static struct sx_rains_name name_of(const struct sx_rains_zone_item *item)
{
	struct sx_rains_name name;

	if (sx_rains_name_join(&name, item->section.subject, item->section.zone) < 0) {
		name.len = 0;
	}
	return name;
}

static void print_records(const struct sx_cli_signed *signed_zone, FILE *out)
{
	size_t count = sx_rains_zone_main(signed_zone->zone)->count;
	int width = (int)strlen("NAME");

	for (size_t i = 0; i < count; i++) {
		struct sx_rains_name name = name_of(record(signed_zone, i));

		width = (int)name.len > width ? (int)name.len : width;
	}
	(void)fprintf(out, "%-*s  %-20s  TYPES\n", width, "NAME", "VALID UNTIL");
	for (size_t i = 0; i < count; i++) {
		const struct sx_rains_zone_item *item = record(signed_zone, i);
		struct sx_rains_name name = name_of(item);
		char until[TIME_BYTES], types[TYPES_BYTES];

		write_time(until_of(signed_zone, item), until);
		write_types(&item->section, types);
		(void)fprintf(out, "%-*.*s  %-20s  %s\n", width, (int)name.len,
			(const char *)name.data, until, types);
	}
}

static void print_publication(const struct sx_cli_signed *signed_zone, FILE *out)
{
	const struct sx_cli_publication *publication = &signed_zone->publication;

	(void)fprintf(out, "published to %s, %zu of %zu names seen after %.1f s\n",
		signed_zone->server, publication->seen, publication->count,
		(double)publication->took_ns / 1e9);
	for (size_t i = 0; i < publication->count; i++) {
		const struct sx_cli_published *published = &publication->names[i];
		char until[TIME_BYTES];

		write_time(published->older_until, until);
		if (!published->is_seen) {
			(void)fprintf(out, "not seen: %.*s\n", (int)published->name.len,
				(const char *)published->name.data);
		}
		if (published->older_until > 0) {
			(void)fprintf(out, "also served until %s: an older version of %.*s\n",
				until, (int)published->name.len,
				(const char *)published->name.data);
		}
	}
}

/* Calls `say` with each warning about the zone. */
static void each_warning(const struct sx_cli_signed *signed_zone,
	void (*say)(void *arg, const char *text), void *arg)
{
	char text[SX_RAINS_NAME_MOST + 256];

	for (size_t i = 0; i < sx_rains_zone_main(signed_zone->zone)->count; i++) {
		const struct sx_rains_zone_item *item = record(signed_zone, i);
		struct sx_rains_name name = name_of(item);
		int64_t until = until_of(signed_zone, item);
		char date[TIME_BYTES];

		write_time(until, date);
		if (until < signed_zone->now + SOON_SECONDS) {
			(void)snprintf(text, sizeof text, "%.*s %s %s", (int)name.len,
				(const char *)name.data,
				until > signed_zone->now
					? "is to be signed again soon: it expires at"
					: "is believed by nobody: it expired at",
				date);
			say(arg, text);
		}
		if (sx_bytes_equal(item->section.subject, sx_bytes_text("@"))) {
			(void)snprintf(text, sizeof text,
				"line %u: servers do not answer for \"@\"; what is said of the "
				"zone's "
				"own name belongs into the parent's zone",
				item->line);
			say(arg, text);
		}
	}
	if (signed_zone->message.len > SCION_MOST) {
		(void)snprintf(text, sizeof text,
			"answers about names that do not exist carry the zone, whose %zu bytes may "
			"not "
			"fit a SCION packet",
			signed_zone->message.len);
		say(arg, text);
	}
}

static void print_warning(void *arg, const char *text)
{
	(void)fprintf(arg, "warning: %s\n", text);
}

void sx_cli_report_text(const struct sx_cli_signed *signed_zone, FILE *out)
{
	const struct sx_rains_section *zone = &sx_rains_zone_main(signed_zone->zone)->section;
	char delegation[SX_RAINS_DELEGATION_TEXT_BYTES];
	char anchor[SX_RAINS_ANCHOR_TEXT_BYTES];

	sx_rains_keyfile_delegation(&signed_zone->key, zone->zone, delegation);
	sx_rains_keyfile_anchor(&signed_zone->key, anchor);
	if (signed_zone->is_new_key) {
		(void)fprintf(out, "a new key was made\n");
	}
	(void)fprintf(out, "for the zone file of the parent:\n\t%s\n", delegation);
	(void)fprintf(out, "for those who trust this key without a parent:\n\t%s\n\n", anchor);
	print_records(signed_zone, out);
	(void)fprintf(out, "\n%zu bytes\n", signed_zone->message.len);
	each_warning(signed_zone, print_warning, out);
	if (signed_zone->server) {
		print_publication(signed_zone, out);
	}
}

static json_t *json_text(struct sx_bytes text)
{
	return json_stringn((const char *)text.data, text.len);
}

static json_t *json_hex(struct sx_bytes bytes)
{
	size_t len = BASE16_ENCODE_LENGTH(bytes.len);
	char *hex = malloc(len + 1);
	json_t *text;

	if (!hex) {
		return NULL;
	}
	base16_encode_update(hex, bytes.len, bytes.data);
	text = json_stringn(hex, len);
	free(hex);
	return text;
}

static json_t *json_records(const struct sx_cli_signed *signed_zone)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sx_rains_zone_main(signed_zone->zone)->count; i++) {
		const struct sx_rains_zone_item *item = record(signed_zone, i);
		struct sx_rains_name name = name_of(item);
		char types[TYPES_BYTES];
		json_t *one = json_object();

		write_types(&item->section, types);
		(void)json_object_set_new(one, "name", json_text(sx_rains_name_bytes(&name)));
		(void)json_object_set_new(one, "types", json_string(types));
		(void)json_object_set_new(one, "until", json_integer(until_of(signed_zone, item)));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static json_t *json_publication(const struct sx_cli_signed *signed_zone)
{
	const struct sx_cli_publication *publication = &signed_zone->publication;
	json_t *object = json_object();
	json_t *missing = json_array();
	json_t *older = json_array();

	for (size_t i = 0; i < publication->count; i++) {
		const struct sx_cli_published *published = &publication->names[i];
		struct sx_bytes name = sx_rains_name_bytes(&published->name);

		if (!published->is_seen) {
			(void)json_array_append_new(missing, json_text(name));
		}
		if (published->older_until > 0) {
			(void)json_array_append_new(older, json_text(name));
		}
	}
	(void)json_object_set_new(object, "server", json_string(signed_zone->server));
	(void)json_object_set_new(object, "not_seen", missing);
	(void)json_object_set_new(object, "older_version", older);
	return object;
}

static void add_warning(void *arg, const char *text)
{
	(void)json_array_append_new(arg, json_string(text));
}

void sx_cli_report_json(const struct sx_cli_signed *signed_zone, FILE *out)
{
	const struct sx_rains_section *zone = &sx_rains_zone_main(signed_zone->zone)->section;
	char delegation[SX_RAINS_DELEGATION_TEXT_BYTES];
	char anchor[SX_RAINS_ANCHOR_TEXT_BYTES];
	json_t *object = json_object();
	json_t *warnings = json_array();

	sx_rains_keyfile_delegation(&signed_zone->key, zone->zone, delegation);
	sx_rains_keyfile_anchor(&signed_zone->key, anchor);
	each_warning(signed_zone, add_warning, warnings);
	(void)json_object_set_new(object, "zone", json_text(zone->zone));
	(void)json_object_set_new(object, "context", json_text(zone->context));
	(void)json_object_set_new(object, "new_key", json_boolean(signed_zone->is_new_key));
	(void)json_object_set_new(object, "delegation", json_string(delegation));
	(void)json_object_set_new(object, "anchor", json_string(anchor));
	(void)json_object_set_new(object, "records", json_records(signed_zone));
	(void)json_object_set_new(object, "warnings", warnings);
	(void)json_object_set_new(object, "message", json_hex(signed_zone->message));
	if (signed_zone->server) {
		(void)json_object_set_new(object, "published", json_publication(signed_zone));
	}
	(void)json_dumpf(object, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(object);
}
