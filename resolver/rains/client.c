/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "rains/calls.h"
#include "rains/health.h"
#include "rains/link.h"
#include "rains/scion_link.h"
#include "rains/server.h"
#include "rains/tls_link.h"

#define SERVERS_MOST   8
#define ATTEMPT_NS     UINT64_C(800000000)
#define SECOND_NS      UINT64_C(1000000000)
#define QUERY_VALIDITY 5 /* seconds */

struct server {
	struct sx_rains_client *client;
	struct sx_rains_server at;
	struct sx_rains_link *link;
	struct sx_rains_health health;
};

struct sx_rains_client {
	struct sx_loop *loop; /* ours, within `outer` */
	struct sx_loop *outer;
	struct sx_watch watch;
	bool is_watched;
	struct sx_rains_port *port; /* for servers on SCION; NULL: none */
	struct sx_rains_calls calls;
	struct sx_log log;
	size_t server_count;
	struct server servers[SERVERS_MOST];
};

static void arm(struct sx_rains_client *client)
{
	sx_loop_set_deadline(client->loop, sx_rains_calls_deadline(&client->calls));
}

/* Leaves a server alone for a while. */
static void rest(struct server *server, const char *why, uint64_t now_ns)
{
	if (sx_rains_health_failed(&server->health, why, now_ns)) {
		sx_log(&server->client->log, SX_LOG_WARN, "RAINS server %s: %s; not asked for %u s",
			server->at.text, why, (unsigned)(server->health.backoff_ns / SECOND_NS));
	}
}

static void is_well(struct server *server)
{
	sx_rains_health_heard(&server->health, sx_loop_now_ns());
}

/* The first server that may be asked, and has not been for this call. */
static struct server *choose(
	struct sx_rains_client *client, const struct sx_rains_call *call, uint64_t now_ns)
{
	for (size_t i = 0; i < client->server_count; i++) {
		struct server *server = &client->servers[i];

		if (!(call->tried >> i & 1) && (server->at.over_scion || !call->scion_only) &&
			server->health.retry_ns <= now_ns) {
			return server;
		}
	}
	return NULL;
}

static int send_query(struct server *server, struct sx_rains_call *call, uint64_t now_ns)
{
	uint8_t bytes[SX_RAINS_QUERY_MOST];
	struct sx_writer writer = sx_writer_of(bytes, sizeof bytes);

	sx_rains_query_write(&writer, sx_bytes_of(call->token, sizeof call->token), &call->question,
		(int64_t)sx_loop_unix_time() + QUERY_VALIDITY);
	if (!sx_writer_ok(&writer)) {
		return SX_ELIMIT;
	}
	return server->link->ops->send(server->link, sx_writer_bytes(&writer), now_ns);
}

/* Sends to the next server that takes it. SX_EUNREACH: none does, and nobody is left who may still answer. SX_ENOMEM. */
static int attempt(struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	struct server *server;

	while ((server = choose(client, call, now_ns))) {
		int rc = send_query(server, call, now_ns);

		call->server = (size_t)(server - client->servers);
		call->tried |= 1U << call->server;
		if (rc == SX_OK) {
			call->open |= 1U << call->server;
			call->asked_ns = now_ns;
			call->attempt_ns = now_ns + ATTEMPT_NS;
			return SX_OK;
		}
		(void)snprintf(call->reason, sizeof call->reason, "%s: %s", server->at.text,
			sx_status_text(rc));
		if (rc == SX_ENOMEM) {
			return rc; /* which is no fault of the server's */
		}
		rest(server, sx_status_text(rc), now_ns);
	}
	call->attempt_ns = SX_NEVER;
	return call->open ? SX_OK : SX_EUNREACH;
}

