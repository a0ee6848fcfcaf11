/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>

#include "sim_core.h"

#define CHUNK 65536

struct sim_stream *sim_stream_new(struct sim_node *node)
{
	struct sim_stream *record;

	MUST(node->stream_count < SIM_STREAMS);
	record = &node->streams[node->stream_count++];
	*record = (struct sim_stream){ .node = node };
	return record;
}

/* No callback after the stream was released, none of the others after `closed`. */
static struct sim_stream *alive(void *user)
{
	struct sim_stream *record = user;

	MUST(record);
	MUST(record->stream);
	MUST(!record->closed);
	return record;
}

static void on_accepted(void *arg, struct sx_stream *stream)
{
	struct sim_stream *record = sim_stream_new(arg);

	record->stream = stream;
	record->accepted = true;
	record->opened = true;
	sx_stream_set_user(stream, record);
}

static void on_opened(void *user, struct sx_stream *stream)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	MUST(!record->opened);
	record->opened = true;
}

static void on_readable(void *user, struct sx_stream *stream)
{
	MUST(sx_stream_readable_bytes(stream) > 0);
	alive(user)->readable_told++;
}

static void on_writable(void *user, struct sx_stream *stream)
{
	(void)stream;
	alive(user)->writable_told++;
}

static void on_finished(void *user, struct sx_stream *stream)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	MUST(!record->finished);
	record->finished = true;
}

static void on_closed(void *user, struct sx_stream *stream, int status, const char *reason)
{
	struct sim_stream *record = alive(user);

	(void)stream;
	MUST(status < 0);
	MUST(*reason != '\0');
	record->closed = true;
	record->status = status;
	(void)snprintf(record->reason, sizeof record->reason, "%s", reason);
}

const struct sx_stream_events sim_stream_events = {
	.accepted = on_accepted,
	.opened = on_opened,
	.readable = on_readable,
	.writable = on_writable,
	.finished = on_finished,
	.closed = on_closed,
};

static uint8_t pattern(uint64_t seed, uint64_t offset)
{
	uint64_t mixed = (offset + seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint8_t)(mixed >> 56);
}

int sim_write(struct sim_stream *record, size_t len)
{
	uint8_t bytes[CHUNK];
	int rc;

	MUST(len <= sizeof bytes);
	for (size_t i = 0; i < len; i++) {
		bytes[i] = pattern(record->seed, record->sent + i);
	}
	rc = sx_stream_write(record->stream, sx_bytes_of(bytes, len));
	if (rc == SX_OK) {
		record->sent += len;
	}
	return rc;
}

size_t sim_read(struct sim_stream *record, size_t cap)
{
	uint8_t bytes[CHUNK];
	size_t len = 0;

	MUST(cap <= sizeof bytes);
	if (sx_stream_read(record->stream, bytes, cap, &len) < 0) {
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		MUST(bytes[i] == pattern(record->seed, record->received + i));
	}
	record->received += len;
	return len;
}

void sim_release(struct sim_stream *record)
{
	struct sx_stream *stream = record->stream;

	record->stream = NULL;
	sx_stream_release(stream);
}

struct sim_stream *sim_accepted(struct sim_node *node, size_t number)
{
	for (size_t i = 0; i < node->stream_count; i++) {
		if (node->streams[i].accepted && number-- == 0) {
			return &node->streams[i];
		}
	}
	ck_abort_msg("no such stream was accepted");
	return NULL;
}

struct sim_link sim_connect(struct sim_node *a, struct sim_node *b)
{
	struct sim_link link;
	size_t accepted = 0;

	for (size_t i = 0; i < b->stream_count; i++) {
		accepted += b->streams[i].accepted;
	}
	link.near = sim_dial(a, b, "a.example.org", "b.example.org", "xmpp-server");
	sim_until(a->sim, &link.near->opened, 20 * SIM_SECOND);
	ck_assert_int_eq(sim_write(link.near, 10), SX_OK);
	sim_run(a->sim, SIM_SECOND);
	link.far = sim_accepted(b, accepted);
	ck_assert_uint_eq(sim_read(link.far, 100), 10);
	return link;
}

void sim_part(struct sim_link *link)
{
	sx_stream_finish(link->near->stream);
	sx_stream_finish(link->far->stream);
	sim_until(link->near->node->sim, &link->near->closed, 20 * SIM_SECOND);
	sim_until(link->near->node->sim, &link->far->closed, 20 * SIM_SECOND);
}
