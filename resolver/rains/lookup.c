/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "rains/lookup.h"

struct sx_rains_lookup {
	struct sx_rains_wish wish;
	struct sx_rains_name name; /* changes with each alias */
	int64_t type;
	unsigned aliases;
	int64_t until; /* until when the aliases hold that led here */
	struct sx_rains_chain *chain;
	struct sx_rains_call call;       /* for the name */
	struct sx_rains_call delegation; /* for a key on the way */
	bool is_calling;
	bool is_delegating;
	struct sx_rains_need need; /* what `delegation` asks for */
	int64_t delegation_type;
	struct sx_buf *message; /* being judged, while keys are missing */
	char server[SX_ADDR_TEXT_BYTES];
	struct sx_rains_answer answer;
};

static const char *type_name(int64_t type)
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

static int64_t unix_now(void)
{
	return (int64_t)sx_loop_unix_time();
}

static void finish(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	if (reason[0]) {
		sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %.*s %s: %s",
			(int)lookup->name.len, (const char *)lookup->name.data,
			type_name(lookup->type), reason);
	}
	if (lookup->until < lookup->answer.until) {
		lookup->answer.until = lookup->until;
	}
	lookup->wish.done(lookup->wish.arg, status, &lookup->answer, reason);
}

static void examine(struct sx_rains_lookup *lookup);

static void on_received(struct sx_rains_call *call, struct sx_bytes message, const char *server)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, call);

	lookup->is_calling = false;
	sx_buf_unref(lookup->message);
	lookup->message = NULL;
	if (sx_buf_new(&lookup->message, message.len) < 0) {
		finish(lookup, SX_ENOMEM, "out of memory");
		return;
	}
	(void)sx_buf_append(lookup->message, message);
	(void)snprintf(lookup->server, sizeof lookup->server, "%s", server);
	examine(lookup);
}

static void on_failed(struct sx_rains_call *call, int status, const char *reason)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, call);

	lookup->is_calling = false;
	finish(lookup, status, reason);
}

static int ask(struct sx_rains_lookup *lookup, uint64_t now_ns)
{
	int rc;

	lookup->call = (struct sx_rains_call){
		.question = { .name = sx_rains_name_bytes(&lookup->name),
			.context = sx_bytes_text("."),
			.types = &lookup->type,
			.type_count = 1 },
		.scion_only = lookup->wish.scion_only,
		.deadline_ns = lookup->wish.deadline_ns,
		.received = on_received,
		.failed = on_failed,
	};
	rc = sx_rains_client_call(lookup->wish.client, &lookup->call, now_ns);
	lookup->is_calling = rc == SX_OK;
	return rc;
}

/* The answer was of no use, for `reason`: the next server may have a better one. */
static void try_next(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %s: %s", lookup->server, reason);
	if (sx_rains_client_retry(lookup->wish.client, &lookup->call, sx_loop_now_ns()) == SX_OK) {
		lookup->is_calling = true;
		return;
	}
	finish(lookup, status, reason);
}

/* The name that an assertion has for another, if it has a target for this type. */
static int alias_in(
	const struct sx_rains_section *assertion, int64_t type, struct sx_rains_name *out)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;

	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_NAME && sx_cbor_list_has(object.types, type) &&
			sx_rains_name_check(object.text) == SX_OK) {
			memcpy(out->data, object.text.data, object.text.len);
			out->len = object.text.len;
			return SX_OK;
		}
	}
	return SX_ENOTFOUND;
}

static int alias_target(
	const struct sx_rains_answer *answer, int64_t type, struct sx_rains_name *out)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (alias_in(&answer->hits[i].assertion, type, out) == SX_OK) {
			return SX_OK;
		}
	}
	return SX_ENOTFOUND;
}

static void follow(struct sx_rains_lookup *lookup)
{
	struct sx_rains_name target;
	int rc;

	if (lookup->aliases == SX_RAINS_ALIASES_MOST ||
		alias_target(&lookup->answer, lookup->type, &target) < 0) {
		finish(lookup, SX_ELIMIT, "aliases lead nowhere");
		return;
	}
	lookup->aliases++;
	if (lookup->answer.until < lookup->until) {
		lookup->until = lookup->answer.until;
	}
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %.*s is an alias of %.*s",
		(int)lookup->name.len, (const char *)lookup->name.data, (int)target.len,
		(const char *)target.data);
	lookup->name = target;
	rc = ask(lookup, sx_loop_now_ns());
	if (rc < 0) {
		finish(lookup, rc, lookup->call.reason);
	}
}

