/* SPDX-License-Identifier: MIT */
/*
 * source: who may know where a domain is: hosts files, RAINS, DNS. A source lives in its owner's loop; it never blocks
 * and answers each query once, perhaps before `ask` returns.
 */
#pragma once

#include "finding.h"

enum sx_want {
	SX_WANT_ADDRESSES,    /* targets for streams between servers */
	SX_WANT_CERTIFICATES, /* RAINS certificate objects of the domain */
};

struct sx_source;

struct sx_query {
	const char *
		name; /* the domain: A-labels in lower case, no dot at the end; borrowed until done or cancelled */
	enum sx_want want;
	bool scion_only;      /* nothing may be sent for it but over SCION */
	uint64_t deadline_ns; /* monotonic; what comes later is of no use */
	/* All is in `finding`, whose status is no longer SX_EAGAIN. May free the query. */
	void (*done)(struct sx_query *query);
	void *state; /* the source's own while it works */
	struct sx_finding finding;
};

struct sx_source_ops {
	const char *name; /* "rains" */

	/* Begins, with an initialised finding. */
	void (*ask)(struct sx_source *source, struct sx_query *query, uint64_t now_ns);

	/* Forgets a query that is not done. */
	void (*cancel)(struct sx_source *source, struct sx_query *query);

	/* Whether it would find the name at once. NULL: it never answers at once. */
	bool (*knows)(struct sx_source *source, const char *name, uint64_t now_ns);

	/* What it remembers between queries goes: answers, keys, failures of servers. */
	void (*flush)(struct sx_source *source);

	/* All its queries are done or cancelled. */
	void (*free)(struct sx_source *source);
};

/* Implementations begin with this. */
struct sx_source {
	const struct sx_source_ops *ops;
};
