/* SPDX-License-Identifier: MIT */
/* answers: questions to the resolver and what came of them, by handle, until the host lets go. */
#pragma once

#include "base/list.h"
#include "handles.h"
#include "resolver.h"

#define SX_ANSWERS_MOST 4096

/* Zeroed, then sx_answers_init. */
struct sx_answers {
	struct sx_resolver *resolver; /* NULL: no names were set */
	struct sx_handles handles;
	struct sx_list ready; /* answered, and the host has not been told */
	size_t count;
};

/* One question, then its answer. */
struct sx_reply {
	struct sx_answers *answers;
	struct sx_list link;         /* in `ready`, or alone */
	struct sx_resolver_ask *ask; /* under way, or NULL */
	struct sx_buf *answer;       /* NULL: none yet, or memory was short */
	int status;
	sx_handle handle;
	uint64_t udata;
	char name[256]; /* the domain asked for */
};

void sx_answers_init(struct sx_answers *answers);
void sx_answers_fini(struct sx_answers *answers);

/* Takes a resolver in place of the one before; questions under way end with SX_ECLOSED. */
void sx_answers_use(struct sx_answers *answers, struct sx_resolver *resolver);

/* Asks. SX_EINVAL: no domain, or no resolver. */
SX_MUST_CHECK int sx_answers_ask(struct sx_answers *answers, const struct sx_question *question,
	uint64_t now_ns, sx_handle *out);

/* The reply of a handle, or NULL when it is stale. */
struct sx_reply *sx_answers_find(const struct sx_answers *answers, sx_handle handle);

/* The next event about an answer. SX_EAGAIN: none. */
SX_MUST_CHECK int sx_answers_next(struct sx_answers *answers, struct sx_event *out);

void sx_answers_release(struct sx_reply *reply);