static void trace_answer(struct sx_rains_lookup *lookup)
{
	const struct sx_rains_answer *answer = &lookup->answer;
	struct sx_bytes zone =
		answer->count > 0 ? answer->hits[0].assertion.zone : sx_bytes_text("?");

	if (answer->kind == SX_RAINS_ANSWER_DENIED) {
		sx_log(&lookup->wish.trace, SX_LOG_DEBUG,
			"rains: %s: %.*s %s: proven that there is none, for %lld s", lookup->server,
			(int)lookup->name.len, (const char *)lookup->name.data,
			type_name(lookup->type), (long long)(answer->until - unix_now()));
		return;
	}
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG,
		"rains: %s: %.*s %s: signed by zone %.*s, valid for %lld s", lookup->server,
		(int)lookup->name.len, (const char *)lookup->name.data, type_name(lookup->type),
		(int)zone.len, (const char *)zone.data, (long long)(answer->until - unix_now()));
}

static void settle(struct sx_rains_lookup *lookup)
{
	sx_rains_chain_settle(lookup->chain, &lookup->need);
	examine(lookup);
}

static void trace_key(struct sx_rains_lookup *lookup, const struct sx_rains_section *assertion,
	const struct sx_rains_object *object)
{
	char hex[2 * SX_RAINS_KEY_BYTES + 1] = "";
	struct sx_reader walk = sx_reader_of(assertion->signatures.items);
	struct sx_rains_signature signature = { .until = unix_now() };

	for (size_t i = 0; i < object->key.data.len && i < SX_RAINS_KEY_BYTES; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", object->key.data.data[i]);
	}
	(void)sx_rains_next_signature(&walk, &signature);
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG,
		"rains: key of %.*s, phase %lld: ed25519 %s, delegated by zone %.*s for %lld s",
		(int)lookup->need.zone.len, (const char *)lookup->need.zone.data,
		(long long)object->key.phase, hex, (int)assertion->zone.len,
		(const char *)assertion->zone.data, (long long)(signature.until - unix_now()));
}

/* The keys of the zone in need that an assertion names. Whether they are believed shows in what comes of them. */
static void trace_keys(struct sx_rains_lookup *lookup, const struct sx_rains_section *assertion)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object;
	struct sx_rains_name name;

	if (assertion->type != SX_RAINS_ASSERTION ||
		sx_rains_name_join(&name, assertion->subject, assertion->zone) < 0 ||
		!sx_bytes_equal(
			sx_rains_name_bytes(&name), sx_rains_name_bytes(&lookup->need.zone))) {
		return;
	}
	while (sx_rains_next_object(&walk, &object)) {
		if (object.type == SX_RAINS_DELEG) {
			trace_key(lookup, assertion, &object);
		}
	}
}

static void trace_delegation(struct sx_rains_lookup *lookup, const struct sx_rains_msg *msg)
{
	struct sx_reader walk = sx_reader_of(msg->content.items);
	struct sx_rains_section section;

	while (sx_rains_next_section(&walk, &section)) {
		trace_keys(lookup, &section);
	}
}

static void on_delegation(struct sx_rains_call *call, struct sx_bytes message, const char *server)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, delegation);
	struct sx_rains_msg msg;

	lookup->is_delegating = false;
	if (sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) < 0) {
		sx_log(&lookup->wish.trace, SX_LOG_DEBUG,
			"rains: %s: an answer that cannot be read", server);
	} else {
		trace_delegation(lookup, &msg);
		if (sx_rains_chain_learn(lookup->chain, &msg, unix_now()) < 0) {
			sx_log(&lookup->wish.trace, SX_LOG_DEBUG,
				"rains: %s: an answer that cannot be kept", server);
		}
	}
	settle(lookup);
}

static void on_no_delegation(struct sx_rains_call *call, int status, const char *reason)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, delegation);

	(void)status;
	lookup->is_delegating = false;
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: no key of zone %.*s, phase %lld: %s",
		(int)lookup->need.zone.len, (const char *)lookup->need.zone.data,
		(long long)lookup->need.phase, reason);
	settle(lookup);
}

