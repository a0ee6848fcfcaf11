/* SPDX-License-Identifier: MIT */
/* rains_asks: questions of a client to the servers of rains_servers.h, and what came of each. */
#pragma once

#include "rains_servers.h"

#define SECONDS (1000 * MS)

/* A question and what came of it. */
struct ask {
	struct sx_rains_call call;
	char name[32];
	unsigned received;
	unsigned failed;
	unsigned over; /* both */
	int status;
	char server[SX_ADDR_TEXT_BYTES];
	char reason[SX_RAINS_REASON_BYTES];
	bool wants_more;     /* no answer is good enough */
	struct ask *cancels; /* another one, when this one is over */
};

static struct sx_rains_client *client;
static const int64_t asked_type = SX_RAINS_SCION;

static inline void on_failed(struct sx_rains_call *call, int status, const char *reason)
{
	struct ask *ask = sx_container_of(call, struct ask, call);

	ask->failed++;
	ask->over++;
	ask->status = status;
	(void)snprintf(ask->reason, sizeof ask->reason, "%s", reason);
	if (ask->cancels) {
		sx_rains_client_cancel(client, &ask->cancels->call);
	}
}

static inline void on_received(
	struct sx_rains_call *call, struct sx_bytes message, const char *server)
{
	struct ask *ask = sx_container_of(call, struct ask, call);

	(void)message;
	ask->received++;
	(void)snprintf(ask->server, sizeof ask->server, "%s", server);
	if (ask->wants_more) {
		int rc = sx_rains_client_retry(client, call, sx_loop_now_ns());

		ask->status = rc;
		ask->over += rc < 0;
		return;
	}
	ask->over++;
	if (ask->cancels) {
		sx_rains_client_cancel(client, &ask->cancels->call);
	}
}

static inline void start(void)
{
	struct sx_rains_client_config config = { .servers = net.lines, .scion = &net.scion };
	struct sx_rains_reason reason;

	net_begin();
	ck_assert_int_eq(sx_rains_client_new(&client, net.loop, &config, &reason), SX_OK);
}

static inline void stop(void)
{
	sx_rains_client_free(client);
	net_end();
}

/* Each question is about a name of its own, unless it has one. */
static inline int begin(struct ask *ask, uint64_t patience_ns)
{
	static unsigned number;

	if (!ask->name[0]) {
		(void)snprintf(ask->name, sizeof ask->name, "b%u.example.org.", number++);
	}
	ask->call.question = (struct sx_rains_question){ .name = sx_bytes_text(ask->name),
		.context = sx_bytes_text("."),
		.types = &asked_type,
		.type_count = 1 };
	ask->call.deadline_ns = sx_loop_now_ns() + patience_ns;
	ask->call.received = on_received;
	ask->call.failed = on_failed;
	return sx_rains_client_call(client, &ask->call, sx_loop_now_ns());
}

static inline void must_begin(struct ask *ask)
{
	ck_assert_int_eq(begin(ask, 2 * SECONDS), SX_OK);
}

static inline void note(struct name_server *server, int64_t code)
{
	static const uint8_t fresh[SX_RAINS_TOKEN_BYTES] = { 1 };
	struct sx_rains_section section = { .type = SX_RAINS_NOTIFICATION,
		.token = sx_bytes_of(server->token, sizeof server->token),
		.code = code,
		.text = sx_bytes_text("no") };
	size_t start = rains_writer.at;

	sx_rains_msg_begin(&rains_writer, sx_bytes_of(fresh, sizeof fresh),
		(struct sx_cbor_list){ .count = 0 }, 1);
	sx_rains_msg_add(&rains_writer, &section);
	reply_bytes(server, rains_made(start));
}

static inline void reply_refusal(struct name_server *server, const struct sx_rains_section *query)
{
	(void)query;
	note(server, SX_RAINS_NOTE_NO_ASSERTION);
}
