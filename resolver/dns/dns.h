/* SPDX-License-Identifier: MIT */
/*
 * dns: questions to DNS servers, answered from the loop. Nothing here blocks, and `done` is called from sx_loop_run
 * only. The client brings a loop of its own into the one it is given.
 */
#pragma once

#include "base/loop.h"
#include "dns/answer.h"

#define SX_DNS_QUESTIONS_MOST 256

struct sx_dns;
struct sx_dns_question;

struct sx_dns_config {
	const char *
		servers; /* "192.0.2.1,127.0.0.1:5353,[2001:db8::1]:53"; NULL: those of /etc/resolv.conf */
	size_t questions_most; /* under way at once; 0: SX_DNS_QUESTIONS_MOST */
};

struct sx_dns_request {
	const char *name; /* A-labels: letters, digits, '-', '_' */
	enum sx_dns_type type;
	uint64_t
		deadline_ns; /* monotonic; SX_NEVER: as long as the servers are tried, some seconds each */
	/* Called once; `answer` is lent until it returns. It may ask and cancel, but not free the client. */
	void (*done)(void *arg, const struct sx_dns_answer *answer);
	void *arg;
};

/* A client in `loop`, which outlives it. Copies the configuration. SX_EINVAL: `servers` is not a list of servers. */
SX_MUST_CHECK int sx_dns_new(
	struct sx_dns **out, struct sx_loop *loop, const struct sx_dns_config *config);

/* Questions under way are dropped without a call. Accepts NULL. */
void sx_dns_free(struct sx_dns *dns);

/*
 * Asks. `*out` is lent until `done` is called or the question cancelled. SX_EINVAL: no name that DNS could hold,
 * nothing is sent. SX_ELIMIT: too many questions are under way.
 */
SX_MUST_CHECK int sx_dns_ask(
	struct sx_dns *dns, const struct sx_dns_request *request, struct sx_dns_question **out);

/* `done` will not be called. Accepts NULL. */
void sx_dns_cancel(struct sx_dns_question *question);
