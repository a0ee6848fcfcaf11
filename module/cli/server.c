/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "rains/scan.h"

#define MESSAGE_MOST 65536
#define NS_PER_MS    1000000
#define HOST_BYTES   256

struct sx_cli_server {
	struct sockaddr_storage address;
	socklen_t address_len;
	int fd; /* -1: not connected */
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session; /* NULL: not connected */
	size_t taken;             /* bytes of `in` that the last message had */
	size_t len;
	uint8_t in[MESSAGE_MOST];
};

static int complain(
	struct sx_rains_reason *reason, int status, const char *address, const char *problem)
{
	sx_rains_reason_set(reason, "%.200s: %s", address, problem);
	return status;
}

/* The host without its brackets, and the port. False: neither "HOST", "HOST:PORT" nor "[HOST]:PORT". */
static bool split(const char *address, char host[HOST_BYTES], const char **port)
{
	bool has_bracket = *address == '[';
	const char *start = has_bracket ? address + 1 : address;
	const char *end = strchr(start, has_bracket ? ']' : ':');
	const char *rest = end && has_bracket ? end + 1 : end;
	size_t len = end ? (size_t)(end - start) : strlen(start);

	if (len == 0 || len >= HOST_BYTES || (has_bracket && !end) ||
		(rest && *rest && (*rest != ':' || !rest[1] || strchr(rest + 1, ':')))) {
		return false;
	}
	memcpy(host, start, len);
	host[len] = '\0';
	*port = rest && *rest ? rest + 1 : SX_CLI_SERVER_PORT;
	return true;
}

static int look_up(
	struct sx_cli_server *server, const char *address, struct sx_rains_reason *reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;
	char host[HOST_BYTES];
	const char *port;
	int rc;

	if (!split(address, host, &port)) {
		return complain(reason, SX_EINVAL, address,
			"expected an address such as ns.example.org:55553 or [::1]:55553");
	}
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0) {
		return complain(reason, SX_ENOTFOUND, address, gai_strerror(rc));
	}
	memcpy(&server->address, found->ai_addr, found->ai_addrlen);
	server->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return SX_OK;
}

int sx_cli_server_new(
	struct sx_cli_server **out, const char *address, struct sx_rains_reason *reason)
{
	struct sx_cli_server *server = calloc(1, sizeof *server);
	int rc;

	if (!server) {
		return complain(reason, SX_ENOMEM, address, "out of memory");
	}
	server->fd = -1;
	rc = look_up(server, address, reason);
	if (rc == SX_OK && gnutls_certificate_allocate_credentials(&server->credentials) < 0) {
		rc = complain(reason, SX_ENOMEM, address, "out of memory");
	}
	if (rc < 0) {
		sx_cli_server_free(server);
		return rc;
	}
	*out = server;
	return SX_OK;
}

static void disconnect(struct sx_cli_server *server)
{
	if (server->session) {
		gnutls_deinit(server->session);
	}
	if (server->fd >= 0) {
		(void)close(server->fd);
	}
	server->session = NULL;
	server->fd = -1;
	server->len = 0;
	server->taken = 0;
}

void sx_cli_server_free(struct sx_cli_server *server)
{
	if (!server) {
		return;
	}
	disconnect(server);
	if (server->credentials) {
		gnutls_certificate_free_credentials(server->credentials);
	}
	free(server);
}

/* Waits until the socket is ready. */
static int wait_for(const struct sx_cli_server *server, short events, uint64_t deadline_ns)
{
	struct pollfd watched = { .fd = server->fd, .events = events };
	uint64_t now_ns = sx_loop_now_ns();
	int rc;

	if (now_ns >= deadline_ns) {
		return SX_ETIMEDOUT;
	}
	rc = poll(&watched, 1, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1);
	if (rc < 0 && errno != EINTR) {
		return SX_EIO;
	}
	return rc == 0 ? SX_ETIMEDOUT : SX_OK;
}

/* Waits for what a call of GnuTLS needs to go on; other results of it are failures. */
static int go_on(struct sx_cli_server *server, ssize_t result, uint64_t deadline_ns)
{
	if (result != GNUTLS_E_AGAIN && result != GNUTLS_E_INTERRUPTED) {
		return gnutls_error_is_fatal((int)result) ? SX_ECLOSED : SX_OK;
	}
	return wait_for(server, gnutls_record_get_direction(server->session) ? POLLOUT : POLLIN,
		deadline_ns);
}

