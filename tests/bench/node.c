/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES 512

void node_require(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s\n", what);
		exit(1);
	}
}

uint64_t node_number(const char *word)
{
	char *end;
	uint64_t number = strtoull(word, &end, 10);

	node_require(*end == '\0', word);
	return number;
}

double node_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void node_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vprintf(format, arguments);
	va_end(arguments);
	(void)fflush(stdout);
}

struct sx_context *node_open(char **words)
{
	char paths[TEXT_BYTES], error[TEXT_BYTES] = "";
	struct sx_context *context = NULL;
	struct sx_options options = {
		.size = sizeof options,
		.address = words[0],
		.port = (uint16_t)node_number(words[1]),
		.paths = paths,
		.alpn = NODE_ALPN,
	};

	(void)snprintf(paths, sizeof paths, "file:%s", words[2]);
	node_require(sx_open(&options, &context, error, sizeof error) == SX_OK, error);
	return context;
}

void node_add_domain(struct sx_context *context, char **words, const char *name)
{
	char certificate[TEXT_BYTES], key[TEXT_BYTES], ca[TEXT_BYTES], error[TEXT_BYTES] = "";
	struct sx_domain domain = {
		.size = sizeof domain,
		.name = name,
		.certificate = certificate,
		.key = key,
		.cafile = ca,
	};

	(void)snprintf(certificate, sizeof certificate, "%s.crt", words[3]);
	(void)snprintf(key, sizeof key, "%s.key", words[3]);
	(void)snprintf(ca, sizeof ca, "%s.ca", words[3]);
	node_require(sx_domain_set(context, &domain, error, sizeof error) == SX_OK, error);
}

sx_handle node_dial(
	struct sx_context *context, const char *from, const char *address, const char *port)
{
	char error[TEXT_BYTES] = "";
	sx_handle channel = 0;
	struct sx_target target = {
		.size = sizeof target,
		.port = (uint16_t)node_number(port),
		.local_name = from,
		.remote_name = NODE_SERVER_NAME,
		.address = address,
		.alpn = NODE_ALPN,
	};

	node_require(sx_dial(context, &target, &channel, error, sizeof error) == SX_OK, error);
	return channel;
}

void node_turn(struct sx_context *context, int timeout_ms,
	void (*each)(void *arg, const struct sx_event *event), void *arg)
{
	struct pollfd ready = { .fd = sx_fd(context), .events = POLLIN };
	struct sx_event event;

	(void)poll(&ready, 1, timeout_ms);
	(void)sx_process(context);
	while (sx_next_event(context, &event) == SX_OK) {
		each(arg, &event);
	}
}
