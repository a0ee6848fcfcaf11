/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/live.h"
#include "context.h"

#define SECOND_NS            1000000000ULL
#define DEFAULT_DIAL_TIMEOUT 4 /* fallback to a stock transport must come in under 5 s */

struct sx_channel *sx_context_channel(const struct sx_context *context, sx_handle handle)
{
	return sx_handles_find(&context->handles, handle);
}

int sx_context_channel_new(struct sx_context *context, struct sx_channel **out)
{
	struct sx_channel *channel = calloc(1, sizeof *channel);
	int rc;

	if (!channel) {
		return SX_ENOMEM;
	}
	channel->context = context;
	sx_list_init(&channel->link);
	rc = sx_handles_add(&context->handles, channel, &channel->handle);
	if (rc < 0) {
		free(channel);
		return rc;
	}
	sx_live_add();
	*out = channel;
	return SX_OK;
}

void sx_context_channel_free(struct sx_channel *channel)
{
	sx_events_forget(channel);
	if (channel->stream) {
		sx_stream_release(channel->stream);
	}
	sx_handles_remove(&channel->context->handles, channel->handle);
	free(channel);
	sx_live_remove();
}

static void on_accepted(void *arg, struct sx_stream *stream)
{
	struct sx_context *context = arg;
	struct sx_channel *channel;

	if (sx_context_channel_new(context, &channel) < 0) {
		sx_stream_release(stream); /* resets it: the peer learns, we stay up */
		return;
	}
	channel->stream = stream;
	sx_stream_set_user(stream, channel);
	sx_events_add(&context->events, channel, SX_EVENT_ACCEPT);
}

static void note(void *user, enum sx_event_kind kind)
{
	struct sx_channel *channel = user;

	sx_events_add(&channel->context->events, channel, kind);
}

static void on_opened(void *user, struct sx_stream *stream)
{
	(void)stream;
	note(user, SX_EVENT_OPEN);
}

static void on_readable(void *user, struct sx_stream *stream)
{
	(void)stream;
	note(user, SX_EVENT_READABLE);
}

static void on_writable(void *user, struct sx_stream *stream)
{
	(void)stream;
	note(user, SX_EVENT_WRITABLE);
}

static void on_finished(void *user, struct sx_stream *stream)
{
	(void)stream;
	note(user, SX_EVENT_FINISH);
}

static void on_closed(void *user, struct sx_stream *stream, int status, const char *reason)
{
	struct sx_channel *channel = user;

	(void)stream;
	channel->status = status;
	(void)snprintf(channel->reason, sizeof channel->reason, "%s", reason);
	note(user, SX_EVENT_CLOSE);
}

static void on_log(void *arg, enum sx_log_level level, const char *text)
{
	struct sx_context *context = arg;

	sx_lines_add(&context->lines, level, text);
}

/* Cuts "a,b" into labels; more than the host can serve are an error of the host. */
static int split_alpn(struct sx_context *context, const char *labels)
{
	size_t count = 0;
	char *rest = context->alpn_text;

	if (strlen(labels) >= sizeof context->alpn_text) {
		return SX_EINVAL;
	}
	(void)snprintf(context->alpn_text, sizeof context->alpn_text, "%s", labels);
	for (char *label; (label = strtok_r(rest, ",", &rest));) {
		if (count == SX_ALPN_LABELS) {
			return SX_EINVAL;
		}
		context->alpn[count++] = label;
	}
	return count > 0 ? SX_OK : SX_EINVAL;
}

static int open_transport(
	struct sx_context *context, const struct sx_options *options, struct sx_problem problem)
{
	struct sx_transport_config config = {
		.address = options->address,
		.paths = options->paths,
		.port = options->port,
		.secret = options->secret,
		.alpn = context->alpn,
		.limits = { .idle_timeout_ns = options->idle_timeout * SECOND_NS },
		.events = { on_accepted, on_opened, on_readable, on_writable, on_finished,
			on_closed },
		.arg = context,
		.log = { on_log, context },
	};
	uint64_t dial_timeout =
		options->dial_timeout ? options->dial_timeout : DEFAULT_DIAL_TIMEOUT;

	config.limits.handshake_timeout_ns = dial_timeout * SECOND_NS;
	return sx_transport_new(&context->transport, &config, problem);
}

static void context_free(struct sx_context *context)
{
	struct sx_channel *channel;

	while ((channel = sx_handles_next(&context->handles, 0))) {
		sx_context_channel_free(channel);
	}
	sx_transport_free(context->transport);
	sx_hosts_free(context->hosts);
	sx_handles_fini(&context->handles);
	free(context);
	sx_live_remove();
}

int sx_open(
	const struct sx_options *options, struct sx_context **out, char *error, size_t error_cap)
{
	struct sx_problem problem = { error, error_cap };
	struct sx_context *context;
	int rc;

	if (options->size != sizeof *options || !options->address || !options->paths) {
		(void)snprintf(
			error, error_cap, "the caller was built for another version of libsx");
		return SX_EINVAL;
	}
	context = calloc(1, sizeof *context);
	if (!context) {
		(void)snprintf(error, error_cap, "out of memory");
		return SX_ENOMEM;
	}
	sx_live_add();
	sx_handles_init(&context->handles);
	sx_events_init(&context->events);
	rc = split_alpn(context, options->alpn ? options->alpn : "xmpp-server");
	if (rc < 0) {
		(void)snprintf(error, error_cap, "alpn: \"%s\" is not a list of at most %d labels",
			options->alpn, SX_ALPN_LABELS);
		goto fail;
	}
	rc = open_transport(context, options, problem);
	if (rc < 0) {
		goto fail;
	}
	*out = context;
	return SX_OK;

fail:
	context_free(context);
	return rc;
}

void sx_close(struct sx_context *context, uint32_t timeout_ms)
{
	if (!context) {
		return;
	}
	if (timeout_ms > 0) {
		sx_transport_drain(context->transport, timeout_ms);
	}
	context_free(context);
}

int sx_fd(const struct sx_context *context)
{
	return sx_transport_fd(context->transport);
}

int sx_process(struct sx_context *context)
{
	sx_transport_process(context->transport, 0);
	return SX_OK;
}

int sx_next_event(struct sx_context *context, struct sx_event *out)
{
	struct sx_channel *channel;
	int rc = sx_events_next(&context->events, out, &channel);

	if (rc < 0) {
		return rc;
	}
	if (out->kind == SX_EVENT_READABLE) {
		out->arg = sx_stream_readable_bytes(channel->stream);
	}
	if (out->kind == SX_EVENT_CLOSE) {
		out->status = channel->status;
	}
	return SX_OK;
}

int sx_next_log(struct sx_context *context, uint32_t *level, char *out, size_t cap)
{
	enum sx_log_level found;
	int rc = sx_lines_next(&context->lines, &found, out, cap);

	if (rc == SX_OK) {
		*level = found;
	}
	return rc;
}
