/* SPDX-License-Identifier: MIT */
#include "rains/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rains/scion_link.h"
#include "rains/tls_link.h"

#define SECOND_NS UINT64_C(1000000000)

static bool is_referred(const struct sx_rains_entry *entry)
{
	return sx_rains_roster_index(entry->roster, entry) >= SX_RAINS_CONFIGURED_MOST;
}

static int open_link(struct sx_rains_entry *entry, struct sx_rains_reason *reason)
{
	struct sx_rains_roster *roster = entry->roster;
	struct sx_rains_link_events events = { roster->received, roster->broken, entry };

	if (!entry->at.over_scion) {
		return sx_rains_tls_link_new(
			&entry->link, roster->loop, &entry->at, &events, reason);
	}
	if (!roster->port) {
		sx_rains_reason_set(reason,
			"%s is on SCION, and there is no SCION address of ours to ask from",
			entry->at.text);
		return SX_EINVAL;
	}
	return sx_rains_scion_link_new(&entry->link, roster->port, &entry->at, &events);
}

/* Fills a free entry. */
static int enter(struct sx_rains_roster *roster, struct sx_rains_entry *entry,
	const struct sx_rains_server *at, struct sx_rains_reason *reason)
{
	*entry = (struct sx_rains_entry){ .roster = roster, .at = *at };
	return open_link(entry, reason);
}

static void leave(struct sx_rains_entry *entry)
{
	if (entry->link) {
		entry->link->ops->free(entry->link);
		entry->link = NULL;
	}
}

static int configure(struct sx_rains_roster *roster, size_t index, const char *line,
	struct sx_rains_reason *reason)
{
	struct sx_rains_server at;
	int rc;

	if (index == SX_RAINS_CONFIGURED_MOST) {
		sx_rains_reason_set(reason, "more than %d servers", SX_RAINS_CONFIGURED_MOST);
		return SX_ELIMIT;
	}
	rc = sx_rains_server_parse(&at, line, reason);
	return rc < 0 ? rc : enter(roster, &roster->entries[index], &at, reason);
}

int sx_rains_roster_configure(
	struct sx_rains_roster *roster, const char *lines, struct sx_rains_reason *reason)
{
	char *copy = strdup(lines);
	char *rest = copy;
	size_t count = 0;
	int rc = copy ? SX_OK : SX_ENOMEM;

	for (char *line; rc == SX_OK && (line = strtok_r(rest, "\n", &rest));) {
		rc = configure(roster, count++, line, reason);
	}
	free(copy);
	return rc;
}

void sx_rains_roster_fini(struct sx_rains_roster *roster)
{
	for (size_t i = 0; i < SX_RAINS_ENTRIES; i++) {
		leave(&roster->entries[i]);
	}
}

static bool is_for(const struct sx_rains_entry *entry, const struct sx_rains_call *call)
{
	return entry->link && (entry->at.over_scion || !call->scion_only);
}

/* The first of a set of entries that the call may ask now. */
static struct sx_rains_entry *choose_of(struct sx_rains_roster *roster, uint32_t servers,
	const struct sx_rains_call *call, uint64_t now_ns)
{
	for (size_t i = 0; i < SX_RAINS_ENTRIES; i++) {
		struct sx_rains_entry *entry = &roster->entries[i];

		if (servers >> i & 1 && is_for(entry, call) && entry->health.retry_ns <= now_ns) {
			return entry;
		}
	}
	return NULL;
}

struct sx_rains_entry *sx_rains_roster_choose(
	struct sx_rains_roster *roster, const struct sx_rains_call *call, uint64_t now_ns)
{
	const uint32_t configured = (1U << SX_RAINS_CONFIGURED_MOST) - 1;
	const uint32_t turns[] = { call->referred & ~call->tried, configured & ~call->tried,
		call->lost & call->open & ~call->repeated };
	struct sx_rains_entry *entry = NULL;

	for (size_t i = 0; !entry && i < SX_COUNT(turns); i++) {
		entry = choose_of(roster, turns[i], call, now_ns);
	}
	return entry;
}

