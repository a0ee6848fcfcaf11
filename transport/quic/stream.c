/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "quic/conn.h"

int sx_stream_new(struct sx_stream **out, struct sx_conn *conn)
{
	struct sx_stream *stream = calloc(1, sizeof *stream);

	if (!stream) {
		return SX_ENOMEM;
	}
	stream->conn = conn;
	stream->quic_id = -1;
	stream->facts = conn->facts;
	sx_list_init(&stream->sendable);
	sx_chunks_init(&stream->out);
	sx_chunks_init(&stream->in);
	sx_list_init(&stream->link);
	sx_list_append(&conn->streams, &stream->link);
	*out = stream;
	return SX_OK;
}

static void stream_free(struct sx_stream *stream)
{
	sx_chunks_fini(&stream->out);
	sx_chunks_fini(&stream->in);
	free(stream);
}

void sx_stream_detach(struct sx_stream *stream)
{
	sx_list_remove(&stream->link);
	sx_list_remove(&stream->sendable);
	if (stream->conn) {
		stream->facts = stream->conn->facts;
		stream->conn = NULL;
	}
	if (!stream->owned) {
		stream_free(stream);
	}
}

void sx_stream_schedule(struct sx_stream *stream)
{
	bool has_work =
		stream->out.len > stream->out.marked || (stream->fin_wanted && !stream->fin_sent);

	if (!stream->conn) {
		return;
	}
	if (stream->quic_id < 0 || stream->held || stream->reset_wanted || !has_work) {
		sx_list_remove(&stream->sendable);
		return;
	}
	if (sx_list_is_empty(&stream->sendable)) {
		sx_list_append(&stream->conn->sendable, &stream->sendable);
	}
	sx_conn_mark(stream->conn);
}

int sx_stream_take(struct sx_stream *stream, struct sx_bytes bytes)
{
	bool was_empty = stream->in.len == 0;
	int rc = bytes.len > 0 ? sx_chunks_append(&stream->in, bytes) : SX_OK;

	if (rc < 0) {
		return rc;
	}
	if (bytes.len > 0 && was_empty && stream->owned && !stream->paused) {
		sx_conn_events(stream->conn)->readable(stream->user, stream);
	}
	return SX_OK;
}

static void tell_writable(struct sx_stream *stream, size_t before)
{
	size_t unsent = sx_stream_unsent_bytes(stream);
	bool low = stream->was_over && unsent <= sx_conn_queue_limit(stream->conn) / 4;
	bool empty = before > 0 && unsent == 0;

	if (!low && !empty) {
		return;
	}
	stream->was_over = false;
	if (stream->owned && !stream->closed) {
		sx_conn_events(stream->conn)->writable(stream->user, stream);
	}
}

void sx_stream_sent(struct sx_stream *stream, size_t len, bool fin)
{
	size_t before = sx_stream_unsent_bytes(stream);

	sx_chunks_mark(&stream->out, len);
	if (fin) {
		stream->fin_sent = true;
		stream->fin_alone = len == 0;
	}
	sx_stream_schedule(stream);
	tell_writable(stream, before);
}

void sx_stream_acked(struct sx_stream *stream, size_t len)
{
	sx_chunks_drop(&stream->out, len);
	stream->fin_acked = stream->fin_acked || len == 0;
}

void sx_stream_tell_closed(struct sx_stream *stream, int status, const char *reason)
{
	if (stream->closed) {
		return;
	}
	stream->closed = true;
	if (stream->owned) {
		sx_conn_events(stream->conn)->closed(stream->user, stream, status, reason);
	}
}

/* A FIN that went with the last bytes is acknowledged with them. */
static bool is_fin_settled(const struct sx_stream *stream)
{
	return !stream->fin_wanted ||
	       (stream->fin_sent && (stream->fin_acked || !stream->fin_alone));
}

bool sx_stream_is_unsettled(const struct sx_stream *stream)
{
	bool alive = stream->quic_id >= 0 || stream->pending;

	return alive && !stream->reset_wanted && (stream->out.len > 0 || !is_fin_settled(stream));
}

void sx_stream_set_user(struct sx_stream *stream, void *user)
{
	stream->user = user;
}

int sx_stream_write(struct sx_stream *stream, struct sx_bytes bytes)
{
	size_t unsent = sx_stream_unsent_bytes(stream), limit;
	int rc;

	if (!stream->conn || stream->closed || stream->fin_wanted || stream->reset_wanted) {
		return SX_ECLOSED;
	}
	if (bytes.len == 0) {
		return SX_OK;
	}
	limit = sx_conn_queue_limit(stream->conn);
	if (unsent > 0 && bytes.len + unsent > limit) {
		return SX_ELIMIT;
	}
	rc = sx_chunks_append(&stream->out, bytes);
	if (rc < 0) {
		return rc;
	}
	stream->was_over = stream->was_over || sx_stream_unsent_bytes(stream) > limit / 4;
	sx_conn_count_written(stream->conn, bytes.len);
	sx_stream_schedule(stream);
	return SX_OK;
}

