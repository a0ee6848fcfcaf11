/* SPDX-License-Identifier: MIT */
/* What a connection sends: packets filled by its streams in turns, gathered into trains of equal datagrams. */
#include <stdlib.h>

#include "quic/endpoint_core.h"

#define PIECES          16
#define TRAIN_DATAGRAMS 64 /* most that the kernel segments in one call */
#define TRAIN_BYTES     65000
#define PAYLOAD_MIN     1200
#define PAYLOAD_MAX     1452
#define PACKET_MIN      64 /* there is no use in less */

/* Datagrams back to back in the endpoint's scratch, all of `segment` bytes but the last. */
struct train {
	uint8_t *data;
	size_t len;
	size_t segment;
	size_t count;
	uint8_t ecn;
};

/* A train that the port did not take. QUIC counts it as sent, so it must go as it is, or be lost. */
struct parcel {
	struct sx_list link;
	struct sx_buf *data;
	size_t segment;
	uint64_t since_ns;
	uint8_t ecn;
};

static void parcel_free(struct parcel *parcel)
{
	sx_list_remove(&parcel->link);
	sx_buf_unref(parcel->data);
	free(parcel);
}

void sx_conn_drop_backlog(struct sx_conn *conn)
{
	sx_list_each (link, following, &conn->backlog) {
		parcel_free(sx_container_of(link, struct parcel, link));
	}
}

/* Without memory the datagrams are lost, which QUIC can bear. */
static void keep(struct sx_conn *conn, const struct train *train)
{
	struct parcel *parcel = calloc(1, sizeof *parcel);

	if (!parcel) {
		return;
	}
	if (sx_buf_new(&parcel->data, train->len) < 0) {
		free(parcel);
		return;
	}
	(void)sx_buf_append(parcel->data, sx_bytes_of(train->data, train->len));
	parcel->segment = train->segment;
	parcel->ecn = train->ecn;
	parcel->since_ns = conn->endpoint->now_ns;
	sx_list_init(&parcel->link);
	sx_list_append(&conn->backlog, &parcel->link);
}

int sx_conn_flush(struct sx_conn *conn)
{
	sx_list_each (link, following, &conn->backlog) {
		struct parcel *parcel = sx_container_of(link, struct parcel, link);
		int rc = SX_ETIMEDOUT;

		/* After a probe timeout loss recovery has taken over. quic.md 2.7, 11. */
		if (conn->endpoint->now_ns - parcel->since_ns < ngtcp2_conn_get_pto(conn->quic)) {
			rc = sx_conn_send(conn, sx_bytes_of(parcel->data->data, parcel->data->len),
				parcel->segment, parcel->ecn);
		}
		if (rc == SX_EAGAIN) {
			return SX_EAGAIN;
		}
		parcel_free(parcel);
	}
	return SX_OK;
}

static void train_send(struct sx_conn *conn, struct train *train)
{
	int rc = SX_EAGAIN;

	if (train->len == 0) {
		return;
	}
	if (sx_list_is_empty(&conn->backlog)) {
		rc = sx_conn_send(
			conn, sx_bytes_of(train->data, train->len), train->segment, train->ecn);
	}
	if (rc == SX_EAGAIN) {
		keep(conn, train);
	}
	conn->endpoint->stats.datagrams_out += train->count;
	train->len = 0;
	train->count = 0;
}

/* Takes in the datagram of `len` bytes that lies right behind the train. */
static void train_add(struct sx_conn *conn, struct train *train, size_t len, uint8_t ecn)
{
	if (train->len > 0 && (len > train->segment || ecn != train->ecn)) {
		size_t offset = train->len;

		train_send(conn, train);
		memmove(train->data, train->data + offset, len);
	}
	if (train->len == 0) {
		train->segment = len;
		train->ecn = ecn;
	}
	train->len += len;
	train->count++;
	if (len < train->segment || train->count == TRAIN_DATAGRAMS) {
		train_send(conn, train);
	}
}

static struct sx_stream *next_stream(const struct sx_conn *conn)
{
	if (sx_list_is_empty(&conn->sendable)) {
		return NULL;
	}
	return sx_container_of(conn->sendable.next, struct sx_stream, sendable);
}

