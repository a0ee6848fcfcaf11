/* SPDX-License-Identifier: MIT */
#include "rains/trace.h"

#include <stdio.h>

#include "base/loop.h"
#include "rains/object.h"

#define KEYS_MOST 8 /* of one message */

const char *sx_rains_type_text(int64_t type)
{
	static const char *const names[] = { [SX_RAINS_NAME] = "name",
		[SX_RAINS_IP6] = "ip6",
		[SX_RAINS_IP4] = "ip4",
		[SX_RAINS_DELEG] = "deleg",
		[SX_RAINS_CERT] = "cert",
		[SX_RAINS_SRV] = "srv",
		[SX_RAINS_SCION] = "scion" };

	return type > 0 && type < (int64_t)SX_COUNT(names) && names[type] ? names[type] : "?";
}

static long long seconds_until(int64_t until)
{
	return (long long)(until - (int64_t)sx_loop_unix_time());
}

void sx_rains_trace_answer(const struct sx_log *trace, const char *server,
	const struct sx_rains_question *question, const struct sx_rains_answer *answer)
{
	const char *type = sx_rains_type_text(question->types[0]);
	struct sx_bytes name = question->name;
	struct sx_bytes zone;

	if (answer->kind == SX_RAINS_ANSWER_DENIED) {
		sx_log(trace, SX_LOG_DEBUG,
			"rains: %s: %.*s %s: proven that there is none, for %lld s", server,
			(int)name.len, (const char *)name.data, type, seconds_until(answer->until));
		return;
	}
	zone = answer->hits[0].assertion.zone;
	sx_log(trace, SX_LOG_DEBUG, "rains: %s: %.*s %s: signed by zone %.*s, valid for %lld s",
		server, (int)name.len, (const char *)name.data, type, (int)zone.len,
		(const char *)zone.data, seconds_until(answer->until));
}

static void trace_key(const struct sx_log *trace, const struct sx_rains_name *zone,
	const struct sx_rains_section *assertion, const struct sx_rains_object *object)
{
	char hex[2 * SX_RAINS_KEY_BYTES + 1] = "";
	struct sx_reader walk = sx_reader_of(assertion->signatures.items);
	struct sx_rains_signature signature = { .until = (int64_t)sx_loop_unix_time() };

	for (size_t i = 0; i < object->key.data.len && i < SX_RAINS_KEY_BYTES; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", object->key.data.data[i]);
	}
	(void)sx_rains_next_signature(&walk, &signature);
	sx_log(trace, SX_LOG_DEBUG,
		"rains: key of %.*s, phase %lld: ed25519 %s, delegated by zone %.*s for %lld s",
		(int)zone->len, (const char *)zone->data, (long long)object->key.phase, hex,
		(int)assertion->zone.len, (const char *)assertion->zone.data,
		seconds_until(signature.until));
}

/* The keys to which one assertion delegates, if it is of a zone on the way to the name. At most `most`; how many. */
static unsigned trace_assertion(const struct sx_log *trace,
	const struct sx_rains_section *assertion, struct sx_bytes name, unsigned most)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	struct sx_rains_name zone;
	unsigned count = 0;

	if (assertion->type != SX_RAINS_ASSERTION ||
		sx_rains_name_join(&zone, assertion->subject, assertion->zone) < 0 ||
		!(sx_bytes_equal(name, sx_rains_name_bytes(&zone)) ||
			sx_rains_name_is_below(name, sx_rains_name_bytes(&zone)))) {
		return 0;
	}
	while (count < most && sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_DELEG) {
			trace_key(trace, &zone, assertion, &object);
			count++;
		}
	}
	return count;
}

void sx_rains_trace_keys(
	const struct sx_log *trace, const struct sx_rains_msg *msg, struct sx_bytes name)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;
	unsigned count = 0;

	while (sx_rains_next_section(&walk, &section)) {
		count += trace_assertion(trace, &section, name, KEYS_MOST - count);
	}
}
