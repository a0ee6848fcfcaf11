/* SPDX-License-Identifier: MIT */
#include "rains/calls.h"

#include "base/loop.h"
#include "base/random.h"

static struct sx_rains_call *of(struct sx_list *link)
{
	return sx_container_of(link, struct sx_rains_call, link);
}

static bool leads(const struct sx_rains_call *call)
{
	return call->leader == call;
}

static bool is_same_question(const struct sx_rains_question *a, const struct sx_rains_question *b)
{
	return sx_bytes_equal(a->name, b->name) && sx_bytes_equal(a->context, b->context) &&
	       a->phase == b->phase && a->type_count == b->type_count &&
	       memcmp(a->types, b->types, a->type_count * sizeof *a->types) == 0;
}

/* Whether both ask the same, of the same servers. */
static bool is_same(const struct sx_rains_call *a, const struct sx_rains_call *b)
{
	return a->scion_only == b->scion_only && a->referred == b->referred &&
	       is_same_question(&a->question, &b->question);
}

/* Servers that may still answer the leader, and have not answered the call yet. */
static uint32_t news(const struct sx_rains_call *leader, const struct sx_rains_call *call)
{
	uint32_t heard = call->tried & ~call->open;

	return leader->open & ~heard;
}

static struct sx_rains_call *find_leader(
	const struct sx_rains_calls *calls, const struct sx_rains_call *call)
{
	sx_list_each (link, following, &calls->under_way) {
		struct sx_rains_call *other = of(link);

		if (leads(other) && !other->listens && is_same(other, call) && news(other, call)) {
			return other;
		}
	}
	return NULL;
}

/* The first that follows, or NULL. */
static struct sx_rains_call *find_follower(
	const struct sx_rains_calls *calls, const struct sx_rains_call *leader)
{
	sx_list_each (link, following, &calls->under_way) {
		if (of(link)->leader == leader && of(link) != leader) {
			return of(link);
		}
	}
	return NULL;
}

/* Lets a follower know what its leader knows. */
static void inform(struct sx_rains_call *call, const struct sx_rains_call *leader)
{
	memcpy(call->token, leader->token, sizeof call->token);
	call->tried |= leader->tried;
	call->repeated |= leader->repeated;
	call->lost |= leader->lost;
	call->open = leader->open;
	call->server = leader->server;
	call->asked_ns = leader->asked_ns;
	call->attempt_ns = leader->attempt_ns;
	call->listens = leader->listens;
	memcpy(call->reason, leader->reason, sizeof call->reason);
}

/* The leader has gone; who followed it goes on. */
static void promote(struct sx_rains_calls *calls, const struct sx_rains_call *leader)
{
	struct sx_rains_call *heir = find_follower(calls, leader);

	if (!heir) {
		return;
	}
	inform(heir, leader);
	sx_list_each (link, following, &calls->under_way) {
		if (of(link)->leader == leader) {
			of(link)->leader = heir;
		}
	}
	sx_map_insert(&calls->by_token, &heir->node, sx_bytes_of(heir->token, sizeof heir->token));
}

int sx_rains_calls_init(struct sx_rains_calls *calls)
{
	uint8_t seed[16];

	sx_random_bytes(seed, sizeof seed);
	sx_list_init(&calls->under_way);
	calls->count = 0;
	return sx_map_init(&calls->by_token, seed);
}

void sx_rains_calls_fini(struct sx_rains_calls *calls)
{
	sx_map_fini(&calls->by_token);
}

void sx_rains_calls_lead(struct sx_rains_calls *calls, struct sx_rains_call *call)
{
	call->leader = call;
	call->listens = false;
	sx_list_append(&calls->under_way, &call->link);
	sx_map_insert(&calls->by_token, &call->node, sx_bytes_of(call->token, sizeof call->token));
	calls->count++;
}

struct sx_rains_call *sx_rains_calls_find(const struct sx_rains_calls *calls, struct sx_bytes token)
{
	struct sx_map_node *node = sx_map_find(&calls->by_token, token);

	return node ? sx_container_of(node, struct sx_rains_call, node) : NULL;
}

static void follow(
	struct sx_rains_calls *calls, struct sx_rains_call *call, struct sx_rains_call *leader)
{
	call->leader = leader;
	call->open = 0; /* the leader's are what counts */
	call->attempt_ns = SX_NEVER;
	sx_list_append(&calls->under_way, &call->link);
	calls->count++;
}

bool sx_rains_calls_follow(struct sx_rains_calls *calls, struct sx_rains_call *call)
{
	struct sx_rains_call *leader = find_leader(calls, call);

	if (leader) {
		follow(calls, call, leader);
	}
	return leader;
}

bool sx_rains_calls_listen(struct sx_rains_calls *calls, struct sx_rains_call *call)
{
	struct sx_rains_call *other =
		sx_rains_calls_find(calls, sx_bytes_of(call->token, sizeof call->token));

	if (other && news(other, call)) {
		follow(calls, call, other);
		return true;
	}
	if (other || !call->open) {
		return false;
	}
	sx_rains_calls_lead(calls, call);
	call->listens = true;
	call->attempt_ns = SX_NEVER;
	return true;
}

void sx_rains_calls_remove(struct sx_rains_calls *calls, struct sx_rains_call *call)
{
	sx_list_remove(&call->link);
	calls->count--;
	if (leads(call)) {
		sx_map_remove(&calls->by_token, &call->node);
		promote(calls, call);
	}
	call->leader = NULL;
}

bool sx_rains_calls_is_shared(const struct sx_rains_calls *calls, const struct sx_rains_call *call)
{
	return !leads(call) || find_follower(calls, call);
}

void sx_rains_calls_take(
	struct sx_rains_calls *calls, struct sx_rains_call *leader, struct sx_list *group)
{
	sx_map_remove(&calls->by_token, &leader->node);
	sx_list_each (link, following, &calls->under_way) {
		struct sx_rains_call *call = of(link);

		if (call->leader != leader) {
			continue;
		}
		if (call != leader) {
			inform(call, leader);
		}
		call->leader = NULL;
		sx_list_remove(link);
		sx_list_append(group, link);
	}
}

struct sx_rains_call *sx_rains_calls_next(struct sx_rains_calls *calls, struct sx_list *group)
{
	struct sx_rains_call *call;

	if (sx_list_is_empty(group)) {
		return NULL;
	}
	call = of(group->next);
	sx_rains_calls_remove(calls, call);
	return call;
}

static uint64_t due_at(const struct sx_rains_call *call)
{
	return call->attempt_ns < call->deadline_ns ? call->attempt_ns : call->deadline_ns;
}

uint64_t sx_rains_calls_deadline(const struct sx_rains_calls *calls)
{
	uint64_t deadline_ns = SX_NEVER;

	sx_list_each (link, following, &calls->under_way) {
		uint64_t due_ns = due_at(of(link));

		deadline_ns = due_ns < deadline_ns ? due_ns : deadline_ns;
	}
	return deadline_ns;
}

struct sx_rains_call *sx_rains_calls_due(const struct sx_rains_calls *calls, uint64_t now_ns)
{
	sx_list_each (link, following, &calls->under_way) {
		if (due_at(of(link)) <= now_ns) {
			return of(link);
		}
	}
	return NULL;
}
