/* SPDX-License-Identifier: MIT */
#include "publish.h"

#include <stdlib.h>
#include <time.h>

#include "base/loop.h"
#include "base/random.h"
#include "rains/object.h"
#include "server.h"

#define NS_PER_MS     UINT64_C(1000000)
#define DEADLINE_NS   (10000 * NS_PER_MS) /* the server may have to fetch our key first */
#define ANSWER_NS     (500 * NS_PER_MS)   /* silence is its word for "not yet" */
#define PAUSE_NS      (50 * NS_PER_MS)
#define QUERY_SECONDS 60

static struct sx_bytes first_data(const struct sx_rains_section *assertion, int64_t *until)
{
	struct sx_reader walk = sx_reader_of(assertion->signatures.items);
	struct sx_rains_signature signature = { .until = 0 };

	(void)sx_rains_next_signature(&walk, &signature);
	*until = signature.until;
	return signature.data;
}

static int64_t first_type(const struct sx_rains_section *assertion)
{
	struct sx_reader walk = sx_reader_of(assertion->objects.items);
	struct sx_rains_object object = { .type = SX_RAINS_NAME };

	(void)sx_rains_next_object(&walk, &object);
	return object.type;
}

/* The assertions of the zone, which is the first section of the message. */
static int list_names(struct sx_cli_publication *out, struct sx_bytes message)
{
	struct sx_rains_section zone, assertion;
	struct sx_rains_msg msg;
	struct sx_reader walk;

	if (sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST) < 0) {
		return SX_EINVAL;
	}
	walk = sx_reader_of(msg.content.items);
	if (!sx_rains_next_section(&walk, &zone)) {
		return SX_EINVAL;
	}
	out->names = calloc(zone.content.count + 1, sizeof *out->names);
	if (!out->names) {
		return SX_ENOMEM;
	}
	walk = sx_reader_of(zone.content.items);
	while (sx_rains_next_contained(&walk, &zone, &assertion)) {
		struct sx_cli_published *published = &out->names[out->count];

		published->assertion = assertion;
		published->type = first_type(&assertion);
		if (!sx_bytes_equal(assertion.subject, sx_bytes_text("@")) &&
			sx_rains_name_join(&published->name, assertion.subject, zone.zone) ==
				SX_OK) {
			out->count++;
		}
	}
	return SX_OK;
}

/* Takes an assertion out of an answer: it may be ours, or what was published before. */
static void judge(struct sx_cli_published *published, const struct sx_rains_section *found)
{
	const struct sx_rains_section *ours = &published->assertion;
	int64_t until, ignored;
	struct sx_bytes data = first_data(found, &until);

	if (found->type != SX_RAINS_ASSERTION || !sx_bytes_equal(found->subject, ours->subject) ||
		!sx_bytes_equal(found->zone, ours->zone)) {
		return;
	}
	if (sx_bytes_equal(data, first_data(ours, &ignored))) {
		published->is_seen = true;
	} else if (until > published->older_until) {
		published->older_until = until;
	}
}

/* Waits for the answer with our token. */
static int take_answer(struct sx_cli_server *server, struct sx_cli_published *published,
	struct sx_bytes token, uint64_t deadline_ns)
{
	struct sx_rains_section section;
	struct sx_rains_msg msg = { .token = { NULL, 0 } };
	struct sx_bytes message;
	struct sx_reader walk;

	do {
		int rc = sx_cli_server_receive(server, deadline_ns, &message);

		if (rc == SX_OK) {
			rc = sx_rains_msg_parse(&msg, message, SX_RAINS_MSG_MOST);
		}
		if (rc < 0) {
			return rc;
		}
	} while (!sx_bytes_equal(msg.token, token));
	walk = sx_reader_of(msg.content.items);
	while (sx_rains_next_section(&walk, &section)) {
		judge(published, &section);
	}
	return SX_OK;
}