void sx_rains_roster_explain(const struct sx_rains_roster *roster, struct sx_rains_call *call)
{
	const struct sx_rains_entry *resting = NULL;

	for (size_t i = 0; i < SX_RAINS_CONFIGURED_MOST; i++) {
		if (is_for(&roster->entries[i], call) && roster->entries[i].health.retry_ns) {
			resting = &roster->entries[i];
		}
	}
	if (resting) {
		(void)snprintf(call->reason, sizeof call->reason, "%s failed lately: %.200s",
			resting->at.text, resting->health.failure.text);
	} else if (call->reason[0] == '\0') {
		(void)snprintf(call->reason, sizeof call->reason, "%s",
			call->scion_only ? "no server on SCION is configured"
					 : "no server is configured");
	}
}

/* Whom strangers refer to is no concern of the operator's. */
void sx_rains_roster_rest(struct sx_rains_entry *entry, const char *why, uint64_t now_ns)
{
	if (sx_rains_health_failed(&entry->health, why, now_ns)) {
		sx_log(&entry->roster->log, is_referred(entry) ? SX_LOG_DEBUG : SX_LOG_WARN,
			"RAINS server %s: %s; not asked for %u s", entry->at.text, why,
			(unsigned)(entry->health.backoff_ns / SECOND_NS));
	}
}

static struct sx_rains_entry *find(
	struct sx_rains_roster *roster, const struct sx_rains_server *server)
{
	for (size_t i = 0; i < SX_RAINS_ENTRIES; i++) {
		struct sx_rains_entry *entry = &roster->entries[i];

		if (entry->link && entry->at.port == server->port &&
			sx_addr_equal(&entry->at.addr, &server->addr)) {
			return entry;
		}
	}
	return NULL;
}

/* A free entry for a server referred to, else the one that has been idle for longest; NULL: all are in use. */
static struct sx_rains_entry *find_room(struct sx_rains_roster *roster)
{
	struct sx_rains_entry *room = NULL;

	for (size_t i = SX_RAINS_CONFIGURED_MOST; i < SX_RAINS_ENTRIES; i++) {
		struct sx_rains_entry *entry = &roster->entries[i];

		if (!entry->link) {
			return entry;
		}
		if (entry->users == 0 && entry != roster->speaking &&
			(!room || entry->idle_ns < room->idle_ns)) {
			room = entry;
		}
	}
	if (room) {
		leave(room);
	}
	return room;
}

int sx_rains_roster_meet(
	struct sx_rains_roster *roster, const struct sx_rains_server *server, uint32_t *servers)
{
	struct sx_rains_entry *entry = find(roster, server);
	struct sx_rains_reason reason;
	uint32_t bit;
	int rc = SX_OK;

	if (!entry) {
		entry = find_room(roster);
		rc = entry ? enter(roster, entry, server, &reason) : SX_ELIMIT;
	}
	if (rc < 0) {
		return rc;
	}
	bit = 1U << sx_rains_roster_index(roster, entry);
	entry->users += is_referred(entry) && !(*servers & bit);
	*servers |= bit;
	return SX_OK;
}

void sx_rains_roster_part(struct sx_rains_roster *roster, uint32_t servers, uint64_t now_ns)
{
	for (size_t i = SX_RAINS_CONFIGURED_MOST; i < SX_RAINS_ENTRIES; i++) {
		struct sx_rains_entry *entry = &roster->entries[i];

		if (servers >> i & 1 && --entry->users == 0) {
			entry->idle_ns = now_ns;
		}
	}
}

/* When an entry's time is over. */
static uint64_t end_of(const struct sx_rains_entry *entry)
{
	return entry->link && entry->users == 0 ? entry->idle_ns + SX_RAINS_IDLE_NS : SX_NEVER;
}

uint64_t sx_rains_roster_deadline(const struct sx_rains_roster *roster)
{
	uint64_t deadline_ns = SX_NEVER;

	for (size_t i = SX_RAINS_CONFIGURED_MOST; i < SX_RAINS_ENTRIES; i++) {
		uint64_t end_ns = end_of(&roster->entries[i]);

		deadline_ns = end_ns < deadline_ns ? end_ns : deadline_ns;
	}
	return deadline_ns;
}

void sx_rains_roster_sweep(struct sx_rains_roster *roster, uint64_t now_ns)
{
	for (size_t i = SX_RAINS_CONFIGURED_MOST; i < SX_RAINS_ENTRIES; i++) {
		if (end_of(&roster->entries[i]) <= now_ns) {
			leave(&roster->entries[i]);
		}
	}
}

void sx_rains_roster_forgive(struct sx_rains_roster *roster)
{
	for (size_t i = 0; i < SX_RAINS_ENTRIES; i++) {
		sx_rains_health_forgive(&roster->entries[i].health);
	}
}