/* Why no server is left to ask. */
static void explain(const struct sx_rains_client *client, struct sx_rains_call *call)
{
	const struct server *resting = NULL;

	for (size_t i = 0; i < client->server_count; i++) {
		if (client->servers[i].health.retry_ns &&
			(client->servers[i].at.over_scion || !call->scion_only)) {
			resting = &client->servers[i];
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

/* Asks for the call alone. */
static int lead(struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	int rc = attempt(client, call, now_ns);

	if (rc == SX_OK) {
		sx_rains_calls_lead(&client->calls, call);
	}
	return rc;
}

int sx_rains_client_call(
	struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	int rc;

	call->reason[0] = '\0';
	call->tried = 0;
	call->repeated = 0;
	call->open = 0;
	if (client->calls.count == SX_RAINS_CALLS_MOST) {
		(void)snprintf(call->reason, sizeof call->reason, "too many questions at once");
		return SX_ELIMIT;
	}
	sx_random_bytes(call->token, sizeof call->token);
	rc = sx_rains_calls_follow(&client->calls, call) ? SX_OK : lead(client, call, now_ns);
	if (rc == SX_EUNREACH) {
		explain(client, call);
	}
	if (rc == SX_OK) {
		arm(client);
	}
	return rc;
}

int sx_rains_client_retry(
	struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	if (sx_rains_calls_follow(&client->calls, call)) {
		return SX_OK;
	}
	if (sx_rains_calls_find(&client->calls, sx_bytes_of(call->token, sizeof call->token))) {
		/* Whoever followed with us asks on by this token, and has nobody in sight whom we have not heard. */
		sx_random_bytes(call->token, sizeof call->token);
		call->open = 0;
	}
	return lead(client, call, now_ns);
}

void sx_rains_client_hurried(struct sx_rains_client *client)
{
	arm(client);
}

void sx_rains_client_cancel(struct sx_rains_client *client, struct sx_rains_call *call)
{
	sx_rains_calls_remove(&client->calls, call);
}

/* Whether the server asked last is the one that holds the call up. */
static bool is_waiting(const struct sx_rains_call *call)
{
	return call->attempt_ns != SX_NEVER && call->open >> call->server & 1;
}

static void name_silence(struct sx_rains_client *client, struct sx_rains_call *call)
{
	(void)snprintf(call->reason, sizeof call->reason, "no answer from %s",
		client->servers[call->server].at.text);
}

/* The call gives up what others still wait for: how its server fares is told by them. */
static void leave(struct sx_rains_client *client, struct sx_rains_call *call)
{
	struct sx_rains_call *leader = call->leader;

	if (is_waiting(leader)) {
		name_silence(client, leader);
	}
	(void)memmove(call->reason, leader->reason, sizeof call->reason);
	sx_rains_calls_remove(&client->calls, call);
	call->failed(call, SX_ETIMEDOUT, call->reason);
}

static void fail(struct sx_rains_client *client, struct sx_rains_call *call, int status)
{
	struct sx_list group;

	sx_list_init(&group);
	sx_rains_calls_take(&client->calls, call, &group);
	while ((call = sx_rains_calls_next(&client->calls, &group))) {
		call->failed(call, status, call->reason);
	}
}

/* Time is over for the call, or for the server asked last. */
static void expire(struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	struct server *server = &client->servers[call->server];
	int rc = SX_ETIMEDOUT;

	if (call->deadline_ns <= now_ns && sx_rains_calls_is_shared(&client->calls, call)) {
		leave(client, call);
		return;
	}
	if (is_waiting(call)) {
		if (sx_rains_health_silent(&server->health, call->asked_ns)) {
			rest(server, "no answer", now_ns);
		}
		name_silence(client, call);
	}
	if (now_ns < call->deadline_ns) {
		rc = attempt(client, call, now_ns);
	}
	if (rc < 0) {
		fail(client, call, rc);
	}
}

/* Callbacks may end other calls, so that each is looked for anew. */
static void expire_all(struct sx_rains_client *client)
{
	uint64_t now_ns = sx_loop_now_ns();
	struct sx_rains_call *call;

	while ((call = sx_rains_calls_due(&client->calls, now_ns))) {
		expire(client, call, now_ns);
	}
	arm(client);
}

static void on_ready(void *arg)
{
	struct sx_rains_client *client = arg;

	sx_loop_run(client->loop, 0);
	expire_all(client);
}

/* Nothing more will come from this server. */
static void close_for(struct sx_rains_call *call, const struct server *server)
{
	call->open &= ~(1U << (size_t)(server - server->client->servers));
}

/* The same before it has answered: the next one is asked in this turn, unless one has been asked since. */
static void give_up(struct sx_rains_call *call, const struct server *server)
{
	close_for(call, server);
	if (!(call->open >> call->server & 1)) {
		call->attempt_ns = 0;
		sx_loop_wake(server->client->loop);
	}
}

/* A server says what is wrong; what it says proves nothing, so that the next one is asked. */
static void note(struct server *server, const struct sx_rains_section *section)
{
	struct sx_rains_client *client = server->client;
	struct sx_rains_call *call = sx_rains_calls_find(&client->calls, section->token);

	if (!call || section->code < SX_RAINS_NOTE_BAD_MESSAGE ||
		section->code == SX_RAINS_NOTE_NOT_ACCEPTABLE) {
		return;
	}
	(void)snprintf(call->reason, sizeof call->reason, "%s says %lld", server->at.text,
		(long long)section->code);
	is_well(server);
	give_up(call, server);
}

/* An answer has come for a call, and for those that follow it. */
static void hand_out(struct sx_rains_client *client, struct sx_rains_call *call,
	struct sx_bytes message, const char *server)
{
	struct sx_list group;

	sx_list_init(&group);
	sx_rains_calls_take(&client->calls, call, &group);
	while ((call = sx_rains_calls_next(&client->calls, &group))) {
		call->received(call, message, server);
	}
}

static void on_received(void *arg, struct sx_bytes bytes)
{
	struct server *server = arg;
	struct sx_rains_section section;
	struct sx_rains_msg msg;
	struct sx_rains_call *call;
	struct sx_reader walk;

	if (sx_rains_msg_parse(&msg, bytes, SX_RAINS_MSG_MOST) < 0) {
		return;
	}
	walk = sx_reader_of(msg.content.items);
	if (sx_rains_next_section(&walk, &section) && section.type == SX_RAINS_NOTIFICATION) {
		note(server, &section);
		return;
	}
	call = sx_rains_calls_find(&server->client->calls, msg.token);
	if (!call) {
		return; /* not asked, or too late */
	}
	is_well(server);
	close_for(call, server);
	hand_out(server->client, call, bytes, server->at.text);
	arm(server->client);
}

/* A server may close what it takes for idle just as it is asked: once it is asked again. */
static bool may_repeat(struct sx_rains_call *call, size_t index, int status)
{
	uint32_t bit = 1U << index;

	if (status != SX_ECLOSED || call->repeated & bit) {
		return false;
	}
	call->repeated |= bit;
	call->tried &= ~bit;
	return true;
}

/* A connection that is closed in order while nobody waits is no failure. */
static void on_broken(void *arg, int status, const char *reason)
{
	struct server *server = arg;
	struct sx_rains_client *client = server->client;
	size_t index = (size_t)(server - client->servers);
	bool is_failure = status != SX_ECLOSED;

	sx_list_each (link, following, &client->calls.under_way) {
		struct sx_rains_call *call = sx_container_of(link, struct sx_rains_call, link);

		if (call->open >> index & 1) {
			(void)snprintf(call->reason, sizeof call->reason, "%s: %.300s",
				server->at.text, reason);
			is_failure |= !may_repeat(call, index, status);
			give_up(call, server);
		}
	}
	if (is_failure) {
		rest(server, reason, sx_loop_now_ns());
	}
}

static int open_link(
	struct sx_rains_client *client, struct server *server, struct sx_rains_reason *reason)
{
	struct sx_rains_link_events events = { on_received, on_broken, server };

	if (!server->at.over_scion) {
		return sx_rains_tls_link_new(
			&server->link, client->loop, &server->at, &events, reason);
	}
	if (!client->port) {
		sx_rains_reason_set(reason,
			"%s is on SCION, and there is no SCION address of ours to ask from",
			server->at.text);
		return SX_EINVAL;
	}
	return sx_rains_scion_link_new(&server->link, client->port, &server->at, &events);
}

static int add_server(
	struct sx_rains_client *client, const char *line, struct sx_rains_reason *reason)
{
	struct server *server = &client->servers[client->server_count];
	int rc;

	if (client->server_count == SERVERS_MOST) {
		sx_rains_reason_set(reason, "more than %d servers", SERVERS_MOST);
		return SX_ELIMIT;
	}
	server->client = client;
	rc = sx_rains_server_parse(&server->at, line, reason);
	if (rc == SX_OK) {
		rc = open_link(client, server, reason);
	}
	client->server_count += rc == SX_OK;
	return rc;
}

static int add_servers(
	struct sx_rains_client *client, const char *lines, struct sx_rains_reason *reason)
{
	char *copy = strdup(lines);
	char *rest_of = copy;
	int rc = copy ? SX_OK : SX_ENOMEM;

	for (char *line; rc == SX_OK && (line = strtok_r(rest_of, "\n", &rest_of));) {
		rc = add_server(client, line, reason);
	}
	free(copy);
	return rc;
}

static int start(struct sx_rains_client *client, const struct sx_rains_client_config *config,
	struct sx_rains_reason *reason)
{
	int rc = sx_rains_calls_init(&client->calls);

	if (rc < 0) {
		return rc;
	}
	rc = sx_loop_new(&client->loop);
	if (rc < 0) {
		return rc;
	}
	client->watch = (struct sx_watch){ on_ready, client, sx_loop_fd(client->loop) };
	rc = sx_loop_watch(client->outer, &client->watch);
	if (rc < 0) {
		return rc;
	}
	client->is_watched = true;
	if (config->scion) {
		rc = sx_rains_port_new(&client->port, client->loop, config->scion, reason);
	}
	return rc < 0 ? rc : add_servers(client, config->servers, reason);
}

int sx_rains_client_new(struct sx_rains_client **out, struct sx_loop *loop,
	const struct sx_rains_client_config *config, struct sx_rains_reason *reason)
{
	struct sx_rains_client *client = calloc(1, sizeof *client);
	int rc = SX_ENOMEM;

	sx_rains_reason_set(reason, "out of memory");
	if (!client) {
		return rc;
	}
	client->outer = loop;
	client->log = config->log;
	rc = start(client, config, reason);
	if (rc < 0) {
		sx_rains_client_free(client);
		return rc;
	}
	*out = client;
	return SX_OK;
}

void sx_rains_client_free(struct sx_rains_client *client)
{
	if (!client) {
		return;
	}
	for (size_t i = 0; i < client->server_count; i++) {
		client->servers[i].link->ops->free(client->servers[i].link);
	}
	sx_rains_port_free(client->port);
	if (client->is_watched) {
		sx_loop_unwatch(client->outer, &client->watch);
	}
	sx_loop_free(client->loop);
	sx_rains_calls_fini(&client->calls);
	free(client);
}

void sx_rains_client_flush(struct sx_rains_client *client)
{
	for (size_t i = 0; i < client->server_count; i++) {
		sx_rains_health_forgive(&client->servers[i].health);
	}
}
