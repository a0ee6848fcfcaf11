/* SPDX-License-Identifier: MIT */
#include "ns_tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ns_identity.h"
#include "rains/scan.h"

#define CLIENTS_MOST 32
#define HUGE_BYTES   70000

struct client {
	struct sx_watch watch; /* fd is -1 while the place is free */
	struct sx_ns_tls *tls;
	gnutls_session_t session;
	uint64_t generation; /* of the place, so that late answers find it taken by another */
	bool is_open;        /* the handshake is done */
	size_t len;
	uint8_t in[SX_RAINS_MSG_MOST];
};

struct sx_ns_tls {
	struct sx_watch watch;
	struct sx_ns_process *process;
	gnutls_certificate_credentials_t credentials;
	struct client clients[CLIENTS_MOST];
};

/* An answer on its way to a client. */
struct reply {
	struct sx_ns_delayed delayed; /* the first member */
	struct client *client;
	uint64_t generation;
	bool hangs_up;
	size_t len;
	uint8_t bytes[];
};

static void hang_up(struct client *client)
{
	sx_loop_unwatch(client->tls->process->loop, &client->watch);
	(void)gnutls_bye(client->session, GNUTLS_SHUT_WR);
	gnutls_deinit(client->session);
	(void)close(client->watch.fd);
	client->watch.fd = -1;
	client->generation++;
}

static void drop(struct sx_ns_delayed *delayed)
{
	free(delayed);
}

static void deliver(struct sx_ns_delayed *delayed)
{
	struct reply *reply = (struct reply *)(void *)delayed;
	struct client *client = reply->client;
	struct sx_bytes rest = sx_bytes_of(reply->bytes, reply->len);
	ssize_t sent = 0;

	if (client->watch.fd < 0 || client->generation != reply->generation) {
		free(reply);
		return;
	}
	while (rest.len > 0 && sent >= 0) {
		sent = gnutls_record_send(client->session, rest.data, rest.len);
		rest = sx_bytes_of(rest.data + (sent > 0 ? sent : 0),
			rest.len - (size_t)(sent > 0 ? sent : 0));
	}
	if (reply->hangs_up || sent < 0) {
		hang_up(client);
	}
	free(reply);
}

/* Answers one message. */
static void take_message(struct client *client, struct sx_bytes message)
{
	struct sx_ns_process *process = client->tls->process;
	struct reply *reply = calloc(1, sizeof *reply + SX_NS_ANSWER_MOST);
	struct sx_writer out;
	enum sx_ns_reaction reaction;

	if (!reply) {
		return;
	}
	out = sx_writer_of(reply->bytes, SX_NS_ANSWER_MOST);
	process->tls_messages++;
	reaction =
		sx_ns_answer(process->ns, message, (int64_t)sx_loop_unix_time(), HUGE_BYTES, &out);
	if (reaction == SX_NS_NOTHING) {
		free(reply);
		return;
	}
	reply->delayed.deliver = deliver;
	reply->delayed.drop = drop;
	reply->client = client;
	reply->generation = client->generation;
	reply->hangs_up = reaction == SX_NS_HANG_UP;
	reply->len = reply->hangs_up ? 0 : out.at;
	sx_ns_process_deliver(process, &reply->delayed);
}

/* Answers all whole messages; keeps the rest. False: what comes is no message, or the client is gone by now. */
static bool take_messages(struct client *client)
{
	uint64_t generation = client->generation;
	int rc = SX_OK;

	while (rc == SX_OK && client->len > 0) {
		struct sx_cbor_scan scan = sx_cbor_scan_of(sizeof client->in);

		rc = sx_cbor_scan(&scan, sx_bytes_of(client->in, client->len));
		if (rc == SX_OK) {
			take_message(client, sx_bytes_of(client->in, scan.at));
		}
		if (client->generation != generation) {
			return false;
		}
		if (rc == SX_OK) {
			client->len -= scan.at;
			memmove(client->in, client->in + scan.at, client->len);
		}
	}
	client->tls->process->ns->counters.malformed += rc != SX_OK && rc != SX_EAGAIN;
	return rc == SX_OK || rc == SX_EAGAIN;
}

/* False: the client is gone, or does not speak TLS. */
static bool shake_hands(struct client *client)
{
	int rc = gnutls_handshake(client->session);

	client->is_open = rc == 0;
	return rc == 0 || !gnutls_error_is_fatal(rc);
}

static void client_ready(void *arg)
{
	struct client *client = arg;
	uint64_t generation = client->generation;
	bool is_good = client->watch.fd >= 0;
	ssize_t got = 1;

	if (is_good && !client->is_open) {
		is_good = shake_hands(client);
	}
	while (is_good && client->is_open && got > 0) {
		got = gnutls_record_recv(
			client->session, client->in + client->len, sizeof client->in - client->len);
		if (got > 0) {
			client->len += (size_t)got;
			is_good = take_messages(client);
		}
	}
	is_good = is_good && (got > 0 || (got < 0 && !gnutls_error_is_fatal((int)got)));
	if (!is_good && client->generation == generation && client->watch.fd >= 0) {
		hang_up(client);
	}
}

