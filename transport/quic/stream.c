/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/live.h"
#include "quic/endpoint_private.h"

#define CHUNK_BYTES 4096
#define HIGH_WATER  262144

static void chunk_free(struct sx_chunk *chunk)
{
	sx_list_remove(&chunk->link);
	sx_buf_unref(chunk->buf);
	free(chunk);
}

static void chunks_free(struct sx_list *chunks)
{
	sx_list_each(node, next, chunks) {
		chunk_free(sx_container_of(node, struct sx_chunk, link));
	}
}

static struct sx_chunk *last_chunk(const struct sx_list *chunks)
{
	return sx_list_is_empty(chunks) ? NULL : sx_container_of(chunks->prev, struct sx_chunk, link);
}

static struct sx_chunk *following(const struct sx_list *chunks, const struct sx_chunk *chunk)
{
	return chunk->link.next == chunks ? NULL : sx_container_of(chunk->link.next, struct sx_chunk, link);
}

/* A chunk with room for `len` bytes behind all others, or NULL. */
static struct sx_chunk *chunk_append(struct sx_list *chunks, size_t len)
{
	struct sx_chunk *chunk = calloc(1, sizeof *chunk);

	if (!chunk) {
		return NULL;
	}
	if (sx_buf_new(&chunk->buf, len > CHUNK_BYTES ? len : CHUNK_BYTES) < 0) {
		free(chunk);
		return NULL;
	}
	sx_list_append(chunks, &chunk->link);
	return chunk;
}

/* Copies all of `bytes` behind the chunks, or nothing. */
static int append_bytes(struct sx_list *chunks, struct sx_bytes bytes)
{
	struct sx_chunk *last = last_chunk(chunks);
	size_t room = last ? last->buf->cap - last->buf->len : 0;
	size_t taken;

	if (bytes.len > room && !chunk_append(chunks, bytes.len - room)) {
		return SX_ENOMEM;
	}
	taken = last ? sx_buf_append(last->buf, bytes) : 0;
	if (taken < bytes.len) {
		(void)sx_buf_append(last_chunk(chunks)->buf,
			sx_bytes_of(bytes.data + taken, bytes.len - taken));
	}
	return SX_OK;
}

int sx_stream_new(struct sx_stream **out, struct sx_conn *conn)
{
	struct sx_stream *stream = calloc(1, sizeof *stream);

	if (!stream) {
		return SX_ENOMEM;
	}
	stream->id = -1;
	stream->conn = conn;
	conn->refs++;
	sx_list_init(&stream->link);
	sx_list_init(&stream->send);
	sx_list_init(&stream->received);
	sx_live_add();
	*out = stream;
	return SX_OK;
}

void sx_stream_free(struct sx_stream *stream)
{
	chunks_free(&stream->send);
	chunks_free(&stream->received);
	sx_list_remove(&stream->link);
	sx_conn_unref(stream->conn);
	free(stream);
	sx_live_remove();
}

bool sx_stream_wants_to_send(const struct sx_stream *stream)
{
	if (stream->id < 0 || stream->held || stream->quic_gone || stream->reset_wanted) {
		return false;
	}
	return stream->unsent > 0 || (stream->fin_queued && !stream->fin_sent);
}

size_t sx_stream_unsent_views(const struct sx_stream *stream, ngtcp2_vec *views, size_t cap, bool *fin)
{
	size_t count = 0, total = 0;
	size_t at = stream->next_at;

	for (struct sx_chunk *chunk = stream->next; chunk && count < cap; chunk = following(&stream->send, chunk)) {
		views[count++] = (ngtcp2_vec){ .base = chunk->buf->data + at, .len = chunk->buf->len - at };
		total += chunk->buf->len - at;
		at = 0;
	}
	*fin = stream->fin_queued && total == stream->unsent;
	return count;
}

void sx_stream_sent(struct sx_stream *stream, size_t len, bool fin)
{
	stream->unsent -= len;
	stream->unacked += len;
	stream->fin_sent = stream->fin_sent || fin;
	while (len > 0) {
		size_t left = stream->next->buf->len - stream->next_at;

		if (left > len) {
			stream->next_at += len;
			return;
		}
		len -= left;
		stream->next = following(&stream->send, stream->next);
		stream->next_at = 0;
	}
}

void sx_stream_acked(struct sx_stream *stream, size_t len)
{
	stream->unacked -= len;
	while (len > 0) {
		struct sx_chunk *first = sx_container_of(stream->send.next, struct sx_chunk, link);
		size_t left = first->buf->len - first->start;

		if (left > len) {
			first->start += len;
			return;
		}
		len -= left;
		chunk_free(first);
	}
}

static const struct sx_stream_events *events(const struct sx_stream *stream)
{
	return stream->conn->endpoint ? &stream->conn->endpoint->config.events : NULL;
}

