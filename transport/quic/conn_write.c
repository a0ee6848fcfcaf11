/* SPDX-License-Identifier: MIT */
/* Builds packets and sends them in trains of equal datagrams. quic.md 1.4 and 2.3. */
#include "quic/endpoint_private.h"

#define VIEWS_MOST  16
#define TRAIN_MOST  64 /* datagrams the kernel takes in one go */
#define TURN_BYTES  (4U * SX_TRAIN_BYTES)
#define LOW_WATER   65536

/* A train being filled in the endpoint's buffer. */
struct filling {
	size_t len;
	size_t segment;
	size_t total; /* of the turn */
	uint8_t ecn;
};

static struct sx_stream *next_to_send(struct sx_conn *conn)
{
	sx_list_each(node, next, &conn->streams) {
		struct sx_stream *stream = sx_container_of(node, struct sx_stream, link);

		if (stream->blocked_round != conn->round && sx_stream_wants_to_send(stream)) {
			return stream;
		}
	}
	return NULL;
}

static void tell_writable(struct sx_stream *stream)
{
	const struct sx_stream_events *events = &stream->conn->endpoint->config.events;

	if (stream->user && (stream->unsent == 0 || (stream->over_mark && stream->unsent < LOW_WATER))) {
		stream->over_mark = false;
		events->writable(stream->user, stream);
	}
}

static void note_sent(struct sx_stream *stream, ngtcp2_ssize len, bool fin, size_t offered)
{
	struct sx_conn *conn = stream->conn;

	if (len < 0) {
		return;
	}
	sx_stream_sent(stream, (size_t)len, fin && (size_t)len == offered);
	conn->endpoint->stats.bytes_written += (uint64_t)len;
	sx_list_remove(&stream->link); /* round robin */
	sx_list_append(&conn->streams, &stream->link);
	if (len > 0) {
		tell_writable(stream);
	}
}

static size_t views_len(const ngtcp2_vec *views, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		len += views[i].len;
	}
	return len;
}

/* One datagram of at most `cap` bytes. 0: nothing to send now; negative: ngtcp2's fatal error. */
static ngtcp2_ssize build(struct sx_conn *conn, uint8_t *out, size_t cap, uint8_t *ecn, uint64_t now_ns)
{
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info = { 0 };

	ngtcp2_path_storage_zero(&path);
	for (;;) {
		struct sx_stream *stream = next_to_send(conn);
		ngtcp2_vec views[VIEWS_MOST];
		size_t count = 0;
		bool fin = false;
		ngtcp2_ssize taken = -1, len;
		uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;

		if (stream) {
			count = sx_stream_unsent_views(stream, views, VIEWS_MOST, &fin);
			flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
		}
		len = ngtcp2_conn_writev_stream(conn->quic, &path.path, &info, out, cap, &taken, flags,
			stream ? stream->id : -1, views, count, now_ns);
		if (stream && (len >= 0 || len == NGTCP2_ERR_WRITE_MORE)) {
			note_sent(stream, taken, fin, views_len(views, count));
		}
		if (len >= 0) {
			*ecn = (uint8_t)info.ecn;
			return len;
		}
		if (len == NGTCP2_ERR_WRITE_MORE) {
			continue;
		}
		if (!stream || (len != NGTCP2_ERR_STREAM_DATA_BLOCKED && len != NGTCP2_ERR_STREAM_SHUT_WR &&
				       len != NGTCP2_ERR_STREAM_NOT_FOUND)) {
			return len;
		}
		stream->blocked_round = conn->round; /* the packet under way must be finished: quic.md 2.3 */
	}
}

/* Keeps what the socket did not take. Without memory it is lost, and loss recovery sends it anew. */
static void keep(struct sx_conn *conn, struct sx_bytes data, size_t segment, uint8_t ecn)
{
	if (sx_buf_new(&conn->waiting.buf, data.len) == SX_OK) {
		(void)sx_buf_append(conn->waiting.buf, data);
		conn->waiting.segment = segment;
		conn->waiting.ecn = ecn;
	}
}

static void flush(struct sx_conn *conn, struct filling *train)
{
	struct sx_endpoint *endpoint = conn->endpoint;
	struct sx_bytes data = sx_bytes_of(endpoint->train, train->len);

	if (train->len == 0) {
		return;
	}
	endpoint->stats.datagrams_out += (train->len + train->segment - 1) / train->segment;
	if (sx_endpoint_ops(endpoint)->send(conn->route, data, train->segment, train->ecn) == SX_EAGAIN) {
		keep(conn, data, train->segment, train->ecn);
	}
	train->len = 0;
}