static struct client *free_place(struct sx_ns_tls *tls)
{
	for (size_t i = 0; i < CLIENTS_MOST; i++) {
		if (tls->clients[i].watch.fd < 0) {
			return &tls->clients[i];
		}
	}
	return NULL;
}

/* Reads never wait; writes do, for a while, so that a client that does not read cannot stop the others for long. */
static ssize_t pull(gnutls_transport_ptr_t arg, void *out, size_t cap)
{
	const struct client *client = arg;

	return recv(client->watch.fd, out, cap, MSG_DONTWAIT);
}

static int wait_for_input(gnutls_transport_ptr_t arg, unsigned milliseconds)
{
	(void)arg;
	(void)milliseconds;
	return 1;
}

static ssize_t push(gnutls_transport_ptr_t arg, const void *bytes, size_t len)
{
	const struct client *client = arg;

	return send(client->watch.fd, bytes, len, MSG_NOSIGNAL);
}

static bool start_session(struct client *client)
{
	if (gnutls_init(&client->session, GNUTLS_SERVER | GNUTLS_NONBLOCK) < 0) {
		return false;
	}
	(void)gnutls_set_default_priority(client->session);
	(void)gnutls_credentials_set(
		client->session, GNUTLS_CRD_CERTIFICATE, client->tls->credentials);
	gnutls_transport_set_ptr(client->session, client);
	gnutls_transport_set_pull_function(client->session, pull);
	gnutls_transport_set_pull_timeout_function(client->session, wait_for_input);
	gnutls_transport_set_push_function(client->session, push);
	return true;
}

static void listener_ready(void *arg)
{
	struct sx_ns_tls *tls = arg;
	struct timeval patience = { .tv_sec = 1 };
	int fd = accept4(tls->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client = free_place(tls);
	int one = 1;

	if (fd < 0 || !client) {
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	client->watch = (struct sx_watch){ client_ready, client, fd };
	client->tls = tls;
	client->is_open = false;
	client->len = 0;
	if (!start_session(client)) {
		(void)close(fd);
		client->watch.fd = -1;
		return;
	}
	tls->process->connections++;
	if (sx_loop_watch(tls->process->loop, &client->watch) < 0) {
		hang_up(client);
	}
}

static socklen_t write_address(const struct sx_ip_port *local, struct sockaddr_storage *out)
{
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (local->host.type == SX_HOST_IPV4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(local->port);
		memcpy(&four->sin_addr, local->host.bytes, sizeof four->sin_addr);
		return sizeof *four;
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(local->port);
	memcpy(&six->sin6_addr, local->host.bytes, sizeof six->sin6_addr);
	return sizeof *six;
}

static int listen_at(struct sx_ns_tls *tls, const struct sx_ip_port *local)
{
	struct sockaddr_storage address;
	socklen_t len = write_address(local, &address);
	int one = 1;

	tls->watch = (struct sx_watch){ listener_ready, tls,
		socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
	if (tls->watch.fd < 0) {
		return SX_EIO;
	}
	(void)setsockopt(tls->watch.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(tls->watch.fd, (const struct sockaddr *)&address, len) < 0 ||
		listen(tls->watch.fd, CLIENTS_MOST) < 0) {
		return SX_EIO;
	}
	return sx_loop_watch(tls->process->loop, &tls->watch);
}

int sx_ns_tls_open(struct sx_ns_tls **out, struct sx_ns_process *process,
	const struct sx_ip_port *local, const char *pem)
{
	struct sx_ns_tls *tls = calloc(1, sizeof *tls);
	int rc;

	if (!tls) {
		return SX_ENOMEM;
	}
	tls->process = process;
	tls->watch.fd = -1;
	for (size_t i = 0; i < CLIENTS_MOST; i++) {
		tls->clients[i].watch.fd = -1;
	}
	rc = sx_ns_identity_make(&tls->credentials, pem);
	if (rc == SX_OK) {
		rc = listen_at(tls, local);
	}
	if (rc < 0) {
		sx_ns_tls_close(tls);
		return rc;
	}
	*out = tls;
	return SX_OK;
}

void sx_ns_tls_close(struct sx_ns_tls *tls)
{
	int error = errno;

	if (!tls) {
		return;
	}
	for (size_t i = 0; i < CLIENTS_MOST; i++) {
		if (tls->clients[i].watch.fd >= 0) {
			hang_up(&tls->clients[i]);
		}
	}
	if (tls->watch.fd >= 0) {
		sx_loop_unwatch(tls->process->loop, &tls->watch);
		(void)close(tls->watch.fd);
	}
	if (tls->credentials) {
		gnutls_certificate_free_credentials(tls->credentials);
	}
	free(tls);
	errno = error;
}