/* True when the question for the key is under way. */
static bool ask_for_key(struct sx_rains_lookup *lookup)
{
	lookup->need = lookup->answer.need;
	lookup->delegation_type = SX_RAINS_DELEG;
	lookup->delegation = (struct sx_rains_call){
		.question = { .name = sx_rains_name_bytes(&lookup->need.zone),
			.context = sx_rains_name_bytes(&lookup->need.context),
			.types = &lookup->delegation_type,
			.type_count = 1,
			.phase = lookup->need.phase },
		.scion_only = lookup->wish.scion_only,
		.deadline_ns = lookup->wish.deadline_ns,
		.received = on_delegation,
		.failed = on_no_delegation,
	};
	lookup->is_delegating = sx_rains_client_call(lookup->wish.client, &lookup->delegation,
					sx_loop_now_ns()) == SX_OK;
	if (!lookup->is_delegating) {
		sx_rains_chain_settle(lookup->chain, &lookup->need);
	}
	return lookup->is_delegating;
}

/* Reads the message until no key is missing any more that could be asked for. */
static int read_message(struct sx_rains_lookup *lookup)
{
	struct sx_bytes bytes = sx_bytes_of(lookup->message->data, lookup->message->len);
	struct sx_rains_msg msg;
	int rc = sx_rains_msg_parse(&msg, bytes, SX_RAINS_MSG_MOST);

	while (rc == SX_OK) {
		rc = sx_rains_answer_read(
			&lookup->answer, lookup->chain, &msg, &lookup->call.question, unix_now());
		if (rc != SX_EAGAIN || ask_for_key(lookup)) {
			return rc;
		}
		rc = SX_OK;
	}
	return rc;
}

static void examine(struct sx_rains_lookup *lookup)
{
	int rc = read_message(lookup);

	if (rc == SX_EAGAIN) {
		return;
	}
	if (rc == SX_ENOTFOUND) {
		try_next(lookup, SX_EPROTO, "answers something else");
		return;
	}
	if (rc < 0) {
		try_next(lookup, rc, lookup->answer.reason.text);
		return;
	}
	trace_answer(lookup);
	if (lookup->answer.kind == SX_RAINS_ANSWER_ALIAS) {
		follow(lookup);
	} else {
		finish(lookup, lookup->answer.kind == SX_RAINS_ANSWER_DENIED ? SX_ENOTFOUND : SX_OK,
			"");
	}
}

/* "example.org" becomes "example.org." */
static int set_name(struct sx_rains_name *name, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof name->data) {
		return SX_EINVAL;
	}
	memcpy(name->data, text, len);
	name->data[len] = '.';
	name->len = len + 1;
	return sx_rains_name_check(sx_rains_name_bytes(name));
}

int sx_rains_lookup_new(struct sx_rains_lookup **out, const struct sx_rains_wish *wish,
	uint64_t now_ns, struct sx_rains_reason *reason)
{
	struct sx_rains_lookup *lookup = calloc(1, sizeof *lookup);
	int rc;

	if (!lookup) {
		sx_rains_reason_set(reason, "out of memory");
		return SX_ENOMEM;
	}
	lookup->wish = *wish;
	lookup->type = wish->type;
	lookup->until = INT64_MAX;
	rc = set_name(&lookup->name, wish->name);
	if (rc == SX_OK) {
		rc = sx_rains_chain_new(&lookup->chain, wish->trust);
	}
	if (rc == SX_OK) {
		rc = ask(lookup, now_ns);
	}
	if (rc < 0) {
		sx_rains_reason_set(reason, "%s",
			lookup->call.reason[0] ? lookup->call.reason : sx_status_text(rc));
		sx_rains_lookup_free(lookup);
		return rc;
	}
	*out = lookup;
	return SX_OK;
}

void sx_rains_lookup_hurry(struct sx_rains_lookup *lookup, uint64_t deadline_ns)
{
	if (deadline_ns >= lookup->wish.deadline_ns) {
		return;
	}
	lookup->wish.deadline_ns = deadline_ns;
	lookup->call.deadline_ns = deadline_ns;
	lookup->delegation.deadline_ns = deadline_ns;
	sx_rains_client_hurried(lookup->wish.client);
}

void sx_rains_lookup_free(struct sx_rains_lookup *lookup)
{
	if (!lookup) {
		return;
	}
	if (lookup->is_calling) {
		sx_rains_client_cancel(lookup->wish.client, &lookup->call);
	}
	if (lookup->is_delegating) {
		sx_rains_client_cancel(lookup->wish.client, &lookup->delegation);
	}
	sx_rains_chain_free(lookup->chain);
	sx_buf_unref(lookup->message);
	free(lookup);
}
