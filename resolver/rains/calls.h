/* SPDX-License-Identifier: MIT */
/*
 * calls: the questions of a client that are under way. Equal ones go out once: one call asks, by its token, and leads;
 * those that follow it wait for the same answer, each until its own deadline. When the leader goes, the first of them
 * leads on.
 */
#pragma once

#include "rains/client.h"

#define SX_RAINS_CALLS_MOST 512

struct sx_rains_calls {
	struct sx_list under_way; /* leaders and followers, in the order of their beginning */
	struct sx_map by_token;   /* leaders only */
	size_t count;             /* also of those taken out that have not heard yet */
};

SX_MUST_CHECK int sx_rains_calls_init(struct sx_rains_calls *calls);

/* Accepts what was never initialised, as long as it is zeroed. */
void sx_rains_calls_fini(struct sx_rains_calls *calls);

/* Adds a call that asks for itself. */
void sx_rains_calls_lead(struct sx_rains_calls *calls, struct sx_rains_call *call);

/* Adds a call to those that follow one which asks the same and may hear what this one has not. False: there is none. */
bool sx_rains_calls_follow(struct sx_rains_calls *calls, struct sx_rains_call *call);

/*
 * Adds a call that waits for whoever has been asked by its token, and asks nobody else; no others follow it but those
 * that wait by the same token. False: nobody is left who may answer.
 */
bool sx_rains_calls_listen(struct sx_rains_calls *calls, struct sx_rains_call *call);

/* Removes a call, which may have been taken out. */
void sx_rains_calls_remove(struct sx_rains_calls *calls, struct sx_rains_call *call);

/* The leader that a token belongs to, or NULL. */
struct sx_rains_call *sx_rains_calls_find(
	const struct sx_rains_calls *calls, struct sx_bytes token);

/* Whether others wait for the same answer. */
bool sx_rains_calls_is_shared(const struct sx_rains_calls *calls, const struct sx_rains_call *call);

/*
 * Takes a leader and all that follow it out, into `group`, an empty list: none of them is found any more, all of them
 * know what the leader knew. They hear one after the other; meanwhile any of them may be removed.
 */
void sx_rains_calls_take(
	struct sx_rains_calls *calls, struct sx_rains_call *leader, struct sx_list *group);

/* Removes the next call of a group and returns it; NULL: that was the last. */
struct sx_rains_call *sx_rains_calls_next(struct sx_rains_calls *calls, struct sx_list *group);

/* When something is due for a call, and the first for which it is by now, or NULL. */
uint64_t sx_rains_calls_deadline(const struct sx_rains_calls *calls);
struct sx_rains_call *sx_rains_calls_due(const struct sx_rains_calls *calls, uint64_t now_ns);