static void to_the_back(struct sx_list *list, struct sx_stream *stream)
{
	sx_list_remove(&stream->sendable);
	sx_list_append(list, &stream->sendable);
}

struct packet {
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info;
	uint8_t *data;
	size_t cap;
};

/* Offers a stream's next bytes to the packet. `*len` is -1 when none of it went in. */
static ngtcp2_ssize offer(struct sx_conn *conn, struct sx_stream *stream, struct packet *packet)
{
	struct sx_bytes pieces[PIECES];
	ngtcp2_vec vec[PIECES];
	size_t total = 0, count = sx_chunks_unmarked(&stream->out, pieces, PIECES);
	ngtcp2_ssize taken = -1, rc;
	bool fin;

	for (size_t i = 0; i < count; i++) {
		/* ngtcp2 only reads through it; its type is not const. */
		union {
			const uint8_t *in;
			uint8_t *out;
		} base = { .in = pieces[i].data };

		vec[i] = (ngtcp2_vec){ base.out, pieces[i].len };
		total += pieces[i].len;
	}
	fin = stream->fin_wanted && total == sx_stream_unsent_bytes(stream);
	rc = ngtcp2_conn_writev_stream(conn->quic, &packet->path.path, &packet->info, packet->data,
		packet->cap, &taken,
		NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0),
		stream->quic_id, vec, count, conn->endpoint->now_ns);
	if (taken >= 0 && (rc >= 0 || rc == NGTCP2_ERR_WRITE_MORE)) {
		sx_stream_sent(stream, (size_t)taken, fin && (size_t)taken == total);
	}
	return rc;
}

/*
 * Builds one packet. Once a part of it exists (WRITE_MORE) it must be brought to its end before anything else is done
 * with the connection, so every way out of the loop is a call that ends it. quic.md 2.3.
 */
