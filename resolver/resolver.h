/* SPDX-License-Identifier: MIT */
/*
 * resolver: from a domain to SCION addresses, a port and proof of its certificate, from the static map, hosts files,
 * RAINS and DNS, without ever blocking. The one header for the layers above; what it says is read through answer.h.
 */
#pragma once

#include "answer.h"
#include "base/log.h"
#include "base/loop.h"
#include "source.h"

struct sx_resolver;
struct sx_rains_scion;
struct sx_resolver_ask; /* a question under way */

struct sx_resolver_config {
	const char *order;    /* "static,hosts,rains,dns": who is asked, the preferred first */
	uint32_t deadline_ms; /* for a whole search; 0: 2000 */
	size_t cache_bytes;
	const char
		*statics; /* lines as in hosts files; NULL: none. Here and below texts are copied */
	const char *hosts; /* names of hosts files, one a line; NULL: none */
	const char *
		roots; /* RAINS root keys: lines "ed25519 PHASE HEX", or names of files with keys (rains/anchor.h) */
	const char *servers; /* RAINS servers, one a line (rains/server.h) */
	bool unsigned_too;   /* RAINS data that nobody signed is believed: laboratories only */
	const char *
		dns; /* DNS servers "127.0.0.1:53", separated by commas; NULL: those of the system */
	const struct sx_rains_scion
		*scion; /* how RAINS servers on SCION are reached (rains/client.h), or NULL */
	struct sx_log log;
};

struct sx_wish {
	const char *name; /* a domain, A-labels; copied */
	enum sx_want want;
	bool scion_only; /* no DNS query, no TCP connection: static sources, and RAINS servers on SCION */
	bool fresh; /* ask anew, whatever the cache holds */
	/*
	 * Called once with the answer (answer.h), lent until it returns, or NULL when memory is short; for what is at
	 * hand already before sx_resolver_ask returns. It takes note, it does not call back.
	 */
	void (*done)(void *arg, struct sx_buf *answer);
	void *arg;
};

struct sx_resolver_stats {
	uint64_t asked;    /* sx_resolver_ask calls */
	uint64_t searches; /* begun: what the cache did not know, or only just */
	uint64_t running;  /* now */
	uint64_t cache_entries;
	uint64_t cache_bytes;
	uint64_t cache_hits;
};

/*
 * A resolver in `loop`, which outlives it. On failure `problem` names the option, what was found and what is expected.
 */
SX_MUST_CHECK int sx_resolver_new(struct sx_resolver **out, struct sx_loop *loop,
	const struct sx_resolver_config *config, char *problem, size_t cap);

/* Questions under way are dropped without a call. Accepts NULL. */
void sx_resolver_free(struct sx_resolver *resolver);

/*
 * Asks. `*out` is NULL when the answer was at hand; else lent until `done` is called or the question cancelled.
 * SX_EINVAL: no domain. SX_ELIMIT: too many searches run. SX_ENOMEM. Then `done` is never called.
 */
SX_MUST_CHECK int sx_resolver_ask(struct sx_resolver *resolver, const struct sx_wish *wish,
	uint64_t now_ns, struct sx_resolver_ask **out);

/* `done` will not be called. Accepts NULL. */
void sx_resolver_cancel(struct sx_resolver_ask *ask);

/* Forgets all that is known: answers, keys, failures. */
void sx_resolver_flush(struct sx_resolver *resolver);

void sx_resolver_stats(const struct sx_resolver *resolver, struct sx_resolver_stats *out);
