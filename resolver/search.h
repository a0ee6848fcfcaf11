/* SPDX-License-Identifier: MIT */
/*
 * search: one domain looked for at several sources, the preferred first. Sources that answer at once are asked one after
 * the other; from the first that takes time on, all that are left are asked side by side. Plain QUIC counts when nobody
 * knows the way over SCION.
 */
#pragma once

#include "answer.h"
#include "source.h"

#define SX_SOURCES_MOST 4

struct sx_search;

struct sx_search_plan {
	const char *name; /* as in struct sx_query; copied */
	enum sx_want want;
	bool scion_only; /* as in struct sx_query */
	struct sx_source *const
		*sources; /* in the order of preference; borrowed for the search's life */
	size_t count;
	uint64_t deadline_ns;
	/* A source that took its time has answered. May not free the search. */
	void (*changed)(void *arg);
	void *arg;
};

/* Begins; `changed` is not called before it returns. */
SX_MUST_CHECK int sx_search_new(
	struct sx_search **out, const struct sx_search_plan *plan, uint64_t now_ns);

/* Cancels what is not done. Accepts NULL. */
void sx_search_free(struct sx_search *search);

/*
 * The answer as it stands now, in `*out`. SX_EAGAIN: a source that would be preferred may still answer, at the latest at
 * sx_search_deadline. Once there is an answer later calls may give a better one, until sx_search_is_over.
 */
SX_MUST_CHECK int sx_search_decide(struct sx_search *search, uint64_t now_ns, struct sx_buf **out);

/* When to decide anew even if no source answers. */
uint64_t sx_search_deadline(struct sx_search *search, uint64_t now_ns);

/* True when nothing that is still to come can change the answer. */
bool sx_search_is_over(struct sx_search *search, uint64_t now_ns);
