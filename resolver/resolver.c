/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/live.h"
#include "base/map.h"
#include "base/random.h"
#include "cache.h"
#include "resolver.h"
#include "sources.h"

#define TASKS_MOST       256
#define NAME_MOST        253
#define DEFAULT_DEADLINE 2000
#define MS_NS            UINT64_C(1000000)
#define SCION_ONLY       0x80

/* What is asked: the key of running searches and, the name apart, of the cache. */
struct key {
	uint8_t kind; /* enum sx_want, and SCION_ONLY */
	uint8_t len;
	char name[NAME_MOST + 1];
};

/* One search under way and all who wait for it; kept until nothing better can come. */
struct task {
	struct sx_resolver *resolver;
	struct sx_list link;
	struct sx_map_node node;
	struct sx_search *search;
	struct sx_list asks;
	struct sx_source *sources[SX_SOURCES_MOST];
	bool is_settled;     /* there is an answer; a better one may come */
	bool is_changed;     /* a source has answered since it was looked at last */
	uint64_t generation; /* of the cache, when it began */
	struct key key;
};

struct sx_resolver_ask {
	struct sx_list link;          /* in the task's asks */
	struct sx_resolver_ask **out; /* the caller's, while sx_resolver_ask runs; else NULL */
	void (*done)(void *arg, struct sx_buf *answer);
	void *arg;
};

struct sx_resolver {
	struct sx_loop *loop; /* ours, within `outer` */
	struct sx_loop *outer;
	struct sx_watch watch;
	struct sx_cache *cache;
	bool is_watched;
	struct sx_sources sources;
	uint64_t deadline_ns; /* of a search, from its begin */
	struct sx_list tasks;
	struct sx_map by_key;
	struct sx_resolver_stats stats;
};