static void tell_readable(struct sx_stream *stream)
{
	if (stream->readable > 0 && !stream->told_readable && !stream->paused && stream->user && events(stream)) {
		stream->told_readable = true;
		events(stream)->readable(stream->user, stream);
	}
}

int sx_stream_received(struct sx_stream *stream, struct sx_bytes bytes, bool fin)
{
	if (bytes.len > 0) {
		int rc = append_bytes(&stream->received, bytes);

		if (rc < 0) {
			return rc;
		}
		stream->readable += bytes.len;
		tell_readable(stream);
	}
	if (fin && !stream->fin_received) {
		stream->fin_received = true;
		if (stream->user) {
			events(stream)->finished(stream->user, stream);
		}
	}
	return SX_OK;
}

void sx_stream_end(struct sx_stream *stream, int status, const char *reason)
{
	if (stream->over) {
		return;
	}
	stream->over = true;
	chunks_free(&stream->send);
	stream->next = NULL;
	stream->unsent = 0;
	stream->unacked = 0;
	if (stream->user && events(stream)) {
		events(stream)->closed(stream->user, stream, status, reason);
	}
}

void sx_stream_settle(struct sx_stream *stream)
{
	if (stream->released && stream->quic_gone) {
		sx_stream_free(stream);
	}
}

void sx_stream_set_user(struct sx_stream *stream, void *user)
{
	stream->user = user;
}

int sx_stream_write(struct sx_stream *stream, struct sx_bytes bytes)
{
	struct sx_chunk *last = last_chunk(&stream->send);
	size_t end = last ? last->buf->len : 0;
	int rc;

	if (stream->over || stream->fin_queued || stream->reset_wanted) {
		return SX_ECLOSED;
	}
	if (bytes.len > stream->conn->endpoint->config.limits.send_queue_bytes - stream->unsent) {
		return SX_ELIMIT;
	}
	if (bytes.len == 0) {
		return SX_OK;
	}
	rc = append_bytes(&stream->send, bytes);
	if (rc < 0) {
		return rc;
	}
	if (!stream->next) {
		bool behind_last = last && last->buf->len > end;

		stream->next = behind_last ? last : last_chunk(&stream->send);
		stream->next_at = behind_last ? end : 0;
	}
	stream->unsent += bytes.len;
	stream->over_mark = stream->over_mark || stream->unsent > HIGH_WATER;
	sx_conn_mark_dirty(stream->conn);
	return SX_OK;
}

void sx_stream_finish(struct sx_stream *stream)
{
	if (!stream->over && !stream->fin_queued) {
		stream->fin_queued = true;
		sx_conn_mark_dirty(stream->conn);
	}
}

void sx_stream_reset(struct sx_stream *stream)
{
	if (!stream->over) {
		stream->reset_wanted = true;
		sx_conn_mark_dirty(stream->conn);
	}
}

static size_t take_bytes(struct sx_stream *stream, uint8_t *out, size_t cap)
{
	size_t taken = 0;

	while (taken < cap && !sx_list_is_empty(&stream->received)) {
		struct sx_chunk *first = sx_container_of(stream->received.next, struct sx_chunk, link);
		size_t left = first->buf->len - first->start;
		size_t part = left < cap - taken ? left : cap - taken;

		memcpy(out + taken, first->buf->data + first->start, part);
		taken += part;
		first->start += part;
		if (part == left) {
			chunk_free(first);
		}
	}
	return taken;
}

int sx_stream_read(struct sx_stream *stream, void *out, size_t cap, size_t *len)
{
	size_t taken = take_bytes(stream, out, cap);

	if (taken == 0) {
		return SX_EAGAIN;
	}
	*len = taken;
	stream->readable -= taken;
	stream->told_readable = false;
	tell_readable(stream);
	if (!stream->over) {
		stream->owed += taken;
		sx_conn_mark_dirty(stream->conn);
	}
	return SX_OK;
}

void sx_stream_pause(struct sx_stream *stream, bool paused)
{
	stream->paused = paused;
	if (paused) {
		stream->told_readable = false;
	} else {
		tell_readable(stream);
	}
}

void sx_stream_hold(struct sx_stream *stream, bool held)
{
	stream->held = held;
	if (!held && !stream->over) {
		sx_conn_mark_dirty(stream->conn);
	}
}

size_t sx_stream_readable_bytes(const struct sx_stream *stream)
{
	return stream->readable;
}

size_t sx_stream_unsent_bytes(const struct sx_stream *stream)
{
	return stream->unsent;
}

size_t sx_stream_unacked_bytes(const struct sx_stream *stream)
{
	return stream->unacked;
}

void sx_stream_release(struct sx_stream *stream)
{
	stream->user = NULL;
	stream->released = true;
	sx_stream_reset(stream);
	sx_stream_settle(stream);
}