static int connect_socket(struct sx_cli_server *server, uint64_t deadline_ns, int *os_error)
{
	const struct sockaddr *address = (const struct sockaddr *)&server->address;
	int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	socklen_t len = sizeof *os_error;
	int one = 1;
	int rc = SX_OK;

	server->fd = socket(server->address.ss_family, type, 0);
	*os_error = errno;
	if (server->fd < 0) {
		return SX_EIO;
	}
	if (connect(server->fd, address, server->address_len) < 0) {
		*os_error = errno;
		rc = errno == EINPROGRESS ? wait_for(server, POLLOUT, deadline_ns) : SX_EIO;
	}
	if (rc == SX_OK) {
		(void)getsockopt(server->fd, SOL_SOCKET, SO_ERROR, os_error, &len);
		rc = *os_error == 0 ? SX_OK : SX_EIO;
	}
	/* Without it the first query waits for the acknowledgement of the handshake's end. */
	(void)setsockopt(server->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return rc;
}

static int shake_hands(struct sx_cli_server *server, uint64_t deadline_ns)
{
	int rc = SX_OK;
	int result;

	if (gnutls_init(&server->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		server->session = NULL;
		return SX_ENOMEM;
	}
	(void)gnutls_set_default_priority(server->session);
	(void)gnutls_credentials_set(server->session, GNUTLS_CRD_CERTIFICATE, server->credentials);
	gnutls_transport_set_int(server->session, server->fd);
	do {
		result = gnutls_handshake(server->session);
		rc = result == 0 ? SX_OK : go_on(server, result, deadline_ns);
	} while (result != 0 && rc == SX_OK);
	return rc == SX_ECLOSED ? SX_ETLS : rc;
}

int sx_cli_server_connect(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_rains_reason *reason)
{
	int os_error = 0;
	int rc;

	disconnect(server);
	rc = connect_socket(server, deadline_ns, &os_error);
	if (rc == SX_EIO) {
		sx_rains_reason_set(reason, "%s; is the server running?", strerror(os_error));
		return rc;
	}
	if (rc == SX_OK) {
		rc = shake_hands(server, deadline_ns);
	}
	if (rc < 0) {
		sx_rains_reason_set(
			reason, "%s; does it speak RAINS over TLS there?", sx_status_text(rc));
		disconnect(server);
	}
	return rc;
}

int sx_cli_server_send(struct sx_cli_server *server, struct sx_bytes message, uint64_t deadline_ns)
{
	int rc = server->session ? SX_OK : SX_ECLOSED;

	while (rc == SX_OK && message.len > 0) {
		ssize_t sent = gnutls_record_send(server->session, message.data, message.len);

		if (sent > 0) {
			message = sx_bytes_of(message.data + sent, message.len - (size_t)sent);
		} else {
			rc = go_on(server, sent, deadline_ns);
		}
	}
	return rc;
}

/* Puts what comes behind what is there. */
static int receive_more(struct sx_cli_server *server, uint64_t deadline_ns)
{
	ssize_t got = gnutls_record_recv(
		server->session, server->in + server->len, sizeof server->in - server->len);

	if (got > 0) {
		server->len += (size_t)got;
		return SX_OK;
	}
	return got == 0 ? SX_ECLOSED : go_on(server, got, deadline_ns);
}

int sx_cli_server_receive(
	struct sx_cli_server *server, uint64_t deadline_ns, struct sx_bytes *message)
{
	struct sx_cbor_scan scan = sx_cbor_scan_of(sizeof server->in);
	int rc;

	server->len -= server->taken;
	memmove(server->in, server->in + server->taken, server->len);
	server->taken = 0;
	rc = server->session ? sx_cbor_scan(&scan, sx_bytes_of(server->in, server->len))
			     : SX_ECLOSED;
	while (rc == SX_EAGAIN) {
		rc = receive_more(server, deadline_ns);
		if (rc == SX_OK) {
			rc = sx_cbor_scan(&scan, sx_bytes_of(server->in, server->len));
		}
	}
	if (rc == SX_OK) {
		server->taken = scan.at;
		*message = sx_bytes_of(server->in, scan.at);
	}
	return rc;
}
