/* SPDX-License-Identifier: MIT */
/*
 * client: questions to RAINS servers: whom to ask, for how long, whose answer is whose. Nothing that comes is judged
 * here. Servers are asked in their order; one that does not answer in time is passed over, one that fails is left alone
 * for a while. Datagrams get lost: when all have been asked, those on SCION who say nothing are asked once more, by
 * another path. What is being asked already is not asked again: the answer, or the failure, is for all that wait for it.
 * No notification is ever sent.
 */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "rains/msg.h"
#include "rains/reason.h"
#include "rains/server.h"
#include "scion/pathsrc.h"

struct sx_rains_client;

/* Our end for servers on SCION. */
struct sx_rains_scion {
	struct sx_addr local;
	uint16_t port;            /* 0: any */
	struct sx_pathsrc *paths; /* borrowed for the client's life */
};

struct sx_rains_client_config {
	const char *servers;                /* one a line, as sx_rains_server_parse reads them */
	const struct sx_rains_scion *scion; /* NULL: servers on SCION cannot be asked */
	struct sx_log log;
};

/* One question under way, part of what the caller is busy with. */
struct sx_rains_call {
	struct sx_rains_question question; /* its texts are borrowed until the end */
	bool scion_only;                   /* only servers on SCION may be asked */
	uint32_t
		referred; /* servers it was referred to, a bit each: they are asked before those configured */
	uint64_t deadline_ns;
	/*
	 * A message with our token, well-formed and no notification, came from `server`. Lent. The call is over, unless
	 * sx_rains_client_retry asks the next server, or sx_rains_client_listen waits for those who were asked before.
	 */
	void (*received)(struct sx_rains_call *call, struct sx_bytes message, const char *server);
	/* Nobody answered. The call is over. */
	void (*failed)(struct sx_rains_call *call, int status, const char *reason);

	/* The client's own. */
	struct sx_list link;
	struct sx_map_node node;
	struct sx_rains_call
		*leader; /* whose answer is ours, too; itself when it asks; NULL: not under way */
	uint8_t token[SX_RAINS_TOKEN_BYTES];
	uint32_t tried;      /* a bit for each server that has been asked */
	uint32_t repeated;   /* of these, who has been asked twice */
	uint32_t lost;       /* of these, on whose way here or there it may have been lost */
	uint32_t open;       /* of these, who may still answer */
	bool listens;        /* and nobody else is to be asked */
	size_t server;       /* asked last */
	uint64_t asked_ns;   /* when that was */
	uint64_t attempt_ns; /* when to ask the next one; SX_NEVER: there is none */
	char reason[SX_RAINS_REASON_BYTES]; /* of the last failure */
};

/*
 * A client in `loop`, which outlives it. On failure `reason` names the server, what was found and what is expected.
 */
SX_MUST_CHECK int sx_rains_client_new(struct sx_rains_client **out, struct sx_loop *loop,
	const struct sx_rains_client_config *config, struct sx_rains_reason *reason);

/* No call is under way. Accepts NULL. */
void sx_rains_client_free(struct sx_rains_client *client);

/*
 * Asks. Callbacks come from the loop only. SX_EUNREACH: there is no server that might be asked, `call->reason` says why.
 * SX_ELIMIT: too many calls. SX_ENOMEM. Then the call has not begun.
 */
SX_MUST_CHECK int sx_rains_client_call(
	struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns);

/* From within `received`, or once that is judged: it was no use, the next server may know more. SX_EUNREACH: none is left. */
SX_MUST_CHECK int sx_rains_client_retry(
	struct sx_rains_client *client, struct sx_rains_call *call, uint64_t now_ns);

/*
 * From within `received`, or while that answer is still being judged: what others who were asked say is wanted as well;
 * nobody else is asked. The call is under way again, until it is cancelled or ends. SX_EUNREACH: there are none.
 */
SX_MUST_CHECK int sx_rains_client_listen(
	struct sx_rains_client *client, struct sx_rains_call *call);

/* Call deadlines were brought forward. */
void sx_rains_client_hurried(struct sx_rains_client *client);

/* Ends a call without a callback. */
void sx_rains_client_cancel(struct sx_rains_client *client, struct sx_rains_call *call);

/*
 * An answer has referred to a server: it may be asked by calls in whose `referred` its bit is, until it is parted with.
 * Adds the bit to `*servers`, unless it is there. SX_ELIMIT: too many servers. SX_EINVAL: on SCION, and we are not.
 */
SX_MUST_CHECK int sx_rains_client_meet(
	struct sx_rains_client *client, const struct sx_rains_server *server, uint32_t *servers);

/* Ends the use of servers met. No call of the user's is under way. */
void sx_rains_client_part(struct sx_rains_client *client, uint32_t servers, uint64_t now_ns);

/* Forgets which servers have failed. */
void sx_rains_client_flush(struct sx_rains_client *client);
