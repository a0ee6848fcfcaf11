/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "rains/lookup.h"
#include "rains/scout.h"
#include "rains/trace.h"
#include "rains/trail.h"

/* A message, or NULL, and who sent it. */
struct heard {
	struct sx_buf *message;
	char server[SX_ADDR_TEXT_BYTES];
};

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
	struct heard now;   /* being judged, while keys are missing */
	struct heard later; /* came meanwhile, and is judged when that was of no use */
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

static void stop_calling(struct sx_rains_lookup *lookup)
{
	if (lookup->is_calling) {
		sx_rains_client_cancel(lookup->wish.client, &lookup->call);
		lookup->is_calling = false;
	}
}

/* While the answer is judged another one may come. */
static void listen_on(struct sx_rains_lookup *lookup)
{
	if (!lookup->is_calling && !lookup->later.message) {
		lookup->is_calling =
			sx_rains_client_listen(lookup->wish.client, &lookup->call) == SX_OK;
	}
}

static void finish(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	stop_calling(lookup);
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

static void judge(struct sx_rains_lookup *lookup);

static void forget(struct heard *heard)
{
	sx_buf_unref(heard->message);
	heard->message = NULL;
}

static int hear(struct heard *heard, struct sx_bytes message, const char *server)
{
	forget(heard);
	if (sx_buf_new(&heard->message, message.len) < 0) {
		return SX_ENOMEM;
	}
	(void)sx_buf_append(heard->message, message);
	(void)snprintf(heard->server, sizeof heard->server, "%s", server);
	return SX_OK;
}

/* Whether an answer is being judged, and something is missing for it. */
static bool is_judging(const struct sx_rains_lookup *lookup)
{
	return lookup->is_delegating || lookup->scout;
}

static void on_received(struct sx_rains_call *call, struct sx_bytes message, const char *server)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, call);
	struct sx_rains_msg msg;

	lookup->is_calling = false;
	if (is_judging(lookup)) {
		(void)hear(&lookup->later, message, server);
		return;
	}
	if (hear(&lookup->now, message, server) < 0) {
		finish(lookup, SX_ENOMEM, "out of memory");
		return;
	}
	if (sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) == SX_OK) {
		sx_rains_trace_keys(&lookup->wish.trace, &msg, sx_rains_name_bytes(&lookup->name));
	}
	judge(lookup);
}

/* What is being judged ends by the same deadline, in its own way. */
static void on_failed(struct sx_rains_call *call, int status, const char *reason)
{
	struct sx_rains_lookup *lookup = sx_container_of(call, struct sx_rains_lookup, call);

	lookup->is_calling = false;
	if (!is_judging(lookup)) {
		finish(lookup, status, reason);
	}
}

static int ask(struct sx_rains_lookup *lookup, uint64_t now_ns)
{
	int rc;

	forget(&lookup->later);
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
	stop_calling(lookup);
	lookup->is_calling = sx_rains_client_retry(
				     lookup->wish.client, &lookup->call, sx_loop_now_ns()) == SX_OK;
	return lookup->is_calling;
}

/*
 * The answer was of no use, for `reason`: the next server's may be better. True: another came meanwhile, and is to be
 * judged now.
 */
static bool try_next(struct sx_rains_lookup *lookup, int status, const char *reason)
{
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %s: %s", lookup->now.server, reason);
	if (lookup->later.message) {
		forget(&lookup->now);
		lookup->now = lookup->later;
		lookup->later.message = NULL;
		return true;
	}
	if (!retry(lookup)) {
		finish(lookup, status, reason);
	}
	return false;
}

