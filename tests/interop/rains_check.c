/* SPDX-License-Identifier: MIT */
/*
 * rains_check: asks a caching name server by TLS and believes what can be verified from a root key.
 *
 * usage: rains_check SERVER ROOT-KEY-FILE NAME TYPE-NUMBER
 * Prints "data", "alias" or "denied" and the words of the types that came, or what was not believed and why.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/loop.h"
#include "base/random.h"
#include "rains/answer.h"
#include "rains/zone_object.h"
#include "server.h"

#define SECOND_NS     UINT64_C(1000000000)
#define ANCHOR_MOST   65536
#define YEAR          (365 * INT64_C(86400))
#define QUERY_SECONDS 60

/* A message that outlives the next one. */
struct kept {
	struct sx_rains_msg msg;
	uint8_t bytes[SX_RAINS_MSG_MOST];
};

struct check {
	struct sx_cli_server *server;
	struct sx_rains_trust *trust;
	struct sx_rains_chain *chain;
	int64_t now;
	struct kept answer;
	struct kept delegation;
};

static int ask(struct check *check, const struct sx_rains_question *question, struct kept *out)
{
	uint64_t deadline_ns = sx_loop_now_ns() + 2 * SECOND_NS;
	uint8_t token[SX_RAINS_TOKEN_BYTES], bytes[512];
	struct sx_writer query = sx_writer_of(bytes, sizeof bytes);
	struct sx_writer copy = sx_writer_of(out->bytes, sizeof out->bytes);
	struct sx_bytes message = { NULL, 0 };
	int rc;

	sx_random_bytes(token, sizeof token);
	sx_rains_query_write(
		&query, sx_bytes_of(token, sizeof token), question, check->now + QUERY_SECONDS);
	rc = sx_cli_server_send(check->server, sx_writer_bytes(&query));
	if (rc == SX_OK) {
		rc = sx_cli_server_receive(check->server, deadline_ns, &message);
	}
	if (rc < 0) {
		return rc;
	}
	sx_write_bytes(&copy, message);
	rc = sx_rains_msg_parse(&out->msg, sx_writer_bytes(&copy), SX_RAINS_MSG_MOST);
	return rc == SX_OK && !sx_bytes_equal(out->msg.token, sx_bytes_of(token, sizeof token))
		       ? SX_EPROTO
		       : rc;
}

/* Asks for a delegation; without an answer the chain goes on with what it has. */
static int fetch(struct check *check, const struct sx_rains_need *need)
{
	static const int64_t types[] = { SX_RAINS_DELEG };
	const struct sx_rains_question question = {
		.name = sx_rains_name_bytes(&need->zone),
		.context = sx_rains_name_bytes(&need->context),
		.types = types,
		.type_count = 1,
		.phase = need->phase,
	};
	int rc = SX_OK;

	if (ask(check, &question, &check->delegation) == SX_OK) {
		rc = sx_rains_chain_learn(check->chain, &check->delegation.msg, check->now);
	}
	sx_rains_chain_settle(check->chain, need);
	return rc;
}

static void print_answer(const struct sx_rains_answer *answer)
{
	static const char *const kinds[] = { "data", "alias", "denied" };

	(void)printf("%s", kinds[answer->kind]);
	for (size_t i = 0; i < answer->count; i++) {
		struct sx_reader walk = sx_reader_of(answer->hits[i].assertion.objects.items);
		struct sx_rains_object object;

		while (sx_rains_next_object(&walk, &object)) {
			(void)printf(" %s", sx_rains_zone_object_word(object.type));
		}
	}
	(void)printf("\n");
}

static int resolve(struct check *check, const struct sx_rains_question *question)
{
	struct sx_rains_answer answer;
	int rc = ask(check, question, &check->answer);

	if (rc < 0) {
		(void)printf("no answer: %s\n", sx_status_text(rc));
		return rc;
	}
	do {
		rc = sx_rains_answer_read(
			&answer, check->chain, &check->answer.msg, question, check->now);
	} while (rc == SX_EAGAIN && fetch(check, &answer.need) == SX_OK);
	if (rc == SX_OK) {
		print_answer(&answer);
	} else {
		(void)printf("not believed: %s, %s\n", sx_status_text(rc), answer.reason.text);
	}
	return rc;
}

static int read_anchors(const char *name, int64_t now, struct sx_rains_anchors *out)
{
	struct sx_file file = { .name = name, .most = ANCHOR_MOST };
	struct sx_rains_reason reason = { "no such file" };
	char *text = NULL;
	size_t len = 0;
	int rc = sx_file_read(&file, 1, &text, &len);

	if (rc == SX_OK) {
		rc = sx_rains_anchors_add(
			out, sx_bytes_of(NULL, 0), sx_bytes_of(text, len), now, &reason);
	}
	free(text);
	if (rc < 0) {
		(void)fprintf(stderr, "rains_check: %s: %s\n", name, reason.text);
	}
	return rc;
}

static int open_check(struct check *check, const char *server, const char *anchor_file)
{
	struct sx_rains_anchors anchors = { .count = 0 };
	struct sx_rains_reason reason = { "" };
	uint8_t seed[16];
	struct sx_rains_trust_config config = {
		.anchors = &anchors, .keys_most = 16, .validity_most = YEAR, .seed = seed
	};
	int rc;

	check->now = (int64_t)sx_loop_unix_time();
	sx_random_bytes(seed, sizeof seed);
	rc = read_anchors(anchor_file, check->now, &anchors);
	if (rc == SX_OK) {
		rc = sx_rains_trust_new(&check->trust, &config);
	}
	if (rc == SX_OK) {
		rc = sx_rains_chain_new(&check->chain, check->trust);
	}
	if (rc == SX_OK) {
		rc = sx_cli_server_new(&check->server, server, &reason);
	}
	if (rc == SX_OK) {
		rc = sx_cli_server_connect(
			check->server, sx_loop_now_ns() + 5 * SECOND_NS, &reason);
	}
	if (rc < 0) {
		(void)fprintf(stderr, "rains_check: %s\n", reason.text);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct check *check = calloc(1, sizeof *check);
	int64_t type = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	int rc;

	if (!check || type <= 0) {
		(void)fprintf(stderr, "usage: rains_check SERVER ROOT-KEY-FILE NAME TYPE-NUMBER\n");
		free(check);
		return 2;
	}
	rc = open_check(check, argv[1], argv[2]);
	if (rc == SX_OK) {
		const struct sx_rains_question question = {
			.name = sx_bytes_text(argv[3]),
			.context = sx_bytes_text("."),
			.types = &type,
			.type_count = 1,
		};

		rc = resolve(check, &question);
	}
	sx_cli_server_free(check->server);
	sx_rains_chain_free(check->chain);
	sx_rains_trust_free(check->trust);
	free(check);
	return rc == SX_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