/* SX_EINVAL: no domain. */
static int make_key(struct key *key, const struct sx_wish *wish)
{
	size_t len = strlen(wish->name);

	len -= len > 0 && wish->name[len - 1] == '.';
	if (len == 0 || len > NAME_MOST) {
		return SX_EINVAL;
	}
	*key = (struct key){ .kind = (uint8_t)wish->want, .len = (uint8_t)len };
	key->kind |= wish->scion_only ? SCION_ONLY : 0;
	for (size_t i = 0; i < len; i++) {
		char c = wish->name[i];

		if (c <= ' ' || c == 0x7f) {
			return SX_EINVAL;
		}
		key->name[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return SX_OK;
}

/* Kind, length and name lie one behind the other. */
static struct sx_bytes key_bytes(const struct key *key)
{
	return sx_bytes_of(key, offsetof(struct key, name) + key->len);
}

static struct sx_cache_key cache_key(const struct key *key)
{
	return (struct sx_cache_key){ key->kind, sx_bytes_of(key->name, key->len) };
}

static void task_free(struct task *task)
{
	sx_list_remove(&task->link);
	sx_map_remove(&task->resolver->by_key, &task->node);
	task->resolver->stats.running--;
	sx_list_each (link, following, &task->asks) {
		sx_list_remove(link);
		free(sx_container_of(link, struct sx_resolver_ask, link));
	}
	sx_search_free(task->search);
	free(task);
}

static void deliver(struct task *task, struct sx_buf *answer)
{
	sx_list_each (link, following, &task->asks) {
		struct sx_resolver_ask *ask = sx_container_of(link, struct sx_resolver_ask, link);

		sx_list_remove(link);
		if (ask->out) {
			*ask->out = NULL;
		}
		ask->done(ask->arg, answer);
		free(ask);
	}
}

/* Keeps what holds for a while; an answer of hosts files does not, it is at hand anyway. */
static void remember(struct task *task, struct sx_buf *answer, uint64_t now_ns)
{
	struct sx_cache_answer kept = { .status = sx_answer_of(answer)->status,
		.value = answer,
		.stored_ns = now_ns,
		.expires_ns = sx_answer_of(answer)->expiry_ns };

	if (kept.expires_ns > now_ns) {
		/* Without room it is asked for again. */
		int rc = sx_cache_put(
			task->resolver->cache, cache_key(&task->key), &kept, task->generation);

		(void)rc;
	}
}

/* Looks at a task after something has changed; may free it. */
static void settle(struct task *task, uint64_t now_ns)
{
	bool is_over = sx_search_is_over(task->search, now_ns);
	struct sx_buf *answer = NULL;

	if (task->is_settled && !task->is_changed && !is_over) {
		return;
	}
	task->is_changed = false;
	if (sx_search_decide(task->search, now_ns, &answer) == SX_OK) {
		task->is_settled = true;
		remember(task, answer, now_ns);
	}
	if (answer || is_over) {
		deliver(task, answer); /* NULL when memory was short: nobody waits for ever */
	}
	sx_buf_unref(answer);
	if (is_over) {
		task_free(task);
	}
}

static void settle_all(struct sx_resolver *resolver)
{
	uint64_t now_ns = sx_loop_now_ns();
	uint64_t deadline_ns = sx_cache_due_ns(resolver->cache);

	sx_list_each (link, following, &resolver->tasks) {
		settle(sx_container_of(link, struct task, link), now_ns);
	}
	sx_list_each (link, following, &resolver->tasks) {
		struct task *task = sx_container_of(link, struct task, link);
		uint64_t due_ns = sx_search_deadline(task->search, now_ns);

		deadline_ns = due_ns < deadline_ns ? due_ns : deadline_ns;
	}
	sx_loop_set_deadline(resolver->loop, deadline_ns);
}

static void on_changed(void *arg)
{
	struct task *task = arg;

	task->is_changed = true;
	sx_loop_wake(task->resolver->loop);
}

static int begin_search(struct task *task, uint64_t now_ns)
{
	const struct sx_sources *sources = &task->resolver->sources;
	bool scion_only = task->key.kind & SCION_ONLY;
	struct sx_search_plan plan = { .name = task->key.name,
		.want = (enum sx_want)(task->key.kind & ~SCION_ONLY),
		.scion_only = scion_only,
		.sources = task->sources,
		.deadline_ns = now_ns + task->resolver->deadline_ns,
		.changed = on_changed,
		.arg = task };

	for (size_t i = 0; i < sources->count; i++) {
		if (!scion_only || sources->list[i] != sources->dns) {
			task->sources[plan.count++] = sources->list[i];
		}
	}
	return sx_search_new(&task->search, &plan, now_ns);
}

static int begin_task(
	struct task **out, struct sx_resolver *resolver, const struct key *key, uint64_t now_ns)
{
	struct task *task;
	int rc;

	if (resolver->stats.running == TASKS_MOST) {
		return SX_ELIMIT;
	}
	task = calloc(1, sizeof *task);
	if (!task) {
		return SX_ENOMEM;
	}
	task->resolver = resolver;
	sx_list_init(&task->asks);
	task->key = *key;
	task->generation = sx_cache_generation(resolver->cache);
	rc = begin_search(task, now_ns);
	if (rc < 0) {
		free(task);
		return rc;
	}
	sx_list_append(&resolver->tasks, &task->link);
	sx_map_insert(&resolver->by_key, &task->node, key_bytes(&task->key));
	resolver->stats.running++;
	resolver->stats.searches++;
	sx_loop_wake(resolver->loop); /* for its deadline, and for what it found at once */
	*out = task;
	return SX_OK;
}

static bool is_known_at_once(struct sx_resolver *resolver, const char *name, uint64_t now_ns)
{
	for (size_t i = 0; i < resolver->sources.count; i++) {
		struct sx_source *source = resolver->sources.list[i];

		if (source->ops->knows && source->ops->knows(source, name, now_ns)) {
			return true;
		}
	}
	return false;
}

static const struct sx_cache_answer *find_in_cache(struct sx_resolver *resolver,
	const struct key *key, const struct sx_wish *wish, uint64_t now_ns)
{
	if (wish->fresh || is_known_at_once(resolver, key->name, now_ns)) {
		return NULL;
	}
	return sx_cache_find(resolver->cache, cache_key(key), now_ns);
}

static int join(struct task *task, const struct sx_wish *wish, uint64_t now_ns,
	struct sx_resolver_ask **out)
{
	struct sx_resolver_ask *ask = calloc(1, sizeof *ask);

	if (!ask) {
		return SX_ENOMEM; /* the search goes on; its answer will be in the cache */
	}
	ask->done = wish->done;
	ask->arg = wish->arg;
	ask->out = out;
	*out = ask;
	sx_list_append(&task->asks, &ask->link);
	settle(task, now_ns);
	if (*out) {
		ask->out = NULL;
	}
	return SX_OK;
}

int sx_resolver_ask(struct sx_resolver *resolver, const struct sx_wish *wish, uint64_t now_ns,
	struct sx_resolver_ask **out)
{
	const struct sx_cache_answer *cached;
	struct sx_map_node *node;
	struct task *task;
	struct key key;
	int rc = make_key(&key, wish);

	if (rc < 0) {
		return rc;
	}
	resolver->stats.asked++;
	cached = find_in_cache(resolver, &key, wish, now_ns);
	if (cached) {
		*out = NULL;
		wish->done(wish->arg, cached->value);
		return SX_OK;
	}
	node = sx_map_find(&resolver->by_key, key_bytes(&key));
	if (node) {
		return join(sx_container_of(node, struct task, node), wish, now_ns, out);
	}
	rc = begin_task(&task, resolver, &key, now_ns);
	return rc < 0 ? rc : join(task, wish, now_ns, out);
}

/* Asks again for what is used and about to expire. */
static void prefetch(struct sx_resolver *resolver)
{
	uint64_t now_ns = sx_loop_now_ns();
	struct sx_cache_key due;

	while (sx_cache_due(resolver->cache, now_ns, &due) == SX_OK) {
		struct key key = { .kind = due.kind, .len = (uint8_t)due.name.len };
		struct task *task;

		memcpy(key.name, due.name.data, due.name.len);
		if (!sx_map_find(&resolver->by_key, key_bytes(&key))) {
			(void)begin_task(&task, resolver, &key,
				now_ns); /* else it expires, and is asked for then */
		}
	}
}

static void on_ready(void *arg)
{
	struct sx_resolver *resolver = arg;

	sx_loop_run(resolver->loop, 0);
	prefetch(resolver);
	settle_all(resolver);
}

void sx_resolver_cancel(struct sx_resolver_ask *ask)
{
	if (ask) {
		sx_list_remove(&ask->link);
		free(ask);
	}
}

void sx_resolver_flush(struct sx_resolver *resolver)
{
	sx_cache_flush(resolver->cache);
	for (size_t i = 0; i < resolver->sources.count; i++) {
		resolver->sources.list[i]->ops->flush(resolver->sources.list[i]);
	}
}

void sx_resolver_stats(const struct sx_resolver *resolver, struct sx_resolver_stats *out)
{
	struct sx_cache_stats cache;

	sx_cache_stats(resolver->cache, &cache);
	*out = resolver->stats;
	out->cache_entries = cache.entries;
	out->cache_bytes = cache.bytes;
	out->cache_hits = cache.hits;
}

static int start(struct sx_resolver *resolver, const struct sx_resolver_config *config,
	char *problem, size_t cap)
{
	uint8_t seed[16];
	int rc;

	sx_random_bytes(seed, sizeof seed);
	rc = sx_map_init(&resolver->by_key, seed);
	if (rc < 0) {
		return rc;
	}
	rc = sx_cache_new(&resolver->cache, config->cache_bytes);
	if (rc < 0) {
		return rc;
	}
	rc = sx_loop_new(&resolver->loop);
	if (rc < 0) {
		return rc;
	}
	resolver->watch = (struct sx_watch){ on_ready, resolver, sx_loop_fd(resolver->loop) };
	rc = sx_loop_watch(resolver->outer, &resolver->watch);
	if (rc < 0) {
		return rc;
	}
	resolver->is_watched = true;
	return sx_sources_open(&resolver->sources,
		&(struct sx_sources_opening){ resolver->loop, config, problem, cap });
}

int sx_resolver_new(struct sx_resolver **out, struct sx_loop *loop,
	const struct sx_resolver_config *config, char *problem, size_t cap)
{
	struct sx_resolver *resolver = calloc(1, sizeof *resolver);
	int rc;

	(void)snprintf(problem, cap, "out of memory");
	if (!resolver) {
		return SX_ENOMEM;
	}
	sx_live_add();
	sx_list_init(&resolver->tasks);
	resolver->outer = loop;
	resolver->deadline_ns =
		(config->deadline_ms ? config->deadline_ms : DEFAULT_DEADLINE) * MS_NS;
	rc = start(resolver, config, problem, cap);
	if (rc < 0) {
		sx_resolver_free(resolver);
		return rc;
	}
	*out = resolver;
	return SX_OK;
}

void sx_resolver_free(struct sx_resolver *resolver)
{
	if (!resolver) {
		return;
	}
	sx_list_each (link, following, &resolver->tasks) {
		task_free(sx_container_of(link, struct task, link));
	}
	sx_sources_close(&resolver->sources);
	if (resolver->is_watched) {
		sx_loop_unwatch(resolver->outer, &resolver->watch);
	}
	sx_loop_free(resolver->loop);
	sx_cache_free(resolver->cache);
	sx_map_fini(&resolver->by_key);
	free(resolver);
	sx_live_remove();
}
