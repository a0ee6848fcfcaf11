/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "rains/lookup.h"
#include "rains/scout.h"
#include "rains/trace.h"
#include "rains/trail.h"

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
	bool is_referred; /* the message says no more than who knows */
	struct sx_rains_referral referral;
	struct sx_rains_trail trail;
	struct sx_rains_scout *scout; /* while a server's address is looked for, or NULL */
};

static int64_t unix_now(void)
{
	return (int64_t)sx_loop_unix_time();
}

static void finish(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	if (reason[0]) {
		sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %.*s %s: %s",
			(int)lookup->name.len, (const char *)lookup->name.data,
			sx_rains_type_text(lookup->type), reason);
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
	struct sx_rains_msg msg;

	lookup->is_calling = false;
	sx_buf_unref(lookup->message);
	lookup->message = NULL;
	if (sx_buf_new(&lookup->message, message.len) < 0) {
		finish(lookup, SX_ENOMEM, "out of memory");
		return;
	}
	(void)sx_buf_append(lookup->message, message);
	(void)snprintf(lookup->server, sizeof lookup->server, "%s", server);
	if (sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) == SX_OK) {
		sx_rains_trace_keys(&lookup->wish.trace, &msg, sx_rains_name_bytes(&lookup->name));
	}
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

/* Asks the next server that there is. */
static bool retry(struct sx_rains_lookup *lookup)
{
	lookup->is_calling = sx_rains_client_retry(
				     lookup->wish.client, &lookup->call, sx_loop_now_ns()) == SX_OK;
	return lookup->is_calling;
}

/* The answer was of no use, for `reason`: the next server may have a better one. */
static void try_next(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %s: %s", lookup->server, reason);
	if (!retry(lookup)) {
		finish(lookup, status, reason);
	}
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
	sx_rains_trail_restart(&lookup->trail, lookup->wish.client, sx_loop_now_ns());
	rc = ask(lookup, sx_loop_now_ns());
	if (rc < 0) {
		finish(lookup, rc, lookup->call.reason);
	}
}

static void settle(struct sx_rains_lookup *lookup)
{
	sx_rains_chain_settle(lookup->chain, &lookup->need);
	examine(lookup);
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
		sx_rains_trace_keys(
			&lookup->wish.trace, &msg, sx_rains_name_bytes(&lookup->need.zone));
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
		.referred = sx_rains_trail_servers(
			&lookup->trail, sx_rains_name_bytes(&lookup->need.zone)),
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

/* Goes on with the servers that the message refers to. */
static void follow_referral(struct sx_rains_lookup *lookup)
{
	const struct sx_rains_name *zone = &lookup->referral.zone;
	struct sx_rains_reason reason;
	int rc = sx_rains_trail_follow(&lookup->trail, lookup->wish.client, &lookup->referral,
		lookup->wish.scion_only, &reason);

	if (rc < 0) {
		try_next(lookup, rc, reason.text);
		return;
	}
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %s: refers to the servers of zone %.*s",
		lookup->server, (int)zone->len, (const char *)zone->data);
	lookup->call.referred =
		sx_rains_trail_servers(&lookup->trail, sx_rains_name_bytes(&lookup->name));
	if (!retry(lookup)) {
		sx_rains_reason_set(&reason, "no server of zone %.*s can be asked", (int)zone->len,
			(const char *)zone->data);
		finish(lookup, SX_EUNREACH, reason.text);
	}
}

static void on_scouted(void *arg, int status, const char *reason)
{
	struct sx_rains_lookup *lookup = arg;

	sx_rains_scout_free(lookup->scout);
	lookup->scout = NULL;
	if (status == SX_OK) {
		follow_referral(lookup);
	} else {
		try_next(lookup, status, reason);
	}
}

/* The message answers nothing, but refers to others, whose address may be missing. */
static void refer(struct sx_rains_lookup *lookup)
{
	struct sx_rains_wish wish = lookup->wish;
	int rc;

	if (lookup->referral.count > 0) {
		follow_referral(lookup);
		return;
	}
	wish.arg = lookup;
	rc = sx_rains_scout_new(
		&lookup->scout, &wish, &lookup->referral, on_scouted, sx_loop_now_ns());
	if (rc < 0) {
		try_next(lookup, rc, "refers to a server whose address cannot be asked for");
	}
}

/* An answer, or else a referral. */
static int read_once(struct sx_rains_lookup *lookup, const struct sx_rains_msg *msg)
{
	struct sx_rains_referral *referral = &lookup->referral;
	int rc = sx_rains_answer_read(
		&lookup->answer, lookup->chain, msg, &lookup->call.question, unix_now());

	lookup->is_referred = false;
	if (rc != SX_ENOTFOUND || lookup->wish.follows_none) {
		return rc;
	}
	referral->above = sx_rains_trail_zone(&lookup->trail);
	rc = sx_rains_referral_read(
		referral, lookup->chain, msg, &lookup->call.question, unix_now());
	lookup->is_referred = rc == SX_OK;
	if (rc == SX_EAGAIN) {
		lookup->answer.need = referral->need;
	} else if (rc < 0 && rc != SX_ENOTFOUND) {
		lookup->answer.reason = referral->reason;
	}
	return rc;
}

/* Reads the message until no key is missing any more that could be asked for. */
static int read_message(struct sx_rains_lookup *lookup)
{
	struct sx_bytes bytes = sx_bytes_of(lookup->message->data, lookup->message->len);
	struct sx_rains_msg msg;
	int rc = sx_rains_msg_parse(&msg, bytes, SX_RAINS_MSG_MOST);

	while (rc == SX_OK) {
		rc = read_once(lookup, &msg);
		if (rc != SX_EAGAIN || ask_for_key(lookup)) {
			return rc;
		}
		rc = SX_OK;
	}
	return rc;
}

/* The message is believed. */
static void accept(struct sx_rains_lookup *lookup)
{
	sx_rains_trace_answer(
		&lookup->wish.trace, lookup->server, &lookup->call.question, &lookup->answer);
	if (lookup->answer.kind == SX_RAINS_ANSWER_ALIAS) {
		follow(lookup);
	} else {
		finish(lookup, lookup->answer.kind == SX_RAINS_ANSWER_DENIED ? SX_ENOTFOUND : SX_OK,
			"");
	}
}

static void examine(struct sx_rains_lookup *lookup)
{
	int rc = read_message(lookup);

	if (rc == SX_EAGAIN) {
		return;
	}
	if (rc == SX_ENOTFOUND) {
		try_next(lookup, SX_EPROTO, "answers something else");
	} else if (rc < 0) {
		try_next(lookup, rc, lookup->answer.reason.text);
	} else if (lookup->is_referred) {
		refer(lookup);
	} else {
		accept(lookup);
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
	if (lookup->scout) {
		sx_rains_scout_hurry(lookup->scout, deadline_ns);
	}
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
	sx_rains_scout_free(lookup->scout);
	sx_rains_trail_restart(&lookup->trail, lookup->wish.client, sx_loop_now_ns());
	sx_rains_chain_free(lookup->chain);
	sx_buf_unref(lookup->message);
	free(lookup);
}
