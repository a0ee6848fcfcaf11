/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "rains/calls.h"
#include "rains/roster.h"
#include "rains/scion_link.h"

#define ATTEMPT_NS     UINT64_C(800000000)
#define QUERY_VALIDITY 5 /* seconds */

struct sx_rains_client {
	struct sx_loop *loop; /* ours, within `outer` */
	struct sx_loop *outer;
	struct sx_watch watch;
	bool is_watched;
	struct sx_rains_port *port; /* for servers on SCION; NULL: none */
	struct sx_rains_calls calls;
	struct sx_rains_roster roster;
};

static struct sx_rains_client *client_of(const struct sx_rains_entry *entry)
{
	return sx_container_of(entry->roster, struct sx_rains_client, roster);
}

static void arm(struct sx_rains_client *client)
{
	uint64_t call_ns = sx_rains_calls_deadline(&client->calls);
	uint64_t entry_ns = sx_rains_roster_deadline(&client->roster);

	sx_loop_set_deadline(client->loop, call_ns < entry_ns ? call_ns : entry_ns);
}

static int send_query(struct sx_rains_entry *server, struct sx_rains_call *call, uint64_t now_ns)
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
	struct sx_rains_entry *server;

	while ((server = sx_rains_roster_choose(&client->roster, call, now_ns))) {
		int rc = send_query(server, call, now_ns);

		call->server = sx_rains_roster_index(&client->roster, server);
		call->repeated |= call->tried & 1U << call->server;
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
		sx_rains_roster_rest(server, sx_status_text(rc), now_ns);
	}
	call->attempt_ns = SX_NEVER;
	return call->open ? SX_OK : SX_EUNREACH;
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
	call->lost = 0;
	call->open = 0;
	if (client->calls.count == SX_RAINS_CALLS_MOST) {
		(void)snprintf(call->reason, sizeof call->reason, "too many questions at once");
		return SX_ELIMIT;
	}
	sx_random_bytes(call->token, sizeof call->token);
	rc = sx_rains_calls_follow(&client->calls, call) ? SX_OK : lead(client, call, now_ns);
	if (rc == SX_EUNREACH) {
		sx_rains_roster_explain(&client->roster, call);
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

int sx_rains_client_listen(struct sx_rains_client *client, struct sx_rains_call *call)
{
	return sx_rains_calls_listen(&client->calls, call) ? SX_OK : SX_EUNREACH;
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
		client->roster.entries[call->server].at.text);
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

/*
 * The server asked last has said nothing for long enough. One that has answered others since has nothing to say; of any
 * other it is not known whether it can be reached.
 */
static void take_silence(
	struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	struct sx_rains_entry *server = &client->roster.entries[call->server];

	if (server->at.over_scion && sx_rains_health_is_mute(&server->health, call->asked_ns)) {
		server->link->ops->suspect(server->link);
		call->lost |= 1U << call->server;
	}
	if (sx_rains_health_silent(&server->health, call->asked_ns)) {
		sx_rains_roster_rest(server, "no answer", now_ns);
	}
}

/* Time is over for the call, or for the server asked last. */
static void expire(struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns)
{
	int rc = SX_ETIMEDOUT;

	if (call->deadline_ns <= now_ns && sx_rains_calls_is_shared(&client->calls, call)) {
		leave(client, call);
		return;
	}
	if (is_waiting(call)) {
		name_silence(client, call);
		if (call->attempt_ns <= now_ns) {
			take_silence(client, call, now_ns);
		}
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
	sx_rains_roster_sweep(&client->roster, now_ns);
	arm(client);
}

static void on_ready(void *arg)
{
	struct sx_rains_client *client = arg;

	sx_loop_run(client->loop, 0);
	expire_all(client);
}

/* Nothing more will come from this server. */
static void close_for(struct sx_rains_call *call, const struct sx_rains_entry *server)
{
	call->open &= ~(1U << sx_rains_roster_index(server->roster, server));
}

/* The same before it has answered: the next one is asked in this turn, unless one has been asked since. */
static void give_up(struct sx_rains_call *call, const struct sx_rains_entry *server)
{
	close_for(call, server);
	if (!(call->open >> call->server & 1)) {
		call->attempt_ns = 0;
		sx_loop_wake(client_of(server)->loop);
	}
}

/* A server says what is wrong; what it says proves nothing, so that the next one is asked. */
static void note(struct sx_rains_entry *server, const struct sx_rains_section *section)
{
	struct sx_rains_client *client = client_of(server);
	struct sx_rains_call *call = sx_rains_calls_find(&client->calls, section->token);

	if (!call || section->code < SX_RAINS_NOTE_BAD_MESSAGE ||
		section->code == SX_RAINS_NOTE_NOT_ACCEPTABLE) {
		return;
	}
	(void)snprintf(call->reason, sizeof call->reason, "%s says %lld", server->at.text,
		(long long)section->code);
	sx_rains_health_heard(&server->health, sx_loop_now_ns());
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
	struct sx_rains_entry *server = arg;
	struct sx_rains_client *client = client_of(server);
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
	call = sx_rains_calls_find(&client->calls, msg.token);
	if (!call) {
		return; /* not asked, or too late */
	}
	sx_rains_health_heard(&server->health, sx_loop_now_ns());
	close_for(call, server);
	client->roster.speaking = server;
	hand_out(client, call, bytes, server->at.text);
	client->roster.speaking = NULL;
	arm(client);
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
	struct sx_rains_entry *server = arg;
	struct sx_rains_client *client = client_of(server);
	size_t index = sx_rains_roster_index(&client->roster, server);
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
		sx_rains_roster_rest(server, reason, sx_loop_now_ns());
	}
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
	if (rc < 0) {
		return rc;
	}
	client->roster = (struct sx_rains_roster){ .loop = client->loop,
		.port = client->port,
		.log = config->log,
		.received = on_received,
		.broken = on_broken };
	return sx_rains_roster_configure(&client->roster, config->servers, reason);
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
	sx_rains_roster_fini(&client->roster);
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
	sx_rains_roster_forgive(&client->roster);
}

int sx_rains_client_meet(
	struct sx_rains_client *client, const struct sx_rains_server *server, uint32_t *servers)
{
	return sx_rains_roster_meet(&client->roster, server, servers);
}

void sx_rains_client_part(struct sx_rains_client *client, uint32_t servers, uint64_t now_ns)
{
	sx_rains_roster_part(&client->roster, servers, now_ns);
	arm(client);
}