static ngtcp2_ssize build(struct sx_conn *conn, struct packet *packet)
{
	struct sx_stream *stream;

	while ((stream = next_stream(conn))) {
		ngtcp2_ssize rc = offer(conn, stream, packet);

		if (rc == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
			to_the_back(&conn->blocked, stream);
			continue;
		}
		if (rc == NGTCP2_ERR_STREAM_SHUT_WR || rc == NGTCP2_ERR_STREAM_NOT_FOUND) {
			/* The peer asked us to stop: half a stream is none. */
			stream->reset_wanted = true;
			sx_stream_schedule(stream);
			continue;
		}
		if (rc == NGTCP2_ERR_WRITE_MORE) {
			continue;
		}
		if (rc > 0 && !sx_list_is_empty(&stream->sendable)) {
			to_the_back(&conn->sendable, stream);
		}
		return rc;
	}
	return ngtcp2_conn_writev_stream(conn->quic, &packet->path.path, &packet->info,
		packet->data, packet->cap, NULL, NGTCP2_WRITE_STREAM_FLAG_NONE, -1, NULL, 0,
		conn->endpoint->now_ns);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t budget_of(const struct sx_conn *conn)
{
	size_t budget = conn->endpoint->config.port.ops->budget(conn->ways[0].route);

	return budget < PAYLOAD_MIN ? PAYLOAD_MIN : smaller(budget, PAYLOAD_MAX);
}

/* Sends up to one quantum. `*full` tells that it was used up. */
static int send_quantum(struct sx_conn *conn, size_t *datagrams, bool *full)
{
	size_t allowance = (size_t)sx_conn_allowance(conn);
	size_t budget = smaller(budget_of(conn), allowance);
	size_t left = ngtcp2_conn_get_send_quantum(conn->quic);
	struct train train = { .data = conn->endpoint->scratch };
	ngtcp2_ssize len = 1;

	if (budget < PACKET_MIN) {
		return 0;
	}
	left = left < budget ? budget : smaller(left, allowance);
	while (left >= budget && train.len + budget <= TRAIN_BYTES) {
		struct packet packet = { .data = train.data + train.len, .cap = budget };

		ngtcp2_path_storage_zero(&packet.path);
		len = build(conn, &packet);
		if (len <= 0) {
			break;
		}
		train_add(conn, &train, (size_t)len, (uint8_t)packet.info.ecn);
		left -= (size_t)len;
		++*datagrams;
	}
	train_send(conn, &train);
	*full = len > 0;
	return len < 0 ? (int)len : 0;
}

/* Streams that waited for the peer's credit and have it now. */
static void unblock(struct sx_conn *conn)
{
	if (sx_list_is_empty(&conn->blocked) || ngtcp2_conn_get_max_data_left(conn->quic) == 0) {
		return;
	}
	sx_list_each (link, following, &conn->blocked) {
		struct sx_stream *stream = sx_container_of(link, struct sx_stream, sendable);

		if (ngtcp2_conn_get_max_stream_data_left(conn->quic, stream->quic_id) > 0) {
			to_the_back(&conn->sendable, stream);
		}
	}
}

static void open_stream(struct sx_conn *conn, struct sx_stream *stream)
{
	stream->pending = false;
	conn->pending--;
	stream->opened = true;
	stream->facts = conn->facts;
	sx_conn_stream_opened(conn);
	sx_conn_events(conn)->opened(stream->user, stream);
	sx_stream_schedule(stream);
}

static void break_off(struct sx_conn *conn, struct sx_stream *stream)
{
	sx_list_remove(&stream->sendable);
	sx_stream_tell_closed(stream, SX_ERESET, "broken off");
	if (stream->quic_id >= 0) {
		(void)ngtcp2_conn_shutdown_stream(conn->quic, 0, stream->quic_id, 0);
	}
	stream->reset_done = true;
}

/* Carries out what callbacks and the owner have noted on one stream. */
static void settle(struct sx_conn *conn, struct sx_stream *stream)
{
	if (stream->pending && stream->reset_wanted) {
		sx_conn_stream_given_up(conn, stream);
		return;
	}
	if (stream->pending && conn->state == SX_CONN_OPEN &&
		ngtcp2_conn_open_bidi_stream(conn->quic, &stream->quic_id, stream) == 0) {
		open_stream(conn, stream);
	}
	if (stream->tell_readable && stream->owned && !stream->closed && stream->in.len > 0) {
		stream->tell_readable = false;
		sx_conn_events(conn)->readable(stream->user, stream);
	}
	if (stream->reset_wanted && !stream->reset_done) {
		break_off(conn, stream);
	}
}

static void settle_all(struct sx_conn *conn)
{
	sx_list_each (link, following, &conn->streams) {
		settle(conn, sx_container_of(link, struct sx_stream, link));
	}
}

static bool has_round_trip(const struct sx_conn *conn)
{
	ngtcp2_conn_info info = { 0 };

	ngtcp2_conn_get_conn_info(conn->quic, &info);
	return info.latest_rtt > 0;
}

/*
 * Tells the pacer what has been sent. Before the first measured round trip ngtcp2 0.12 paces by an assumed one of 333 ms,
 * which would hold up the second flight of every handshake; then the initial window is bound enough.
 */
static void pace(struct sx_conn *conn, bool full)
{
	if (!full) {
		conn->rest_due_ns = ngtcp2_conn_get_expiry(conn->quic);
	}
	if (has_round_trip(conn)) {
		ngtcp2_conn_update_pkt_tx_time(conn->quic, conn->endpoint->now_ns);
	}
}

bool sx_conn_write(struct sx_conn *conn, size_t *datagrams)
{
	bool full = false;
	size_t before = *datagrams;
	int rc;

	if (!conn->quic) {
		return false;
	}
	conn->rest_due_ns = 0;
	settle_all(conn);
	if (sx_conn_flush(conn) == SX_EAGAIN) {
		return false;
	}
	unblock(conn);
	rc = send_quantum(conn, datagrams, &full);
	if (rc < 0) {
		sx_conn_fail(conn, rc);
		return false;
	}
	if (*datagrams == before) {
		return false;
	}
	pace(conn, full);
	if (conn->silent_since_ns == SX_NEVER && sx_conn_in_flight(conn) > 0) {
		conn->silent_since_ns = conn->endpoint->now_ns;
	}
	return full && sx_list_is_empty(&conn->backlog);
}