static int ask(
	struct sx_cli_server *server, struct sx_cli_published *published, uint64_t deadline_ns)
{
	uint64_t patience_ns = sx_loop_now_ns() + ANSWER_NS;
	uint8_t token[SX_RAINS_TOKEN_BYTES];
	uint8_t out[SX_RAINS_QUERY_MOST];
	struct sx_writer query = sx_writer_of(out, sizeof out);
	struct sx_rains_question question = {
		.name = sx_rains_name_bytes(&published->name),
		.context = published->assertion.context,
		.types = &published->type,
		.type_count = 1,
	};
	int rc;

	sx_random_bytes(token, sizeof token);
	sx_rains_query_write(&query, sx_bytes_of(token, sizeof token), &question,
		(int64_t)sx_loop_unix_time() + QUERY_SECONDS);
	rc = sx_cli_server_send(server, sx_writer_bytes(&query));
	return rc < 0 ? rc
		      : take_answer(server, published, sx_bytes_of(token, sizeof token),
				patience_ns < deadline_ns ? patience_ns : deadline_ns);
}

/* One question for each name that has not been seen. */
static int ask_all(struct sx_cli_publication *publication, struct sx_cli_server *server,
	uint64_t deadline_ns, FILE *progress)
{
	int rc = SX_OK;

	for (size_t i = 0; i < publication->count; i++) {
		struct sx_cli_published *published = &publication->names[i];

		if (published->is_seen) {
			continue;
		}
		rc = ask(server, published, deadline_ns);
		if (published->is_seen) {
			publication->seen++;
			(void)fprintf(progress, "seen: %.*s\n", (int)published->name.len,
				(const char *)published->name.data);
		}
		if (rc < 0 && rc != SX_ETIMEDOUT) {
			return rc;
		}
	}
	return SX_OK;
}

/* Until all are seen or time is up; a connection that breaks is made anew. */
static int watch_names(struct sx_cli_publication *publication, struct sx_cli_server *server,
	FILE *progress, struct sx_rains_reason *reason)
{
	uint64_t deadline_ns = sx_loop_now_ns() + DEADLINE_NS;
	const struct timespec pause = { .tv_nsec = (long)PAUSE_NS };
	int rc = SX_OK;

	while (publication->seen < publication->count) {
		if (rc == SX_OK) {
			rc = ask_all(publication, server, deadline_ns, progress);
		} else {
			rc = sx_cli_server_connect(server, deadline_ns, reason);
		}
		if (publication->seen < publication->count && sx_loop_now_ns() >= deadline_ns) {
			return SX_ETIMEDOUT;
		}
		if (publication->seen < publication->count) {
			(void)nanosleep(&pause, NULL); /* nothing tells when it has the zone */
		}
	}
	return SX_OK;
}

int sx_cli_publish(struct sx_cli_publication *out, const char *server, struct sx_bytes message,
	FILE *progress, struct sx_rains_reason *reason)
{
	uint64_t start_ns = sx_loop_now_ns();
	struct sx_cli_server *connection = NULL;
	int rc;

	*out = (struct sx_cli_publication){ .names = NULL };
	sx_rains_reason_set(reason, "out of memory");
	rc = list_names(out, message);
	if (rc == SX_OK) {
		rc = sx_cli_server_new(&connection, server, reason);
	}
	if (rc == SX_OK) {
		rc = sx_cli_server_connect(connection, start_ns + DEADLINE_NS, reason);
	}
	if (rc == SX_OK) {
		rc = sx_cli_server_send(connection, message);
		sx_rains_reason_set(reason, "the server does not take it");
	}
	if (rc == SX_OK) {
		rc = watch_names(out, connection, progress, reason);
	} else if (rc == SX_ETIMEDOUT) {
		rc = SX_EIO; /* nothing was published */
	}
	sx_cli_server_free(connection);
	out->took_ns = sx_loop_now_ns() - start_ns;
	return rc;
}

void sx_cli_publication_fini(struct sx_cli_publication *publication)
{
	free(publication->names);
	*publication = (struct sx_cli_publication){ .names = NULL };
}