/* Adds a datagram that lies behind the train in the buffer. */
static void couple(struct sx_conn *conn, struct filling *train, size_t len, uint8_t ecn)
{
	uint8_t *buffer = conn->endpoint->train;

	if (train->len > 0 && (len > train->segment || ecn != train->ecn)) {
		size_t at = train->len;

		flush(conn, train);
		memmove(buffer, buffer + at, len);
	}
	if (train->len == 0) {
		train->segment = len;
		train->ecn = ecn;
	}
	train->len += len;
	train->total += len;
	if (len < train->segment || train->len + SX_DATAGRAM > SX_TRAIN_BYTES ||
		train->len / train->segment >= TRAIN_MOST) {
		flush(conn, train);
	}
}

static bool send_waiting(struct sx_conn *conn)
{
	struct sx_train *waiting = &conn->waiting;

	if (waiting->buf) {
		struct sx_bytes data = sx_bytes_of(waiting->buf->data, waiting->buf->len);

		if (sx_endpoint_ops(conn->endpoint)->send(conn->route, data, waiting->segment, waiting->ecn) ==
			SX_EAGAIN) {
			return false;
		}
		sx_buf_unref(waiting->buf);
		waiting->buf = NULL;
	}
	return true;
}

/* What was asked for outside of ngtcp2's callbacks: streams opened and reset, credit granted. */
static void serve_stream(struct sx_conn *conn, struct sx_stream *stream)
{
	const struct sx_stream_events *events = &conn->endpoint->config.events;

	if (stream->id < 0 && !stream->reset_wanted && conn->phase == SX_CONN_OPEN) {
		if (ngtcp2_conn_open_bidi_stream(conn->quic, &stream->id, stream) != 0) {
			stream->id = -1; /* the peer allows no more streams now */
		} else if (stream->user) {
			events->opened(stream->user, stream);
		}
	}
	if (stream->owed > 0 && stream->id >= 0) {
		(void)ngtcp2_conn_extend_max_stream_offset(conn->quic, stream->id, stream->owed);
		ngtcp2_conn_extend_max_offset(conn->quic, stream->owed);
		stream->owed = 0;
	}
	if (stream->reset_wanted && !stream->over) {
		if (stream->id >= 0) {
			(void)ngtcp2_conn_shutdown_stream(conn->quic, 0, stream->id, 1);
		}
		sx_stream_end(stream, SX_ERESET, "the stream was reset");
	}
}

static void serve_streams(struct sx_conn *conn)
{
	sx_list_each(node, next, &conn->streams) {
		struct sx_stream *stream = sx_container_of(node, struct sx_stream, link);

		serve_stream(conn, stream);
		if (stream->over && stream->id < 0) { /* never opened: QUIC knows nothing of it */
			sx_conn_note_stream_gone(conn, stream);
		}
	}
}

/* A silence is measured from the first packet that waits for an answer. */
static void note_silence(struct sx_conn *conn, uint64_t now_ns)
{
	ngtcp2_conn_info info;

	ngtcp2_conn_get_conn_info(conn->quic, &info);
	if (info.bytes_in_flight == 0) {
		conn->heard_ns = now_ns;
	}
}

bool sx_conn_write(struct sx_conn *conn, uint64_t now_ns)
{
	struct sx_endpoint *endpoint = conn->endpoint;
	size_t budget = sx_endpoint_ops(endpoint)->budget(conn->route);
	struct filling train = { 0 };
	ngtcp2_ssize len;

	if (!send_waiting(conn)) {
		return false;
	}
	if (budget > SX_DATAGRAM) {
		budget = SX_DATAGRAM;
	}
	note_silence(conn, now_ns);
	serve_streams(conn);
	conn->round++;
	do {
		uint8_t ecn;

		len = build(conn, endpoint->train + train.len, budget, &ecn, now_ns);
		if (len > 0) {
			couple(conn, &train, (size_t)len, ecn);
		}
	} while (len > 0 && !conn->waiting.buf && train.total < TURN_BYTES);
	if (len < 0) {
		sx_conn_fail(conn, (int)len);
		return false;
	}
	flush(conn, &train);
	ngtcp2_conn_update_pkt_tx_time(conn->quic, now_ns);
	return len > 0 && !conn->waiting.buf;
}
