/* SPDX-License-Identifier: MIT */
/* rains_lookups: one lookup at the servers of rains_records.h, and what came of it. */
#pragma once

#include "rains/lookup.h"
#include "rains_records.h"

#define SECONDS (1000 * MS)
#define ADDRESS "1-ff00:0:110,192.0.2.11"

static struct sx_rains_client *client;
static struct sx_rains_trust *trust;
static struct sx_rains_lookup *lookup;

static struct {
	unsigned done;
	int status;
	size_t count;
	int64_t seconds;
	char reason[SX_RAINS_REASON_BYTES];
	char trace[16384];
} heard;

static bool scion_only; /* what is looked up next */

static inline void on_done(
	void *arg, int status, const struct sx_rains_answer *answer, const char *reason)
{
	(void)arg;
	heard.done++;
	heard.status = status;
	heard.count = answer->count;
	heard.seconds = answer->until - (int64_t)sx_loop_unix_time();
	(void)snprintf(heard.reason, sizeof heard.reason, "%s", reason);
	sx_rains_lookup_free(lookup);
	lookup = NULL;
}

static inline void on_trace(void *arg, enum sx_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	(void)snprintf(heard.trace + strlen(heard.trace), sizeof heard.trace - strlen(heard.trace),
		"%s\n", text);
}

/* Cuts what is configured down to the first servers. */
static inline void first_lines(size_t servers)
{
	char *end = net.lines;

	for (size_t i = 0; i < servers; i++) {
		end = strchr(end, '\n') + 1;
	}
	*end = '\0';
}

/* With as many of the servers configured. */
static inline void start_with(size_t servers)
{
	static const uint8_t seed[16] = { 1 };
	struct sx_rains_anchors anchors = { .count = 0 };
	struct sx_rains_client_config config = { .servers = net.lines, .scion = &net.scion };
	struct sx_rains_trust_config trusting = {
		.anchors = &anchors, .keys_most = 100, .validity_most = 86400, .seed = seed
	};
	struct sx_rains_reason reason;

	memset(&heard, 0, sizeof heard);
	records_begin();
	first_lines(servers);
	ck_assert_int_eq(sx_rains_anchors_add(&anchors, sx_bytes_text(""), sx_bytes_text(ROOT_TEXT),
				 (int64_t)sx_loop_unix_time(), &reason),
		SX_OK);
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop, &config, &reason), SX_OK);
	ck_assert_int_eq(sx_rains_trust_new(&trust, &trusting), SX_OK);
}

static inline void start(void)
{
	start_with(SERVERS);
}

static inline void stop(void)
{
	sx_rains_lookup_free(lookup);
	lookup = NULL;
	sx_rains_client_free(client);
	sx_rains_trust_free(trust);
	net_end();
}

static inline void begin(const char *name)
{
	struct sx_rains_wish wish = { .client = client,
		.trust = trust,
		.name = name,
		.type = SX_RAINS_SCION,
		.scion_only = scion_only,
		.trace = { on_trace, NULL },
		.deadline_ns = sx_loop_now_ns() + 2 * SECONDS,
		.done = on_done };
	struct sx_rains_reason reason;

	ck_assert_int_eq(sx_rains_lookup_new(&lookup, &wish, sx_loop_now_ns(), &reason), SX_OK);
}

/* Looks up and waits, letting time pass where nothing else happens. */
static inline void find(const char *name)
{
	begin(name);
	while (!heard.done) {
		if (!net_turn(20)) {
			clock_advance(100 * MS);
		}
	}
}

static inline void expect(int status, const char *reason)
{
	ck_assert_str_eq(heard.reason, reason);
	ck_assert_int_eq(heard.status, status);
	ck_assert_uint_eq(heard.done, 1);
}
