/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rains/tls.h"

#define PIECES_PER_TURN 4
#define REASON_BYTES    200

enum state {
	CONNECTING,
	SHAKING, /* hands */
	CONNECTED,
	CLOSED,
};

struct sx_rains_tls {
	struct sx_loop *outer;
	struct sx_loop *loop;
	struct sx_watch watch;  /* of `loop`, in `outer` */
	struct sx_watch socket; /* fd is -1 when there is none */
	struct sx_ip_port server;
	const struct sx_rains_tls_trust *trust;
	gnutls_session_t session;
	struct sx_rains_tls_events events;
	void *arg;
	enum state state;
	uint64_t deadline_ns;
	bool is_trusted; /* the handshake has judged the server */
	bool is_paused;
	bool is_busy;    /* callbacks may be under way: freed when they have returned */
	bool is_dropped; /* meanwhile */
	char reason[REASON_BYTES];
	uint8_t piece[SX_RAINS_TLS_PIECE_BYTES];
	size_t cap;
	size_t from; /* queued bytes: from here */
	size_t to;   /* to here */
	uint8_t queue[];
};

static const struct {
	int error;
	int status;
	const char *reason;
} connect_errors[] = {
	{ ECONNREFUSED, SX_EREFUSED, "the server refuses connections" },
	{ ENETUNREACH, SX_EUNREACH, "the server's network is unreachable" },
	{ EHOSTUNREACH, SX_EUNREACH, "the server is unreachable" },
	{ ETIMEDOUT, SX_ETIMEDOUT, "the server does not answer" },
	{ ECONNRESET, SX_ERESET, "the server broke the connection off" },
};

static int fail(struct sx_rains_tls *tls, int status, const char *reason)
{
	(void)snprintf(tls->reason, sizeof tls->reason, "%s", reason);
	return status;
}

static int fail_tls(struct sx_rains_tls *tls, int status, const char *what, int error)
{
	const char *alert = NULL;

	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		alert = gnutls_alert_get_name(gnutls_alert_get(tls->session));
	}
	(void)snprintf(tls->reason, sizeof tls->reason, "%s: %s%s%s", what, gnutls_strerror(error),
		alert ? " " : "", alert ? alert : "");
	return status;
}

/* It is to be tried again; when the socket is not what it waits for, at once. */
static bool is_passing(const struct sx_rains_tls *tls, int error)
{
	if (error == GNUTLS_E_AGAIN) {
		return true;
	}
	if (gnutls_error_is_fatal(error)) {
		return false;
	}
	sx_loop_wake(tls->loop);
	return true;
}

static socklen_t address_of(const struct sx_ip_port *server, struct sockaddr_storage *out)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(server->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(server->port) };

	if (server->host.type == SX_HOST_IPV4) {
		memcpy(&four.sin_addr, server->host.bytes, sizeof four.sin_addr);
		memcpy(out, &four, sizeof four);
		return sizeof four;
	}
	memcpy(&six.sin6_addr, server->host.bytes, sizeof six.sin6_addr);
	memcpy(out, &six, sizeof six);
	return sizeof six;
}

/* Asked again, connect() tells how it went. */
static int connect_socket(struct sx_rains_tls *tls)
{
	struct sockaddr_storage address;
	socklen_t len = address_of(&tls->server, &address);

	if (connect(tls->socket.fd, (const struct sockaddr *)&address, len) == 0 ||
		errno == EISCONN) {
		tls->state = SHAKING;
		return SX_OK;
	}
	if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR) {
		return SX_EAGAIN;
	}
	for (size_t i = 0; i < SX_COUNT(connect_errors); i++) {
		if (connect_errors[i].error == errno) {
			return fail(tls, connect_errors[i].status, connect_errors[i].reason);
		}
	}
	return fail(tls, SX_EIO, "no connection can be made to the server");
}

static int shake_hands(struct sx_rains_tls *tls)
{
	int rc = gnutls_handshake(tls->session);

	if (rc < 0 && is_passing(tls, rc)) {
		return SX_EAGAIN;
	}
	if (rc < 0 && tls->reason[0]) { /* by on_verify */
		return SX_ETLS;
	}
	if (rc < 0) {
		return fail_tls(tls, SX_ETLS, "no TLS connection can be made", rc);
	}
	if (!tls->is_trusted) {
		return fail(tls, SX_ETLS, "the server has shown no certificate");
	}
	tls->state = CONNECTED;
	sx_loop_set_deadline(tls->loop, SX_NEVER);
	tls->events.connected(tls->arg);
	return SX_OK;
}

