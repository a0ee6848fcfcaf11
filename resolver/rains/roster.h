/* SPDX-License-Identifier: MIT */
/*
 * roster: the servers a client knows and how each fares: those configured, in their order, and those that an answer has
 * referred to. The latter stay while somebody uses them and a minute longer. A server is named by its index, a set of
 * them by a bit for each.
 */
#pragma once

#include "rains/client.h"
#include "rains/health.h"
#include "rains/link.h"
#include "rains/server.h"

#define SX_RAINS_CONFIGURED_MOST 8
#define SX_RAINS_REFERRED_MOST   16 /* with those above no more than a set has bits */
#define SX_RAINS_ENTRIES         (SX_RAINS_CONFIGURED_MOST + SX_RAINS_REFERRED_MOST)
#define SX_RAINS_IDLE_NS         UINT64_C(60000000000)

struct sx_rains_roster;

struct sx_rains_entry {
	struct sx_rains_roster *roster;
	struct sx_rains_server at;
	struct sx_rains_link *link; /* NULL: the entry is free */
	struct sx_rains_health health;
	unsigned users;   /* who have been referred to it; 0 for those configured */
	uint64_t idle_ns; /* since when there is none */
};

/* Part of its client. What links tell goes to `received` and `broken`, with the entry as their argument. */
struct sx_rains_roster {
	struct sx_loop *loop;       /* borrowed, as is the port */
	struct sx_rains_port *port; /* for servers on SCION; NULL: none */
	struct sx_log log;
	void (*received)(void *entry, struct sx_bytes message);
	void (*broken)(void *entry, int status, const char *reason);
	struct sx_rains_entry *speaking; /* whose message is being looked at: it stays */
	struct sx_rains_entry entries[SX_RAINS_ENTRIES];
};

/* Adds those configured, one a line. On failure `reason` names the server, what was found and what is expected. */
SX_MUST_CHECK int sx_rains_roster_configure(
	struct sx_rains_roster *roster, const char *lines, struct sx_rains_reason *reason);

/* Accepts what has no entries yet. */
void sx_rains_roster_fini(struct sx_rains_roster *roster);

static inline size_t sx_rains_roster_index(
	const struct sx_rains_roster *roster, const struct sx_rains_entry *entry)
{
	return (size_t)(entry - roster->entries);
}

/*
 * The first server that a call may ask now and has not asked yet: those it was referred to go first; at the end one that
 * has not heard of it, perhaps. NULL: none.
 */
struct sx_rains_entry *sx_rains_roster_choose(
	struct sx_rains_roster *roster, const struct sx_rains_call *call, uint64_t now_ns);

/* Writes into the call's reason why there is none. */
void sx_rains_roster_explain(const struct sx_rains_roster *roster, struct sx_rains_call *call);

/* Leaves a server alone for a while. */
void sx_rains_roster_rest(struct sx_rains_entry *entry, const char *why, uint64_t now_ns);

/*
 * Adds the bit of a server to a set, unless it is there: known already, or a new entry with a user more. SX_ELIMIT: too
 * many are in use. SX_EINVAL: it is on SCION, and we are not.
 */
SX_MUST_CHECK int sx_rains_roster_meet(
	struct sx_rains_roster *roster, const struct sx_rains_server *server, uint32_t *servers);

/* The set has a user less. */
void sx_rains_roster_part(struct sx_rains_roster *roster, uint32_t servers, uint64_t now_ns);

/* When an entry is next to be forgotten, and forgets those for which it is time. */
uint64_t sx_rains_roster_deadline(const struct sx_rains_roster *roster);
void sx_rains_roster_sweep(struct sx_rains_roster *roster, uint64_t now_ns);

/* Failures are forgotten. */
void sx_rains_roster_forgive(struct sx_rains_roster *roster);