static void follow(struct sx_rains_lookup *lookup)
{
	struct sx_rains_name target;
	int rc;

	if (lookup->aliases == SX_RAINS_ALIASES_MOST ||
		sx_rains_answer_alias(&lookup->answer, lookup->type, &target) < 0) {
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
	stop_calling(lookup);
	sx_rains_trail_restart(&lookup->trail, lookup->wish.client, sx_loop_now_ns());
	rc = ask(lookup, sx_loop_now_ns());
	if (rc < 0) {
		finish(lookup, rc, lookup->call.reason);
	}
}

static void settle(struct sx_rains_lookup *lookup)
{
	sx_rains_chain_settle(lookup->chain, &lookup->need);
	judge(lookup);
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

/* Goes on with the servers that the message refers to. As try_next. */
static bool follow_referral(struct sx_rains_lookup *lookup)
{
	const struct sx_rains_name *zone = &lookup->referral.zone;
	struct sx_rains_reason reason;
	int rc = sx_rains_trail_follow(&lookup->trail, lookup->wish.client, &lookup->referral,
		lookup->wish.scion_only, &reason);

	if (rc < 0) {
		return try_next(lookup, rc, reason.text);
	}
	sx_rains_reason_set(&reason, "refers to the servers of zone %.*s", (int)zone->len,
		(const char *)zone->data);
	sx_log(&lookup->wish.trace, SX_LOG_DEBUG, "rains: %s: %s", lookup->now.server, reason.text);
	lookup->call.referred =
		sx_rains_trail_servers(&lookup->trail, sx_rains_name_bytes(&lookup->name));
	if (retry(lookup)) {
		return false;
	}
	sx_rains_reason_set(&reason, "no server of zone %.*s can be asked", (int)zone->len,
		(const char *)zone->data);
	return try_next(lookup, SX_EUNREACH, reason.text);
}

static void on_scouted(void *arg, int status, const char *reason)
{
	struct sx_rains_lookup *lookup = arg;

	sx_rains_scout_free(lookup->scout);
	lookup->scout = NULL;
	if (status == SX_OK ? follow_referral(lookup) : try_next(lookup, status, reason)) {
		judge(lookup);
	}
}

/* The message answers nothing, but refers to others, whose address may be missing. As try_next. */
static bool refer(struct sx_rains_lookup *lookup)
{
	struct sx_rains_wish wish = lookup->wish;
	int rc;

	if (lookup->referral.count > 0) {
		return follow_referral(lookup);
	}
	wish.arg = lookup;
	rc = sx_rains_scout_new(
		&lookup->scout, &wish, &lookup->referral, on_scouted, sx_loop_now_ns());
	if (rc < 0) {
		return try_next(lookup, rc, "refers to a server whose address cannot be asked for");
	}
	listen_on(lookup);
	return false;
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
	struct sx_bytes bytes = sx_bytes_of(lookup->now.message->data, lookup->now.message->len);
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
		&lookup->wish.trace, lookup->now.server, &lookup->call.question, &lookup->answer);
	if (lookup->answer.kind == SX_RAINS_ANSWER_ALIAS) {
		follow(lookup);
	} else {
		finish(lookup, lookup->answer.kind == SX_RAINS_ANSWER_DENIED ? SX_ENOTFOUND : SX_OK,
			"");
	}
}

/* True: another message is to be judged. */
static bool examine(struct sx_rains_lookup *lookup)
{
	int rc = read_message(lookup);

	if (rc == SX_EAGAIN) {
		listen_on(lookup);
		return false;
	}
	if (rc == SX_ENOTFOUND) {
		return try_next(lookup, SX_EPROTO, "answers something else");
	}
	if (rc < 0) {
		return try_next(lookup, rc, lookup->answer.reason.text);
	}
	if (lookup->is_referred) {
		return refer(lookup);
	}
	accept(lookup);
	return false;
}

/* Judges the message that there is, and those that came meanwhile, until something is missing or all is over. */
static void judge(struct sx_rains_lookup *lookup)
{
	while (examine(lookup)) {
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
	stop_calling(lookup);
	if (lookup->is_delegating) {
		sx_rains_client_cancel(lookup->wish.client, &lookup->delegation);
	}
	sx_rains_scout_free(lookup->scout);
	sx_rains_trail_restart(&lookup->trail, lookup->wish.client, sx_loop_now_ns());
	sx_rains_chain_free(lookup->chain);
	forget(&lookup->now);
	forget(&lookup->later);
	free(lookup);
}
