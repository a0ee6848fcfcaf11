/* SPDX-License-Identifier: MIT */
/* The part of the ABI that looks names up. */
#include <stdio.h>

#include "base/loop.h"
#include "context.h"
#include "pem.h"
#include "rains/cert.h"
#include "rains/client.h"

#define SECOND_NS UINT64_C(1000000000)

static void log_line(void *arg, enum sx_log_level level, const char *text)
{
	struct sx_context *context = arg;

	sx_lines_add(&context->lines, level, text);
}

static int use(
	struct sx_context *context, const struct sx_names *names, char *error, size_t error_cap)
{
	struct sx_rains_scion scion = { *sx_transport_address(context->transport),
		names->scion_port, sx_transport_paths(context->transport) };
	struct sx_resolver_config config = { .order = names->order,
		.deadline_ms = names->deadline_ms,
		.cache_bytes = (size_t)names->cache_bytes,
		.statics = names->statics,
		.hosts = names->hosts,
		.roots = names->roots,
		.servers = names->servers,
		.unsigned_too = names->flags & SX_NAMES_UNSIGNED,
		.dns = names->dns,
		.scion = &scion,
		.log = { log_line, context } };
	struct sx_resolver *resolver;
	int rc;

	rc = sx_resolver_new(
		&resolver, sx_transport_loop(context->transport), &config, error, error_cap);
	if (rc == SX_OK) {
		sx_answers_use(&context->answers, resolver);
		sx_transport_wake(context->transport);
	}
	return rc;
}

int sx_names_set(
	struct sx_context *context, const struct sx_names *names, char *error, size_t error_cap)
{
	if (names->size != sizeof *names || !names->order) {
		(void)snprintf(error, error_cap, "names need an order");
		return SX_EINVAL;
	}
	return use(context, names, error, error_cap);
}

int sx_names_flush(struct sx_context *context)
{
	if (context->answers.resolver) {
		sx_resolver_flush(context->answers.resolver);
	}
	return SX_OK;
}

int sx_resolve(struct sx_context *context, const struct sx_question *question, sx_handle *out)
{
	int rc;

	if (question->size != sizeof *question || !question->name) {
		return SX_EINVAL;
	}
	rc = sx_answers_ask(&context->answers, question, sx_loop_now_ns(), out);
	if (rc == SX_OK) {
		sx_transport_wake(context->transport);
	}
	return rc;
}

/* The answer of a handle. SX_EAGAIN: it is not there yet, or could not be kept. */
static int find(const struct sx_context *context, sx_handle handle, struct sx_answer **out)
{
	struct sx_reply *reply = sx_answers_find(&context->answers, handle);

	if (!reply) {
		return SX_ESTALE;
	}
	if (!reply->answer) {
		return SX_EAGAIN;
	}
	*out = sx_answer_of(reply->answer);
	return SX_OK;
}

int sx_answer_target(
	struct sx_context *context, sx_handle handle, uint32_t index, struct sx_place *out)
{
	const struct sx_found_target *target;
	struct sx_answer *answer;
	int rc = find(context, handle, &answer);

	if (rc < 0) {
		return rc;
	}
	if (index >= answer->target_count) {
		return SX_ENOTFOUND;
	}
	target = &answer->targets[index];
	*out = (struct sx_place){
		.plain = target->addr.ia == 0, .port = target->port, .priority = target->priority
	};
	if (out->plain) {
		sx_host_write(&target->addr.host, out->address, sizeof out->address);
	} else {
		sx_addr_write(&target->addr, out->address, sizeof out->address);
	}
	return SX_OK;
}

static unsigned long long seconds_left(const struct sx_answer *answer)
{
	uint64_t now_ns = sx_loop_now_ns();

	return answer->expiry_ns > now_ns ? (answer->expiry_ns - now_ns) / SECOND_NS : 0;
}

int sx_answer_text(
	struct sx_context *context, sx_handle handle, uint32_t which, char *out, size_t cap)
{
	struct sx_answer *answer;
	int rc = find(context, handle, &answer);
	char seconds[24];

	if (rc < 0) {
		return rc;
	}
	(void)snprintf(seconds, sizeof seconds, "%llu", seconds_left(answer));
	const char *const texts[] = {
		[SX_ANSWER_SOURCE] = answer->source,
		[SX_ANSWER_REASON] = answer->reason,
		[SX_ANSWER_TRACE] = answer->trace,
		[SX_ANSWER_SECONDS] = seconds,
	};
	if (which >= SX_COUNT(texts)) {
		return SX_EINVAL;
	}
	(void)snprintf(out, cap, "%s", texts[which]);
	return SX_OK;
}

static int judge(const struct sx_answer *answer, const struct sx_pem *pem, const char *name,
	struct sx_rains_reason *reason)
{
	struct sx_rains_peer peer = { .chain = pem->certificates,
		.count = pem->count,
		.name = name,
		.now = (int64_t)sx_loop_unix_time() };
	struct sx_cbor_list objects = { answer->certs, answer->cert_count };

	return sx_rains_certs_match(objects, &peer, reason);
}

int sx_answer_judge(struct sx_context *context, sx_handle handle, const char *pem, char *error,
	size_t error_cap)
{
	struct sx_reply *reply = sx_answers_find(&context->answers, handle);
	struct sx_rains_reason reason = { "" };
	struct sx_answer *answer;
	struct sx_pem chain;
	int rc = find(context, handle, &answer);

	if (rc < 0) {
		return rc;
	}
	if (answer->cert_count == 0) {
		(void)snprintf(error, error_cap, "%s", answer->reason);
		return SX_ENOTFOUND;
	}
	rc = sx_pem_read(&chain, pem);
	if (rc < 0) {
		(void)snprintf(error, error_cap, "the peer's certificate cannot be read");
		return rc;
	}
	rc = judge(answer, &chain, reply->name, &reason);
	sx_pem_free(&chain);
	(void)snprintf(error, error_cap, "%s", reason.text);
	return rc == SX_OK || rc == SX_ENOMEM ? rc : SX_EREFUSED;
}

int sx_answer_release(struct sx_context *context, sx_handle handle)
{
	struct sx_reply *reply = sx_answers_find(&context->answers, handle);

	if (!reply) {
		return SX_ESTALE;
	}
	sx_answers_release(reply);
	return SX_OK;
}