void sx_stream_finish(struct sx_stream *stream)
{
	stream->fin_wanted = true;
	sx_stream_schedule(stream);
}

void sx_stream_reset(struct sx_stream *stream)
{
	if (!stream->conn || stream->closed) {
		return;
	}
	stream->reset_wanted = true;
	sx_stream_schedule(stream);
	sx_conn_mark(stream->conn);
}

int sx_stream_read(struct sx_stream *stream, void *out, size_t cap, size_t *len)
{
	uint8_t *at = out;
	size_t done = 0;

	while (done < cap && stream->in.len > 0) {
		struct sx_bytes head = sx_chunks_head(&stream->in);
		size_t part = head.len < cap - done ? head.len : cap - done;

		memcpy(at + done, head.data, part);
		sx_chunks_drop(&stream->in, part);
		done += part;
	}
	if (done == 0) {
		return SX_EAGAIN;
	}
	if (stream->conn) {
		sx_conn_credit(stream->conn, stream, done);
	}
	*len = done;
	return SX_OK;
}

void sx_stream_pause(struct sx_stream *stream, bool paused)
{
	stream->tell_readable = stream->paused && !paused && stream->in.len > 0;
	stream->paused = paused;
	if (stream->tell_readable && stream->conn) {
		sx_conn_mark(stream->conn);
	}
}

void sx_stream_hold(struct sx_stream *stream, bool held)
{
	stream->held = held;
	sx_stream_schedule(stream);
}

size_t sx_stream_readable_bytes(const struct sx_stream *stream)
{
	return stream->in.len;
}

size_t sx_stream_unsent_bytes(const struct sx_stream *stream)
{
	return stream->out.len - stream->out.marked;
}

size_t sx_stream_unacked_bytes(const struct sx_stream *stream)
{
	return stream->out.marked;
}

void sx_stream_release(struct sx_stream *stream)
{
	assert(stream->owned);
	stream->owned = false;
	if (!stream->conn) {
		stream_free(stream);
		return;
	}
	if (stream->in.len > 0) {
		sx_conn_credit(stream->conn, stream, stream->in.len);
		sx_chunks_drop(&stream->in, stream->in.len);
	}
	if (stream->quic_id < 0 && !stream->pending) {
		sx_stream_detach(stream);
		return;
	}
	stream->closed = true;
	if (stream->fin_wanted && stream->fin_received) {
		/* Both sides have finished: what is on its way may arrive. */
		return;
	}
	stream->reset_wanted = true;
	sx_stream_schedule(stream);
	sx_conn_mark(stream->conn);
}

void sx_stream_info(const struct sx_stream *stream, struct sx_stream_info *out)
{
	const struct sx_facts *facts = &stream->facts;

	*out = (struct sx_stream_info){
		.dialled = facts->dialled,
		.alpn = facts->alpn,
		.local_name = facts->local_name,
		.remote_name = facts->remote_name,
		.cipher = facts->cipher,
		.connection_id = facts->connection_id,
		.opened_ns = facts->opened_ns,
		.handshake_ns = facts->handshake_ns,
		.rtt_ns = stream->conn ? sx_conn_rtt(stream->conn) : facts->rtt_ns,
		.peer_port = stream->conn ? stream->conn->facts.peer_port : facts->peer_port,
		.verify_status = facts->verdict.status,
		.verify_text = facts->verdict.text,
	};
}

void sx_stream_describe(
	const struct sx_stream *stream, char *peer, size_t peer_cap, char *path, size_t path_cap)
{
	if (stream->conn) {
		sx_conn_describe(stream->conn, peer, peer_cap, path, path_cap);
		return;
	}
	if (peer_cap > 0) {
		peer[0] = '\0';
	}
	if (path_cap > 0) {
		path[0] = '\0';
	}
}

int sx_stream_certificate(const struct sx_stream *stream, unsigned depth, struct sx_bytes *out)
{
	if (!stream->conn || !stream->conn->tls.session) {
		return SX_ENOTFOUND;
	}
	return sx_tls_session_certificate(&stream->conn->tls, depth, out);
}

int sx_stream_export(
	struct sx_stream *stream, const char *label, struct sx_bytes context, void *out, size_t len)
{
	if (!stream->conn || !stream->conn->tls.session || !stream->facts.established) {
		return SX_ECLOSED;
	}
	return sx_tls_session_export(&stream->conn->tls, label, context, out, len);
}