static int on_verify(gnutls_session_t session)
{
	struct sx_rains_tls *tls = gnutls_session_get_ptr(session);
	int rc = sx_rains_tls_trust_judge(tls->trust, session, tls->reason, sizeof tls->reason);

	tls->is_trusted = rc == SX_OK;
	return rc < 0 ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static int flush(struct sx_rains_tls *tls)
{
	while (tls->from < tls->to) {
		ssize_t sent = gnutls_record_send(
			tls->session, tls->queue + tls->from, tls->to - tls->from);

		if (sent < 0 && is_passing(tls, (int)sent)) {
			return SX_OK;
		}
		if (sent < 0) {
			return fail_tls(tls, SX_ERESET, "nothing can be sent", (int)sent);
		}
		tls->from += (size_t)sent;
	}
	tls->from = 0;
	tls->to = 0;
	return SX_OK;
}

/* SX_EAGAIN: all that is there has been received. */
static int receive_piece(struct sx_rains_tls *tls)
{
	ssize_t len = gnutls_record_recv(tls->session, tls->piece, sizeof tls->piece);

	if (len == 0) {
		return fail(tls, SX_ECLOSED, "the server closed the connection");
	}
	if (len == GNUTLS_E_AGAIN) {
		return SX_EAGAIN;
	}
	if (len < 0 && gnutls_error_is_fatal((int)len)) {
		return fail_tls(tls, SX_ERESET, "the connection broke", (int)len);
	}
	if (len > 0) {
		tls->events.received(tls->arg, sx_bytes_of(tls->piece, (size_t)len));
	}
	return SX_OK;
}

/* GnuTLS may hold bytes that the socket no longer has: when the turn is over before them, there is another. */
static int receive(struct sx_rains_tls *tls)
{
	for (int i = 0; i < PIECES_PER_TURN && !tls->is_paused && !tls->is_dropped; i++) {
		int rc = receive_piece(tls);

		if (rc < 0) {
			return rc == SX_EAGAIN ? SX_OK : rc;
		}
	}
	if (!tls->is_paused) {
		sx_loop_wake(tls->loop);
	}
	return SX_OK;
}

static int step(struct sx_rains_tls *tls)
{
	int rc = SX_OK;

	if (tls->state == CONNECTING) {
		rc = connect_socket(tls);
	}
	if (rc == SX_OK && tls->state == SHAKING) {
		rc = shake_hands(tls);
	}
	if (rc == SX_EAGAIN && sx_loop_now_ns() >= tls->deadline_ns) {
		return fail(tls, SX_ETIMEDOUT,
			tls->state == CONNECTING ? "no connection to the server in time"
						 : "no TLS handshake with the server in time");
	}
	if (rc == SX_OK && !tls->is_dropped) {
		rc = flush(tls);
	}
	return rc == SX_OK ? receive(tls) : rc;
}

static unsigned events_of(const struct sx_rains_tls *tls)
{
	if (tls->state == CONNECTING) {
		return SX_LOOP_WRITE;
	}
	if (tls->state == SHAKING) {
		return gnutls_record_get_direction(tls->session) ? SX_LOOP_WRITE : SX_LOOP_READ;
	}
	return (tls->is_paused ? 0 : SX_LOOP_READ) | (tls->from < tls->to ? SX_LOOP_WRITE : 0);
}

static void close_socket(struct sx_rains_tls *tls)
{
	tls->state = CLOSED;
	if (tls->socket.fd < 0) {
		return;
	}
	sx_loop_unwatch(tls->loop, &tls->socket);
	(void)close(tls->socket.fd);
	tls->socket.fd = -1;
}

static void tls_free(struct sx_rains_tls *tls)
{
	close_socket(tls);
	if (tls->session) {
		gnutls_deinit(tls->session);
	}
	if (tls->loop) {
		sx_loop_unwatch(tls->outer, &tls->watch);
	}
	sx_loop_free(tls->loop);
	free(tls);
}

static void turn(struct sx_rains_tls *tls)
{
	int rc = step(tls);

	if (tls->is_dropped) {
		return;
	}
	if ((rc == SX_OK || rc == SX_EAGAIN) &&
		sx_loop_watch_for(tls->loop, &tls->socket, events_of(tls)) < 0) {
		rc = fail(tls, SX_EIO, "the connection cannot be watched");
	}
	if (rc < 0 && rc != SX_EAGAIN) {
		close_socket(tls);
		sx_loop_set_deadline(tls->loop, SX_NEVER);
		tls->events.closed(tls->arg, rc, tls->reason);
	}
}

static void on_ready(void *arg)
{
	struct sx_rains_tls *tls = arg;

	sx_loop_run(tls->loop, 0);
	if (tls->state == CLOSED) {
		return;
	}
	tls->is_busy = true;
	turn(tls);
	tls->is_busy = false;
	if (tls->is_dropped) {
		sx_rains_tls_close(tls);
	}
}

/* All is done in the turn that follows. */
static void on_socket_ready(void *arg)
{
	(void)arg;
}

static int open_loop(struct sx_rains_tls *tls)
{
	int rc = sx_loop_new(&tls->loop);

	if (rc < 0) {
		return rc;
	}
	tls->watch = (struct sx_watch){ on_ready, tls, sx_loop_fd(tls->loop) };
	sx_loop_set_deadline(tls->loop, tls->deadline_ns);
	sx_loop_wake(tls->loop);
	return sx_loop_watch(tls->outer, &tls->watch);
}

/* A question is one small message that must not wait for more: rains.md section 4, TCP_NODELAY. */
static int open_socket(struct sx_rains_tls *tls)
{
	int on = 1;

	tls->socket.fd = socket(tls->server.host.type == SX_HOST_IPV4 ? AF_INET : AF_INET6,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tls->socket.fd < 0 ||
		setsockopt(tls->socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
		return SX_EIO;
	}
	return SX_OK;
}

static int open_session(struct sx_rains_tls *tls)
{
	int rc;

	if (gnutls_init(&tls->session,
		    GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS) < 0) {
		tls->session = NULL;
		return SX_ENOMEM;
	}
	rc = sx_rains_tls_trust_apply(tls->trust, tls->session);
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_session_set_verify_function(tls->session, on_verify);
	gnutls_transport_set_int(tls->session, tls->socket.fd);
	return rc;
}

int sx_rains_tls_open(
	struct sx_rains_tls **out, struct sx_loop *loop, const struct sx_rains_tls_config *config)
{
	size_t cap = config->queue_bytes ? config->queue_bytes : SX_RAINS_TLS_QUEUE_BYTES;
	struct sx_rains_tls *tls = calloc(1, sizeof *tls + cap);
	int rc;

	if (!tls) {
		return SX_ENOMEM;
	}
	tls->outer = loop;
	tls->socket = (struct sx_watch){ on_socket_ready, tls, -1 };
	tls->server = config->server;
	tls->trust = config->trust;
	tls->events = config->events;
	tls->arg = config->arg;
	tls->deadline_ns = config->deadline_ns;
	tls->cap = cap;
	rc = open_loop(tls);
	if (rc < 0) {
		goto fail;
	}
	rc = open_socket(tls);
	if (rc < 0) {
		goto fail;
	}
	rc = open_session(tls);
	if (rc < 0) {
		goto fail;
	}
	*out = tls;
	return SX_OK;

fail:
	tls_free(tls);
	return rc;
}

void sx_rains_tls_close(struct sx_rains_tls *tls)
{
	if (!tls) {
		return;
	}
	if (tls->is_busy) {
		tls->is_dropped = true;
		return;
	}
	if (tls->state == CONNECTED) {
		(void)gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	}
	tls_free(tls);
}

int sx_rains_tls_send(struct sx_rains_tls *tls, struct sx_bytes bytes)
{
	if (tls->state == CLOSED) {
		return SX_ECLOSED;
	}
	if (bytes.len > tls->cap - (tls->to - tls->from)) {
		return SX_ELIMIT;
	}
	if (bytes.len > tls->cap - tls->to) {
		/* GnuTLS has a copy of what it could not send at once: the bytes may move. */
		memmove(tls->queue, tls->queue + tls->from, tls->to - tls->from);
		tls->to -= tls->from;
		tls->from = 0;
	}
	if (bytes.len > 0) {
		memcpy(tls->queue + tls->to, bytes.data, bytes.len);
	}
	tls->to += bytes.len;
	sx_loop_wake(tls->loop);
	return SX_OK;
}

void sx_rains_tls_pause(struct sx_rains_tls *tls, bool paused)
{
	if (tls->is_paused != paused) {
		tls->is_paused = paused;
		sx_loop_wake(tls->loop);
	}
}
